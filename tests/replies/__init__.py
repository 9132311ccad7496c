"""Tests of `sockreply.replies`."""

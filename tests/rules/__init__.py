"""Tests of `sockreply.rules`."""

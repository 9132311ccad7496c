"""Tests of `sockreply.framing`."""

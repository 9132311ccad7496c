"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# The same examples on every run and machine, however slow it is.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

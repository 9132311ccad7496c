"""How to start the server that keeps no promise."""

from __future__ import annotations

import sys

NAIVE = (sys.executable, "-m", "tests.hostile.naive_server")
"""The runner."""

ANYWHERE = ("--listen", "tcp:0:interface=127.0.0.1")
"""Its options for a free port."""

NAIVE_LINGERS = ("--close", "--delay", "0.02")
"""Its options for a reply that takes a moment, so that some are always under way."""

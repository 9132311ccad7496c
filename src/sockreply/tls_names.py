"""Server names (SNI) in a handshake, which a peer may fill with any bytes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def passing_over_names() -> Iterator[None]:
    """Say nothing of a name that is not ASCII: Python would print a traceback."""
    hook, sys.unraisablehook = sys.unraisablehook, _pass_over_names
    try:
        yield
    finally:
        sys.unraisablehook = hook


def _pass_over_names(unraisable: Any) -> None:
    if not isinstance(unraisable.exc_value, UnicodeDecodeError):
        sys.__unraisablehook__(unraisable)

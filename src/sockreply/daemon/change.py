"""A change of one part of a daemon, made in two steps so that it can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Change(NamedTuple):
    """Something that is already open, but not used yet.

    Args:
        carry_out: Uses it instead of what was used before; cannot fail.
        undo: Closes it.
    """

    carry_out: Callable[[], None]
    undo: Callable[[], None]

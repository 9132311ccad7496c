"""What the tests measured, told at the end."""

from __future__ import annotations

from typing import Protocol


class Figure(Protocol):
    """Keeps a figure for the end."""

    def __call__(self, promise: str, text: str) -> None:
        """Keep one.

        Args:
            promise: Its number in docs/reliability.md, such as `P2`.
            text: What was measured, and where that is not clear, on what.
        """


def number_of(promise: str) -> int:
    """That of `P2` is 2."""
    return int(promise.removeprefix("P"))

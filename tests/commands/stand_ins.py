"""Responders of a user's, as a configuration file names them."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from sockreply.replies import Session


class Talker:
    """Says what it is, and what it would answer."""

    def respond(self, message: bytes, session: Session) -> bytes:
        return message

    def describe(self) -> list[str]:
        """A summary, and one more line."""
        return ["an echo", "it repeats what it is told"]

    def states(self) -> list[str]:
        """Only one."""
        return ["awake"]

    def explain(self, message: bytes, session: Session) -> object:
        """Always the same."""
        return SimpleNamespace(answered=True, lines=lambda: ["echo:", f"  {message!r}"])


class Mute(Talker):
    """Has nothing to say of itself."""

    def describe(self) -> list[str]:
        return []


class Broken(Talker):
    """Fails at both."""

    def describe(self) -> Iterator[str]:  # type: ignore[override] # as untyped code does
        yield "an echo"
        raise LookupError("no words")

    def explain(self, message: bytes, session: Session) -> object:
        raise LookupError("no reason")

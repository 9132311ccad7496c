"""Framings that send a message between the same bytes, whatever it is, or as it is."""

from __future__ import annotations

from sockreply.framing.interfaces import Framing


class Affixed(Framing):
    """Sends a message as it is, or between `affixes` where a subclass has some."""

    @property
    def affixes(self) -> tuple[bytes, bytes]:
        return b"", b""

    def frame(self, message: bytes) -> bytes:
        before, after = self.affixes
        return before + message + after

"""Bytes that nobody means well: streams that mean something to a framing, or nearly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tests.framing.known import KNOWN, Known

ALPHABET = b"\0\1\2\3\x0b\x1c\r\n0123:.,;<>|#\"'abcxyz\xf0\xfa\xfd\xff"
"""Bytes of which one or the other means something to some framing."""


class Noise:
    """Makes streams, and cuts them.

    Args:
        known: The framing that they mean something to.
        random: Decides.
    """

    def __init__(self, known: Known, random: Random) -> None:
        self._random = random
        self._own = known.wires
        self._changes: tuple[Callable[[bytes], bytes], ...] = (
            *(self._flip, self._cut_out, self._insert, self._twice, self._splice, self._swap),
        )

    def make(self) -> bytes:
        """Up to a few hundred bytes: noise, what the framing knows, or that with mistakes."""
        random = self._random
        kind = random.randrange(16)
        if kind == 0:
            return random.randbytes(random.randrange(24))
        if kind == 1:
            return bytes(random.choices(ALPHABET, k=random.randrange(40)))
        wire = b"".join(random.choices(self._own, k=random.randrange(1, 5)))[:300]
        if kind > 3:
            for _ in range(random.choice((1, 1, 2, 4))):
                wire = random.choice(self._changes)(wire)
        return wire

    def make_long(self, size: int) -> bytes:
        """So many bytes, in which a piece comes again and again, maybe between two others."""
        random = self._random
        piece = self._piece() or b"\0"
        if random.randrange(2):
            piece = piece[: random.randrange(1, 4)]
        wire = self._piece() * random.randrange(2) + piece * (size // len(piece) + 1)
        return wire[: size - 40] + random.choice(self._own)[:40]

    def reads_of(self, wire: bytes) -> list[bytes]:
        """A stream as it may come, in single bytes or in a few reads."""
        random = self._random
        if len(wire) < 60 and not random.randrange(3):
            places: Sequence[int] = range(1, len(wire))
        else:
            places = sorted(random.randrange(len(wire) + 1) for _ in range(random.choice((1, 3))))
        ends = [*places, len(wire)]
        reads = [wire[start:end] for start, end in zip([0, *places], ends, strict=True)]
        return [each for each in reads if each]

    def _piece(self) -> bytes:
        """A part of what the framing knows, or of noise."""
        random = self._random
        wire = random.choice(self._own) or bytes(random.choices(ALPHABET, k=3))
        start = random.randrange(len(wire))
        return wire[start : start + random.randrange(1, 12)]

    def _at(self, wire: bytes) -> int:
        return self._random.randrange(len(wire) + 1)

    def _flip(self, wire: bytes) -> bytes:
        if not wire:
            return wire
        at = self._random.randrange(len(wire))
        return wire[:at] + bytes([wire[at] ^ 1 << self._random.randrange(8)]) + wire[at + 1 :]

    def _cut_out(self, wire: bytes) -> bytes:
        at = self._at(wire)
        return wire[:at] + wire[at + self._random.choice((1, 2, 5, len(wire))) :]

    def _insert(self, wire: bytes) -> bytes:
        at, random = self._at(wire), self._random
        piece = random.choice(
            (self._piece(), random.randbytes(2), bytes(random.choices(ALPHABET, k=3)))
        )
        return wire[:at] + piece * random.choice((1, 1, 1, 30)) + wire[at:]

    def _twice(self, wire: bytes) -> bytes:
        one, other = sorted((self._at(wire), self._at(wire)))
        return wire[:other] + wire[one:]

    def _splice(self, wire: bytes) -> bytes:
        other = self._random.choice(self._random.choice(KNOWN).wires)
        return wire[: self._at(wire)] + other[self._at(other) :][:100]

    def _swap(self, wire: bytes) -> bytes:
        at = self._at(wire)
        return wire[at:] + wire[:at]

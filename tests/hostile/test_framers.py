"""No bytes do anything to a framer but end their connection, and none take long to look at."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest
from twisted.protocols.basic import LineReceiver

from sockreply.errors import ConfigError
from sockreply.framing import Framer, Framing, Headed
from sockreply.framing.registry import parse_framing
from tests.framing.table import (
    ANY_END,
    ASTM,
    BLOCKS,
    BOUNDED_BY_READS,
    EOF,
    JSON,
    LINE,
    MLLP,
    NETSTRING,
    RESP,
    SMTP_DOT,
    SPECS,
    STREAMS,
    STX_ETX,
    TELNET,
    receive,
)
from tests.framing.test_choice import ALL as LISTS
from tests.framing.test_choice import STREAMS as STREAMS_OF_LISTS
from tests.hostile.figures import Figure, Promise

STREAMS_TRIED = 200_000
LIMITS = (1, 2, 8, 20, 100, 65_536)

MANY = 262_144
"""Bytes of a message that comes a byte at a time."""

LINEAR = 7.0
"""By how much four times the bytes may take longer; what looks at all of them again takes 16."""

ANY_CUT = [spec for spec in SPECS if spec.partition(":")[0] not in BOUNDED_BY_READS]
LENGTH = "length:digits=6"
HEAD = "head"
HEADED = Headed(parse_framing(LINE), re.compile(rb"^set (?P<length>\S*)"), adjust=2)
"""A framing that no spec stands for."""
HEADS = [b"get a\r\n", b"set 3\r\n\r\n1\r\n", b"set 0\n\n\n", b"set 9", b"set x\n"]
"""What it receives."""
OTHERS = {**LISTS, HEAD: HEADED}
ANY_CUT += OTHERS
STARTS = {
    "length": b"500000",
    "netstring": b"500000:",
    "enclosed": b"\x02\x0b",
    "json": b"[",
    "resp": b"*1\r\n$500000\r\n",
    HEAD: b"set 500000\n",
}
"""What a message begins with, before its single bytes."""
BYTE_BY_BYTE = (
    *(LINE, ANY_END, TELNET, BLOCKS, SMTP_DOT, STX_ETX, MLLP, ASTM, LENGTH, NETSTRING, JSON),
    *(EOF, RESP, HEAD),
)

ALPHABET = b"\0\1\2\3\x0b\x17\x1c\r\n 0123:.,;<>|#\"'[]{}\\abcxyz\xf0\xfa\xfd\xff"


class Streams:
    """Makes streams of bytes that mean something to a framing, or nearly.

    Args:
        spec: The framing's.
        random: Decides.
    """

    def __init__(self, spec: str, random: Random) -> None:
        self._random = random
        known = [row.wire for row in STREAMS if row.spec == spec]
        known += [row.wire for row in STREAMS_OF_LISTS if row.name == spec]
        known += HEADS if spec == HEAD else []
        self._known = known or [b""]

    def make(self) -> bytes:
        """One of a few dozen bytes: noise, what the framing knows, or that with mistakes."""
        random = self._random
        noise = bytes(random.choices(ALPHABET, k=random.randrange(24)))
        good = b"".join(random.choices(self._known, k=3))[:200]
        match random.randrange(4):
            case 0:
                return noise
            case 1:
                return good
            case 2:
                at = random.randrange(len(good) + 1)
                return good[:at] + noise + good[at + random.randrange(4) :]
        return random.randbytes(random.randrange(24))

    def cut(self, wire: bytes) -> list[bytes]:
        """The same in reads."""
        places = sorted(self._random.choices(range(len(wire) + 1), k=3))
        return [
            wire[start:end] for start, end in zip([0, *places], [*places, len(wire)], strict=True)
        ]


class Forgetful:
    """What is often written: each read is taken for whole lines."""

    silence = None
    ready: tuple[()] = ()
    empty = False
    buffered = dropped = 0

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def rest(self) -> bytes:
        return b""

    def receive_data(self, data: bytes) -> None:
        self._lines += filter(None, data.split(b"\n"))

    def receive_eof(self) -> None: ...

    def receive_silence(self) -> None: ...

    def next_message(self) -> bytes | None:
        return self._lines.pop(0) if self._lines else None


def differences(framer: Callable[[str, int], Framer], count: int) -> int:
    """How many of the streams give something else when they come in pieces.

    Whatever is raised, but a `FramingError`, fails the test.

    Args:
        framer: Makes one, for a spec and the most bytes of a message.
        count: How many streams.
    """
    random = Random(12345)  # the same each time
    made = {spec: Streams(spec, random) for spec in ANY_CUT}
    different = 0
    for number in range(count):
        spec = ANY_CUT[number % len(ANY_CUT)]
        wire, limit = made[spec].make(), random.choice(LIMITS)
        whole = receive(framer(spec, limit), [wire])
        different += receive(framer(spec, limit), made[spec].cut(wire)) != whole
    return different


def least_limit(framing: Framing) -> int:
    """The first of the limits that some message of the framing keeps."""
    for limit in LIMITS:
        with suppress(ConfigError):
            framing.framer(limit)
            return limit
    raise AssertionError(framing)


def test_no_bytes_are_more_than_an_error(figure: Figure) -> None:
    """Of 200,000 streams none raises anything else, and none depends on how it is cut."""
    framings = {spec: OTHERS.get(spec) or parse_framing(spec) for spec in ANY_CUT}
    least = {spec: least_limit(framing) for spec, framing in framings.items()}
    found = differences(
        lambda spec, limit: framings[spec].framer(max(limit, least[spec])), STREAMS_TRIED
    )
    what = (
        f"{STREAMS_TRIED:,} streams, {len(framings)} framings: {found} depend on how they are cut"
    )
    figure(Promise.NOISE, what)
    assert found == 0


def test_bytes_that_come_as_they_like(figure: Figure) -> None:
    """The control: what takes each read for whole messages gives others when they are cut."""
    found = differences(lambda _spec, _limit: Forgetful(), 2_000)
    figure(Promise.NOISE, f"a read taken for whole lines: {found:,} depend on it", control=True)
    with pytest.raises(AssertionError):
        assert found == 0


def seconds_for(receive: Callable[[bytes], object], size: int) -> float:
    """Processor time that a message takes which comes a byte at a time and does not end."""
    begun = time.process_time()
    for _ in range(size):
        receive(b"1")
    return time.process_time() - begun


def longer(receiver: Callable[[], Callable[[bytes], object]], many: int = MANY) -> float:
    """By how much so many bytes take longer than a quarter of them."""
    few = min(seconds_for(receiver(), many // 4) for _ in range(3))
    return seconds_for(receiver(), many) / few


def test_a_byte_at_a_time_takes_no_longer(figure: Figure) -> None:
    """The time that a message takes which comes in single bytes grows with its size, no more."""
    grown = {}
    for spec in BYTE_BY_BYTE:
        framing = HEADED if spec == HEAD else parse_framing(spec)

        def receiver(framing: Framing = framing) -> Callable[[bytes], object]:
            framer = framing.framer(2 * MANY)
            framer.receive_data(STARTS.get(framing.name, b""))

            def take(data: bytes) -> None:
                framer.receive_data(data)
                assert framer.next_message() is None

            return take

        grown[spec] = longer(receiver)
    most = max(grown.values())
    figure(Promise.OVERSIZED, f"four times the single bytes take at most {most:.1f} times as long")
    assert most < LINEAR, grown


def test_a_byte_at_a_time_looked_at_again_and_again(figure: Figure) -> None:
    """The control: Twisted's LineReceiver looks at all that is there with each read."""

    def receiver() -> Callable[[bytes], object]:
        lines = LineReceiver()
        lines.MAX_LENGTH = 2 * MANY
        return lines.dataReceived

    grown = longer(receiver, MANY // 4)  # of all of them, it would take a minute
    figure(Promise.OVERSIZED, f"LineReceiver: {grown:.1f} times as long", control=True)
    with pytest.raises(AssertionError):
        assert grown < LINEAR

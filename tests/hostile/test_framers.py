"""No bytes do anything to a framer but end their connection, and none take long to look at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from random import Random

import pytest
from twisted.protocols.basic import LineReceiver

from sockreply.errors import CannotFrame, FramingError
from sockreply.framing import Framer
from sockreply.notation import parse_notation
from tests.framing.broken import Copies, Looks, TakesReadsForLines
from tests.framing.known import KNOWN, Known
from tests.framing.noise import Noise
from tests.framing.promises import (
    Fault,
    Make,
    check_memory,
    check_messages,
    check_time,
    seconds_for,
    watched,
)
from tests.framing.table import LINE, SPECS
from tests.hostile.figures import Figure, Promise

STREAMS_TRIED = 200_000
LONG_STREAMS = 4_000

MANY = 1_048_576
"""Bytes of a message that comes a byte at a time."""

MESSAGES = 10_000
"""Messages that come in one read."""

LINEAR = 7.0
"""By how much four times as much may take longer; what looks at all of it again takes 16."""

(LINES,) = (known for known in KNOWN if known.name == LINE)


def short_faults(framings: Sequence[Known], count: int, make: Make | None = None) -> Iterator[str]:
    """What is wrong with what so many short streams become.

    Args:
        framings: Each has as many streams.
        count: How many there are in all.
        make: Makes framers in the place of theirs.
    """
    random = Random(12345)  # the same each time
    made = [(known, Noise(known, random), known.limits) for known in framings]
    for known, noise, limits in islice(cycle(made), count):
        reads, limit = noise.reads_of(noise.make()), random.choice(limits)
        try:
            check_messages(known, make or known.framing.framer, reads, limit)
        except Fault as fault:
            yield f"{known}, of {limit} bytes: {reads}: {fault}"


def long_faults(framings: Sequence[Known], count: int, make: Make | None = None) -> Iterator[str]:
    """The same for streams of thousands of bytes, and what takes much time or memory."""
    random = Random(12345)
    made = [(known, Noise(known, random), known.limits) for known in framings]
    for number, (known, noise, limits) in enumerate(islice(cycle(made), count)):
        wire, limit = noise.make_long(random.choice((1_000, 5_000, 20_000))), random.choice(limits)
        framer = make or known.framing.framer
        reads = noise.reads_of(wire)
        try:
            check_messages(known, framer, reads, limit)
            if number // len(framings) % 2:
                reads = [bytes([byte]) for byte in wire[:5_000]]
            check_memory(known, framer, reads, limit)
            check_time(framer, reads, limit)
        except Fault as fault:
            yield f"{known}, of {limit} bytes: {wire[:200]!r}: {fault}"


def test_no_bytes_are_more_than_an_error(figure: Figure) -> None:
    """Of 200,000 streams none breaks a promise of those that `check_messages` looks at."""
    found = list(short_faults(KNOWN, STREAMS_TRIED))
    what = f"{STREAMS_TRIED:,} streams, {len(KNOWN)} framings: {len(found)} differ"
    figure(Promise.NOISE, what)
    assert found == []


def test_long_streams_are_little_work() -> None:
    """Nor does one of 4,000 long ones, and none takes much time or memory."""
    assert list(long_faults(KNOWN, LONG_STREAMS)) == []


def test_bytes_that_come_as_they_like(figure: Figure) -> None:
    """The control: what takes each read for whole messages gives others when they are cut."""
    found = sum(1 for _ in short_faults([LINES], 2_000, TakesReadsForLines))
    figure(Promise.NOISE, f"a read taken for whole lines: {found:,} differ", control=True)
    with pytest.raises(AssertionError):
        assert found == 0


def test_long_streams_looked_at_again_and_again() -> None:
    """The control: what looks at every byte again with each read takes too much time."""
    assert any("it takes " in fault for fault in long_faults([LINES], 60, Looks))


def of_each_kind() -> Iterator[Known]:
    """Framings such that each framer is that of one, with each set of keys and each head."""
    kinds = set[object]()
    for known in KNOWN:
        keys = parse_notation(known.name)[1] if known.name in SPECS else {}
        head = known.name if known.name.startswith("head") else None
        kind = type(known.framing.framer(MANY)), frozenset(keys), keys.get("form"), head
        if kind not in kinds:
            kinds.add(kind)
            yield known


def longer(receive: Callable[[bytes], object], wire: bytes) -> float:
    """By how much a stream that comes a byte at a time takes longer than its first quarter."""
    took = []
    for part in (wire[: len(wire) // 4], wire[len(wire) // 4 :]):
        begun = time.process_time()
        for byte in part:
            receive(b"%c" % byte)
        took.append(time.process_time() - begun)
    return sum(took) / took[0]


def receiving(known: Known) -> Callable[[bytes], None]:
    """Gives bytes to a framer, or to a new one after an error."""
    framers: list[Framer] = [known.framing.framer(2 * MANY)]

    def receive(data: bytes) -> None:
        (framer,) = framers
        framer.receive_data(data)
        try:
            while framer.next_message() is not None:
                pass
        except FramingError:
            framers[:] = [known.framing.framer(2 * MANY)]

    return receive


def long_message(known: Known) -> bytes:
    """One of a million bytes, where the framing has such, without its last bytes."""
    if known.name.startswith("head"):
        return known.framing.mirrored().frame(b"set a 0 0 %d\r\n" % MANY + b"1" * MANY)[:MANY]
    try:
        return known.framing.mirrored().frame(b"1" * MANY)[:MANY]
    except CannotFrame:
        return b"1" * MANY


def test_a_byte_at_a_time_takes_no_longer(figure: Figure) -> None:
    """The time that a message takes which comes in single bytes grows with its size, no more."""
    grown = {known.name: longer(receiving(known), long_message(known)) for known in of_each_kind()}
    most = max(grown.values())
    figure(Promise.OVERSIZED, f"four times the single bytes take at most {most:.1f} times as long")
    assert most < LINEAR, grown


def test_a_byte_at_a_time_looked_at_again_and_again(figure: Figure) -> None:
    """The control: Twisted's LineReceiver looks at all that is there with each read."""
    lines = LineReceiver()
    lines.MAX_LENGTH = 2 * MANY
    grown = longer(lines.dataReceived, b"1" * (MANY // 16))  # all of them would take minutes
    figure(Promise.OVERSIZED, f"LineReceiver: {grown:.1f} times as long", control=True)
    with pytest.raises(AssertionError):
        assert grown < LINEAR


def messages(known: Known, count: int) -> bytes:
    """At least so many messages, as they come over the wire; or none, if no wire is known."""
    whole = []
    for wire in known.wires:
        seen = watched(known, known.framing.framer(2 * MANY), [wire], 2 * MANY) if wire else None
        if seen and seen.messages and not (seen.error or seen.left):
            whole.append((wire, len(seen.messages)))
    if not whole:
        return b""
    wire, some = max(whole, key=lambda each: each[1] / len(each[0]))
    return wire * (count // some + 1)


def test_many_messages_in_one_read_take_no_longer() -> None:
    """The time for 10,000 messages is about four times that for 2,500."""
    grown = {}
    for known in KNOWN:
        few, many = messages(known, MESSAGES // 4), messages(known, MESSAGES)
        if not few or known.by_reads:
            continue
        least, most = (
            min(seconds_for(known.framing.framer(2 * MANY), [wire]) for _ in range(3))
            for wire in (few, many)
        )
        grown[known.name] = most / least
    assert len(grown) > 100
    assert max(grown.values()) < LINEAR, grown


def test_many_messages_copied_again_and_again() -> None:
    """The control: what copies all that is left with each message takes longer."""
    wire = b"1\n" * MESSAGES * 8
    few = min(seconds_for(Copies(MANY), [wire[: len(wire) // 4]]) for _ in range(3))
    assert seconds_for(Copies(MANY), [wire]) / few > LINEAR

"""No framing that the tests know breaks a promise over noise, and one that does is found out."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.framing.broken import BROKEN, GREEDY, Lines
from tests.framing.known import KNOWN, Known
from tests.framing.noise import Noise
from tests.framing.promises import Fault, Make, check_memory, check_messages
from tests.framing.stand_ins import Stop

LINES = Known(
    "lines",
    Stop("\n"),
    (b"one\ntwo\nthree\n", b"go\nstop\n", b"\n\n", b"#\n", b"#\x1bx\n", b"123456789\n", b"a\n\0b"),
)


@pytest.mark.parametrize("known", KNOWN, ids=str)
def test_noise(known: Known) -> None:
    """Whatever comes, and however it is cut: `check_messages` says what is looked at."""
    random = Random(known.name)
    noise, limits = Noise(known, random), known.limits
    for _ in range(60):
        limit = random.choice(limits)
        check_messages(known, known.framing.framer, noise.reads_of(noise.make()), limit)


@pytest.mark.parametrize("known", KNOWN, ids=str)
def test_long_noise(known: Known) -> None:
    """What comes again and again takes little memory."""
    random = Random(known.name)
    noise, limits = Noise(known, random), known.limits
    for size in (1, 700):
        wire, limit = noise.make_long(3_000), random.choice(limits)
        reads = [wire[at : at + size] for at in range(0, len(wire), size)]
        check_memory(known, known.framing.framer, reads, limit)
        check_messages(known, known.framing.framer, reads[:9], limit)


def faults(make: Make, streams: int) -> Iterator[str]:
    """What is found of a framer in so many short streams."""
    random = Random(1)
    noise = Noise(LINES, random)
    for _ in range(streams):
        limit = random.choice(LINES.limits)
        try:
            check_messages(LINES, make, noise.reads_of(noise.make()), limit)
        except Fault as fault:
            yield str(fault)


def greed(make: Make, streams: int) -> Iterator[str]:
    """The same in long streams."""
    random = Random(1)
    noise = Noise(LINES, random)
    for number in range(streams):
        wire, limit = noise.make_long(4_000), (100, 65_536)[number % 2]
        try:
            check_memory(LINES, make, [bytes([byte]) for byte in wire], limit)
        except Fault as fault:
            yield str(fault)


@pytest.mark.parametrize(("make", "fault"), BROKEN.items())
def test_what_is_broken_is_found_out(make: Make, fault: str) -> None:
    """A framer that breaks one promise is found out, and for that."""
    assert any(each.startswith(fault) for each in faults(make, 2_000))


@pytest.mark.parametrize(("make", "fault"), GREEDY.items())
def test_what_is_greedy_is_found_out(make: Make, fault: str) -> None:
    """So is one that takes too much memory for a long stream."""
    assert any(each.startswith(fault) for each in greed(make, 100))


def test_what_is_whole_is_not_found_out() -> None:
    """The framer that the broken ones are made of has no fault."""
    assert [*faults(Lines, 600), *greed(Lines, 6)] == []

r"""Lines that end in LF, CR LF, CR NUL or CR."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from sockreply.conversation.arrival import TappedFramer
from sockreply.conversation.counters import Counters
from sockreply.conversation.paced_framer import PacedFramer
from sockreply.conversation.pacing import Pacing
from sockreply.framing import Line, Switched, parse_framing
from sockreply.framing.any_ending import AnyEndingFramer
from sockreply.replies import Reply, Wait
from sockreply.settings import PeerLimits, Rate
from tests.framing.table import Outcome, receive
from tests.observing.test_record import RecordedTalk, wire
from tests.server.stand_ins import Talk

ANY = Line(None)
ENDS = (b"\r\0", b"\r", b"\r\n", b"\n")


@pytest.mark.parametrize("end", ENDS)
def test_each_end_is_answered_at_once(end: bytes) -> None:
    """Nothing is waited for, and nothing is left over, so that no deadline of a message runs."""
    peer = Talk(framing=ANY, message_timeout=5, idle_timeout=60)
    for byte in b"admin" + end:
        peer.say(bytes([byte]))
    assert peer.hear() == b"admin\r\n"
    peer.clock.advance(59)
    assert (peer.protocol._answering.framer.buffered, peer.counters.messages) == (0, 1)
    assert not peer.transport.aborted
    peer.say(b"admin" + end)
    assert peer.hear() == b"admin\r\n"


def test_one_behind_the_other() -> None:
    """All four on one connection, wherever it is cut, are the same line four times."""
    stream = b"".join(b"admin" + end for end in ENDS)
    for cut in range(1, len(stream)):
        peer = Talk(framing=ANY)
        peer.say(stream[:cut], stream[cut:])
        assert peer.hear() == b"admin\r\n" * 4


def test_a_late_end_is_no_message_and_not_dropped() -> None:
    """The LF after a CR that was answered is neither counted nor held."""
    framer = AnyEndingFramer(100)
    for late in (b"\n", b"\0"):
        framer.receive_data(b"a\r")
        assert framer.next_message() == b"a"
        framer.receive_data(late)
        assert framer.empty
        assert (framer.buffered, framer.dropped, framer.rest()) == (0, 0, b"")
        assert framer.next_message() is None


def test_only_one_byte_comes_late() -> None:
    """A second LF is an empty line of its own, and a second NUL begins a line."""
    framer = AnyEndingFramer(100)
    assert receive(framer, [b"a\r", b"\n\n", b"b\r", b"\n", b"\n"]) == Outcome(
        (b"a", b"", b"b", b"")
    )
    assert receive(framer, [b"a\r", b"\0\0\n"]) == Outcome((b"a", b"\0"))


def test_reads_at_a_glance_know_of_the_late_end() -> None:
    """What follows a lone CR is looked at more closely, and its own end is forgotten then."""
    framer = AnyEndingFramer(100)
    framer.receive_data(b"a\r")
    assert framer.next_message() == b"a"
    assert framer.take(b"\nb\r\n") is None
    assert framer.take(b"b\r\nc\n") == [b"b", b"c"]
    assert framer.take(b"\nd\r\0") == [b"", b"d"]
    assert framer.take(b"e\r") is None


@settings(max_examples=150)
@given(
    parts=st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\0", b"bb" * 60, *ENDS]), max_size=20),
    times=st.integers(1, 100),
    reads=st.integers(1, 3),
)
def test_many_at_once(parts: list[bytes], times: int, reads: int) -> None:
    """Lines that are cut apart many at once are those that would be found singly."""
    wire = b"".join(parts) * times
    at_once, singly = AnyEndingFramer(1 << 20), AnyEndingFramer(1 << 20)
    singly.ahead = False
    size = len(wire) // reads + 1
    for start in range(0, len(wire), size):
        at_once.receive_data(wire[start : start + size])
        singly.receive_data(wire[start : start + size])
        message: bytes | None = b""
        while message is not None:
            message = singly.next_message()
            assert at_once.next_message() == message
            assert at_once.buffered == singly.buffered
            assert at_once.rest() == singly.rest()


@pytest.mark.parametrize("late", [b"\n", b"\0"])
def test_late_end_after_a_switch(late: bytes) -> None:
    """It belongs to its line, although another framing holds by then."""
    fixed = parse_framing("fixed:size=2")
    framer = Switched(ANY, ANY, (fixed,)).framer(100)
    framer.receive_data(b"go\r")
    assert framer.next_message() == b"go"
    framer.switch(None)
    framer.switch(fixed)
    framer.receive_data(late)
    assert (framer.next_message(), framer.buffered) == (None, 0)
    framer.receive_data(late + b"b")
    assert framer.next_message() == late + b"b"


@pytest.mark.parametrize(
    ("reads", "dropped"),
    [
        ([b"a\r", b"\nb\r\0"], 0),  # it came with the next line
        ([b"a\r", b"\n", b"b\r\0"], 1),  # the record has no other name for what is in no message
        ([b"a\r", b"\nb\r", b"\0"], 1),
        ([b"wait\r", b"\n"], 1),
    ],
)
def test_record_of_late_ends(reads: list[bytes], dropped: int) -> None:
    """Each byte is recorded once and in its place, also the end that came after its line."""
    talk = RecordedTalk(more={"framing": "line:ending=any"}, wait=Reply(Wait(9)))
    talk.say(*reads)
    talk.leave()
    places = [line["request"] for line in talk.all("exchange")] + talk.all("dropped")
    places.sort(key=lambda place: place["at"])
    assert b"".join(map(wire, places)) == b"".join(reads)
    assert [len(wire(place)) for place in places[:-1]] == [
        after["at"] - before["at"] for before, after in pairwise(places)
    ]
    assert (len(talk.all("dropped")), talk.counters.dropped_bytes) == (dropped, 0)


class Held:
    """A dialogue that limits may hold back."""

    def hold_back(self) -> None: ...

    def let_go_on(self) -> None: ...

    def refuse(self, limited: str) -> None: ...


def test_a_line_that_waits_has_the_late_end_before_it() -> None:
    """When a line that its peer's limits hold back is dropped, all of its bytes are told."""
    clock, told = Clock(), list[tuple[int, bytes]]()
    tap = TappedFramer(AnyEndingFramer(100), clock, lambda at, data: told.append((at, data)))
    limits = PeerLimits(messages=Rate(1, 1), over="wait")
    paced = PacedFramer(tap, Pacing(clock, Counters(), limits), 1, Held())
    paced.receive_data(b"a\r")
    assert paced.next_message() == b"a"
    paced.receive_data(b"\nb\rc")
    assert paced.next_message() is None
    assert (paced.at, paced.rest()) == (2, b"\nb\rc")
    paced.start_again(AnyEndingFramer(100))
    assert told == [(2, b"\nb\rc")]

"""Those who may ask for the pages: how many, how much, and for how long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.logger import LogEvent, capturedLogs

from sockreply.conversation.complaints import COMPLAINTS_A_SECOND
from sockreply.observing.metrics_site import HEAD_BYTES, HEAD_LINES, MOMENT, SECONDS, UNSENT_BYTES
from tests.observing.stand_ins import Watching, end_aborted
from tests.server.stand_ins import texts

PEER = "192.168.1.1:54321"


@pytest.fixture
def events() -> Iterator[list[LogEvent]]:
    """What is logged during the test."""
    with capturedLogs() as captured:
        yield captured  # type: ignore[misc]  # Twisted types it as a sequence


GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_one_request_a_connection(version: bytes) -> None:
    """Of all that a peer asks for at once, it gets the first, and learns that this was all."""
    watching = Watching()
    visitor = watching.visit()
    visitor.send(GET.replace(b"1.1", version) * 300)
    for _ in range(5):
        visitor.send(GET * 300)
        watching.loop.turn()
    assert visitor.transport.value().count(b"200 OK") == 1
    assert b"\r\nConnection: close\r\n" in visitor.transport.value()
    assert visitor.transport.disconnecting


def test_little_is_read_before_the_answer() -> None:
    """What follows a request stays with the peer, but for a little."""
    visitor = Watching().visit()
    visitor.send(GET)
    for _ in range(5):
        visitor.send(GET * 300)
    assert visitor.transport.paused


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"G"] * 99,
        [b"\r\n", *[b"G"] * 99],
        [b"GET / HTTP/1.1\r\n", *[b"x: y\r\n"] * 50],
        [b"GET / HTTP/1.1\r\n", b"x: ", *[b"y"] * 99],
    ],
)
def test_request_has_its_time(pieces: list[bytes], events: list[LogEvent]) -> None:
    """However a peer divides it, a request that is not complete in time ends its connection."""
    watching = Watching()
    visitor = watching.visit()
    for number in range(SECONDS * 10 - 1):
        visitor.send(b"".join(pieces[number : number + 1]))
        watching.loop.advance(0.1)
    assert not visitor.transport.disconnecting
    watching.loop.advance(0.2)
    assert visitor.transport.aborted
    end_aborted(visitor)
    assert texts(events) == [f"[metrics]: {PEER} closed: no complete request within {SECONDS} s"]
    assert watching.site.places == 4


def test_answer_has_its_time(events: list[LogEvent]) -> None:
    """A peer that does not take its answer loses it, in a time that begins with the answer."""
    watching = Watching()
    visitor = watching.visit()
    watching.loop.advance(SECONDS - 1)
    visitor.get("/healthz")
    watching.loop.turn()
    watching.loop.advance(SECONDS - 1)
    assert not visitor.transport.aborted
    watching.loop.advance(1)
    assert visitor.transport.aborted
    assert texts(events) == [f"[metrics]: {PEER} closed: answer not taken within {SECONDS} s"]


@pytest.mark.parametrize("head", [b"Content-Length: 1000000", b"Transfer-Encoding: chunked"])
def test_bodies_are_not_waited_for(head: bytes) -> None:
    """Nothing here has a use for one, so nobody is told to go on, either."""
    watching = Watching()
    more = head + b"\r\nExpect: 100-continue\r\n\r\n"
    status, _, body = watching.ask("/metrics", "POST", more)
    assert (status, body) == (405, "GET and HEAD only\n")


@pytest.mark.parametrize(
    "line", [b"x:\r\n", b" \r\n", b"X: " + b"x" * 400 + b"\r\n", b"X: " + b"x" * 9000 + b"\r\n"]
)
def test_heads_are_short(line: bytes) -> None:
    """A head that is too long, or has too many lines, is not read to its end."""
    visitor = Watching().visit()
    visitor.send(b"GET / HTTP/1.1\r\nX: y\r\n")
    lines = 0
    while not visitor.transport.disconnecting:
        visitor.send(line)
        lines += 1
    assert lines <= HEAD_LINES
    assert (lines - 1) * len(line) <= HEAD_BYTES


def test_head_of_a_scraper_through_proxies_is_not_long() -> None:
    """Many headers, and a long token, are no reason to refuse it."""
    more = b"".join(b"x-header-%d: some value that is not short\r\n" % n for n in range(40))
    more += b"Authorization: Bearer " + b"x" * 4000 + b"\r\n\r\n"
    assert Watching().ask("/metrics", more=more)[0] == 200


def test_bad_request() -> None:
    """It is answered at once, and ends the connection in its time."""
    watching = Watching()
    visitor = watching.visit()
    visitor.send(b"nonsense\r\n")
    assert b" 400 " in visitor.transport.value()
    assert visitor.transport.disconnecting
    watching.loop.advance(SECONDS)
    assert visitor.transport.aborted


def test_half_close() -> None:
    """A peer that only says that it will not ask again gets its answer; another has no more."""
    watching = Watching()
    asked, silent = watching.visit(), watching.visit()
    asked.get("/healthz")
    asked.channel.readConnectionLost()
    silent.channel.readConnectionLost()
    assert silent.transport.disconnecting
    watching.loop.turn()
    assert asked.body == "ok\n"


def test_last_place_is_kept_free(events: list[LogEvent]) -> None:
    """When the last one is taken, the connection gives way that was silent longest."""
    watching = Watching(most=3)
    visitors = [watching.visit() for _ in range(2)]
    watching.loop.advance(MOMENT)
    assert watching.site.places == 1
    visitors.append(watching.visit())
    assert watching.site.places == 0
    assert end_aborted(*visitors) == visitors[:1]
    assert watching.site.places == 1
    assert texts(events) == [f"[metrics]: {PEER} closed: all 3 places are taken"]


def test_all_have_a_moment() -> None:
    """However many connect at once, each has the time to send its request."""
    watching = Watching(most=3)
    visitors = [watching.visit() for _ in range(3)]
    watching.loop.advance(MOMENT / 2)
    assert end_aborted(*visitors) == []
    visitors[0].get("/healthz")
    watching.loop.advance(0)
    assert visitors[0].answers == 1
    assert len([call for call in watching.loop.calls if call.getTime() <= MOMENT]) == 1
    watching.loop.advance(MOMENT / 2)
    assert end_aborted(*visitors) == visitors[1:2]


def test_one_gives_way_at_a_time(events: list[LogEvent]) -> None:
    """As long as somebody is about to be gone, nobody else has to."""
    watching = Watching(most=3)
    visitors = [watching.visit() for _ in range(2)]
    watching.loop.advance(MOMENT)
    visitors.append(watching.visit())
    visitors[2].get("/healthz")
    watching.loop.advance(MOMENT)
    assert visitors[2].answers == 1
    assert [each.transport.aborted for each in visitors] == [True, False, False]
    assert len(events) == 1


def test_nobody_gives_way_to_those_who_are_gone() -> None:
    """When a place is free before the moment is over, everybody stays."""
    watching = Watching(most=3)
    visitors = [watching.visit() for _ in range(3)]
    visitors.pop().leave()
    watching.loop.advance(MOMENT)
    assert end_aborted(*visitors) == []
    assert not [call for call in watching.loop.calls if call.getTime() < SECONDS]


def test_no_more_than_there_are_places() -> None:
    """A port that does not ask for them first makes no connection without one."""
    watching = Watching(most=3)
    for _ in range(3):
        watching.visit()
    assert watching.site.buildProtocol(None) is None


def test_those_who_wait_for_answers_stay() -> None:
    """They have asked: if somebody must give way, it is somebody else."""
    watching = Watching(most=3)
    visitors = [watching.visit() for _ in range(2)]
    watching.loop.rightNow += MOMENT  # no turn comes
    for each in visitors:
        each.get("/healthz")
    visitors.append(watching.visit())
    assert end_aborted(*visitors) == []
    watching.loop.rightNow += MOMENT
    watching.loop.turn()
    assert end_aborted(*visitors) == visitors[2:]


def test_those_who_do_not_take_their_answers_give_way() -> None:
    """When all waited for answers, the first that got one has a moment to take it."""
    watching = Watching(most=3)
    visitors = [watching.visit() for _ in range(3)]
    for each in visitors:
        each.get("/healthz")
    watching.loop.turn()
    assert visitors[0].answers == 1
    assert end_aborted(*visitors) == []
    watching.loop.advance(MOMENT)
    assert end_aborted(*visitors) == visitors[:1]


def test_places_that_are_free_again_are_told() -> None:
    """Those who listen hear of each."""
    told: list[int] = []
    watching = Watching(most=3)
    watching.site.on_place.append(lambda: told.append(watching.site.places))
    watching.visit()
    watching.visit().leave()
    assert told == [2]


def test_answers_that_nobody_takes_are_few(events: list[LogEvent]) -> None:
    """The oldest of them goes when all together are too many bytes."""
    watching = Watching(most=99)
    visitors = [watching.visit() for _ in range(6)]
    size = UNSENT_BYTES // 4
    for each in visitors:
        each.channel.write(b"x" * size)
    assert end_aborted(*visitors) == visitors[:2]
    assert texts(events) == [f"[metrics]: {PEER} closed: too many answers wait for their peers"] * 2
    visitors[2].leave()
    watching.visit().channel.write(b"x" * size)
    assert not any(each.transport.aborted for each in visitors[2:])


def test_one_answer_may_be_any_size() -> None:
    """A page of very many rules is sent, if only one at a time."""
    watching = Watching(most=99)
    one, other = watching.visit(), watching.visit()
    for each in (one, other):
        each.channel.write(b"x" * (UNSENT_BYTES + 1))
    assert end_aborted(one, other) == [one]


def test_log_is_capped(events: list[LogEvent]) -> None:
    """Whatever the number of connections that end at once, it is a number of lines."""
    watching = Watching(most=99)
    visitors = [watching.visit() for _ in range(3 * COMPLAINTS_A_SECOND)]
    watching.loop.advance(SECONDS)
    assert len(end_aborted(*visitors)) == 3 * COMPLAINTS_A_SECOND
    assert len(events) == COMPLAINTS_A_SECOND
    watching.site.stopFactory()
    (more,) = texts(events)[COMPLAINTS_A_SECOND:]
    assert (
        more == f"[metrics]: {2 * COMPLAINTS_A_SECOND} more complaints about peers in this second"
    )


def test_quiet(events: list[LogEvent]) -> None:
    """Nothing is logged of those who ask, and nothing runs while nobody does."""
    watching = Watching()
    assert not watching.site.noisy
    watching.ask("/metrics")
    watching.ask("/other")
    watching.visit().leave()
    assert not events
    assert not watching.loop.getDelayedCalls()
    watching.site.stopFactory()


def test_no_other_protocol_is_offered() -> None:
    """Over TLS, a peer may not choose HTTP/2, which has none of these limits."""
    assert Watching().site.acceptableProtocols() == [b"http/1.1"]

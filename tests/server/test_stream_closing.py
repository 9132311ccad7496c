"""How connections end: by the peer, by a reply, by an error, by a drain."""

from __future__ import annotations

import gc
import weakref

import pytest
from OpenSSL.SSL import Error
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs

from sockreply.replies import Close, Reply, Stall, Wait
from sockreply.server import ending
from sockreply.settings import PeerLimits, Rate
from tests.server.stand_ins import (
    FakeTransport,
    NotingLog,
    Talk,
    always,
    answered,
    by_message,
    texts,
)

LATER = Reply(Wait(1), b"later")


def test_peer_closes() -> None:
    """A connection that the peer ends is counted as such, and leaves nothing behind."""
    talk = Talk()
    assert talk.factory.roster.connections == {talk.protocol}
    with capturedLogs() as events:
        talk.leave()
    assert talk.counters.closed == {"peer": 1}
    assert talk.counters.connections == 1
    assert talk.counters.open_connections == 0
    assert not talk.factory.roster.connections
    assert not talk.clock.getDelayedCalls()
    assert not texts(events)


def test_peer_is_lost() -> None:
    """A connection that breaks is counted apart from one that the peer ends."""
    talk = Talk()
    talk.leave(ConnectionLost())
    assert talk.counters.closed == {"lost": 1}


def test_half_close_when_nothing_is_owed() -> None:
    """A peer that says that it sends no more is owed nothing: the connection is closed."""
    talk = Talk()
    talk.say(b"x\n")
    talk.finish_sending()
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.closed == {"peer": 1}


def test_half_close_while_a_reply_waits() -> None:
    """A peer that half-closes still gets every reply it is owed."""
    talk = Talk(by_message(slow=LATER))
    talk.say(b"slow\nfast\nslow\n")
    talk.finish_sending()
    assert not talk.transport.disconnecting
    talk.clock.pump([1, 1])
    assert talk.hear() == b"later\nfast\nlater\n"
    assert talk.transport.disconnecting


def test_half_close_between_turns() -> None:
    """A flood that ends in a half-close is answered to its end."""
    talk = Talk()
    talk.say(b"x\n" * 200)
    talk.finish_sending()
    talk.clock.advance(0)
    assert talk.hear() == b"x\n" * 200
    assert talk.transport.disconnecting


def test_half_close_of_a_slow_reader() -> None:
    """A peer that half-closes and reads slowly gets what it is owed as it reads."""
    talk = Talk()
    talk.take_nothing()
    talk.say(b"x\n")
    talk.finish_sending()
    assert not talk.transport.disconnecting
    talk.take_all()
    assert talk.hear() == b"x\n"
    assert talk.transport.disconnecting


@pytest.mark.parametrize("framing", ["eof", "gap:seconds=1"])
def test_half_close_ends_a_message(framing: str) -> None:
    """Where the end of the stream ends a message, that has its reply."""
    talk = Talk(framing=framing)
    talk.say(b"a", b"b")
    talk.finish_sending()
    assert talk.hear() == b"ab"
    assert talk.transport.disconnecting
    assert talk.counters.errors == {}


def test_half_close_without_a_message() -> None:
    """With `eof`, a peer that sent nothing has sent no message."""
    talk = Talk(framing="eof")
    talk.finish_sending()
    assert talk.transport.disconnecting
    assert talk.counters.messages == 0


@pytest.mark.parametrize("half", [True, False])
def test_truncated(half: bool) -> None:
    """A stream that ends inside a message is logged and counted once; whole ones are answered."""
    talk = Talk()
    with capturedLogs() as events:
        talk.say(b"whole\npart")
        if half:
            talk.finish_sending()
        talk.leave()
    assert talk.hear() == b"whole\n"
    assert texts(events, "warn") == [
        "192.168.1.1:54321 ended inside a message: 4 bytes lost: 'part'"
    ]
    assert talk.counters.errors == {"truncated": 1}
    assert talk.counters.messages == 1


@pytest.mark.parametrize("framing", ["chunk", "gap:seconds=1", "eof"])
def test_never_truncated(framing: str) -> None:
    """Where a message ends with the stream, none is cut off by its end."""
    talk = Talk(framing=framing)
    with capturedLogs() as events:
        talk.say(b"part")
        talk.finish_sending()
        talk.leave()
    assert not texts(events)
    assert talk.counters.errors == {}


@pytest.mark.parametrize("framing", ["chunk", "line"])
def test_whole_messages_are_not_truncated(framing: str) -> None:
    """Messages that waited when the peer left were whole: only the one in work is counted."""
    talk = Talk(always(LATER), framing)
    with capturedLogs() as events:
        talk.say(b"a\n", b"b\n")
        talk.leave()
    assert not texts(events)
    assert talk.counters.errors == {"abandoned": 1}


@pytest.mark.parametrize(
    ("framing", "good", "bad", "kind", "why"),
    [
        ("line", b"ok\n", b"x" * 17, "too_long", "message longer than 16 bytes"),
        ("line", b"ok\n", b"x" * 17 + b"\n", "too_long", "message longer than 16 bytes"),
        ("length:bytes=1", b"\2ok", b"\x11", "too_long", "message longer than 16 bytes"),
        ("enclosed:start=<,end=>", b"<ok>", b"<" + b"x" * 18, "too_long", "longer than 16"),
        ("netstring", b"2:ok,", b"2:ok;", "malformed", "expected"),
        ("length:digits=2", b"02ok", b"ab", "malformed", "expected"),
        ("eof", b"", b"x" * 17, "too_long", "message longer than 16 bytes"),
    ],
)
def test_broken_format(framing: str, good: bytes, bad: bytes, kind: str, why: str) -> None:
    """Where the format breaks, earlier messages keep their replies; logged, counted, closed."""
    talk = Talk(framing=framing, max_message=16)
    with capturedLogs() as events:
        talk.say(good + bad, b"never\n")
        talk.leave()
    assert talk.hear() == good
    (line,) = texts(events, "warn")
    assert line.startswith("192.168.1.1:54321 broke the format: ")
    assert why in line
    assert talk.transport.disconnecting
    assert talk.counters.errors == {kind: 1}
    assert talk.counters.closed == {kind: 1}


def test_broken_format_behind_a_waiting_reply() -> None:
    """A bad message does not take the reply away from one before it that waits."""
    talk = Talk(always(LATER), max_message=16)
    with capturedLogs():
        talk.say(b"good\n" + b"x" * 17)
        assert not talk.transport.disconnecting
        talk.clock.advance(1)
    assert talk.hear() == b"later\n"
    assert talk.transport.disconnecting


def test_logged_bytes_cannot_drive_a_screen() -> None:
    """What a log quotes of bytes that break the format has no control characters."""
    talk = Talk(framing="netstring")
    with capturedLogs() as events:
        talk.say(b"\x1b[2J\n")
    assert all(line.isprintable() for line in texts(events))


def test_dropped_bytes_outside_of_messages() -> None:
    """Bytes outside of enclosed messages are counted as dropped."""
    talk = Talk(framing="enclosed:start=<,end=>")
    talk.say(b"junk<a>noise<b>")
    assert talk.hear() == b"<a><b>"
    talk.leave()
    assert talk.counters.dropped_bytes == 9


@pytest.mark.parametrize("how", ["whole", "half"])
def test_close_step(how: str) -> None:
    """A reply can close the connection; what follows is neither answered nor an error.

    In memory there is no wire that could half-close, as under TLS: it is closed whole.
    """
    talk = Talk(by_message(bye=Reply(b"ciao", Close(how))))  # type: ignore[arg-type]  # any of them
    talk.say(b"a\nbye\nmore\n")
    assert talk.transport.writes == [b"a\nciao\n"]
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.closed == {"answered": 1}
    assert talk.counters.messages == talk.counters.replies == 2


def test_close_without_a_word() -> None:
    """A reply that only closes is silence."""
    talk = Talk(always(Reply(Close())))
    talk.say(b"x\n")
    talk.leave()
    assert talk.counters.silences == answered(talk.counters) == 1


def test_reset_step() -> None:
    """A reply can abort the connection; what it said before is handed to the kernel first."""
    talk = Talk(always(Reply(b"boo", Close("reset"))))
    talk.say(b"x\n")
    assert talk.hear() == b"boo\n"
    assert talk.transport.aborted
    talk.leave()
    assert talk.counters.closed == {"reset": 1}
    assert talk.counters.replies == answered(talk.counters) == 1


def test_close_timeout() -> None:
    """A peer that does not let us close in good order is cut off."""
    talk = Talk(close_timeout=5, keep_alive=False)
    talk.say(b"x\n")
    talk.clock.advance(4.9)
    assert not talk.transport.aborted
    talk.clock.advance(0.1)
    assert talk.transport.aborted
    talk.leave()
    assert talk.counters.closed == {"answered": 1}


def test_close_unregisters_the_producer() -> None:
    """A producer that is paused would hold the close up: it is taken away."""
    talk = Talk(idle_timeout=60)
    talk.clock.advance(60)
    assert talk.transport.producer is None


def test_close_resumes_reading() -> None:
    """A connection that ends while reading is paused reads again, or it never heard the end."""
    answer: Deferred[bytes] = Deferred()
    talk = Talk(always(answer), keep_alive=False)
    talk.say(b"a\n", b"b\n")
    assert talk.transport.paused
    answer.callback(b"x")
    assert talk.transport.disconnecting
    assert not talk.transport.paused


def test_drain_idle() -> None:
    """Told to drain, an idle connection closes."""
    talk = Talk()
    talk.clock.advance(1)
    talk.protocol.drain()
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.closed == {"drained": 1}


@pytest.mark.parametrize("reads", [(b"first\n",), (b"fir", b"st\n")])
def test_drain_of_who_has_just_connected(reads: tuple[bytes, ...]) -> None:
    """Who connected within the last second may still say a first message, and it is answered."""
    talk = Talk()
    talk.clock.advance(0.5)
    talk.protocol.drain()
    for read in reads:
        assert not talk.transport.disconnecting
        talk.say(read)
    assert talk.hear() == b"first\n"
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.closed == {"drained": 1}


@pytest.mark.parametrize("said", [b"", b"fir"])
def test_drain_of_who_connects_and_asks_nothing(said: bytes) -> None:
    """Who connected just now and says no whole message in a second is closed as idle ones are."""
    talk = Talk(idle_timeout=0)
    talk.protocol.drain()
    talk.say(said) if said else None
    talk.clock.advance(0.9)
    assert not talk.transport.disconnecting
    talk.clock.advance(0.1)
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.closed == {"drained": 1}
    assert not talk.clock.getDelayedCalls()


def test_drain_of_who_has_been_answered() -> None:
    """Who has had an answer is idle, however new the connection is."""
    talk = Talk()
    talk.say(b"first\n")
    talk.protocol.drain()
    assert talk.transport.disconnecting


def test_drain_begun_message() -> None:
    """A message that is begun and not complete counts as idle, and is told."""
    talk = Talk()
    talk.say(b"beg")
    talk.clock.advance(1)
    with capturedLogs() as events:
        talk.protocol.drain()
        talk.leave()
    assert talk.counters.closed == {"drained": 1}
    assert texts(events) == ["192.168.1.1:54321 ended inside a message: 3 bytes lost: 'beg'"]


def test_drain_stalled() -> None:
    """A stalled connection closes too."""
    talk = Talk(always(Reply(Stall())))
    talk.say(b"x\ny\n")
    talk.protocol.drain()
    assert talk.transport.disconnecting


@pytest.mark.parametrize("how", ["wait", "turn", "unsent"])
def test_drain_busy(how: str) -> None:
    """A busy connection finishes what was read before, reads no more, and closes."""
    talk = Talk(by_message(wait=LATER))
    if how == "unsent":
        talk.take_nothing()
    talk.say(how.encode() + b"\n" + b"x\n" * 70)
    talk.protocol.drain()
    assert talk.transport.paused
    assert not talk.transport.disconnecting
    talk.take_all() if how == "unsent" else None
    talk.clock.pump([1, 0, 0])
    assert talk.hear().count(b"\n") == 71
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.closed == {"drained": 1}


def test_drain_when_closing_already() -> None:
    """A connection that is closing goes on reading when it drains, to hear the peer's end."""
    talk = Talk(keep_alive=False)
    talk.say(b"x\n")
    talk.protocol.drain()
    assert not talk.transport.paused
    talk.leave()
    assert talk.counters.closed == {"answered": 1}


def test_abort() -> None:
    """An aborted connection ends at once, and its work with it."""
    cancelled: list[object] = []
    talk = Talk(always(Deferred(cancelled.append)))
    talk.say(b"x\n")
    talk.protocol.abort("drain")
    assert talk.transport.aborted
    assert len(cancelled) == 1
    assert not talk.clock.getDelayedCalls()
    talk.leave()
    assert talk.counters.closed == {"drain": 1}
    assert talk.counters.errors == {"abandoned": 1}


def test_reason_of_the_first_end() -> None:
    """What ended a connection first is the reason, whatever came after."""
    talk = Talk()
    talk.clock.advance(1)
    talk.protocol.drain()
    talk.protocol.abort("drain")
    talk.leave(ConnectionLost())
    assert talk.counters.closed == {"drained": 1}


def test_overrun_from_inside_respond() -> None:
    """A responder that overruns its own connection leaves every message counted once."""

    def answer(_: bytes, session: object) -> Reply:
        for _unasked in range(1001):
            talk.session.send(b"x")
        return LATER

    talk = Talk(answer)
    talk.say(b"a\nb\n")
    assert talk.transport.aborted
    talk.leave()
    assert talk.counters.closed == {"overrun": 1}
    assert talk.counters.messages == answered(talk.counters) == 1


def test_sums() -> None:
    """Every message is a reply, a silence or an error; every connection is open or closed."""
    talk = Talk(by_message(none=None, bad=7, slow=LATER))
    talk.say(b"a\nnone\nslow\nb\n")
    talk.clock.advance(1)
    with capturedLogs():
        talk.say(b"bad\nmore\n")
    counters = talk.counters
    assert (counters.messages, counters.replies, counters.silences) == (5, 3, 1)
    assert answered(counters) == counters.messages
    assert (counters.connections, counters.open_connections) == (1, 1)
    talk.leave()
    assert (counters.connections, counters.open_connections) == (1, 0)


def test_trouble_of_tls_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection whose TLS layer gave up is logged in one line, and counted."""
    talk = Talk()
    monkeypatch.setattr(ending, "tls_under", lambda _: "a layer")
    with capturedLogs() as events:
        talk.leave(Error([("SSL routines", "", "wrong version number\x1b")]))
    assert talk.counters.errors == talk.counters.closed == {"tls": 1}
    assert len(texts(events)) == 1
    assert r"TLS error: [('SSL routines', '', 'wrong version number\x1b')]" in texts(events)[0]


@pytest.mark.parametrize("last", [Stall(), Close("half")])
def test_reply_that_stalls_when_the_peer_is_done(last: Stall | Close) -> None:
    """A peer that sends no more, and will be sent no more, is let go."""
    talk = Talk(always(Reply(Wait(1), b"x", last)), idle_timeout=0)
    talk.say(b"x\n")
    talk.finish_sending()
    talk.clock.advance(1)
    assert talk.hear() == b"x\n"
    assert talk.transport.disconnecting


@pytest.mark.parametrize("last", [Stall(), Close("half")])
def test_reply_that_stalls_during_a_drain(last: Stall | Close) -> None:
    """A drain does not wait for a connection that comes to stall within it."""
    talk = Talk(always(Reply(Wait(1), b"x", last)))
    talk.say(b"x\n")
    talk.protocol.drain()
    assert not talk.transport.disconnecting
    talk.clock.advance(1)
    assert talk.hear() == b"x\n"
    assert talk.transport.disconnecting


def test_drain_is_a_silence() -> None:
    """What came before a drain is a message for `gap`, idle or busy, for nothing follows it."""
    idle = Talk(framing="gap:seconds=5")
    idle.say(b"x")
    idle.protocol.drain()
    assert idle.hear() == b"x"
    assert idle.transport.disconnecting
    busy = Talk(by_message(slow=LATER), framing="gap:seconds=5")
    busy.say(b"slow")
    busy.clock.advance(5)
    busy.say(b"more")
    busy.protocol.drain()
    busy.clock.advance(1)
    assert busy.hear() == b"latermore"


def test_transport_that_cannot_abort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no abort, as on standard output, the connection is closed."""
    talk = Talk(message_timeout=10)
    monkeypatch.delattr(FakeTransport, "abortConnection")
    monkeypatch.delattr(StringTransport, "abortConnection")
    talk.say(b"begun")
    with capturedLogs():
        talk.clock.advance(10)
    assert talk.transport.disconnecting


def test_a_connection_keeps_nothing_in_a_dictionary() -> None:
    """All that it keeps has a place of its own, which takes less memory."""
    talk = Talk()
    talk.say(b"x\n")
    assert vars(talk.protocol) == {}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("per_peer", [None, PeerLimits(messages=Rate(5.0, 5))])
@pytest.mark.parametrize("reply", [b"x", Reply(b"x"), Reply(Wait(1), b"x"), Reply(b"x", Stall())])
def test_what_is_gone_leaves_no_circle(
    reply: object, per_peer: PeerLimits | None, exact: bool
) -> None:
    """A connection that is gone is freed at once, and does not wait for the collector."""
    log = NotingLog()
    log.exact = exact
    talk = Talk(always(reply), exchanges=log, per_peer=per_peer)
    gone = weakref.ref(talk.protocol)
    talk.say(b"x\n")
    talk.clock.advance(1)
    talk.finish_sending()
    talk.leave()
    gc.disable()
    try:
        log.told.clear()
        del talk.protocol, talk.session, talk.transport
        assert gone() is None
    finally:
        gc.enable()

"""Sessions over UDP: one datagram, one message; one message, one datagram."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, capturedLogs

from sockreply.conversation.shared import Dialect
from sockreply.conversation.states import State
from sockreply.framing import Chunk
from sockreply.framing.stream import ChunkFramer
from sockreply.observing.exchange_log import ExchangeLog
from sockreply.replies import Close, Echo, Raw, Reply, Send, Session, Stall, Wait
from sockreply.server.datagram_session import KEPT
from sockreply.settings import Limits, PeerLimits, Rate
from tests.server.datagrams import FAR, NEAR, Port
from tests.server.stand_ins import always, by_message, texts, watch

OTHER = ("127.0.0.1", 4001)
SLOW = Reply(Wait(1), Send(b"slow"))


@pytest.fixture
def log() -> Iterator[Sequence[LogEvent]]:
    """What is logged."""
    with capturedLogs() as events:
        yield events


def settled(port: Port) -> bool:
    """Is every message a reply, a silence or an error, and every session closed?"""
    counters = port.counters
    done = counters.replies + counters.silences + counters.errors["abandoned"]
    return done == counters.messages and not counters.open_connections and not port.open


@pytest.mark.parametrize("keep_alive", [False, True])
@pytest.mark.parametrize("message", [b"a", b"", b"x" * 65_507])
def test_a_datagram_is_a_message(message: bytes, keep_alive: bool) -> None:
    """Each datagram gets its reply, as one datagram, however many bytes it has: also none."""
    port = Port(keep_alive=keep_alive)
    port.say(message, message, b"last")
    assert port.hear() == [message, message, b"last"]
    assert port.counters.messages == port.counters.replies == 3
    assert port.counters.received_bytes == port.counters.sent_bytes == 2 * len(message) + 4


def test_messages_that_are_answered_at_once() -> None:
    """A responder that answers whole reads does so with datagrams, too."""
    port = Port(Echo(), keep_alive=True)
    assert port.factory.shared.dialect.respond_all is not None
    port.say(b"a", b"", b"x" * 65_507)
    assert port.hear() == [b"a", b"", b"x" * 65_507]
    assert port.counters.replies == 3


def test_without_keep_alive_nothing_is_left() -> None:
    """Without keep-alive a session ends with its reply: there is no session, and no timer."""
    port = Port()
    port.say(b"a", b"b")
    assert settled(port)
    assert port.counters.closed == {"answered": 2}
    assert port.clock.getDelayedCalls() == []
    assert not port.datagrams.sessions


def test_with_keep_alive_a_peer_is_remembered() -> None:
    """With keep-alive there is one session for each address and port, until nothing comes."""
    port = Port(lambda _, session: str(session.count).encode(), keep_alive=True, idle_timeout=5)
    port.say(b"", b"")
    port.say(b"", peer=OTHER)
    assert (port.hear(), port.hear(OTHER)) == ([b"1", b"2"], [b"1"])
    port.pass_time(4)
    port.say(b"")
    port.pass_time(4)
    port.say(b"", peer=OTHER)
    assert (port.hear(), port.hear(OTHER)) == ([b"3"], [b"1"])
    port.pass_time(6)
    assert settled(port)
    assert port.counters.closed == {"idle": 3}
    assert not port.datagrams.sessions


def test_nobody_is_greeted() -> None:
    """A greeting is for those who connect."""
    port = Port(keep_alive=True, greeting=b"hello")
    port.say(b"a")
    assert port.hear() == [b"a"]


@pytest.mark.parametrize("keep_alive", [False, True])
def test_each_message_of_a_reply_is_a_datagram(keep_alive: bool) -> None:
    """Neither messages nor raw bytes of a reply are joined; an empty message is sent, too."""
    reply = Reply(Send(b"one"), Send(b""), Raw(b"raw"), Raw(b"bytes"), Send(b"two"))
    port = Port(always(reply), keep_alive=keep_alive)
    port.say(b"a", b"b")
    assert port.hear() == [b"one", b"", b"raw", b"bytes", b"two"] * 2


def test_a_long_reply_takes_turns() -> None:
    """A reply of more than a turn's bytes is sent over several, all of it and in order."""
    parts = [bytes([number]) * 60_000 for number in range(8)]
    port = Port(always(Reply(*map(Send, parts))), keep_alive=True)
    port.say(b"a")
    assert len(port.hear()) < len(parts)
    port.say(b"b")
    port.pass_time(1)
    assert port.counters.replies == 2
    assert port.counters.sent_bytes == 2 * 8 * 60_000


def test_pieces_with_waits_between() -> None:
    """A drip is a datagram for each piece, at its time."""
    drip = Reply(Raw(b"a"), Wait(1), Raw(b"b"), Wait(1), Raw(b"c"))
    port = Port(always(drip))
    port.say(b"")
    assert port.hear() == [b"a"]
    port.pass_time(1)
    assert port.hear() == [b"b"]
    port.pass_time(1)
    assert port.hear() == [b"c"]
    assert settled(port)


@pytest.mark.parametrize("keep_alive", [False, True])
def test_what_comes_during_a_reply_waits(keep_alive: bool) -> None:
    """Datagrams that come while a reply takes its time are answered after it, in order."""
    port = Port(by_message(slow=SLOW), keep_alive=keep_alive, idle_timeout=5)
    port.say(b"slow", b"1", b"", b"slow", b"2")
    port.say(b"other", peer=OTHER)
    assert (port.hear(), port.hear(OTHER)) == ([], [b"other"])
    port.pass_time(1)
    assert port.hear() == [b"slow", b"1", b""]
    port.say(b"3")
    port.pass_time(1)
    assert port.hear() == [b"slow", b"2", b"3"]
    port.pass_time(6)
    assert settled(port)
    assert port.counters.messages == 7


@pytest.mark.parametrize("keep_alive", [False, True])
def test_few_wait(log: Sequence[LogEvent], keep_alive: bool) -> None:
    """No more than so many datagrams of a peer wait; others are dropped, counted and logged."""
    port = Port(by_message(slow=SLOW), keep_alive=keep_alive)
    port.say(b"slow", *[b"%d" % number for number in range(KEPT + 2)])
    port.say(b"other", peer=OTHER)
    port.pass_time(1)
    assert port.hear() == [b"slow", *[b"%d" % number for number in range(KEPT)]]
    assert port.hear(OTHER) == [b"other"]
    assert port.counters.errors == {"overrun": 2}
    assert port.counters.dropped_bytes == 4
    line = "default: dropped 2 bytes from 127.0.0.1:4000: too many datagrams of this peer wait"
    assert texts(log, "warn").count(line.removeprefix("default: ")) == 2


def test_close_ends_the_session() -> None:
    """After `close` the peer has another session, which knows nothing of the one before."""
    count_and_close = Reply(Send(b"bye"), Close())
    port = Port(
        lambda message, session: count_and_close if message else str(session.count).encode(),
        keep_alive=True,
    )
    port.say(b"", b"", b"close", b"")
    port.pass_time(0)
    assert port.hear() == [b"1", b"2", b"bye", b"1"]


def test_a_session_begins_with_all_that_waits() -> None:
    """What has come before a session ended is answered in the next one, in order."""
    slow = Reply(Wait(1), Send(b"slow"), Close())
    port = Port(by_message(slow=slow), keep_alive=True)
    port.say(b"slow", b"1", b"2", b"slow", b"3", b"4")
    port.pass_time(1)
    assert port.hear() == [b"slow", b"1", b"2"]
    port.pass_time(1)
    assert port.hear() == [b"slow", b"3", b"4"]


@pytest.mark.parametrize("how", ["half", "reset"])
def test_other_ways_to_close(how: Any) -> None:
    """Of a reply that is also for streams, a half-close and a reset end the session."""
    port = Port(always(Reply(Send(b"bye"), Close(how))), keep_alive=True)
    port.say(b"a", b"b")
    port.pass_time(0.1)
    assert port.hear() == [b"bye", b"bye"]
    assert settled(port)


@pytest.mark.parametrize("read", [True, False])
def test_stall_says_no_more(read: bool) -> None:
    """After `stall` nothing is answered, until the idle timeout; then all begins anew."""
    port = Port(by_message(stop=Reply(Send(b"now"), Stall(read))), idle_timeout=5)
    port.say(b"stop", b"a", b"b")
    assert port.hear() == [b"now"]
    assert port.counters.dropped_bytes == 2
    port.pass_time(6)
    port.say(b"c")
    assert port.hear() == [b"c"]
    assert settled(port)


@pytest.mark.parametrize("read", [True, False])
def test_stall_drops_what_waits(read: bool) -> None:
    """What came during the reply that ends in a stall is dropped and counted."""
    port = Port(by_message(stop=Reply(Wait(1), Stall(read))), idle_timeout=5)
    port.say(b"stop", b"abc", b"de")
    port.pass_time(8)
    assert port.hear() == []
    assert port.counters.dropped_bytes == 5
    assert port.counters.received_bytes == 9
    assert settled(port)


@pytest.mark.parametrize("keep_alive", [False, True])
def test_too_long(log: Sequence[LogEvent], keep_alive: bool) -> None:
    """A datagram over max_message is dropped, counted and logged; its session goes on."""
    port = Port(keep_alive=keep_alive, max_message=3)
    port.say(b"abc", b"abcd", b"", b"xyz")
    port.say(b"abcd", peer=OTHER)
    assert port.hear() == [b"abc", b"", b"xyz"]
    assert port.hear(OTHER) == []
    assert port.counters.errors == {"too_long": 2}
    assert port.counters.messages == 3
    line = "dropped 4 bytes from 127.0.0.1:4001: more than max_message"
    assert line in texts(log, "warn")


def test_a_session_keeps_its_longest_message() -> None:
    """A reload that changes max_message cuts no datagram of a session into two."""
    port = Port(keep_alive=True, max_message=3)
    port.say(b"abc")
    limits = Port(max_message=9).factory.shared.limits
    port.factory.roster.change_limits(limits)
    port.say(b"abcdef")
    port.say(b"abcdef", peer=OTHER)
    assert (port.hear(), port.hear(OTHER)) == ([b"abc"], [b"abcdef"])


def test_refused_peers(log: Sequence[LogEvent]) -> None:
    """Peers outside of `allow` get nothing, and nothing of them is left."""
    port = Port(keep_alive=True, allow=(ip_network("127.0.0.0/8"),))
    port.say(b"a", b"b", peer=FAR)
    port.say(b"c")
    assert (port.hear(FAR), port.hear()) == ([], [b"c"])
    assert port.counters.refused == {"not_allowed": 2}
    assert port.open == len(port.datagrams.sessions) == 1
    line = "192.0.2.1:4000 refused: its address is not in an allowed network"
    assert texts(log, "warn").count(line) == 2


def test_pace(log: Sequence[LogEvent]) -> None:
    """The limits of a peer hold: what is too fast waits, whether it is a session or a message."""
    messages = PeerLimits(messages=Rate(1, 1))
    port = Port(keep_alive=True, per_peer=messages)
    port.say(b"a", b"b", b"c")
    assert port.hear() == [b"a"]
    port.pass_time(1)
    assert port.hear() == [b"b"]
    port.pass_time(1)
    assert port.hear() == [b"c"]
    sessions = Port(per_peer=PeerLimits(connections=Rate(1, 1)))
    sessions.say(b"a", b"b", b"c")
    assert sessions.hear() == [b"a"]
    sessions.pass_time(3)
    assert sessions.hear() == [b"b", b"c"]
    assert settled(sessions)


def test_pace_that_refuses() -> None:
    """Of what waits for the reply before it, each datagram is refused by itself."""
    limits = PeerLimits(connections=Rate(0.1, 1), over="refuse")
    port = Port(by_message(slow=SLOW), per_peer=limits)
    port.say(b"slow", b"1", b"2")
    port.pass_time(1)
    assert port.hear() == [b"slow"]
    assert port.counters.refused == {"per_peer_rate": 2}
    assert settled(port)


def test_failing_responder() -> None:
    """A reply that cannot be made costs its session, and nobody else."""
    port = Port(lambda message, _: message if message else 1 / 0, keep_alive=True)
    port.say(b"", b"a")
    port.pass_time(0)
    assert port.hear() == [b"a"]
    assert port.counters.errors == {"reply": 1}


class FailsAtTimes(Chunk):
    """A framing of a user's own, for datagrams, that makes a framer when it likes."""

    fails = False

    def framer(self, max_message: int) -> ChunkFramer:
        if FailsAtTimes.fails:
            raise SystemExit("no framer today")
        return super().framer(max_message)


@pytest.mark.parametrize("keep_alive", [False, True])
def test_session_that_cannot_begin(
    log: Sequence[LogEvent], monkeypatch: pytest.MonkeyPatch, keep_alive: bool
) -> None:
    """If a user's framing fails, that costs its datagram, and the port goes on."""
    port = Port(keep_alive=keep_alive)
    port.factory.shared.dialect = Dialect(FailsAtTimes(), port.factory.shared.responder)
    port.say(b"a")
    monkeypatch.setattr(FailsAtTimes, "fails", True)
    port.say(*[b"lost"] * 30, peer=OTHER)
    monkeypatch.setattr(FailsAtTimes, "fails", False)
    port.say(b"b", peer=OTHER)
    assert (port.hear(), port.hear(OTHER)) == ([b"a"], [b"b"])
    assert port.counters.errors == {"internal": 30}
    lines = texts(log, "error")
    assert 0 < len(lines) <= 20
    assert lines[0].startswith("127.0.0.1:4001 disconnected: internal error\n")
    assert "no framer today" in lines[0]


def test_unasked() -> None:
    """What a responder sends by itself is a datagram, too, for as long as there is a session."""
    sessions: list[Session] = []
    port = Port(lambda _, session: sessions.append(session), keep_alive=True, idle_timeout=5)
    port.say(b"a")
    sessions[0].send(b"one")
    sessions[0].send(b"two")
    assert port.hear() == [b"one", b"two"]
    port.pass_time(8)
    sessions[0].send(b"three")
    assert port.hear() == []


def test_reply_that_never_comes() -> None:
    """A responder that does not answer in time costs its session; the others go on."""
    port = Port(lambda message, _: Deferred() if message == b"never" else message, reply_timeout=3)
    port.say(b"never", b"waits")
    port.say(b"a", peer=OTHER)
    port.pass_time(4)
    assert (port.hear(), port.hear(OTHER)) == ([b"waits"], [b"a"])
    assert port.counters.errors == {"reply_timeout": 1}


def test_addresses() -> None:
    """A session knows the addresses of both ends."""
    seen: list[object] = []
    port = Port(lambda _, session: seen.extend((session.peer, session.host, session.tls)))
    port.say(b"")
    assert [str(each) for each in seen[:2]] == [
        "IPv4Address(type='UDP', host='127.0.0.1', port=4000)",
        "IPv4Address(type='UDP', host='127.0.0.1', port=53)",
    ]
    assert seen[2] is None


def test_log(log: Sequence[LogEvent]) -> None:
    """The log shows datagrams as it shows messages over streams."""
    port = Port(exchanges=None)
    port.factory.shared.exchanges = ExchangeLog(port.clock)
    port.say(b"hi")
    assert texts(log) == [
        "client 127.0.0.1:4000 connected",
        "received from 127.0.0.1:4000: 'hi'",
        "answered 127.0.0.1:4000: 'hi'",
    ]


@pytest.mark.parametrize("reason", ["too_long", "full", "unreachable"])
def test_what_the_system_does_not_take(log: Sequence[LogEvent], reason: str) -> None:
    """A datagram that the system does not take is counted and logged; the session goes on."""
    port = Port(keep_alive=True)
    port.socket.fails_with = reason
    port.say(b"abc")
    port.socket.fails_with = None
    port.say(b"de")
    assert port.hear() == [b"de"]
    assert port.counters.unsent == {reason: 1}
    assert port.counters.sent_bytes == 2
    assert texts(log, "warn")[0].startswith("3 bytes to 127.0.0.1:4000 were not sent: ")


# The end.


@pytest.mark.parametrize("keep_alive", [False, True])
def test_drain(keep_alive: bool) -> None:
    """When a port closes, what has come is answered first, and idle sessions end at once."""
    port = Port(by_message(slow=SLOW), keep_alive=keep_alive)
    port.say(b"slow", b"1", b"2")
    port.say(b"a", peer=OTHER)
    port.hear(OTHER)
    gone = watch(port.datagrams.drain(10))
    port.pass_time(0)
    assert port.open == 1
    port.pass_time(1)
    assert port.hear() == [b"slow", b"1", b"2"]
    port.pass_time(1.5)
    assert gone == [None]
    assert settled(port)
    assert port.clock.getDelayedCalls() == []


def test_drain_ends() -> None:
    """Sessions that take too long are aborted, and what waits behind them is dropped."""
    port = Port(by_message(slow=Reply(Wait(60))))
    port.say(b"slow", b"slow", b"slow")
    gone = watch(port.datagrams.drain(10))
    port.pass_time(9)
    assert gone == []
    port.pass_time(2)
    assert gone == [None]
    assert settled(port)
    assert port.counters.closed == {"drain": 1}
    assert port.counters.dropped_bytes == 8


def test_service_drains() -> None:
    """The sessions of a service end as its other connections do, for good or at once."""
    port = Port(by_message(slow=SLOW), keep_alive=True)
    port.say(b"slow", b"1")
    port.say(b"a", peer=OTHER)
    empty = watch(port.factory.roster.drain(5))
    port.pass_time(3)
    assert empty == [None]
    assert port.hear() == [b"slow", b"1"]
    late = watch(port.factory.roster.drain(0))
    port.say(b"slow")
    port.factory.roster.abort()
    port.pass_time(0)
    assert late == [None]
    assert settled(port)


# Places.


def fill(port: Port, count: int, first: int = 1) -> None:
    """Let so many peers send something that is never heard of again."""
    for number in range(first, first + count):
        peer = f"127.1.{number // 256}.{number % 256}", 1
        port.say(b"x", peer=peer)
        port.hear(peer)


def test_the_longest_idle_one_gives_way() -> None:
    """When all places are taken, the peer that was quiet longest loses its session, no other."""
    port = Port(lambda _, session: str(session.count).encode(), keep_alive=True, max_connections=3)
    fill(port, 2)
    port.say(b"")
    fill(port, 1, first=3)
    port.say(b"")
    fill(port, 2, first=4)
    port.say(b"")
    assert port.hear() == [b"1", b"2", b"3"]
    assert port.open == 3
    assert port.counters.closed == {"displaced": 3}
    assert port.counters.refused == {}


def test_busy_ones_do_not_give_way(log: Sequence[LogEvent]) -> None:
    """A session that owes a reply keeps its place; if all do, a new peer is turned away."""
    port = Port(by_message(slow=SLOW), keep_alive=True, max_connections=2)
    port.say(b"slow")
    fill(port, 5)
    port.say(b"slow", peer=OTHER)
    fill(port, 1)
    assert port.counters.refused == {"no_place": 1}
    assert texts(log, "warn") == ["127.1.0.1:1 refused: all places are taken"]
    port.pass_time(1)
    assert (port.hear(), port.hear(OTHER)) == ([b"slow"], [b"slow"])
    fill(port, 1)
    assert port.counters.refused == {"no_place": 1}


def test_forged_addresses() -> None:
    """Any number of peers that never come back costs bounded memory, and a real one no reply."""
    port = Port(keep_alive=True, max_connections=100)
    for round_ in range(50):
        fill(port, 1000, first=1000 * round_)
        port.say(b"honest")
        assert port.hear() == [b"honest"]
    assert port.open == len(port.datagrams.sessions) == 100
    assert port.counters.replies == 50_050


@pytest.mark.parametrize("keep_alive", [False, True])
def test_nothing_waits_for_the_collector(keep_alive: bool) -> None:
    """What is over is gone: a flood of sessions leaves nothing that only the collector finds."""
    port = Port(keep_alive=keep_alive, max_connections=5)
    fill(port, 10)
    gc.collect()
    gc.disable()
    try:
        fill(port, 50)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_fewer_places_after_a_reload() -> None:
    """If a reload takes places away, idle sessions give way until it is right."""
    port = Port(keep_alive=True, max_connections=200)
    fill(port, 200)
    port.factory.roster.change_limits(Limits(max_connections=10))
    for number in range(4):
        port.say(b"a", peer=("127.0.0.9", number))
    assert port.open == 10
    assert port.hear(("127.0.0.9", 3)) == [b"a"]


def test_ports_share_their_places() -> None:
    """A flood on one port of a service does not take the places that another needs."""
    port = Port(keep_alive=True, max_connections=10)
    fill(port, 50)
    other = port.another()
    other.datagramReceived(b"a", NEAR)
    assert port.hear() == [b"a"]
    assert port.open == 10


def test_streams_keep_half_of_the_places() -> None:
    """Beside a listener for streams, sessions take no more than half of the places."""
    port = Port(keep_alive=True, max_connections=5)
    port.factory.shared.stream_listeners = 1
    fill(port, 50)
    assert port.factory.roster.places == 2


def test_no_place_left_by_streams() -> None:
    """If connections over streams have all places, datagrams are dropped and counted."""
    port = Port(keep_alive=True, max_connections=1)
    streams: Any = object()
    port.factory.roster.newcomers.add(streams)
    port.say(b"a", b"b")
    assert port.hear() == []
    assert port.counters.refused == {"no_place": 2}


# Amplification.


def test_no_more_than_three_times(log: Sequence[LogEvent]) -> None:
    """A peer elsewhere gets no more than three times the bytes that it sent."""
    reply = Reply(Send(b"a" * 10), Send(b"b" * 20), Send(b"c"), Send(b""))
    port = Port(always(reply))
    port.say(b"x" * 10, peer=FAR)
    assert port.hear(FAR) == [b"a" * 10, b"b" * 20, b""]
    assert port.counters.unsent == {"amplification": 1}
    assert port.counters.sent_bytes == 30
    assert texts(log, "warn")[0] == (
        "1 bytes to 192.0.2.1:4000 were not sent: too much for what it has sent (amplification)"
    )


def test_on_this_machine_there_is_no_limit() -> None:
    """What is on the loopback interface has sent what it seems to have sent."""
    port = Port(always(b"x" * 1000))
    port.say(b"")
    assert port.hear() == [b"x" * 1000]


@pytest.mark.parametrize(("times", "most"), [(0, 1000), (1, 100), (5.5, 550)])
def test_other_factors(times: float, most: int) -> None:
    """The factor can be another one, and 0 lifts the limit."""
    port = Port(lambda message, _: b"x" * int(message), amplification=times)
    port.say(b"%0100d" % most, peer=FAR)
    port.say(b"%0100d" % (most + 1), peer=FAR)
    assert [len(each) for each in port.hear(FAR)] == [most, *[most + 1] * (times == 0)]


def test_many_small_datagrams() -> None:
    """Headers count: a flood of empty datagrams is a flood, too."""
    port = Port(always(Reply(*[Send(b"")] * 100)))
    port.say(b"x", peer=FAR)
    port.pass_time(1)
    assert len(port.hear(FAR)) == 3
    port.say(b"", peer=FAR)
    assert len(port.hear(FAR)) == 3


def test_a_session_adds_up() -> None:
    """With keep-alive, all that a peer sent and got counts; what is dropped does not."""
    port = Port(by_message(big=b"x" * 30), keep_alive=True, max_message=50)
    port.say(b"y" * 9, b"y" * 60, peer=FAR)  # 27 are allowed, and 9 are sent
    port.say(b"big", peer=FAR)  # 9 more are allowed
    assert [len(each) for each in port.hear(FAR)] == [9]
    port.say(b"z", b"big", peer=FAR)
    assert [len(each) for each in port.hear(FAR)] == [1, 30]


def test_what_waits_counts_once() -> None:
    """A datagram that waits for the reply before it raises only its own session's limit."""
    waits = Reply(Wait(1), Send(b"x" * 30))
    port = Port(always(waits))
    port.say(b"123", b"1234567", peer=FAR)
    port.pass_time(3)
    assert port.hear(FAR) == []
    assert port.counters.unsent == {"amplification": 2}


def test_states_are_known() -> None:
    """From `STALLED` on nothing is answered: sessions depend on that order."""
    assert [state.name for state in State if state >= State.STALLED] == [
        "STALLED",
        "STALLED_PAUSED",
        "CLOSING",
        "GONE",
    ]

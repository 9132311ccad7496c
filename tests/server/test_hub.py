"""The hub: it calls the connections that are ready, and each of them loses only itself."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.protocol import Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogEvent, capturedLogs
from twisted.python.failure import Failure

from sockreply.server.hub import BATCH, FEW, POLLS, TURN, _hubs, hub_of
from sockreply.server.transport import SendsAtOnce
from tests.server.polling import Connection, Site
from tests.server.stand_ins import LoopingReactor

IN, OUT, ERR, HUP = 1, 4, 8, 16

needs_epoll = pytest.mark.skipif(not hasattr(select, "epoll"), reason="there is no epoll")


@pytest.fixture
def site() -> Site:
    """A hub without connections."""
    return Site()


def raising(error: BaseException) -> Callable[[], object]:
    """A function that raises it."""

    def fail() -> object:
        raise error

    return fail


def flushed(events: list[LogEvent]) -> list[tuple[object, type]]:
    """For each error that was logged: whom the line names, and what was raised."""
    return [(event["system"], event["failure"].type) for event in events]


def test_reads_what_is_ready(site: Site) -> None:
    """It calls each connection that has something to read, and no other."""
    first, second, third = (Connection(number) for number in (5, 6, 7))
    site.add(first, second, third)
    site.turn([(5, IN), (7, IN)])
    assert (first.told, second.told, third.told) == (["read"], [], ["read"])


def test_waits_for_what_it_is_asked_to(site: Site) -> None:
    """The epoll is changed only when that changes something, and forgets who waits for nothing."""
    connection, seen = Connection(5), []
    for ask in ("addReader", "addReader", "addWriter", "removeReader", "removeReader"):
        getattr(site.hub, ask)(connection)
        seen.append(site.epoll.watched[5])
    assert seen == [IN, IN, IN | OUT, OUT, OUT]
    site.hub.removeWriter(connection)
    site.hub.removeWriter(connection)
    site.hub.removeReader(Connection(6))
    assert not site.epoll.watched


def test_writes_when_it_can(site: Site) -> None:
    """A connection that waits to write is called for it, after its read if it can do both."""
    writer, both = Connection(5), Connection(6)
    site.add(writer, reads=False, writes=True)
    site.add(both, writes=True)
    site.turn([(5, OUT), (6, IN | OUT)])
    assert writer.told == ["write"]
    assert both.told == ["read", "write"]


@pytest.mark.parametrize("event", [IN, IN | OUT])
def test_end_by_reading(site: Site, event: int) -> None:
    """The end of the stream is a half-close; anything else ends the connection, for writing too."""
    done = Connection(5, lambda: CONNECTION_DONE)
    lost = Connection(6, lambda: CONNECTION_LOST)
    site.add(done, lost, writes=True)
    site.turn([(5, event), (6, event)])
    assert done.told == ["read", "read lost", ConnectionDone]
    assert lost.told == ["read", ConnectionLost]
    assert site.epoll.watched == {5: OUT}


def test_end_by_writing(site: Site) -> None:
    """A write that closes the connection ends all of it: it is no half-close of the peer's."""
    done = Connection(5, on_write=lambda: CONNECTION_DONE)
    site.add(done, writes=True)
    site.turn([(5, IN | OUT)])
    assert done.told == ["read", "write", ConnectionDone]
    assert not site.epoll.watched


@pytest.mark.parametrize("event", [HUP, ERR, HUP | ERR, HUP | OUT])
def test_gone_without_input(site: Site, event: int) -> None:
    """A hang-up or an error with nothing to read: for who reads an orderly end, else a loss."""
    reader, writer = Connection(5), Connection(6)
    site.add(reader, writes=True)
    site.add(writer, reads=False, writes=True)
    site.turn([(5, event), (6, event)])
    assert reader.told == ["read lost", ConnectionDone]
    assert writer.told == [ConnectionLost]
    assert site.epoll.watched == {5: OUT}


@pytest.mark.parametrize("event", [HUP | IN, ERR | IN, HUP | ERR | IN])
def test_gone_with_input(site: Site, event: int) -> None:
    """As long as there is input it is read, which will meet the end by itself."""
    reader = Connection(5)
    site.add(reader)
    site.turn([(5, event)])
    assert reader.told == ["read"]


@pytest.mark.parametrize("event", [IN, IN | OUT])
@pytest.mark.parametrize("error", [LookupError(), KeyboardInterrupt(), ConnectionDone()])
def test_raising_in_a_read(site: Site, error: BaseException, event: int) -> None:
    """A connection that raises is logged under its name and lost; the others are served."""
    before, bad, after = Connection(5), Connection(6, raising(error)), Connection(7)
    site.add(before, bad, after, writes=True)
    logged = site.turn([(5, IN), (6, event), (7, IN)])
    assert flushed(logged) == [("number 6", type(error))]
    assert bad.told == ["read", type(error)]
    assert before.told == after.told == ["read"]
    assert site.epoll.watched.keys() == {5, 7}


def test_raising_in_a_write(site: Site) -> None:
    """So it is when a write raises."""
    bad, after = Connection(5, on_write=raising(LookupError())), Connection(6)
    site.add(bad, after, writes=True)
    logged = site.turn([(5, OUT), (6, OUT)])
    assert flushed(logged) == [("number 5", LookupError)]
    assert (bad.told, after.told) == (["write", LookupError], ["write"])


def test_raising_at_the_end(site: Site) -> None:
    """A connection that raises when it hears of its end is logged, and the others are served."""
    bad, after = Connection(5, lambda: CONNECTION_LOST), Connection(6)
    vars(bad)["connectionLost"] = lambda _: raising(LookupError())()
    site.add(bad, after)
    assert flushed(site.turn([(5, IN), (6, IN)])) == [("number 5", LookupError)]
    assert after.told == ["read"]


def test_closed_by_an_earlier_event(site: Site) -> None:
    """A connection that an earlier event of the same poll closed is not called any more."""
    second = Connection(6)
    first = Connection(5, lambda: site.hub.removeReader(second))
    site.add(first, second)
    site.turn([(5, IN), (6, IN | HUP)])
    assert second.told == []


def test_number_used_again(site: Site) -> None:
    """An event of a connection that was closed does not reach the next one with its descriptor."""
    old, new = Connection(6), Connection(6)

    def replace() -> None:
        site.hub.removeReader(old)
        site.hub.addReader(new)

    site.add(Connection(5, replace), old)
    site.turn([(5, IN), (6, HUP)])
    assert (old.told, new.told) == ([], [])
    site.turn([(6, IN)])
    assert new.told == ["read"]


def test_number_used_again_without_notice(site: Site) -> None:
    """A socket that somebody else closed does not keep the next one from its descriptor."""
    old, new = Connection(6), Connection(6)
    site.add(Connection(5), old)
    old.number = -1
    del site.epoll.watched[6]  # as the kernel does when it is closed
    site.add(new)
    site.hub.removeReader(old)
    site.turn([(6, IN)])
    assert (old.told, new.told) == ([], ["read"])


def test_closed_without_notice(site: Site) -> None:
    """A socket that somebody else closed is let go when its connection ends."""
    connection = Connection(5)
    site.add(connection, writes=True)
    connection.number = -1
    del site.epoll.watched[5]
    site.hub.removeReader(connection)
    site.hub.removeWriter(connection)
    assert not site.reactor.getReaders()


def test_polls_again(site: Site) -> None:
    """After a poll with many events it polls again at once, after one with few it does not."""
    connections = [Connection(number) for number in range(FEW)]
    site.add(*connections)
    many = [(number, IN) for number in range(FEW)]
    site.turn(many, many, many[1:], many)
    assert site.epoll.polls == 3
    assert connections[0].told == ["read"] * 2


def test_polls_are_counted(site: Site) -> None:
    """However many connections are ready all the time, a turn has its end."""
    connections = [Connection(number) for number in range(BATCH)]
    site.add(*connections)
    site.turn(*[[(number, IN) for number in range(BATCH)]] * 99)
    assert site.epoll.polls == POLLS
    assert connections[0].told == ["read"] * POLLS


@pytest.mark.parametrize("each", [10e-6, 30e-6, 100e-6])
def test_timers_are_not_starved(site: Site, each: float) -> None:
    """The longer each connection takes the fewer polls there are: a timer waits 15 ms at most."""
    connections = [
        Connection(number, lambda: site.reactor.advance(each)) for number in range(BATCH)
    ]
    site.add(*connections)
    site.turn(*[[(number, IN) for number in range(BATCH)]] * 99)
    assert site.epoll.polls >= 2
    assert TURN < site.reactor.seconds() <= 0.015


def test_in_the_reactor_while_it_has_connections(site: Site) -> None:
    """It comes with the first connection, leaves with the last, and comes back with the next."""
    first, second = Connection(5), Connection(6)
    assert site.hub.fileno() == -1
    for _ in range(2):
        assert site.reactor.getReaders() == []
        site.add(first, second)
        assert site.reactor.getReaders() == [site.hub]
        assert site.hub.fileno() == 999
        site.hub.removeReader(first)
        assert site.reactor.getReaders() == [site.hub]
        site.hub.removeReader(second)
    assert site.reactor.getReaders() == []


def test_comes_back_after_it_was_removed(site: Site) -> None:
    """When all readers were taken out of the reactor the next connection brings it back."""
    site.add(Connection(5))
    site.reactor.readers.clear()
    site.add(Connection(6))
    assert site.reactor.getReaders() == [site.hub]


def test_shutdown(site: Site) -> None:
    """When the reactor ends its readers, all connections hear of it, even if one raises."""
    first, bad, last = Connection(5), Connection(6), Connection(7)
    vars(bad)["connectionLost"] = lambda _: raising(LookupError())()
    site.add(first, bad, last, writes=True)
    with capturedLogs() as events:
        site.hub.connectionLost(Failure(CONNECTION_LOST))
    assert flushed([event for event in events if event["isError"]]) == [("number 6", LookupError)]
    assert first.told == last.told == [ConnectionLost]
    assert not site.epoll.watched
    assert site.reactor.getReaders() == []


def test_is_the_reactor_otherwise(site: Site) -> None:
    """Whatever else is asked of it the reactor does."""
    called: list[int] = []
    site.hub.callLater(2, called.append, 1)
    site.reactor.advance(2)
    assert called == [1]
    assert site.hub.seconds() == 2
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = site.hub.no_such_thing


@needs_epoll
def test_one_for_each_reactor() -> None:
    """All that listens in a reactor shares its hub, which is gone when nothing does any more."""
    first, second = MemoryReactorClock(), MemoryReactorClock()
    hub = hub_of(first)
    assert hub_of(first) is hub
    assert hub_of(second) is not hub
    number = id(first)
    del hub, first
    assert number not in _hubs


def test_without_epoll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no epoll there is no hub."""
    monkeypatch.delattr(select, "epoll", raising=False)
    assert hub_of(MemoryReactorClock()) is None


class Pair:
    """A connection over a real socket in a real hub, and its peer."""

    def __init__(self) -> None:
        self.reactor = LoopingReactor()
        self.hub: Any = hub_of(self.reactor)
        self.lost: list[type] = []
        protocol = Protocol()
        vars(protocol)["connectionLost"] = lambda reason: self.lost.append(reason.type)
        ours, self.peer = socket.socketpair()
        port: Any = SimpleNamespace(_realPortNumber=12345)
        self.wire = SendsAtOnce(ours, protocol, ("127.0.0.1", 7), port, 0, self.hub or self.reactor)
        protocol.makeConnection(self.wire)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """One that is closed after the test."""
    made = Pair()
    yield made
    made.peer.close()
    if made.wire.connected:
        made.wire.connectionLost(Failure(CONNECTION_LOST))


@needs_epoll
def test_peer_that_leaves_while_nobody_reads(pair: Pair) -> None:
    """A connection that only waits to write is lost when its peer goes, as the kernel says."""
    pair.wire.pauseProducing()
    pair.wire.write(b"x" * 1_000_000)
    pair.peer.close()
    pair.reactor.turn()
    assert pair.lost == [ConnectionLost]
    assert pair.reactor.getReaders() == []


@needs_epoll
def test_shutdown_of_the_reactor(pair: Pair) -> None:
    """The reactor knows no other reader than the hub, and through it ends the connection."""
    (reader,) = pair.reactor.getReaders()
    assert reader is pair.hub
    pair.reactor.readers.clear()
    reader.connectionLost(Failure(CONNECTION_LOST))
    assert pair.lost == [ConnectionLost]
    assert not pair.wire.connected

"""What is taken of the inside of Twisted's transports is still there, and still means the same."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import twisted
from twisted.internet import tcp, unix
from twisted.internet.abstract import FileDescriptor
from twisted.internet.protocol import Protocol

from sockreply.server.twisted_buffers import BufferedServer, BufferedUNIXServer
from tests.private_names import check_names
from tests.server.stand_ins import LoopingReactor

SEEN_IN = "Twisted 26.10.0"
BIG = b"x" * 1_000_000


class Wire:
    """A transport of some class over a socket pair, and its peer."""

    def __init__(self, kind: type[tcp.Server], client: Any = ("127.0.0.1", 7)) -> None:
        ours, self.peer = socket.socketpair()
        ours.setblocking(False)
        self.peer.setblocking(False)
        self.reactor: Any = LoopingReactor()
        port: Any = SimpleNamespace(_realPortNumber=12345)
        protocol = Protocol()
        self.transport: Any = kind(ours, protocol, client, port, 0, self.reactor)
        protocol.makeConnection(self.transport)

    def end(self) -> None:
        """Close both ends."""
        self.peer.close()
        if self.transport.connected:
            self.transport.abortConnection()
        self.reactor.turn(2)


@pytest.fixture
def plain() -> Iterator[Wire]:
    """Twisted's own transport."""
    wire = Wire(tcp.Server)
    yield wire
    wire.end()


@pytest.fixture
def ours() -> Iterator[Wire]:
    """The one that sends at once."""
    wire = Wire(BufferedServer)
    yield wire
    wire.end()


def test_twisted_still_has_the_names(plain: Wire) -> None:
    """The names are there, with the values of a connection that has just been made."""
    names = "dataBuffer offset _tempDataLen bufferSize TLS producer _writeDisconnecting _aborting"
    check_names(plain.transport, names, seen_in=SEEN_IN, now=twisted.__version__)
    values = [getattr(plain.transport, name) for name in names.split()]
    assert values == [b"", 0, 0, 65_536, False, None, False, False], SEEN_IN


def test_what_twisted_queues(plain: Wire) -> None:
    """A write is counted in one attribute, and in two others once some of it was sent."""
    wire = plain.transport
    wire.write(BIG)
    assert (wire.dataBuffer, wire.offset, wire._tempDataLen) == (b"", 0, len(BIG)), SEEN_IN
    wire.doWrite()
    sent = len(plain.peer.recv(len(BIG)))
    assert (wire.dataBuffer, wire._tempDataLen) == (BIG, 0), SEEN_IN
    assert 0 < sent <= wire.offset < len(BIG), SEEN_IN


def test_what_twisted_is_about_to_do(plain: Wire) -> None:
    """A half-close and an abort are marked before they are carried out."""
    wire = plain.transport
    wire.write(b"x")
    wire.loseWriteConnection()
    assert wire._writeDisconnecting, SEEN_IN
    wire.abortConnection()
    assert wire._aborting, SEEN_IN
    assert wire.connected, SEEN_IN


@pytest.mark.parametrize(
    ("theirs", "kind", "client"),
    [
        (tcp.Server, BufferedServer, ("127.0.0.1", 7)),
        (tcp.Server, BufferedServer, ("::1", 7, 0, 0)),
        (unix.Server, BufferedUNIXServer, "path"),
        (unix.Server, BufferedUNIXServer, None),
    ],
)
def test_made_like_twisteds(theirs: type[Any], kind: type[Any], client: object) -> None:
    """It has every attribute that Twisted's own gets when it is made, but for those for logs."""
    made = [Wire(each, client) for each in (theirs, kind)]
    other = {"logstr", "repstr", "sessionno", "socket", "fileno", "protocol", "reactor"}
    for name in vars(made[0].transport).keys() - other:
        expected, has = (getattr(wire.transport, name) for wire in made)
        assert has == expected, (name, SEEN_IN)
    for wire in made:
        assert wire.transport.fileno() == wire.transport.socket.fileno() >= 0
    assert made[0].transport.getPeer() == made[1].transport.getPeer()
    for wire in made:
        assert wire.transport in wire.reactor.readers
        wire.end()


def test_in_the_log(ours: Wire) -> None:
    """What names it in the log outlives the connection."""
    for _ in range(2):
        assert ours.transport.logPrefix() == "sockreply,127.0.0.1,7"
        assert repr(ours.transport) == "<connection from 127.0.0.1, 7>"
        ours.end()


def test_in_the_log_over_a_unix_socket() -> None:
    """There, peers have no names."""
    wire = Wire(BufferedUNIXServer, "")
    for _ in range(2):
        assert wire.transport.logPrefix() == "sockreply,unix"
        assert repr(wire.transport) == "<connection over a UNIX socket>"
        wire.end()


def test_no_descriptor_once_it_is_gone(plain: Wire, ours: Wire) -> None:
    """It has one for as long as it has its socket."""
    for wire in (plain, ours):
        assert wire.transport.fileno() >= 0
        wire.end()
        assert wire.transport.fileno() == -1, SEEN_IN


@pytest.mark.parametrize(
    "write",
    [
        lambda wire, data: wire.write(data),
        lambda wire, data: wire.writeSequence([data]),
        FileDescriptor.write,  # as Twisted's TLS under a connection calls it
    ],
)
def test_what_waits_belongs_to_one_connection(write: Any, ours: Wire) -> None:
    """The list is made when something waits, and nobody else gets what is in it."""
    other = Wire(BufferedServer)
    assert ours.transport._waiting is None
    sent = b"".join(bytes([letter]) * 300_000 for letter in range(4))
    for at in range(0, len(sent), 300_000):
        write(ours.transport, sent[at : at + 300_000])
    assert other.transport._tempDataBuffer == []
    received = b""
    while len(received) < len(sent):
        ours.reactor.turn(1)
        received += ours.peer.recv(len(sent))
    assert received == sent
    with pytest.raises(BlockingIOError):
        other.peer.recv(1)
    other.end()


def test_a_quiet_connection_has_nothing_that_twisted_would_make_for_it(ours: Wire) -> None:
    """A list, a method and numbers for the log would be 200 bytes for each."""
    ours.transport.write(b"short")
    assert not {"_tempDataBuffer", "_waiting", "fileno", "sessionno", "hostname"} & set(
        vars(ours.transport)
    )


def test_attributes_are_the_instances_own(ours: Wire) -> None:
    """What each read looks at is found without a search in the classes."""
    assert {"bufferSize", "dataBuffer", "TLS", "written"} <= vars(ours.transport).keys()


def test_quiet(ours: Wire) -> None:
    """It is quiet as long as nothing is to be sent; a half-close or the end is not quiet."""
    wire = ours.transport
    assert wire.is_quiet
    wire.write(b"at once")
    assert wire.is_quiet
    wire.write(BIG)
    assert wire.unsent > 0
    assert not wire.is_quiet
    while wire.unsent:
        ours.peer.recv(len(BIG))
        ours.reactor.turn()
    assert wire.is_quiet
    wire.registerProducer(SimpleNamespace(stopProducing=lambda: None), True)
    assert not wire.is_quiet
    assert wire.has_sent_all
    wire.unregisterProducer()
    wire.loseWriteConnection()
    assert not wire.is_quiet


def test_over(ours: Wire) -> None:
    """It is over from the moment at which it is aborted."""
    wire = ours.transport
    assert not wire.is_over
    wire.abortConnection()
    assert wire.is_over
    ours.reactor.turn(2)
    assert wire.is_over
    assert not wire.is_quiet

"""What clients say in clear before TLS begins."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from sockreply.client.starttls import (
    ANSWER_LIMIT,
    KINDS,
    ClearFirst,
    Exchange,
    StartTLSRefused,
    asking_with,
)
from sockreply.framing import parse_framing
from tests.server.stand_ins import watch

LDAP = bytes.fromhex("300c02010178070a010004000400")
DIALOGUES = [
    ("smtp", [b"220 mail ESMTP\r\n", b"250-mail\r\n250-SIZE\r\n250 STARTTLS\r\n", b"220 Go\r\n"]),
    ("smtp", [b"220-mail\r\n220 ESMTP\r\n", b"250 mail\r\n", b"220\r\n"]),
    ("imap", [b"* OK ready\r\n", b"* CAPABILITY\r\na OK begin\r\n"]),
    ("pop3", [b"+OK ready\r\n", b"+OK begin\r\n"]),
    ("ftp", [b"220-Hello\r\n220 ready\r\n", b"234 AUTH TLS\r\n"]),
    ("ldap", [LDAP]),
    ("ldap", [bytes.fromhex("30840000000c02010178070a010004000400")]),
    ("postgres", [b"S"]),
]


class Inside(Protocol):
    """Stands for TLS."""

    def __init__(self) -> None:
        self.wrappedProtocol = object()


class Talk:
    """A client that talks in clear with a server that the test is."""

    def __init__(self, exchanges: Any) -> None:
        self.transport = StringTransport()
        self.inside = Inside()
        self.client = ClearFirst(tuple(exchanges), lambda: self.inside)
        self.client.makeConnection(self.transport)
        self.done = watch(self.client.done)

    def heard(self) -> bytes:
        """What the client has said since."""
        said: bytes = self.transport.value()
        self.transport.clear()
        return said


@pytest.mark.parametrize(("kind", "answers"), DIALOGUES)
@pytest.mark.parametrize("size", [1, 5, 999])
def test_dialogues(kind: str, answers: list[bytes], size: int) -> None:
    """Each protocol's own, however the answers are cut; then TLS begins."""
    talk = Talk(KINDS[kind])
    for exchange, answer in zip(KINDS[kind], answers, strict=True):
        assert talk.done == []
        assert talk.heard() == exchange.says
        for at in range(0, len(answer), size):
            talk.client.dataReceived(answer[at : at + size])
    assert talk.done == [talk.inside.wrappedProtocol]
    assert talk.inside.transport is talk.transport
    assert talk.transport.protocol is talk.inside  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "answer", "why"),
    [
        ("smtp", b"554 no\r\n", "the server said '554 no'"),
        ("smtp", b"220-a\r\n554 no\r\n", "the server said '220-a\\r\\n554 no'"),
        ("imap", b"+OK\r\n", "the server said '+OK'"),
        ("pop3", b"-ERR\r\n", "the server said '-ERR'"),
        ("ldap", LDAP.replace(b"\n\x01\x00", b"\n\x01\x02"), "the server said '"),
        ("ldap", b"HTTP" * 99, "the server said '"),
        ("postgres", b"N", "the server said 'N'"),
        ("postgres", b"E\x00\x00", "the server said 'E'"),
        ("smtp", b"2" * (ANSWER_LIMIT + 1), f"the answer has more than {ANSWER_LIMIT} bytes"),
        ("postgres", b"Sx", "the server sent more in clear after it agreed to TLS"),
    ],
)
def test_refused(kind: str, answer: bytes, why: str) -> None:
    """A no, an answer without end, and what somebody may have added, end the connection."""
    talk = Talk(KINDS[kind])
    talk.client.dataReceived(answer)
    (refused,) = talk.done
    assert isinstance(refused, StartTLSRefused)
    assert str(refused).startswith(f"STARTTLS: {why}")
    assert talk.transport.disconnecting
    talk.client.connectionLost(Failure(ConnectionDone()))
    assert len(talk.done) == 1


def test_server_that_leaves() -> None:
    """A server may close before TLS begins; then that is why."""
    talk = Talk(KINDS["smtp"])
    talk.client.connectionLost(Failure(ConnectionDone()))
    assert str(talk.done[0]) == "STARTTLS: the peer closed it before TLS began"


def test_given_up() -> None:
    """Whoever waits for it may give up, which ends the connection."""
    talk = Talk(KINDS["smtp"])
    talk.client.done.cancel()
    assert talk.transport.disconnecting


@pytest.mark.parametrize("greeting", [False, True])
def test_message_of_ones_own(greeting: bool) -> None:
    """Any message can ask for TLS, and any reply is a yes; the framing is the server's."""
    greeted: list[bytes] = []
    tell = greeted.append if greeting else None
    exchanges = list(asking_with(b"TLS", parse_framing("length:bytes=2"), tell))
    talk = Talk(exchanges)
    if greeting:
        assert talk.heard() == b""
        talk.client.dataReceived(b"\0\5hello")
        assert greeted == [b"hello"]
    assert talk.heard() == b"\0\3TLS"
    talk.client.dataReceived(b"\0\2o")
    assert talk.done == []
    talk.client.dataReceived(b"k")
    assert talk.done == [talk.inside.wrappedProtocol]


def test_reply_that_breaks_the_format() -> None:
    """So it is no yes."""
    talk = Talk(asking_with(b"TLS", parse_framing("netstring")))
    talk.client.dataReceived(b"junk")
    assert str(talk.done[0]).startswith("STARTTLS: the answer broke the format: ")


def test_exchange_is_a_pair() -> None:
    """A protocol of one's own is made of exchanges."""
    talk = Talk([Exchange(b"x", len)])
    talk.client.dataReceived(b"anything")
    assert talk.done == [talk.inside.wrappedProtocol]

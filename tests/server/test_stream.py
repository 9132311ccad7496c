"""What is answered, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.logger import capturedLogs

from sockreply.conversation.answering import UNASKED_LIMIT
from sockreply.conversation.shared import Dialect
from sockreply.framing import Chunk, Netstring
from sockreply.framing.stream import ChunkFramer
from sockreply.replies import Await, Raw, Reply, Send, Session, Wait
from tests.server.stand_ins import (
    Answer,
    FakeTransport,
    Talk,
    always,
    answered,
    by_message,
    echo,
    texts,
)

THREE = b"one\ntwo\r\nthree\n"
IN_ORDER = b"one\ntwo\nthree\n"


def test_one_reply_each() -> None:
    """Each message has one reply, when it is there, and the connection stays open."""
    talk = Talk()
    talk.say(b"one\n")
    assert talk.hear() == b"one\n"
    talk.say(b"two\n")
    assert talk.hear() == b"two\n"
    assert not talk.transport.disconnecting


def test_pipelined_messages_in_one_write() -> None:
    """The replies to all messages of a read leave in order, as one write."""
    talk = Talk()
    talk.say(THREE)
    assert talk.transport.writes == [IN_ORDER]


@pytest.mark.parametrize("at", range(1, len(THREE)))
def test_split_at_every_byte(at: int) -> None:
    """Where the network cuts the stream changes nothing."""
    talk = Talk()
    talk.say(THREE[:at], THREE[at:])
    assert talk.hear() == IN_ORDER
    assert talk.counters.messages == talk.counters.replies == 3


def test_byte_by_byte() -> None:
    """A message is answered with the read that completes it."""
    talk = Talk()
    talk.say(*(bytes([byte]) for byte in THREE))
    assert talk.transport.writes == [b"one\n", b"two\n", b"three\n"]


@pytest.mark.parametrize(
    ("framing", "sent", "heard"),
    [
        ("chunk", b"x", b"x"),
        ("line:ending=crlf", b"x\n", b"x\r\n"),
        ("length:bytes=2", b"\0\1x\0\0", b"\0\1x\0\0"),
        ("netstring", b"1:x,", b"1:x,"),
        ("fixed:size=2", b"xyzw", b"xyzw"),
        ("enclosed:start=<,end=>", b"<x><y>", b"<x><y>"),
        (r"delimited:end=\0,reply_end=;", b"x\0y\0", b"x;y;"),
    ],
)
def test_framings(framing: str, sent: bytes, heard: bytes) -> None:
    """Replies are framed as the service says."""
    talk = Talk(framing=framing)
    talk.say(sent)
    assert talk.hear() == heard


@pytest.mark.parametrize("answer", [echo, always(Reply(b"one"))])
def test_without_keep_alive(answer: Answer) -> None:
    """Without keep-alive the first message is answered and the connection closed; more is lost."""
    talk = Talk(answer, keep_alive=False)
    talk.say(b"one\ntwo\n")
    assert talk.hear() == b"one\n"
    assert talk.transport.disconnecting
    talk.say(b"three\n")
    assert talk.hear() == b""
    assert talk.counters.messages == 1
    assert talk.counters.dropped_bytes == 6


def test_silence_without_keep_alive() -> None:
    """Without keep-alive a message that is met with silence ends the connection too."""
    talk = Talk(always(None), keep_alive=False)
    talk.say(b"one\n")
    assert talk.hear() == b""
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.silences == talk.counters.closed["answered"] == 1


def test_waiting_reply_without_keep_alive() -> None:
    """Without keep-alive the connection stays until a reply that waits is whole."""
    talk = Talk(always(Reply(b"wait", Wait(1), b"done")), keep_alive=False)
    talk.say(b"x\n")
    assert not talk.transport.disconnecting
    talk.clock.advance(1)
    assert talk.hear() == b"wait\ndone\n"
    assert talk.transport.disconnecting


@pytest.mark.parametrize("greeting", [b"READY", Reply(b"READY"), Reply(Raw(b"READY\n"))])
def test_greeting(greeting: bytes | Reply) -> None:
    """The greeting comes first, and counts neither as message nor as reply."""
    talk = Talk(greeting=greeting, keep_alive=False)
    assert talk.hear() == b"READY\n"
    assert talk.counters.messages == talk.counters.replies == talk.session.count == 0
    assert not talk.transport.disconnecting
    talk.say(b"x\n")
    assert talk.hear() == b"x\n"
    assert talk.counters.messages == talk.counters.replies == talk.session.count == 1


def test_messages_wait_behind_the_greeting() -> None:
    """A greeting that takes its time goes before every reply all the same."""
    talk = Talk(greeting=Reply(Wait(1), b"READY"))
    talk.say(b"x\n")
    assert talk.hear() == b""
    talk.clock.advance(1)
    assert talk.hear() == b"READY\nx\n"


async def coroutine(value: Any) -> Any:
    """A value, from a coroutine."""
    return value


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (always(b"now"), b"now\n"),
        (always(b""), b"\n"),
        (always(Reply(b"a", Raw(b"b"), Send(b"c"))), b"a\nbc\n"),
        (always(Reply(b"a", Wait(0), b"b")), b"a\nb\n"),
        (always(succeed(b"later")), b"later\n"),
        (lambda _, __: coroutine(b"later"), b"later\n"),
        (lambda _, __: coroutine(Reply(b"x", b"y")), b"x\ny\n"),
        (lambda _, __: Reply(b"<", Await(coroutine(b"x")), b">"), b"<\nx\n>\n"),
        (lambda _, __: Reply(b"<", Await(coroutine(None)), b">"), b"<\n>\n"),
    ],
)
def test_what_a_responder_may_give(answer: Answer, heard: bytes) -> None:
    """bytes, a Reply, or something to wait for; each is carried out step by step."""
    talk = Talk(answer)
    talk.say(b"x\n")
    talk.clock.advance(0)
    assert talk.hear() == heard
    assert talk.counters.replies == answered(talk.counters) == 1


@pytest.mark.parametrize("nothing", [None, Reply(), Reply(Wait(0)), succeed(None)])
def test_silence(nothing: object) -> None:
    """Silence keeps the connection open, and counts as such."""
    talk = Talk(by_message(x=nothing))
    talk.say(b"x\ny\n")
    talk.clock.advance(0)
    assert talk.hear() == b"y\n"
    assert (talk.counters.silences, talk.counters.replies) == (1, 1)


def test_one_write_for_replies_of_all_kinds() -> None:
    """Replies that need not wait leave in one write, whatever they are made of."""
    talk = Talk(by_message(two=Reply(b"2", Raw(b"!")), three=None))
    talk.say(b"one\ntwo\nthree\nfour\n")
    assert talk.transport.writes == [b"one\n2\n!four\n"]


def test_session_tells_the_connection() -> None:
    """A responder sees the message's number, the addresses and its own notes."""
    seen: list[Any] = []

    def note(_: bytes, session: Session) -> bytes:
        session.state["sum"] = session.state.get("sum", 0) + session.count
        seen.append((session.count, session.peer.host, session.host.port, session.tls))  # type: ignore[attr-defined]  # IP
        return str(session.state["sum"]).encode()

    talk = Talk(note)
    talk.say(b"a\nb\nc\n")
    assert talk.hear() == b"1\n3\n6\n"
    assert seen == [(n, "192.168.1.1", 12345, None) for n in (1, 2, 3)]
    assert talk.session.frame(b"x") == b"x\n"


def test_sessions_are_apart() -> None:
    """What is noted on one connection is not seen on another."""
    one, two = Talk(), Talk()
    one.session.state["x"] = 1
    assert two.session.state == {}


def test_when_closed() -> None:
    """A session tells that its connection is gone, and swallows what is sent then."""
    talk = Talk()
    gone: Deferred[None] = talk.session.when_closed()
    assert not gone.called
    assert not talk.session.closed
    talk.leave()
    assert gone.called
    assert talk.session.closed
    assert talk.session.when_closed().called
    talk.session.send(b"x")
    assert talk.hear() == b""


def test_received_and_sent_bytes() -> None:
    """Bytes are counted as they cross the wire."""
    talk = Talk(always(b"reply"), greeting=b"hi")
    talk.say(b"x\n", b"part")
    assert talk.counters.received_bytes == 6
    assert talk.counters.sent_bytes == len(b"hi\nreply\n")


def test_what_is_sent_with_the_last_reply_goes_before_the_close() -> None:
    """Without keep-alive, what is sent unasked follows the reply, and then comes the end."""

    def respond(_: bytes, session: Session) -> Reply:
        session.send(b"two")
        session.send(Reply(b"three", b"four"))
        return Reply(b"one")

    talk = Talk(respond, keep_alive=False)
    talk.say(b"x\ny\n")
    assert talk.transport.value() == b"one\ntwo\nthree\nfour\n"
    assert talk.transport.disconnecting
    assert talk.counters.messages == 1


def test_nothing_is_written_after_an_abort_from_within_respond() -> None:
    """A reply that comes from a connection which was aborted meanwhile is not sent."""

    def respond(_: bytes, session: Session) -> bytes:
        for _number in range(UNASKED_LIMIT + 1):
            session.send(b"flood")
        return b"late"

    talk = Talk(respond)
    talk.say(b"x\n")
    assert talk.transport.aborted
    assert talk.transport.value() == b""


class BrokenFraming(Netstring):
    """Cannot frame one message, and says so in its own way."""

    def frame(self, message: bytes) -> bytes:
        if message == b"boom":
            raise LookupError("boom")
        return super().frame(message)


def test_framing_that_raises() -> None:
    """An error of a user's own framing costs the connection, and is told to no caller."""
    talk = Talk()
    talk.factory.shared.dialect = Dialect(BrokenFraming(), talk.factory.shared.responder)
    broken, transport = talk.factory.buildProtocol(None), FakeTransport()
    broken.makeConnection(transport)
    with capturedLogs():
        broken.session.send(b"boom")
    assert transport.disconnecting
    assert talk.counters.errors == {"unasked": 1}


class BrokenFramer(ChunkFramer):
    """Finds one message, and then says in its own way that it finds none."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(max_message=2)
        self._error = error

    def next_message(self) -> bytes | None:
        if self._start:
            raise self._error
        return super().next_message()


@dataclass(frozen=True)
class FramesOnce(Chunk):
    """Has such a framer."""

    error: BaseException

    def framer(self, max_message: int) -> ChunkFramer:
        return BrokenFramer(self.error)


@pytest.mark.parametrize("error", [LookupError("boom"), SystemExit("boom")])
def test_framer_that_raises(error: BaseException) -> None:
    """An error of a user's own framer costs the connection, and counts as no message."""
    talk = Talk()
    talk.factory.shared.dialect = Dialect(FramesOnce(error), talk.factory.shared.responder)
    broken, transport = talk.factory.buildProtocol(None), FakeTransport()
    broken.makeConnection(transport)
    with capturedLogs() as log:
        broken.dataReceived(b"boom")
    assert transport.value() == b"bo"
    assert transport.disconnecting
    assert (talk.counters.messages, talk.counters.replies) == (1, 1)
    assert talk.counters.errors == {"internal": 1}
    [line] = texts(log, "error")
    assert "disconnected: its framing failed\n" in line


def test_awaitable_of_a_connection_that_ended_meanwhile() -> None:
    """What a responder would have awaited is cancelled when it ended its connection itself."""
    cancelled: list[object] = []

    def respond(_: bytes, session: Session) -> Deferred[bytes]:
        for _number in range(UNASKED_LIMIT + 1):
            session.send(b"flood")
        return Deferred(cancelled.append)

    talk = Talk(respond)
    talk.say(b"x\n")
    assert talk.transport.aborted
    assert len(cancelled) == 1

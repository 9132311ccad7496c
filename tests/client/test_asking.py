"""Many messages over one connection, and which of them a framing carries."""

from __future__ import annotations

import gc
import re

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.client.asking import WAITING_LIMIT, Asking, is_carried
from sockreply.errors import CannotFrame, RequestTimeout
from sockreply.framing import Headed, parse_framing
from tests.client.stand_ins import talk, watch
from tests.framing.stand_ins import Stop


class Connection:
    """Stands in for a connection whose replies the test gives."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Deferred[bytes]]] = []

    def request(self, message: bytes) -> Deferred[bytes]:
        reply: Deferred[bytes] = Deferred()
        self.asked.append((message, reply))
        return reply


def test_asking_is_done_when_the_last_reply_is_shown() -> None:
    """Neither the last message nor the last reply alone is the end."""
    connection = Connection()
    shown: list[bytes] = []
    asking = Asking(connection, shown.append, Clock())  # type: ignore[arg-type] # all of one that it uses
    Deferred.fromCoroutine(asking.ask(b"one"))
    connection.asked[0][1].callback(b"ONE")
    assert not asking.done.called
    Deferred.fromCoroutine(asking.ask(b"two"))
    asking.all_asked()
    assert not asking.done.called
    connection.asked[1][1].callback(b"TWO")
    assert asking.done.called
    assert shown == [b"ONE", b"TWO"]
    assert (asking.asked, asking.shown) == (2, 2)


def test_asking_fails_with_the_first_reply_that_fails() -> None:
    """Later failures change nothing, nor do those of who asks."""
    connection = Connection()
    asking = Asking(connection, str, Clock())  # type: ignore[arg-type] # all of one that it uses
    failures: list[str] = []
    asking.done.addErrback(lambda failure: failures.append(str(failure.value)))
    for message in (b"one", b"two"):
        Deferred.fromCoroutine(asking.ask(message))
    asking.all_asked()
    for number, (_, reply) in enumerate(connection.asked):
        reply.errback(RequestTimeout(number))
    asking.fail(ValueError("no message"))
    assert failures == ["no reply within 0 s"]


def test_only_so_many_messages_wait() -> None:
    """The next message is sent when one of those before it is answered."""
    connection = Connection()
    asking = Asking(connection, str, Clock())  # type: ignore[arg-type] # all of one that it uses
    for _ in range(WAITING_LIMIT + 1):
        Deferred.fromCoroutine(asking.ask(b"x"))
    assert len(connection.asked) == WAITING_LIMIT
    connection.asked[0][1].callback(b"")
    assert len(connection.asked) == WAITING_LIMIT + 1


def test_several_replies_to_each_message() -> None:
    """They are shown as they come, and the next one has its time from the one before it on."""
    protocol, transport, clock = talk()
    shown: list[bytes] = []
    asking = Asking(protocol, shown.append, clock, 10, replies=3)
    done = watch(asking.done)
    for message in (b"a", b"b"):
        Deferred.fromCoroutine(asking.ask(message))
    asking.all_asked()
    assert transport.take_sent() == b"a\nb\n"
    for reply in (b"1\n", b"2\n", b"3\n4\n5\n"):
        assert not done
        clock.advance(9)
        protocol.dataReceived(reply)
    assert shown == [b"1", b"2", b"3", b"4", b"5"]
    assert asking.progress() == "5 of 6 replies arrived"
    clock.advance(9)
    assert not done
    protocol.dataReceived(b"6\n")
    assert done == [None]
    assert clock.getDelayedCalls() == []


def test_nothing_is_waited_for_while_nothing_is_asked() -> None:
    """The time of a reply begins with its message, if no other waits."""
    protocol, _, clock = talk()
    asking = Asking(protocol, str, clock, 10)
    done = watch(asking.done)
    for reply in (b"1\n", b"2\n"):
        clock.advance(11)
        Deferred.fromCoroutine(asking.ask(b"a"))
        clock.advance(9)
        protocol.dataReceived(reply)
    assert clock.getDelayedCalls() == []
    assert not done
    asking.all_asked()
    assert done == [None]


def test_a_reply_of_several_that_does_not_come() -> None:
    """It fails, and nobody is told more than once."""
    protocol, transport, clock = talk()
    asking = Asking(protocol, str, clock, 10, replies=3)
    done = watch(asking.done)
    Deferred.fromCoroutine(asking.ask(b"a"))
    asking.all_asked()
    protocol.dataReceived(b"1\n")
    clock.advance(10)
    assert list(map(str, done)) == ["no reply within 10 s"]
    assert asking.progress() == "1 of 3 replies arrived"
    with capturedLogs() as events:
        transport.reset()
        del asking, protocol, transport
        gc.collect()
    assert events == []


def test_replies_that_run_together_wait_for_their_turn() -> None:
    """With `chunk` the next message is sent when the one before it has all its replies."""
    protocol, transport, clock = talk("chunk")
    asking = Asking(protocol, str, clock, replies=2)
    for message in (b"a", b"b"):
        Deferred.fromCoroutine(asking.ask(message))
    assert transport.take_sent() == b"a"
    protocol.dataReceived(b"1")
    assert transport.take_sent() == b""
    protocol.dataReceived(b"2")
    assert transport.take_sent() == b"b"


@pytest.mark.parametrize(
    ("spec", "carried", "not_carried"),
    [
        ("chunk", b"one\ntwo", b""),
        ("gap", b"one\ntwo", b""),
        ("eof", b"one\ntwo", b""),
        ("line", b"", b"one\ntwo"),
        ("line", b"one\rtwo", b"one\r"),
        ("delimited:end=;,reply_end=|", b"a|b", b"a;b"),
        ("delimited:end=;;", b"a", b"a;"),
        ("fixed:size=4", b"abcd", b"abc"),
        ("fixed:size=4", b"abcd", b"abcdefgh"),
        ("enclosed:start=<,end=>", b"a<b", b"a>b"),
        ("length:bytes=1", bytes(255), None),
        ("length:bytes=1,strip=no", b"\x01a", b"\x01ab"),
        ("length:digits=1,strip=no", b"1a", b"one"),
        ("netstring", b"1:a,", None),
        ("resp", b"SET 'a b'  1", None),
        ("resp", b"", None),
    ],
)
def test_a_message_is_carried_if_the_server_reads_just_it(
    spec: str, carried: bytes, not_carried: bytes | None
) -> None:
    """One that its framing cuts, joins to the next or alters is not."""
    framing = parse_framing(spec)
    assert is_carried(carried, framing)
    assert not_carried is None or not is_carried(not_carried, framing)


def test_heads_are_carried_with_what_follows_them() -> None:
    """A head that says that something follows is carried with just that."""
    framing = Headed(parse_framing("line"), re.compile(rb"^set (?P<length>\d+)$"))
    for message, carried in ((b"set 2\nab", True), (b"get", True), (b"set 2", False)):
        assert is_carried(message, framing) == carried


def test_a_framing_of_somebody_elses_carries_what_it_reads() -> None:
    """Nothing is taken for granted but what its own framer says."""
    assert is_carried(b"ARRIVING MONDAY ", Stop())
    assert not is_carried(b"ARRIVING MONDAY STOP SEND MONEY ", Stop())


def test_a_length_that_cannot_be_told_says_why() -> None:
    """The field's limits are in the error."""
    with pytest.raises(CannotFrame, match="can only hold 0 to 255"):
        is_carried(bytes(256), parse_framing("length:bytes=1"))

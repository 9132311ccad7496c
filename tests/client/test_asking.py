"""Many messages over one connection, and which of them a framing carries."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from sockreply.client.asking import WAITING_LIMIT, Asking, is_carried
from sockreply.errors import CannotFrame, RequestTimeout
from sockreply.framing import parse_framing
from tests.framing.stand_ins import Stop


class Connection:
    """Stands in for a connection whose replies the test gives."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Deferred[bytes]]] = []

    def request(self, message: bytes, timeout: float | None) -> Deferred[bytes]:
        reply: Deferred[bytes] = Deferred()
        self.asked.append((message, reply))
        return reply


def test_asking_is_done_when_the_last_reply_is_shown() -> None:
    """Neither the last message nor the last reply alone is the end."""
    connection = Connection()
    shown: list[bytes] = []
    asking = Asking(connection, shown.append)  # type: ignore[arg-type] # all of one that it uses
    Deferred.fromCoroutine(asking.ask(b"one"))
    connection.asked[0][1].callback(b"ONE")
    assert not asking.done.called
    Deferred.fromCoroutine(asking.ask(b"two"))
    asking.all_asked()
    assert not asking.done.called
    connection.asked[1][1].callback(b"TWO")
    assert asking.done.called
    assert shown == [b"ONE", b"TWO"]
    assert (asking.asked, asking.answered) == (2, 2)


def test_asking_fails_with_the_first_reply_that_fails() -> None:
    """Later failures change nothing, nor do those of who asks."""
    connection = Connection()
    asking = Asking(connection, str)  # type: ignore[arg-type] # all of one that it uses
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
    asking = Asking(connection, str)  # type: ignore[arg-type] # all of one that it uses
    for _ in range(WAITING_LIMIT + 1):
        Deferred.fromCoroutine(asking.ask(b"x"))
    assert len(connection.asked) == WAITING_LIMIT
    connection.asked[0][1].callback(b"")
    assert len(connection.asked) == WAITING_LIMIT + 1


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
    ],
)
def test_a_message_is_carried_if_the_server_reads_just_it(
    spec: str, carried: bytes, not_carried: bytes | None
) -> None:
    """One that its framing cuts, joins to the next or alters is not."""
    framing = parse_framing(spec)
    assert is_carried(carried, framing)
    assert not_carried is None or not is_carried(not_carried, framing)


def test_a_framing_of_somebody_elses_carries_what_it_reads() -> None:
    """Nothing is taken for granted but what its own framer says."""
    assert is_carried(b"ARRIVING MONDAY ", Stop())
    assert not is_carried(b"ARRIVING MONDAY STOP SEND MONEY ", Stop())


def test_a_length_that_cannot_be_told_says_why() -> None:
    """The field's limits are in the error."""
    with pytest.raises(CannotFrame, match="can tell 0 to 255"):
        is_carried(bytes(256), parse_framing("length:bytes=1"))

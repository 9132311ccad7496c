"""Replies that take their time, those that never come, and what is sent unasked."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs

from sockreply.conversation.answering import UNASKED_LIMIT
from sockreply.conversation.outbox import BYTES_A_TURN
from sockreply.errors import ResponderError
from sockreply.replies import Await, Raw, Reply, Session, Stall, Step, Wait, corrupt, drip, truncate
from tests.server.stand_ins import Answer, NotingLog, Talk, always, answered, by_message, texts

LATER = Reply(Wait(1), b"later")


def test_later_messages_wait() -> None:
    """What comes after a message whose reply waits is answered behind it."""
    talk = Talk(by_message(slow=LATER))
    talk.say(b"one\nslow\ntwo\n")
    assert talk.hear() == b"one\n"
    talk.clock.advance(1)
    assert talk.hear() == b"later\ntwo\n"


def test_other_connections_go_on() -> None:
    """A reply that waits holds up its own connection only."""
    talk = Talk(by_message(slow=LATER))
    talk.say(b"slow\n")
    other = talk.factory.buildProtocol(None)
    other.makeConnection(transport := type(talk.transport)())
    other.dataReceived(b"fast\n")
    assert transport.value() == b"fast\n"
    assert talk.hear() == b""


def test_reading_pauses_behind_a_waiting_reply() -> None:
    """While a reply waits one read is kept, then reading pauses until it is gone."""
    talk = Talk(by_message(slow=LATER))
    talk.say(b"slow\n")
    assert not talk.transport.paused
    talk.say(b"one\ntw")
    assert talk.transport.paused
    talk.clock.advance(1)
    assert not talk.transport.paused
    talk.say(b"o\n")
    assert talk.hear() == b"later\none\ntwo\n"


def test_responder_sees_messages_one_at_a_time() -> None:
    """A responder is not asked for the next answer before its last one is out."""
    asked: list[bytes] = []
    waiting: Deferred[bytes] = Deferred()

    def answer(message: bytes, _: Session) -> object:
        asked.append(message)
        return waiting if message == b"a" else message

    talk = Talk(answer)
    talk.say(b"a\nb\n")
    assert asked == [b"a"]
    waiting.callback(b"A")
    assert asked == [b"a", b"b"]
    assert talk.hear() == b"A\nb\n"


def test_steps_before_a_wait_are_sent_at_once() -> None:
    """What a reply says before it waits does not wait with it."""
    talk = Talk(always(Reply(b"a", b"b", Wait(1), b"c")))
    talk.say(b"x\n")
    assert talk.transport.writes == [b"a\nb\n"]
    talk.clock.advance(0.9)
    assert len(talk.transport.writes) == 1
    talk.clock.advance(0.1)
    assert talk.transport.writes[1:] == [b"c\n"]


@pytest.mark.parametrize(
    ("fault", "heard"),
    [([truncate(b"reply\n", 3)], b"rep"), (drip(b"reply\n", size=4), b"reply\n")],
)
def test_faults(fault: list[Step], heard: bytes) -> None:
    """A fault goes over the wire as it was made, unframed, and counts as a reply."""
    talk = Talk(always(Reply(*fault)))
    talk.say(b"x\n")
    talk.clock.advance(1)
    assert talk.hear() == heard
    assert talk.counters.replies == 1


def test_corrupt() -> None:
    """A corrupted reply has its length and not its bytes."""
    talk = Talk(always(Reply(corrupt(b"reply\n", Random(1)))))
    talk.say(b"x\n")
    sent = talk.hear()
    assert len(sent) == 6
    assert sent != b"reply\n"


def test_drip_writes() -> None:
    """A drip is as many writes as it has pieces, with the pause between."""
    talk = Talk(always(Reply(*drip(b"abc", every=0.5))))
    talk.say(b"x\n")
    talk.clock.advance(0.5)
    assert talk.transport.writes == [b"a", b"b"]
    talk.clock.advance(0.5)
    assert talk.transport.writes == [b"a", b"b", b"c"]
    assert talk.counters.replies == 1


def broken(_: bytes, __: Session) -> bytes:
    """Raise."""
    raise LookupError("no such thing")


async def broken_later() -> bytes:
    """Raise, when awaited."""
    raise LookupError("no such thing")


FAILING = [
    (broken, "LookupError: no such thing"),
    (lambda _, __: broken_later(), "LookupError: no such thing"),
    (always(7), "a responder returned int"),
    (lambda _, __: Reply(b"y", Await(broken_later())), "LookupError"),
    (always(Reply(Await(7))), "TypeError"),  # type: ignore[arg-type]  # on purpose
]


@pytest.mark.parametrize(("answer", "why"), FAILING)
def test_failing_responder(answer: Answer, why: str) -> None:
    """A reply that fails is logged once and counted, and closes its connection only."""
    talk = Talk(answer)
    with capturedLogs() as events:
        talk.say(b"x\ny\n")
    (line,) = texts(events, "error")
    assert "192.168.1.1:54321 gets no reply" in line
    assert why in line
    assert talk.transport.disconnecting
    talk.leave()
    counters = talk.counters
    assert (counters.errors, counters.replies, counters.messages) == ({"reply": 1}, 0, 1)
    assert counters.closed == {"error": 1}


def test_error_text_stays_here() -> None:
    """A peer is told nothing of what went wrong; replies before it are sent."""
    talk = Talk(by_message(bad=7))
    with capturedLogs():
        talk.say(b"good\nbad\nnever\n")
    assert talk.hear() == b"good\n"


def test_cannot_frame() -> None:
    """A reply that the framing cannot carry is a failed one, told without a traceback."""
    for reply in (b"x" * 256, Reply(b"x" * 256)):
        talk = Talk(always(reply), "length:bytes=1")
        with capturedLogs() as events:
            talk.say(b"\1x")
        (line,) = texts(events, "error")
        assert "\n" not in line
        assert "256 bytes" in line
        assert talk.counters.errors == {"reply": 1}
        assert talk.transport.disconnecting


def test_traceback_cannot_drive_a_screen() -> None:
    """A traceback that quotes the peer's bytes is logged without control characters."""

    def quote(message: bytes, _: Session) -> bytes:
        raise ValueError(message.decode())

    talk = Talk(quote)
    with capturedLogs() as events:
        talk.say("\x1b[2J\rforged\u202e\x85\u2028line\n".encode())
    (line,) = texts(events, "error")
    assert r"\x1b[2J\rforged\u202e" in line or r"\x1b[2J" in line
    assert all(char.isprintable() or char == "\n" for char in line)


def test_reply_timeout() -> None:
    """A responder that outlives reply_timeout is cancelled, logged, counted and cut off."""
    cancelled: list[object] = []
    never: Deferred[bytes] = Deferred(cancelled.append)
    talk = Talk(always(never), reply_timeout=3)
    talk.say(b"x\n")
    with capturedLogs() as events:
        talk.clock.advance(2.9)
        assert not talk.transport.disconnecting
        talk.clock.advance(0.1)
    assert texts(events) == ["192.168.1.1:54321 gets no reply: no reply within 3 s"]
    assert talk.transport.disconnecting
    assert cancelled == [never]
    assert talk.counters.errors == {"reply_timeout": 1}


def test_waits_do_not_count_as_the_responders_time() -> None:
    """Only what is awaited counts against reply_timeout, and each time anew."""
    answers: list[Deferred[Any]] = [Deferred(), Deferred()]
    talk = Talk(
        always(Reply(Wait(5), Await(answers[0]), Wait(5), Await(answers[1]))), reply_timeout=3
    )
    talk.say(b"x\n")
    for each in answers:
        talk.clock.pump([5, 2.9])
        each.callback(b"here")
    assert talk.hear() == b"here\nhere\n"
    assert talk.counters.errors == {}


def test_no_reply_timeout() -> None:
    """A reply_timeout of 0 waits for ever."""
    never: Deferred[bytes] = Deferred()
    talk = Talk(always(never), reply_timeout=0)
    talk.say(b"x\n")
    talk.clock.advance(1e9)
    never.callback(b"at last")
    assert talk.hear() == b"at last\n"


async def stubborn(answer: Deferred[bytes]) -> bytes:
    """Answer all the same when it is given up."""
    try:
        return await answer
    except CancelledError:
        return b"late"


@pytest.mark.parametrize("make", [lambda answer: answer, stubborn])
def test_late_answer_is_dropped(make: Callable[[Deferred[bytes]], object]) -> None:
    """What a responder says after its time has no effect."""
    late: Deferred[bytes] = Deferred()
    talk = Talk(lambda _, __: make(late), reply_timeout=3)
    talk.say(b"x\n")
    with capturedLogs():
        talk.clock.advance(3)
    late.callback(b"late")
    assert talk.hear() == b""
    assert talk.counters.errors == {"reply_timeout": 1}
    assert answered(talk.counters) == 1


def test_peer_that_leaves_cancels_the_work() -> None:
    """When the peer leaves, what is worked on for it is cancelled and counted as abandoned."""
    cancelled: list[object] = []
    never: Deferred[bytes] = Deferred(cancelled.append)
    talk = Talk(always(never))
    talk.say(b"x\n")
    with capturedLogs() as events:
        talk.leave()
    assert cancelled == [never]
    assert talk.counters.errors == {"abandoned": 1}
    assert not texts(events)
    assert not talk.clock.getDelayedCalls()


def test_peer_that_leaves_cancels_work_behind_a_wait() -> None:
    """When the peer leaves during a wait, what would be awaited after it is cancelled too."""
    cancelled: list[object] = []
    never: Deferred[bytes] = Deferred(cancelled.append)
    talk = Talk(always(Reply(Wait(1), Await(never))))
    talk.say(b"x\n")
    talk.leave()
    assert cancelled == [never]


def test_send_from_inside_respond() -> None:
    """What is sent unasked while a message is answered goes behind its reply."""

    def answer(message: bytes, session: Session) -> bytes:
        session.send(b"news of " + message)
        return message

    talk = Talk(answer)
    talk.say(b"a\nb\n")
    assert talk.transport.writes == [b"a\nnews of a\nb\nnews of b\n"]
    assert (talk.counters.messages, talk.counters.replies) == (2, 2)


def test_send_from_a_timer() -> None:
    """What is sent unasked on an idle connection goes at once, framed."""
    talk = Talk()
    talk.clock.callLater(1, talk.session.send, b"tick")
    talk.clock.callLater(2, talk.session.send, Reply(b"tick", Raw(b"!")))
    talk.clock.advance(1)
    assert talk.hear() == b"tick\n"
    talk.clock.advance(1)
    assert talk.hear() == b"tick\n!"
    assert talk.counters.replies == talk.counters.messages == talk.session.count == 0


def test_send_queues_behind_what_is_owed() -> None:
    """What is sent unasked waits behind a reply that waits, in order, before later messages."""
    talk = Talk(by_message(slow=LATER))
    talk.say(b"slow\nnext\n")
    talk.session.send(b"tick")
    talk.session.send(Reply(Wait(1), b"tock"))
    assert talk.hear() == b""
    talk.clock.advance(1)
    assert talk.hear() == b"later\ntick\n"
    talk.clock.advance(1)
    assert talk.hear() == b"tock\nnext\n"


def test_unasked_limit() -> None:
    """A peer behind which over 1,000 unasked replies pile up is disconnected."""
    talk = Talk()
    talk.take_nothing()
    for _ in range(1000):
        talk.session.send(b"x")
    assert not talk.transport.aborted
    talk.session.send(b"x")
    assert talk.transport.aborted
    talk.leave()
    assert talk.counters.closed == {"overrun": 1}


def test_unasked_replies_of_a_reader_do_not_pile_up() -> None:
    """A peer that takes what is sent may get any number of unasked replies."""
    talk = Talk()
    for _ in range(1500):
        talk.session.send(b"x")
    assert talk.hear() == b"x\n" * 1500


def test_failing_unasked_reply() -> None:
    """An unasked reply that fails is counted apart, for it is no message's."""
    talk = Talk()
    with capturedLogs() as events:
        talk.session.send(Reply(Await(broken_later())))
    assert len(texts(events, "error")) == 1
    assert talk.counters.errors == {"unasked": 1}
    assert answered(talk.counters) == talk.counters.messages == 0


def test_stall() -> None:
    """A reply that stalls says what it had to say; then nothing more comes, nor an end."""
    talk = Talk(by_message(stop=Reply(b"last", Stall())), idle_timeout=60)
    talk.say(b"stop\nmore\n", b"and more\n")
    talk.session.send(b"tick")
    talk.clock.advance(59)
    assert talk.hear() == b"last\n"
    assert not talk.transport.disconnecting
    assert talk.counters.messages == talk.counters.replies == 1


def test_stalled_until_idle() -> None:
    """A stalled connection is closed when it has been idle, whatever the peer says meanwhile."""
    talk = Talk(always(Reply(Stall())), idle_timeout=60)
    talk.say(b"x\n")
    talk.clock.advance(30)
    talk.say(b"y\n")
    talk.clock.advance(30)
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.closed == {"idle": 1}
    assert talk.counters.silences == answered(talk.counters) == 1


@pytest.mark.parametrize("before", [b"", b"slow\n"])
def test_stall_that_does_not_read(before: bytes) -> None:
    """On request nothing is read any more; being idle ends it, and then the rest is dropped."""
    stop = Reply(Stall(read=False))
    talk = Talk(by_message(stop=stop, slow=Reply(Wait(1), b"done")), idle_timeout=60)
    talk.say(before + b"stop\n")
    if before:
        talk.say(b"kept\n")  # for which reading pauses
        talk.clock.advance(1)
    assert talk.transport.paused
    talk.clock.advance(59)
    assert not talk.transport.disconnecting
    talk.clock.advance(1)
    assert talk.transport.disconnecting
    assert not talk.transport.paused
    talk.say(b"late\n")
    talk.leave()
    assert talk.counters.closed == {"idle": 1}
    assert talk.counters.dropped_bytes == len(b"late\n" + b"kept\n" * bool(before))


def test_drain_of_a_stall_that_does_not_read() -> None:
    """A drain ends it at once."""
    talk = Talk(always(Reply(Stall(read=False))))
    talk.say(b"x\n")
    talk.protocol.drain()
    assert talk.transport.disconnecting
    assert not talk.transport.paused


def test_peer_that_leaves_ends_a_stall() -> None:
    """A stalled connection holds nothing once its peer says that it sends no more."""
    talk = Talk(always(Reply(Stall())), idle_timeout=0)
    talk.say(b"x\n")
    assert not talk.transport.paused
    talk.finish_sending()
    assert talk.transport.disconnecting


def test_nothing_is_queued_behind_a_stall() -> None:
    """What is sent unasked on a stalled connection is dropped, however much it is."""
    talk = Talk(always(Reply(Stall())))
    talk.say(b"x\n")
    for _ in range(2 * UNASKED_LIMIT):
        talk.session.send(b"tick")
    assert not talk.transport.aborted
    assert talk.hear() == b""


def test_reply_that_never_ends() -> None:
    """A reply may go on through awaitables for ever: it neither grows nor nests."""

    async def more(number: int) -> Reply:
        return Reply(b"%d" % number, Wait(1), Await(more(number + 1)))

    talk = Talk(always(Reply(Await(more(0)))))
    talk.say(b"x\n")
    talk.clock.pump([1] * 5000)
    assert talk.hear().splitlines()[-1] == b"5000"
    talk.leave()


def test_deeply_nested_awaitables() -> None:
    """Answers that are there at once and name further answers need no stack."""

    async def nested(depth: int) -> Reply | bytes:
        return Reply(Await(nested(depth - 1))) if depth else b"deep"

    talk = Talk(always(Reply(Await(nested(20_000)))))
    talk.say(b"x\n")
    talk.clock.pump([0] * 1000)
    assert talk.hear() == b"deep\n"


@pytest.mark.parametrize("piece", [b"y", b"y" * 5000])
def test_long_reply_takes_turns(piece: bytes) -> None:
    """A reply of many pieces goes out over several turns of the loop, so that others go on."""
    talk = Talk(always(Reply(*[Raw(piece)] * 200)))
    talk.say(b"x\n")
    assert 0 < len(talk.hear()) <= BYTES_A_TURN + len(piece)
    talk.clock.pump([0] * 20)
    talk.hear()
    assert talk.counters.replies == 1
    assert talk.counters.sent_bytes == 200 * len(piece)


def test_long_reply_is_one_line_in_the_log() -> None:
    """However many pieces a reply has, a log is told of it once, with its size."""
    log = NotingLog()
    talk = Talk(always(Reply(*drip(b"y" * 5000, every=0))), exchanges=log)
    talk.say(b"x\n")
    talk.clock.pump([0] * 6000)
    told = [each for each in log.told if each[0] == "answered"]
    assert len(told) == 1
    assert told[0][1] == ("raw", b"y" * 200)
    assert talk.counters.sent_bytes == 5000


def test_error_of_a_responder_cannot_drive_a_screen() -> None:
    """An error of ours that a responder raises is escaped in the log like any other."""

    def refuse(message: bytes, _: Session) -> bytes:
        raise ResponderError(f"bad request {message.decode()}")

    with capturedLogs() as events:
        Talk(refuse).say(b"\x1b[31m\n")
    assert texts(events)[-1].endswith(r"gets no reply: bad request \x1b[31m")


def test_responder_that_exits() -> None:
    """SystemExit is an error like any other: it costs the connection, and is counted."""

    def leave(_: bytes, __: Session) -> bytes:
        raise SystemExit(3)

    talk = Talk(leave)
    with capturedLogs():
        talk.say(b"x\n")
    assert talk.transport.disconnecting
    assert talk.counters.errors == {"reply": 1}

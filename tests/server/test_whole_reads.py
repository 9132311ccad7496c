"""Reads of whole messages are answered at once: with the same result as message by message."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import capturedLogs

from sockreply.config import settings_from
from sockreply.conversation.counters import Histogram
from sockreply.replies import Echo, FixedReply, Reply, Responder, Session
from sockreply.replies.responder import SHORT
from tests.server.stand_ins import NotingLog, Talk

LONG = b"y" * (SHORT + 1)

RULES = [
    {"when": {"equals": "a"}, "reply": "A"},
    {"when": {"equals": "b"}, "reply": {"template": "{{ count }}"}},
    {"when": {"equals": "c", "ignore_case": True}, "reply": "C"},
    {"when": {"equals": "d"}, "replies": ["1", "2"]},
    {"when": {"equals": "e"}, "reply": LONG.decode()},
    {"when": {"equals": "f"}, "reply": [{"delay": 1.0}, "late"]},
    {"when": {"equals": "g"}, "next_state": "other", "reply": "to other"},
    {"when": {"starts_with": "a"}, "state": "other", "reply": "in other"},
    {"when": {"equals": "z"}, "reply": {"close": True}},
]


def make(kind: str) -> Any:
    """A responder of a kind."""
    if kind == "rules":
        service = {"listen": "tcp:0", "framing": "line", "keep_alive": True, "rules": RULES}
        return settings_from({"services": {"s": service}}, Path.cwd()).services["s"].responder
    return {
        "echo": Echo(),
        "fixed": FixedReply(b"ok"),
        "long": FixedReply(LONG),
        "steps": FixedReply(Reply(b"1", b"2")),
    }[kind]


class Compared(Talk):
    """A peer of a service that takes reads of whole messages at once, or not."""

    def __init__(self, kind: str, framing: str, *, at_once: bool, **known: Any) -> None:
        super().__init__(make(kind), framing, **known)
        dialect = self.factory.shared.dialect
        dialect.responder = responder = make(kind)
        if not at_once:
            dialect.respond_all = None
        self.measured = Histogram()
        self.counters.reply_seconds = self.measured
        self.responder: Responder = responder

    @property
    def standing(self) -> Any:
        """All that can be seen of it."""
        protocol: Any = self.protocol
        counters = {name: getattr(self.counters, name) for name in self.counters.__slots__}
        counters["reply_seconds"] = (self.measured.counts, self.measured.sum)
        alive = self.session.closed is False
        return (
            b"".join(self.transport.writes),
            counters,
            (self.session.count, self.session.rule),
            self.transport.disconnecting,
            self.transport.paused,
            (protocol._answering.held, protocol._answering.state) if alive else None,
            {kind: getattr(protocol._deadlines, kind) for kind in ("idle", "message", "reply")},
            [rule.matches for rule in getattr(self.responder, "rules", ())],
        )


messages = st.sampled_from([*b"abcdefgAz", b"", b"aa", b"\r", b"a\r", LONG]).map(
    lambda each: bytes([each]) if isinstance(each, int) else each
)
line = st.tuples(messages, st.sampled_from([b"\n", b"\r\n", b"\r\0"])).map(b"".join)
whole = st.lists(line, max_size=9).map(b"".join)
read = whole | whole | st.binary(max_size=9) | line.map(lambda each: each[:-1])
say = st.tuples(st.just("say"), read.filter(bool))
also = st.sampled_from(
    [("narrow",), ("take all",), ("tick",), ("send",), ("drain",), ("finish",), ("hush",)]
)


@settings(max_examples=200)
@given(
    st.sampled_from(
        ["line", "line", "line:ending=crlf", "line:ending=any", "fixed:size=2", "chunk"]
    ),
    st.sampled_from(["rules", "rules", "echo", "fixed", "long", "steps"]),
    st.lists(say | also, max_size=12),
    st.sampled_from([3, 65_536]),
)
def test_both_ways_are_alike(
    framing: str, kind: str, doings: list[tuple[Any, ...]], max_message: int
) -> None:
    """Whatever is sent and done, however it is cut: wire, counts and deadlines are the same."""
    seen = []
    for at_once in (True, False):
        with capturedLogs():
            talk = Compared(kind, framing, at_once=at_once, max_message=max_message)
            standings = []
            for doing in doings:
                if not talk.transport.disconnecting:
                    do(talk, *doing)
                standings.append(talk.standing)
        seen.append(standings)
    assert seen[0] == seen[1]


def do(talk: Talk, what: str, data: bytes = b"") -> None:
    """One thing that a peer, the network or the service does."""
    match what:
        case "say":
            talk.say(data)
        case "narrow":
            talk.transport.narrow = True
        case "take all":
            talk.transport.narrow = False
            talk.take_all()
        case "tick":
            talk.clock.advance(0.4)
        case "send":
            talk.session.send(b"news")
        case "drain":
            talk.protocol.drain()
        case "finish":
            talk.finish_sending()
        case "hush":
            talk.factory.shared.keep_alive = False


def test_one_write_for_a_read() -> None:
    """The replies to a read go out together, and only then is the deadline moved."""
    talk = Talk(FixedReply(b"ok").respond)
    talk.factory.shared.dialect.responder = FixedReply(b"ok")
    talk.say(b"x\n" * 16)
    assert talk.transport.writes == [b"ok\n" * 16]


def test_many_messages_take_their_turns() -> None:
    """A read of more messages than a turn has is answered turn by turn."""
    talk = Compared("fixed", "line", at_once=True)
    talk.say(b"x\n" * 100)
    assert talk.hear() == b"ok\n" * 64
    talk.turn()
    assert talk.hear() == b"ok\n" * 36


def test_what_the_log_shows_is_told() -> None:
    """An exchange log with room is told of each message."""
    log = NotingLog(room=1)
    talk = Talk(exchanges=log)
    talk.factory.shared.dialect.responder = Echo()
    talk.say(b"a\nb\n")
    talk.say(b"c\n")
    assert log.told == [("connected",), ("received", b"a"), ("answered", b"a")]
    assert log.hidden == 2


def test_responder_that_fails_for_a_read() -> None:
    """What it raises is met again by the message that it is about."""

    class Failing(Echo):
        def respond(self, message: bytes, session: Session) -> bytes:
            if message == b"bad":
                raise ValueError(message)
            return message

        def respond_all(self, messages: Sequence[bytes], session: Session) -> list[bytes]:
            return [self.respond(message, session) for message in messages]

    talk = Talk()
    talk.factory.shared.dialect.responder = Failing()
    with capturedLogs():
        talk.say(b"good\nbad\nmore\n")
    assert talk.hear() == b"good\n"
    assert talk.transport.disconnecting
    assert (talk.counters.messages, talk.counters.errors) == (2, {"reply": 1})

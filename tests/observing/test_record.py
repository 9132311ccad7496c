"""The record of exchanges, and the log beside it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.conversation.exchanges import Exchanges
from sockreply.observing.exchange_log import ExchangeLog
from sockreply.observing.line_writer import LineWriter
from sockreply.observing.record import RECORDED_BYTES, RecordedExchanges
from sockreply.replies import Await, Raw, Reply, Send, Session, Stall, Wait
from tests.server.stand_ins import NotingLog, Talk, by_message, texts

PEER = "192.168.1.1:54321"


class Lines(LineWriter):
    """A writer that keeps what it is given.

    Args:
        clock: The time.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__("/dev/null", clock, lambda work: succeed(work()))
        self.close()
        self.given: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.given.append(line)

    @property
    def all(self) -> list[dict[str, Any]]:
        """What the lines say."""
        return [json.loads(line) for line in self.given]


class RecordedTalk(Talk):
    """A peer whose exchanges are recorded.

    Args:
        log: Is told what is to be shown.
        more: As of a talk.
        replies: By message.
    """

    def __init__(self, log: Exchanges | None = None, more: Any = (), **replies: object) -> None:
        self.time = Clock()
        self.writer = Lines(self.time)
        exchanges = RecordedExchanges(NotingLog() if log is None else log, self.writer)
        super().__init__(by_message(**replies), exchanges=exchanges, **dict(more))
        self.factory.shared.name = "scale"

    def make_clock(self) -> Clock:
        return self.time

    @property
    def outcomes(self) -> list[str]:
        """How the exchanges ended."""
        return [line["outcome"] for line in self.writer.all]


def test_line() -> None:
    """A line tells all that is known of an exchange."""
    talk = RecordedTalk(ask=Reply(Wait(0.25), Send("네".encode())))
    talk.session.rule = "ask"
    talk.clock.advance(30.5)
    talk.say(b"ask\n")
    assert not talk.writer.given
    talk.clock.advance(0.25)
    assert talk.writer.all == [
        {
            "time": "1970-01-01T00:00:30.500000+00:00",
            "service": "scale",
            "connection": 1,
            "peer": PEER,
            "rule": "ask",
            "outcome": "reply",
            "milliseconds": 250.0,
            "request": "ask",
            "request_bytes": 3,
            "request_base64": "YXNr",
            "reply": "네",
            "reply_bytes": 3,
            "reply_base64": "64Sk",
        }
    ]
    assert "네".encode() in talk.writer.given[0]


def test_bytes_that_are_no_text() -> None:
    """What is no UTF-8 is there as base64 only."""
    talk = RecordedTalk(more={"framing": "chunk"})
    talk.say(b"\xff\x00\n")
    (line,) = talk.writer.all
    assert (line["request"], line["reply"], line["rule"]) == (None, None, None)
    assert b64decode(line["request_base64"]) == b64decode(line["reply_base64"]) == b"\xff\x00\n"


def test_empty_is_not_silence() -> None:
    """An empty reply is a reply; silence has none."""
    talk = RecordedTalk(empty=b"", none=None)
    talk.say(b"empty\nnone\n")
    empty, none = talk.writer.all
    assert (empty["outcome"], empty["reply"], empty["reply_base64"]) == ("reply", "", "")
    assert (none["outcome"], none["reply"], none["reply_base64"]) == ("silence", None, None)
    assert none["reply_bytes"] == 0


def test_failed_reply() -> None:
    """An exchange that ends in an error tells the error."""

    async def fail() -> bytes:
        raise ValueError('"why"\n')

    talk = RecordedTalk(bad=Reply(Await(fail())))
    with capturedLogs():
        talk.say(b"bad\n")
    (line,) = talk.writer.all
    assert (line["outcome"], line["error"], line["reply"]) == ("error", '"why"\n', None)


def test_abandoned() -> None:
    """A peer that leaves before its answer leaves a line."""
    talk = RecordedTalk(slow=Reply(Wait(9)))
    talk.say(b"slow\n")
    talk.clock.advance(2)
    talk.leave()
    (line,) = talk.writer.all
    assert (line["outcome"], line["milliseconds"]) == ("abandoned", 2000.0)


def test_stalled_replies() -> None:
    """A reply that ends in a stall is recorded when it stalls, and once."""
    talk = RecordedTalk(hush=Reply(Stall()))
    talk.say(b"hush\n")
    talk.leave()
    assert talk.outcomes == ["silence"]


def test_unasked_messages_are_no_exchanges() -> None:
    """What answers no message is not recorded."""
    talk = RecordedTalk(more={"greeting": b"hello"})
    talk.session.send(b"news")
    assert not talk.writer.given


def test_every_exchange_whatever_is_shown() -> None:
    """The cap of the log does not hold for the record, and the log counts what it did not see."""
    clock = Clock()
    with capturedLogs() as events:
        talk = RecordedTalk(ExchangeLog(clock, a_second=2))
        talk.say(b"x\n" * 5)
        clock.advance(1)
    assert talk.outcomes == ["reply"] * 5
    assert len([line for line in texts(events) if "received" in line]) == 2
    assert texts(events)[-1] == "not shown: 3 more exchanges, 0 more clients in a second"


def logged(recorded: bool, level: Any, a_second: int, says: Sequence[bytes]) -> list[str]:
    """What an exchange log shows, with or without a record beside it."""
    clock = Clock()
    log: Exchanges = ExchangeLog(clock, level, a_second)
    bad: Deferred[Any] = succeed(object())
    with capturedLogs() as events:
        if recorded:
            log = RecordedExchanges(log, Lines(clock))
        replies = {
            "two": Reply(b"2", b"zwei"),
            "many": Reply(*[Raw(b"x" * 99)] * 9),
            "none": None,
            "never": Reply(Await(Deferred())),
            "bad": Reply(Await(bad)),
        }

        def answer(message: bytes, session: Session) -> object:
            session.remark(lambda: "a remark")
            return replies.get(message.decode("latin-1"), message)

        talk = Talk(answer, exchanges=log)
        for each in says:
            talk.say(each + b"\n")
            if each == b"tick":
                clock.advance(1)
        talk.leave()
        clock.advance(1)
    return texts(events)


@given(
    st.sampled_from(["debug", "info", "warn"]),
    st.integers(0, 4),
    st.lists(st.sampled_from([b"x", b"two", b"many", b"none", b"never", b"bad", b"tick"])),
)
def test_log_as_if_it_were_alone(level: Any, a_second: int, says: list[bytes]) -> None:
    """The record changes nothing of what is shown."""
    alone = logged(False, level, a_second, says)
    assert logged(True, level, a_second, says) == alone


def test_long_messages() -> None:
    """Of a very long message the beginning is recorded, and its whole size."""
    size = RECORDED_BYTES + 10
    talk = RecordedTalk(
        more={"max_message": 2 * size},
        pieces=Reply(*[Raw(b"y" * 4096)] * (size // 4096 + 1)),
    )
    talk.say(b"x" + "한".encode() * (size // 3) + b"\npieces\n")
    while len(talk.writer.given) < 2:
        talk.clock.advance(0.1)
        talk.take_all()
    whole, pieces = talk.writer.all
    assert whole["request_bytes"] == whole["reply_bytes"] == 1 + size // 3 * 3
    assert whole["request"] == whole["reply"] == "x" + "한" * ((RECORDED_BYTES - 1) // 3)
    assert len(b64decode(whole["reply_base64"])) == RECORDED_BYTES
    assert pieces["reply_bytes"] == (size // 4096 + 1) * 4096
    assert pieces["reply"] == "y" * RECORDED_BYTES


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b2J", "\u202e", "\u2028", "\x85", "\x7f"])
def test_nothing_drives_a_screen(text: str) -> None:
    """A peer cannot forge a line, or drive the screen on which the record is read."""
    talk = RecordedTalk()
    talk.say(text.encode() + b"\n")
    assert talk.writer.given[0].rstrip(b"\n").decode().isprintable()
    assert talk.writer.all[0]["request"] == text


@given(st.binary(), st.binary(), st.text(st.characters(exclude_categories=())))
def test_any_bytes(request: bytes, reply: bytes, name: str) -> None:
    """Whatever is exchanged under whatever name: it is one line of JSON that gives it back."""
    talk = RecordedTalk(more={"framing": "chunk"})
    talk.factory.shared.name = name
    log: Any = talk.factory.shared.exchanges
    log.received(talk.session, request)
    log.answered(talk.session, reply, len(reply))
    (line,) = talk.writer.given
    assert line.index(b"\n") == len(line) - 1
    told = json.loads(line)
    assert told["service"] == name
    for key, data in (("request", request), ("reply", reply)):
        assert told[f"{key}_base64"] == b64encode(data).decode()
        assert told[f"{key}_bytes"] == len(data)
        assert told[key] is None or told[key].encode() == data


def test_clock_that_is_set_back() -> None:
    """No exchange takes less than no time."""
    talk = RecordedTalk(slow=Reply(Wait(9)))
    talk.say(b"slow\n")
    talk.time.rightNow = -100.0
    talk.leave()
    assert talk.writer.all[0]["milliseconds"] == 0.0


def test_exchange_that_began_before_the_record() -> None:
    """An exchange that only the log was told of is told to it to its end."""
    inner = NotingLog()
    talk = RecordedTalk(inner)
    log: Any = talk.factory.shared.exchanges
    log.answered(talk.session, b"x", 1)
    log.remarked(talk.session, lambda: "a remark")
    assert inner.told[-2:] == [("answered", b"x"), ("remarked", "a remark")]
    assert not talk.writer.given


def test_record_in_another_file() -> None:
    """The writer can be replaced, and exchanges that go on then are recorded by the new one."""
    talk = RecordedTalk(slow=Reply(Wait(1)))
    talk.say(b"slow\n")
    log: Any = talk.factory.shared.exchanges
    log.writer = Lines(talk.time)
    talk.clock.advance(1)
    assert not talk.writer.given
    assert [line["outcome"] for line in log.writer.all] == ["silence"]


def test_peer_without_a_port() -> None:
    """Other addresses are shown as in the log."""
    talk = RecordedTalk()
    talk.transport.peerAddr = UNIXAddress("/run/x")
    talk.say(b"x\n")
    assert talk.writer.all[0]["peer"] == "unix:/run/x"


def test_into_a_file(tmp_path: Path) -> None:
    """The lines get to the file."""
    clock = Clock()
    writer = LineWriter(str(tmp_path / "record"), clock, lambda work: succeed(work()))
    talk = Talk(exchanges=RecordedExchanges(NotingLog(), writer))
    talk.say(b"x\ny\n")
    writer.close()
    lines = (tmp_path / "record").read_text().splitlines()
    assert [json.loads(line)["request"] for line in lines] == ["x", "y"]


def test_what_is_not_about_exchanges_goes_on() -> None:
    """Listeners, clients and their ends are told to the log."""
    inner = NotingLog()
    talk = RecordedTalk(inner)
    log: Any = talk.factory.shared.exchanges
    log.listening(UNIXAddress("/run/x"))
    talk.leave()
    assert [told[0] for told in inner.told] == ["connected", "listening", "disconnected"]

"""The record of exchanges, and the log beside it."""

from __future__ import annotations

import json
from base64 import b64decode
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

from sockreply.conversation.arrival import Arrival
from sockreply.conversation.exchanges import Exchanges, Said
from sockreply.framing import Choice, Entry, Framing, parse_framing
from sockreply.masks import Mask
from sockreply.observing.exchange_log import ExchangeLog
from sockreply.observing.line_writer import LineWriter
from sockreply.observing.record import RECORDED_BYTES, RecordedExchanges
from sockreply.replies import Await, Close, Raw, Reply, Send, Session, Stall, Wait
from sockreply.replies.session import TLS
from sockreply.rules.table import RuleTable
from tests.rules.stand_ins import StandInConnection, session
from tests.server.stand_ins import NotingLog, Talk, by_message, texts

PEER = "192.168.1.1:54321"


def test_tls() -> None:
    """What a client has come to speak, as far as it is known."""
    lines, log = Lines(Clock()), NotingLog()
    known = TLS("TLSv1.3", "TLS_AES", None, 'a"\n')
    RecordedExchanges(log, lines).secured(session(connection=StandInConnection(tls=known)))
    (line,) = lines.all
    assert line["event"] == "tls"
    names = ("version", "cipher", "sni", "subject")
    assert [line[name] for name in names] == ["TLSv1.3", "TLS_AES", 'a"\n', ""]
    assert log.told == [("secured", known)]


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

    def all(self, event: str) -> list[dict[str, Any]]:
        """What is recorded of such events."""
        return [line for line in self.writer.all if line["event"] == event]

    @property
    def exchange(self) -> dict[str, Any]:
        """The only exchange."""
        (line,) = self.all("exchange")
        return line

    @property
    def outcomes(self) -> list[str]:
        """How the exchanges ended."""
        return [line["outcome"] for line in self.all("exchange")]


def wire(line: dict[str, Any]) -> bytes:
    """The bytes that went over the wire."""
    return b64decode(line["wire"])


def test_line() -> None:
    """A line tells all that is known of an exchange."""
    talk = RecordedTalk(ask=Reply(Wait(0.25), Send("네".encode()), Raw(b"!"), Raw(b"\n"), b"2"))
    talk.session.rule = "ask"
    talk.clock.advance(30.5)
    talk.say(b"a", b"sk\r\n")
    assert not talk.all("exchange")
    talk.clock.advance(0.25)
    assert talk.exchange == {
        "event": "exchange",
        "time": "1970-01-01T00:00:30.500000+00:00",
        "service": "scale",
        "connection": 1,
        "peer": PEER,
        "rule": "ask",
        "outcome": "reply",
        "waited_ms": 0.0,
        "milliseconds": 250.0,
        "request": {"text": "ask", "bytes": 3, "at": 0, "wire": "YXNrDQo="},
        "replies": [
            {"text": "네", "bytes": 3, "wire": "64SkCg=="},
            {"raw": True, "text": "!\n", "bytes": 2, "wire": "IQo="},
            {"text": "2", "bytes": 1, "wire": "Mgo="},
        ],
        "sent_bytes": 8,
    }
    assert "네".encode() in talk.writer.given[-1]


def test_message_that_waits() -> None:
    """The time is that of its arrival, and how long its turn took to come is told."""
    talk = RecordedTalk(slow=Reply(Wait(2), b"s"))
    talk.say(b"slow\nafter\n")
    talk.clock.advance(0.5)
    talk.say(b"later\nla")
    talk.clock.advance(1.5)
    talk.say(b"st\n")
    told = [
        (line["request"]["text"], line["time"][17:22], line["waited_ms"], line["milliseconds"])
        for line in talk.all("exchange")
    ]
    assert told == [
        ("slow", "00.00", 0.0, 2000.0),
        ("after", "00.00", 2000.0, 2000.0),
        ("later", "00.50", 1500.0, 1500.0),
        ("last", "02.00", 0.0, 0.0),
    ]


def test_bytes_that_are_no_text() -> None:
    """What is no text of the service's encoding is told as digits."""
    talk = RecordedTalk(more={"framing": "chunk"})
    talk.say(b"\xff\x00\n")
    assert talk.exchange["request"] == {"hex": "ff000a", "bytes": 3, "at": 0, "wire": "/wAK"}
    assert talk.exchange["replies"] == [{"hex": "ff000a", "bytes": 3, "wire": "/wAK"}]
    assert talk.exchange["rule"] is None


@pytest.mark.parametrize(
    ("shown_as", "told"), [("hex", {"hex": "c140"}), ("cp037", {"text": "A "})]
)
def test_as_what_messages_are_shown(shown_as: str, told: dict[str, str]) -> None:
    """Messages are told as the service says."""
    talk = RecordedTalk()
    talk.factory.shared.dialect.shown_as = shown_as
    talk.say(b"\xc1\x40\n")
    assert talk.exchange["request"].items() >= told.items()
    assert talk.exchange["replies"][0].items() >= told.items()


def test_empty_is_not_silence() -> None:
    """An empty reply is a reply; silence has none."""
    talk = RecordedTalk(empty=b"", none=None)
    talk.say(b"empty\nnone\n")
    empty, none = talk.all("exchange")
    assert empty["outcome"] == "reply"
    assert empty["replies"] == [{"text": "", "bytes": 0, "wire": "Cg=="}]
    assert (none["outcome"], none["replies"], none["sent_bytes"]) == ("silence", [], 0)


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (Close(), "close"),
        (Close("half"), "half-close"),
        (Close("reset"), "reset"),
        (Stall(), "stall"),
    ],
)
def test_other_silences(step: Any, outcome: str) -> None:
    """A message that is answered by an end, or by nothing ever after, is recorded so, once."""
    talk = RecordedTalk(hush=Reply(step))
    talk.say(b"hush\n")
    talk.leave()
    assert talk.outcomes == [outcome]


def test_failed_reply() -> None:
    """An exchange that ends in an error tells the error, and what was sent before it."""

    async def fail() -> bytes:
        raise ValueError('"why"\n')

    talk = RecordedTalk(bad=Reply(b"so far", Await(fail())))
    with capturedLogs():
        talk.say(b"bad\n")
    assert (talk.exchange["outcome"], talk.exchange["error"]) == ("error", '"why"\n')
    assert talk.exchange["sent_bytes"] == 7


def test_abandoned() -> None:
    """A peer that leaves before its answer is whole leaves a line."""
    talk = RecordedTalk(slow=Reply(b"a", Wait(9)))
    talk.say(b"slow\n")
    talk.clock.advance(2)
    talk.leave()
    assert (talk.exchange["outcome"], talk.exchange["milliseconds"]) == ("abandoned", 2000.0)
    assert talk.exchange["sent_bytes"] == 2


def test_what_answers_no_message() -> None:
    """A greeting, and what else is sent unasked, is recorded by itself."""
    talk = RecordedTalk(more={"greeting": b"hello"})
    talk.session.send(b"news")
    assert [line["replies"][0]["text"] for line in talk.all("sent")] == ["hello", "news"]
    assert not talk.all("exchange")


def test_service_that_never_answers() -> None:
    """Each message is recorded as answered with silence, whatever the log shows of that."""
    talk = RecordedTalk()
    talk.factory.shared.dialect.responder = RuleTable([])
    talk.say(b"one\n")
    assert talk.exchange["outcome"] == "silence"


def test_connection_that_says_nothing() -> None:
    """A connection is recorded when it is made, and when and why it ended."""
    talk = RecordedTalk()
    talk.clock.advance(5)
    talk.leave()
    begin, end = talk.writer.all
    assert (begin["event"], begin["local"]) == ("connected", "10.0.0.1:12345")
    assert (end["event"], end["why"], end["seconds"]) == ("disconnected", "peer", 5.0)
    assert end["received_bytes"] == end["sent_bytes"] == 0


@pytest.mark.parametrize("why", ["peer", "message_timeout", "drained"])
def test_message_that_never_was_whole(why: str) -> None:
    """Its bytes are recorded, with where they stood, and why there are no more."""
    talk = RecordedTalk()
    with capturedLogs() as events:
        talk.say(b"one\ntw")
        if why == "drained":
            talk.factory.roster.drain(1)
            talk.clock.advance(1)
        elif why == "message_timeout":
            talk.clock.advance(10)
        talk.leave()
    (line,) = talk.all("unfinished")
    assert line["why"] == why
    assert line["request"] == {"text": "tw", "bytes": 2, "at": 4, "wire": "dHc="}
    assert texts(events)[-1].endswith(": 'tw'")
    assert talk.all("disconnected")[0]["received_bytes"] == 6


@pytest.mark.parametrize("more", [b"", b"and more"])
def test_message_that_is_too_long(more: bytes) -> None:
    """Its bytes are recorded, whether others came with it or not."""
    talk = RecordedTalk(more={"max_message": 3})
    with capturedLogs():
        talk.say(b"one\nlonger\n" + more)
        talk.leave()
    (line,) = talk.all("unfinished")
    assert line["why"] == "too_long"
    assert wire(line["request"]) == b"longer\n" + more
    assert talk.all("disconnected")[0]["received_bytes"] == len(b"one\nlonger\n" + more)


def test_bytes_of_no_message() -> None:
    """Bytes outside of messages are recorded, and those that come when nobody listens."""
    talk = RecordedTalk(more={"framing": r"enclosed:start=\x02,end=\x03"}, bye=Reply(Stall()))
    talk.say(b"noise\x02a\x03", b"\x02bye\x03more", b"and more")
    talk.leave()
    dropped = [(line["at"], line["bytes"], wire(line)) for line in talk.all("dropped")]
    assert dropped == [(0, 5, b"noise"), (13, 12, b"moreand more")]
    assert not talk.all("unfinished")  # nothing is left that was not told


def reads_held(talk: RecordedTalk) -> int:
    """How many reads a connection knows the time of."""
    framer: Any = talk.protocol._answering.framer
    return len(framer._reads._reads)


@pytest.mark.parametrize("framing", ["line", r"enclosed:start=\x02,end=\x03"])
def test_times_of_reads_are_bounded(framing: str) -> None:
    """Of a message that trickles in, and of noise, no more is kept than the last time."""
    talk = RecordedTalk(more={"framing": framing})
    for _ in range(1000):
        talk.say(b"x")
    assert reads_held(talk) == 1
    talk.clock.advance(3)
    talk.say(b"\x02y\x03\n")
    assert talk.exchange["time"].endswith("00:00:03.000000+00:00")


FRAMINGS = [
    *(
        "line",
        "line:ending=crlf",
        "line:ending=any",
        "delimited:end=ab",
        "netstring",
        "length:bytes=1",
    ),
    *("fixed:size=3", "chunk", "gap:seconds=0.5", "eof", r"enclosed:start=\x02,end=\x03"),
]


LIST = Choice(
    (Entry(parse_framing("netstring"), (Mask(b"3:"),)), Entry(parse_framing(FRAMINGS[-1])))
)


@given(
    st.sampled_from([*FRAMINGS, LIST]),
    st.lists(
        st.binary(max_size=9)
        | st.sampled_from([b"\x02a\x03", b"3:one,", b"x\r\n\n", b"ab", b"123456789ab"])
        | st.sampled_from([b"a\r", b"\n", b"\0", b"\xff\xfd\x01", b"\xff\xfa", b"#12"])
    ),
    st.booleans(),
)
def test_every_byte_is_there(framing: str | Framing, reads: list[bytes], slow: bool) -> None:
    """Whatever comes, however cut: the record has each byte once, in its place."""
    delay = Reply(Wait(1), b"ok")
    talk = RecordedTalk(more={"framing": framing, "max_message": 8}, a=delay, one=delay)
    with capturedLogs():
        came = b""
        for read in filter(None, reads):
            talk.say(read)
            came += read
            if not slow:
                talk.clock.advance(1)
        talk.leave()
    places = [line["request"] for line in talk.writer.all if "request" in line]
    places = sorted(
        [*places, *talk.all("dropped")], key=lambda place: (place["at"], place["bytes"])
    )
    assert b"".join(map(wire, places)) == came
    at = 0
    for place in places:
        assert place["at"] == at
        at += len(wire(place))
    sent = [wire(r) for line in talk.writer.all for r in line.get("replies", ())]
    assert b"".join(sent) == talk.hear()
    (end,) = talk.all("disconnected")
    assert (end["received_bytes"], end["sent_bytes"]) == (len(came), len(b"".join(sent)))


def test_every_exchange_whatever_is_shown() -> None:
    """The cap of the log does not hold for the record, and the log counts what it did not see."""
    clock = Clock()
    with capturedLogs() as events:
        talk = RecordedTalk(ExchangeLog(clock, a_second=2))
        talk.say(b"x\n" * 5)
        clock.advance(1)
    assert talk.outcomes == ["reply"] * 5
    assert len([line for line in texts(events) if "received" in line]) == 2
    assert texts(events)[-1] == "not shown in this second: 3 more exchanges, 0 more clients"


class ClockedTalk(Talk):
    """A peer that has its time from elsewhere."""

    def __init__(self, clock: Clock, answer: Any, log: Exchanges) -> None:
        self.time = clock
        super().__init__(answer, exchanges=log)

    def make_clock(self) -> Clock:
        return self.time


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

        talk = ClockedTalk(clock, answer, log)
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
    while len(talk.all("exchange")) < 2:
        talk.clock.advance(0.1)
        talk.take_all()
    whole, pieces = talk.all("exchange")
    for each in (whole["request"], *whole["replies"]):
        assert each["bytes"] == 1 + size // 3 * 3
        assert each["text"] == "x" + "한" * ((RECORDED_BYTES - 1) // 3)
        assert len(wire(each)) == RECORDED_BYTES
    (raw,) = pieces["replies"]
    assert raw["bytes"] == pieces["sent_bytes"] == (size // 4096 + 1) * 4096
    assert raw["text"] == "y" * RECORDED_BYTES


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b2J", "\u202e", "\u2028", "\x85", "\x7f"])
def test_nothing_drives_a_screen(text: str) -> None:
    """A peer cannot forge a line, or drive the screen on which the record is read."""
    talk = RecordedTalk()
    talk.say(text.encode() + b"\n")
    assert talk.writer.given[-1].rstrip(b"\n").decode().isprintable()
    assert talk.exchange["request"]["text"] == text


@given(st.binary(), st.binary(), st.text(st.characters(exclude_categories=())))
def test_any_bytes(request: bytes, reply: bytes, name: str) -> None:
    """Whatever is exchanged under whatever name: it is one line of JSON that gives it back."""
    talk = RecordedTalk(more={"framing": "chunk"})
    talk.factory.shared.name = name
    log: Any = talk.factory.shared.exchanges
    said = Said(log.kept)
    said.add(reply, reply)
    log.received(talk.session, request, Arrival(0.0, 0, request))
    log.answered(talk.session, said)
    *_, line = talk.writer.given
    assert line.index(b"\n") == len(line) - 1
    told = json.loads(line)
    assert told["service"] == name
    for place, data in ((told["request"], request), (told["replies"][0], reply)):
        assert (wire(place), place["bytes"]) == (data, len(data))
        assert data == (place["text"].encode() if "text" in place else bytes.fromhex(place["hex"]))


def test_clock_that_is_set_back() -> None:
    """No exchange takes less than no time."""
    talk = RecordedTalk(slow=Reply(Wait(9)))
    talk.say(b"slow\n")
    talk.time.rightNow = -100.0
    talk.leave()
    assert talk.exchange["milliseconds"] == 0.0


def test_exchange_that_began_before_the_record() -> None:
    """An exchange that only the log was told of is told to it to its end."""
    inner = NotingLog()
    talk = RecordedTalk(inner)
    log: Any = talk.factory.shared.exchanges
    said = Said(9)
    said.add(b"x", b"x")
    log.answered(talk.session, said)
    log.remarked(talk.session, lambda: "a remark")
    assert inner.told[-2:] == [("answered", b"x"), ("remarked", "a remark")]
    assert not talk.all("exchange")


def test_connection_that_began_before_the_record() -> None:
    """Nothing is said of how long it was and how much it sent, for nobody knows."""
    talk = RecordedTalk()
    talk.factory.shared.exchanges = RecordedExchanges(NotingLog(), talk.writer)
    talk.say(b"one\n")
    talk.leave()
    (end,) = talk.all("disconnected")
    assert end["why"] == "peer"
    assert not end.keys() & {"seconds", "received_bytes", "sent_bytes"}
    assert talk.exchange["replies"]


def test_record_in_another_file() -> None:
    """The writer can be replaced, and exchanges that go on then are recorded by the new one."""
    talk = RecordedTalk(slow=Reply(Wait(1)))
    talk.say(b"slow\n")
    log: Any = talk.factory.shared.exchanges
    log.writer = Lines(talk.time)
    talk.clock.advance(1)
    assert not talk.all("exchange")
    assert [line["outcome"] for line in log.writer.all] == ["silence"]


def test_peer_without_a_port() -> None:
    """Other addresses are shown as in the log."""
    talk = RecordedTalk()
    talk.transport.peerAddr = UNIXAddress("/run/x")
    talk.say(b"x\n")
    assert talk.exchange["peer"] == "unix:/run/x"


def test_into_a_file(tmp_path: Path) -> None:
    """The lines get to the file."""
    clock = Clock()
    writer = LineWriter(str(tmp_path / "record"), clock, lambda work: succeed(work()))
    talk = Talk(exchanges=RecordedExchanges(NotingLog(), writer))
    talk.say(b"x\ny\n")
    writer.close()
    lines = (tmp_path / "record").read_text().splitlines()
    assert [json.loads(line).get("request", {}).get("text") for line in lines] == [None, "x", "y"]


def test_what_is_not_about_exchanges_goes_on() -> None:
    """Listeners, clients and their ends are told to the log."""
    inner = NotingLog()
    talk = RecordedTalk(inner)
    log: Any = talk.factory.shared.exchanges
    log.listening(UNIXAddress("/run/x"))
    talk.leave()
    assert [told[0] for told in inner.told] == ["connected", "listening", "disconnected"]

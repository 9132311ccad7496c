"""Framings of which each message has the one that its first bytes ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockreply.errors import (
    CannotFrame,
    ConfigError,
    FramingError,
    Malformed,
    MessageTooLong,
)
from sockreply.framing import (
    BufferedFramer,
    Choice,
    Entry,
    Fix,
    Framing,
    Headed,
    Line,
    Message,
    Switched,
    parse_framing,
)
from sockreply.masks import Mask
from tests.framing.stand_ins import Stop
from tests.framing.table import Outcome, receive
from tests.framing.test_all_framings import byte_by_byte, cut, places_in, size_of, whole


def entry(framing: str | Framing, *starts_with: bytes | str) -> Entry:
    """One of a list; what messages begin with is bytes, or text in hexadecimal digits."""
    masks = [Mask.from_hex(each) if isinstance(each, str) else Mask(each) for each in starts_with]
    made = parse_framing(framing) if isinstance(framing, str) else framing
    return Entry(made, tuple(masks))


PACKETS = entry("length:bytes=4,offset=4,adjust=4,strip=no", "00 00 00 00")
TRACKER = Choice((PACKETS, entry("fixed:size=1", b"\5", "04"), entry("length:bytes=2,strip=no")))
GT06 = Choice(
    (
        entry("length:bytes=1,offset=2,adjust=2,strip=no", "78 78"),
        entry("length:bytes=2,offset=2,adjust=2,strip=no", "79 79"),
    )
)
ASTM = Choice((entry("fixed:size=1", b"\5", b"\4"), entry(r"delimited:end=\n", b"\2")))
ZEBRA = Choice((entry("delimited:end=^XZ,reply_end=", b"^XA"), entry("line:ending=crlf")))
WILD = Choice(
    (
        entry("netstring", "31 3a", "?? 3a 78"),
        entry("enclosed:start=<,end=>", b"<<", b"<a"),
        entry(r"line", "3c ?? 3e", b"l"),
    )
)
NUL = r"delimited:end=\0"
COUNTED = Headed(
    parse_framing(r"delimited:end=\n\n,reply_end=\0"), re.compile(rb"c:(?P<length>\S*)$"), 1
)
STOMP = Choice((entry(COUNTED, b"SEND\nc"), entry(NUL)))
JSON = Choice((entry("json", b"{"), entry("line:ending=any", b"a"), entry("line")))
FIX = Choice((entry("fix", b"8="), entry("line")))
LOGOUT = b"8=FIX.4.4\x019=5\x0135=5\x0110=168\x01"
ALL = {
    "tracker": TRACKER,
    "gt06": GT06,
    "astm": ASTM,
    "zebra": ZEBRA,
    "wild": WILD,
    "stomp": STOMP,
    "json": JSON,
    "fix": FIX,
}

P = bytes.fromhex(
    "000000000000003608010000016b40d8ea30010000000000000000000000000000000105021503010101425e0f01f1"
    "0000601a014e0000000000000000010000c7cf"
)
LOGIN = bytes.fromhex("000f333532303933303831343532323531")
LONG = bytes.fromhex("797900209400" + 26 * "41" + "0015abcd0d0a")
SHORT = bytes.fromhex("78780a1340065e00010053759b0d0a")
FRAME = b"\0021H|\\^&|||HOST\r\x0397\r"
LABEL, STATUS = b"^XA^FDx^FS^XZ", b"~HS\r\n"


@dataclass(frozen=True)
class Row:
    """What is received until the peer sends no more, and what is in it."""

    name: str
    wire: bytes
    messages: tuple[bytes, ...] = ()
    error: type[FramingError] | None = None
    left: int = 0
    dropped: int = 0
    limit: int = 100

    def __str__(self) -> str:
        return f"{self.name} {self.wire!r}"

    @property
    def framing(self) -> Choice:
        return ALL[self.name]

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.messages, self.error, self.left, self.dropped)


STREAMS = (
    Row("tracker", b""),
    Row("tracker", LOGIN + P + P, (LOGIN, P, P)),
    Row("tracker", P + b"\5\4" + LOGIN + b"\4", (P, b"\5", b"\4", LOGIN, b"\4")),
    Row("tracker", P + b"\0\0\0", (P,), left=3),
    Row("tracker", P + b"\0\0\0\0", (P,), left=4),
    Row("tracker", P + P[:20], (P,), left=20),
    Row("tracker", b"\0\0\0\1a\0", (b"\0\0", b"\0\1a"), left=1),
    Row("tracker", LOGIN + P, (LOGIN, P), limit=66),
    Row("tracker", LOGIN + P, (LOGIN,), MessageTooLong, limit=65),
    Row("tracker", LOGIN[:1], left=1),
    Row("gt06", SHORT + LONG + SHORT, (SHORT, LONG, SHORT)),
    Row("gt06", LONG + b"x", (LONG,), left=1),
    Row("gt06", LONG + b"xz", (LONG,), Malformed),
    Row("gt06", SHORT + b"\0" + SHORT, (SHORT,), Malformed),
    Row("astm", b"\5" + FRAME + b"\n\4", (b"\5", FRAME, b"\4")),
    Row("astm", b"\4\5\0022", (b"\4", b"\5"), left=2),
    Row("astm", b"\5\6", (b"\5",), Malformed),
    Row("zebra", LABEL + STATUS + STATUS, (LABEL[:-3], b"~HS", b"~HS")),
    Row("zebra", STATUS + LABEL + STATUS + b"^X", (b"~HS", LABEL[:-3], b"~HS"), left=2),
    Row("zebra", b"^\n^X\r\n^XA\n^XZ\n", (b"^", b"^X", b"^XA\n", b"")),
    Row("wild", b"1:x,9:x23456789,", (b"x", b"x23456789")),
    Row("wild", b"<<a>l\n<z>\n<a>", (b"<a", b"l", b"<z>", b"a")),
    Row("wild", b"<<a>9:", (b"<a",), left=2),
    Row("wild", b"9:y", error=Malformed),
    Row("wild", b"<zz", error=Malformed),
    Row("wild", b"l2345678\n1:x,123456789", (b"l2345678", b"x"), Malformed, limit=8),
    Row("wild", b"1:x,l23456789", (b"x",), MessageTooLong, limit=8),
    Row("stomp", b"SEND\nc:2\n\n\0\n\0A\n\n\0SEND\nc:0\n\n\0", (b"SEND\nc:2\n\n\0\n\0", b"A\n\n",
        b"SEND\nc:0\n\n\0")),
    Row("stomp", b"A\0SEND\nc:9\n\nx\0", (b"A",), left=12),
    Row("stomp", b"\0SEND\nc", (b"",), left=6),
    Row("stomp", b"A\0SEND\nc:x\n\n\0", (b"A",), Malformed),
    Row("stomp", b"A\0SEND\nc:9\n\n", (b"A",), MessageTooLong, limit=19),
    Row("json", b"{}\nb\n{}\r\n\r\n{}b\n{}\n\rb\n", (b"{}", b"b", b"{}", b"", b"{}", b"b",
        b"{}", b"\rb")),
    Row("json", b"{}\r\ra\r\n{}a\n\n{}\r\na\r\0b\n", (b"{}", b"\ra", b"{}", b"a", b"", b"{}",
        b"a", b"b")),
    Row("fix", LOGOUT + b"b\n" + LOGOUT + b"8\n8=", (b"35=5", b"b", b"35=5", b"8"), left=2),
)  # fmt: skip


@pytest.mark.parametrize("row", STREAMS, ids=str)
def test_streams(row: Row) -> None:
    """A stream gives its messages in one read, in single bytes, and cut anywhere."""
    assert receive(row.framing.framer(row.limit), whole(row.wire)) == row.outcome
    assert receive(row.framing.framer(row.limit), byte_by_byte(row.wire)) == row.outcome
    for place in range(1, len(row.wire)):
        reads = cut(row.wire, {place})
        assert receive(row.framing.framer(row.limit), reads) == row.outcome


PARTS = [
    *(row.wire for row in STREAMS if len(row.wire) < 40),
    *(b"\0", b"\0\0", b"\1", b"\4", b"\5", b"x", b"y", b"^X", b"A", b"^XZ", b"\n", b"\r\n", b"\2"),
    *(b"1:x,", b"9:", b"<", b"<<", b">", b"<a", b"l"),
]
wires = st.lists(st.sampled_from(PARTS) | st.binary(max_size=4), max_size=9).map(b"".join)
names = st.sampled_from(list(ALL))


@settings(max_examples=100)
@given(name=names, wire=wires, limit=st.integers(8, 40), data=st.data())
def test_nothing_is_lost_and_little_held(
    name: str, wire: bytes, limit: int, data: st.DataObject
) -> None:
    """The rest is what the messages did not take; a framer that is empty has no message."""
    framer = ALL[name].framer(limit)
    came = 0
    for read in cut(wire, data.draw(places_in(wire))):
        framer.receive_data(read)
        came += len(read)
        assert framer.buffered <= limit + 18 + len(read)
        try:
            while (message := framer.next_message()) is not None:
                assert len(message) <= limit
                assert isinstance(message, Message)
                assert message.framing in ALL[name].all
                assert framer.rest() == wire[came - framer.buffered : came]
                if framer.empty:
                    assert framer.next_message() is None
        except FramingError:
            return
        assert len(framer.rest()) == framer.buffered
        assert wire[:came].endswith(framer.rest())


@pytest.mark.parametrize("row", [row for row in STREAMS if row.left], ids=str)
def test_what_a_begun_message_lacks(row: Row) -> None:
    """It is the framing that says so, once it is known."""
    framer = row.framing.framer(row.limit)
    framer.receive_data(row.wire)
    assert tuple(iter(framer.next_message, None)) == row.messages
    assert framer.missing() != ""


def test_too_little_to_tell() -> None:
    """As long as several framings are possible, that is what is missing."""
    framer = TRACKER.framer(100)
    framer.receive_data(b"\0\0")
    assert framer.next_message() is None
    assert framer.missing() == "too little to tell what kind of message it is"
    framer.receive_data(b"\0\0")
    assert framer.next_message() is None
    assert framer.missing() == "4 bytes of the header are missing"


def test_what_is_wrong_says_what_would_be_right() -> None:
    """It shows the bytes up to the one that fits no beginning, however many there are."""
    framer = GT06.framer(100)
    framer.receive_data(b"xyzabc")
    with pytest.raises(Malformed, match=r"a message that begins with 'xx' or 'yy', found b'xy'$"):
        framer.next_message()
    framer = WILD.framer(100)
    framer.receive_data(b"9:yabc")
    with pytest.raises(Malformed, match=r"found b'9:y'$") as caught:
        framer.next_message()
    expected = "a message that begins with '1:', ?? 3a 78, '<<', '<a', 3c ?? 3e or 'l'"
    assert caught.value.expected == expected


def test_a_reply_is_framed_as_its_request() -> None:
    """Each message comes with the framing that it had; what answers none has the last one."""
    framer = ZEBRA.framer(100)
    framer.receive_data(LABEL + STATUS)
    framings = [message.framing for message in iter(framer.next_message, None)]
    assert tuple(framings) == ZEBRA.all
    assert ZEBRA.frame(b"news") == b"news\r\n"


def test_a_message_may_know_its_framing_better() -> None:
    """A framing of the list may vary itself, as that of FIX does with each version."""
    framer = FIX.framer(100)
    framer.receive_data(LOGOUT.replace(b"4.4", b"4.2").replace(b"168", b"166"))
    message = framer.next_message()
    assert message is not None
    assert message.framing == parse_framing("fix:begin=FIX.4.2")
    assert message.facts["begin"] == b"FIX.4.2"


def test_many_messages_share_one_buffer() -> None:
    """A read of thousands of messages of two kinds is not copied, and each kind has one framer."""
    wire = b"1:x,l\n" * 5_000
    framer = WILD.framer(10_000)
    framer.receive_data(wire)
    assert framer.next_message() == b"x"
    first = list(framer._framers)
    for _ in range(4_999):
        assert framer.next_message() == b"l"
        assert framer._data is wire
        assert framer.next_message() == b"x"
    assert framer.next_message() == b"l"
    assert framer.next_message() is None
    assert framer.empty
    assert framer._framers[0] is first[0]
    assert framer._framers[1] is None


def test_a_long_message_is_collected_where_it_is() -> None:
    """What comes a byte at a time stays in one buffer of the framing that it has."""
    framer = WILD.framer(200_000)
    framer.receive_data(b"l")
    framer.receive_data(b"l")
    assert framer.next_message() is None
    framer.receive_data(b"l")
    current: Any = framer._current
    collects = current._data
    for _ in range(100_000):
        framer.receive_data(b"l")
        assert framer.next_message() is None
    assert current._data is collects
    assert framer.buffered == 100_003


@pytest.mark.parametrize("size", [1, 1000], ids="reads of {}".format)
@pytest.mark.parametrize("name", ALL)
def test_memory_is_bounded(name: str, size: int) -> None:
    """Between two reads, a framer and those in it keep one message and one read at most."""
    limit = 1000
    good = [row for row in STREAMS if row.name == name and not (row.error or row.left)]
    stream = b"".join(row.wire for row in good) * 1000
    framer = ALL[name].framer(limit)
    for start in range(0, 10 * limit, size):
        framer.receive_data(stream[start : start + size])
        while framer.next_message() is not None:
            pass
        kept = sum(size_of(each) for each in (framer, *filter(None, framer._framers)))
        assert kept <= 1.2 * limit + size + 2_000


@pytest.mark.parametrize("name", ALL)
def test_put_back_in_the_middle_of_a_message(name: str) -> None:
    """Another framer gets all that was not handed out, wherever that is."""
    for row in STREAMS:
        if row.name != name or row.error:
            continue
        for place in range(len(row.wire) + 1):
            framer = Switched(row.framing, parse_framing("fixed:size=1")).framer(row.limit)
            framer.receive_data(row.wire[:place])
            for _ in iter(framer.next_message, None):
                pass
            held = framer.rest()
            framer.switch(None)
            assert framer.rest() == held
            assert b"".join(iter(framer.next_message, None)) == held


def test_the_end_of_the_stream_is_passed_on() -> None:
    """A framing to which it means something is told, if it comes before its message or after."""

    class Word(Stop):
        def framer(self, max_message: int):  # type: ignore[no-untyped-def]  # of the class below
            return LastWord(max_message, b" ")

    class LastWord(type(Stop().framer(1))):  # type: ignore[misc]  # its class is made elsewhere
        def receive_eof(self) -> None:
            self.receive_data(b" ")

    for early in (True, False):
        framer = Choice((entry("fixed:size=1", b"1"), entry(Word()))).framer(100)
        framer.receive_data(b"1ab cd")
        if early:
            framer.receive_eof()
        assert [framer.next_message(), framer.next_message()] == [b"1", b"ab"]
        if not early:
            assert framer.next_message() is None
            framer.receive_eof()
        assert framer.next_message() == b"cd"


class Hasty(BufferedFramer):
    """A line ends at its CR, and an LF after that is still part of its end."""

    _waits = False

    @property
    def late(self) -> tuple[bytes, ...]:
        """See `BufferedFramer`."""
        return (b"\n",) if self._waits else ()

    def receive_data(self, data: bytes) -> None:
        super().receive_data(data.removeprefix(b"\n") if self._waits else data)
        self._waits = False

    def next_message(self) -> bytes | None:
        data, start = bytes(self._data), self._start
        if (end := data.find(b"\r", start)) < 0:
            return None
        self._waits = end + 1 == len(data)
        self._start = end + 1 + data.startswith(b"\n", end + 1)
        self._forget()
        return data[start:end]


class HastyLine(Stop):
    """Lines that wait for nothing."""

    def framer(self, max_message: int) -> Any:
        return Hasty(max_message)


def test_an_end_that_comes_late() -> None:
    """What may still belong to the end of a message belongs to it, whatever kind is next."""
    wire = b"a\r\n1:x,b\rc\r\na\nb\rb\r\n"
    framing = Choice((entry("netstring", b"1"), entry(HastyLine(), b"a", b"b", b"c")))
    expected = Outcome((b"a", b"x", b"b", b"c", b"a\nb", b"b"))
    assert receive(framing.framer(100), byte_by_byte(wire)) == expected
    for place in range(len(wire)):
        assert receive(framing.framer(100), cut(wire, {place})) == expected


# The other side


def sent(framing: Choice, *messages: bytes) -> bytes:
    """What a client sends."""
    return b"".join(map(framing.mirrored().frame, messages))


CLIENT_MESSAGES = {  # a value of JSON ends before the line end with which the client sends it
    "tracker": (LOGIN, P, b"\5", b"\4"),
    "gt06": (LONG, SHORT),
    "astm": (b"\5", b"\0021H\r", b"\4"),
    "zebra": (b"^XAx", b"~HS"),
    "wild": (b"x", b"x2345678", b"<x", b"l"),
    "stomp": (b"SEND\nc:2\n\n\0\0\0", b"A\n\n", b""),
    "fix": (b"35=5", b"b"),
}


@settings(max_examples=100)
@given(name=st.sampled_from(list(CLIENT_MESSAGES)), data=st.data())
def test_requests_arrive(name: str, data: st.DataObject) -> None:
    """The client frames a message so that the server finds it; cut off, its bytes are left."""
    known = st.sampled_from(CLIENT_MESSAGES[name])
    messages = data.draw(st.lists(known, max_size=5))
    frames = [sent(ALL[name], message) for message in messages]
    wire = b"".join(frames)
    came = wire[: data.draw(st.integers(0, len(wire)))]
    ends = [end for end in accumulate(map(len, frames)) if end <= len(came)]
    expected = Outcome(tuple(messages[: len(ends)]), left=len(came) - max(ends, default=0))
    reads = cut(came, data.draw(places_in(came)))
    assert receive(ALL[name].framer(100), reads) == expected


def test_the_client_sends_in_the_first_framing_that_fits() -> None:
    """What begins in no way that an entry asks for has the last framing."""
    assert sent(ZEBRA, b"^XAx", b"x") == b"^XAx^XZx\r\n"
    one_byte = Choice((entry("length:bytes=1", "03 61"), entry("length:bytes=2")))
    assert sent(one_byte, b"abc", b"xyz", b"a" * 300) == b"\3abc\0\3xyz\1\x2c" + b"a" * 300
    with pytest.raises(CannotFrame):
        sent(Choice((entry("length:bytes=1", b"x"), entry("length:bytes=1"))), b"x" * 300)


def test_the_client_knows_what_arrives() -> None:
    """What the server reads of a message is up to the framing in which it is sent."""
    commands = Choice((entry("resp", b"*2"), entry("line"))).mirrored()
    for message, arrives in ((b"GET 'a b'", b"GET a b"), (b"PING 'a b' c", b"PING 'a b' c")):
        assert commands.received_as(message) == arrives
        assert receive(commands.mirrored().framer(99), whole(commands.frame(message))).messages == (
            arrives,
        )


def test_the_client_reads_replies_by_their_beginnings() -> None:
    """They are of the same kinds; unless one of them does not say where it ends."""
    client = GT06.mirrored()
    assert receive(client.framer(100), whole(SHORT + LONG)).messages == (SHORT, LONG)
    assert not client.may_run_together
    client = ZEBRA.mirrored()
    assert client.may_run_together
    assert receive(client.framer(100), [b"any", b"thing"]).messages == (b"any", b"thing")
    for each in ALL.values():
        assert each.mirrored().mirrored() == each
        assert each.mirrored().name == each.name


# What is known of all of them


def test_what_holds_for_all() -> None:
    """Only what is so whichever framing a message has is said of the list."""
    ones = Choice((entry("fixed:size=3", b"a"), entry("fixed:size=3")))
    assert (ones.message_size, TRACKER.message_size) == (3, None)
    assert (TRACKER.binary, GT06.binary) == (False, True)
    ends = Choice((entry("line", b"a"), entry("delimited:end=a")))
    assert ends.never_in(b"bc\n") is None
    assert ends.never_in(b"bca") is None
    assert ends.never_in(b"a\n") == b"a\n"
    assert Choice((entry("line", b"a"), entry("line"))).never_in(b"a\nb") == b"\n"


def test_names() -> None:
    """The list has the names of its framings, and says which messages have which."""
    assert TRACKER.name == "length or fixed"
    assert list(TRACKER.describe()) == [
        r"framing length for messages that begin with '\x00\x00\x00\x00'",
        r"framing fixed for messages that begin with '\x05' or '\x04'",
        "framing length for all other messages",
    ]
    assert list(Choice((entry("line"),)).describe()) == ["framing line for all messages"]


def test_facts_that_any_has() -> None:
    """A template may name what some framing knows; of a message that it did not make, the first."""

    class Knows(Stop):
        def __init__(self, **facts: int) -> None:
            super().__init__()
            self._facts = facts

        def facts_of(self, message: bytes) -> dict[str, int]:
            return {"size": len(message), **self._facts}

    alike = Choice((entry(Knows(a=1, b=2), b"a"), entry(Knows(a=1, b=3, c=4))))
    assert alike.facts_of(b"abc") == {"size": 3, "a": 1, "b": 2, "c": 4}


@pytest.mark.parametrize(
    ("framing", "why"),
    [
        ("chunk", "chunk cannot be in a list, because its bytes do not say where a message ends"),
        ("gap", "gap cannot be in a list, because its bytes do not say where a message ends"),
        ("eof", "eof cannot be in a list, because its bytes do not say where a message ends"),
        (TRACKER, "a list cannot be in a list"),
        (
            Switched(Stop(), Stop()),
            "stop cannot be in a list, because connections may change to another one",
        ),
    ],
)
def test_framings_that_cannot_be_in_a_list(framing: str | Framing, why: str) -> None:
    """They are refused, with the reason."""
    with pytest.raises(ConfigError) as caught:
        Choice((entry(framing, b"a"), entry("line")))
    assert str(caught.value) == why


def test_a_framing_of_which_each_message_has_its_own_can_be_in_a_list() -> None:
    """Then that one answers, as it would without the list."""
    mixed = Choice((entry("fix", b"8="), entry("line")))
    framer = mixed.framer(100)
    framer.receive_data(Fix(b"FIX.4.2").frame(b"35=0") + b"a\n")
    messages = list(iter(framer.next_message, None))
    assert messages == [b"35=0", b"a"]
    assert [each.framing for each in messages] == [Fix(b"FIX.4.2"), Line()]
    assert messages[0].facts == {"begin": b"FIX.4.2"}


def test_framings_that_speak_cannot_be_in_a_list() -> None:
    """Nobody would ask what they have to say."""

    class Speaks(Stop):
        speaks = True
        name = "polite"

    with pytest.raises(ConfigError, match=r"^polite cannot be in a list, because it answers by"):
        Choice((entry(Speaks()),))


def test_framers_that_cannot_share_their_bytes() -> None:
    """A framing of somebody else's has to keep them where ours do."""

    class Other(Stop):
        name = "other"

        def framer(self, max_message: int):  # type: ignore[no-untyped-def]  # any that is not ours
            return parse_framing("chunk").framer(max_message)

    with pytest.raises(ConfigError, match=r"^other cannot be in a list, because its framer is not"):
        Choice((entry(Other()),)).framer(100)
    assert receive(Choice((entry(Stop()),)).framer(9), [b"aSTOPbSTOP"]).messages == (b"a", b"b")


def test_limits() -> None:
    """Each framing has to have messages as short as the limit, and each beginning fits in it."""
    with pytest.raises(ConfigError, match=r"^fixed: size=9 is more than max_message = 8$"):
        Choice((entry("line", b"a"), entry("fixed:size=9"))).framer(8)
    with pytest.raises(ConfigError, match=r"^a beginning of 9 bytes is more than max_message = 8$"):
        Choice((entry("line", b"123456789"), entry("line"))).framer(8)
    with pytest.raises(ConfigError, match=r"^an empty list"):
        Choice(())


def test_replies_that_some_framing_can_carry() -> None:
    """A reply is wrong only if no framing of the list could carry it."""
    both = Choice((entry("length:bytes=1", b"a"), entry("length:bytes=2")))
    both.check_reply(b"x" * 300)
    with pytest.raises(CannotFrame):
        both.check_reply(b"x" * 70_000)


def test_a_connection_tries_no_framing_again() -> None:
    """A list tries each framing once; its connections make only the framers that they need."""

    class Counted(Stop):
        made = 0

        def framer(self, max_message: int) -> Any:
            Counted.made += 1
            return super().framer(max_message)

    a_list = Choice((entry(Counted(), b"a"), entry("line")))
    for framing in (a_list, Switched(Counted(), Counted())):
        framing.framer(100)
        made = Counted.made
        for _ in range(3):
            framing.framer(100)
        assert Counted.made - made == (3 if isinstance(framing, Switched) else 0)

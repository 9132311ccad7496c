"""Heads that say how many bytes follow them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockreply.errors import ConfigError, FramingError, Malformed, MessageTooLong
from sockreply.framing import Framing, Headed, parse_framing
from tests.framing.table import Outcome, receive
from tests.framing.test_all_framings import byte_by_byte, cut, places_in, size_of, whole


def headed(spec: str, length: bytes, adjust: int = 0, base: int = 10) -> Headed:
    """The framing of a table in a file."""
    return Headed(parse_framing(spec), re.compile(length), adjust, base)


HTTP = headed(r"delimited:end=\r\n\r\n,reply_end=", rb"(?im)^content-length: *(?P<length>\d+)\r?$")
EVENTS = headed(r"delimited:end=\n\n", rb"(?im)^content-length: *(?P<length>\d+)")
CACHE = headed("line:ending=crlf", rb"^set \S+ \d+ \d+ (?P<length>\S+)", adjust=2)
STOMP = headed(r"delimited:end=\n\n,reply_end=\0", rb"(?m)^content-length:(?P<length>\d+)$", 1)
HEX = headed("line", rb"^(?P<length>[^ ]*)$", base=16)
LESS = headed("line", rb"^(?P<length>\d+)$", adjust=-4)
EITHER = headed("line", rb"^(?:get|put (?P<length>.*))$")
ALL = (HTTP, EVENTS, CACHE, STOMP, HEX, LESS, EITHER)


@dataclass(frozen=True)
class Row:
    """What is received until the peer sends no more, and what is in it."""

    framing: Headed
    wire: bytes
    messages: tuple[bytes, ...] = ()
    error: type[FramingError] | None = None
    left: int = 0
    limit: int = 100

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.messages, self.error, self.left)


POST = b"POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\na\r\nb"
STREAMS = (
    Row(HTTP, b""),
    Row(HTTP, POST, (POST,)),
    Row(HTTP, POST + b"GET / HTTP/1.1\r\n\r\n" + POST, (POST, b"GET / HTTP/1.1", POST)),
    Row(
        HTTP,
        b"POST / HTTP/1.1\r\ncontent-length:0\r\n\r\nGET",
        (b"POST / HTTP/1.1\r\ncontent-length:0\r\n\r\n",),
        left=3,
    ),
    Row(HTTP, POST[:-1], left=len(POST) - 1),
    Row(
        EVENTS,
        b"sendmsg 1\nContent-Length: 5\n\na\n\nbcapi status\n\n",
        (b"sendmsg 1\nContent-Length: 5\n\na\n\nbc", b"api status"),
    ),
    Row(CACHE, b"get a\r\n", (b"get a",)),
    Row(
        CACHE,
        b"get a\r\nset a 0 0 3\r\n\r\n1\r\nget a\n",
        (b"get a", b"set a 0 0 3\r\n\r\n1\r\n", b"get a"),
    ),
    Row(CACHE, b"set a 0 0 1\n1\r\n", (b"set a 0 0 1\n1\r\n",)),
    Row(CACHE, b"set a 0 0 0\r\n\r\nget", (b"set a 0 0 0\r\n\r\n",), left=3),
    Row(
        CACHE,
        b"set a 0 0 0000000000000000000000001\r\n1\r\n",
        (b"set a 0 0 0000000000000000000000001\r\n1\r\n",),
    ),
    Row(CACHE, b"set a 0 0 1\r\n1\r", left=15),
    Row(CACHE, b"set a 0 0 1\r\n", left=13),
    Row(CACHE, b"set a 0 0 1\r", left=12),
    Row(
        STOMP,
        b"SEND\ncontent-length:3\n\na\0b\0SEND\n",
        (b"SEND\ncontent-length:3\n\na\0b\0",),
        left=5,
    ),
    Row(
        HEX,
        b"1f\n" + b"x" * 31 + b"A\n0123456789 \n",
        (b"1f\n" + b"x" * 31, b"A\n0123456789", b" "),
    ),
    Row(LESS, b"4\n6\nab", (b"4\n", b"6\nab")),
    Row(EITHER, b"get\nput 1\nxget\n", (b"get", b"put 1\nx", b"get")),
    Row(EVENTS, b"Content-Length: 1\n\nx" * 5000, (b"Content-Length: 1\n\nx",) * 5000, limit=5000),
    Row(CACHE, b"set a 0 0 5\r\n12345\r\n", (b"set a 0 0 5\r\n12345\r\n",), limit=20),
    Row(CACHE, b"get a\r\nset a 0 0 6\r\n", (b"get a",), MessageTooLong, limit=20),
    Row(CACHE, b"set a 0 0 99999999999999999999999999999\r\n", error=MessageTooLong, limit=50),
    Row(CACHE, b"set a 0 0 5", error=MessageTooLong, limit=10),
    Row(CACHE, b"set a 0 0 0\r\n", error=MessageTooLong, limit=11),
    Row(CACHE, b"get a\r\nset a 0 0 x\r\n", (b"get a",), Malformed),
    Row(CACHE, b"set a 0 0 -1\r\n", error=Malformed),
    Row(CACHE, b"set a 0 0 1_0\r\n", error=Malformed),
    Row(CACHE, b"set a 0 0 \xc2\xb2\r\n", error=Malformed),
    Row(EITHER, b"put \n", error=Malformed),
    Row(HEX, b"\n", error=Malformed),
    Row(HEX, b"0x1\n", error=Malformed),
    Row(LESS, b"4\n3\n", (b"4\n",), Malformed),
)

REPLIES = (
    (HTTP, b"HTTP/1.1 200 OK\r\n\r\nhi", b"HTTP/1.1 200 OK\r\n\r\nhi"),
    (EVENTS, b"Reply-Text: +OK", b"Reply-Text: +OK\n\n"),
    (CACHE, b"STORED", b"STORED\r\n"),
    (STOMP, b"RECEIPT\n\n", b"RECEIPT\n\n\0"),
    (HEX, b"ok", b"ok\n"),
)

REQUESTS = (
    (HTTP, POST, POST),
    (HTTP, b"GET / HTTP/1.1", b"GET / HTTP/1.1\r\n\r\n"),
    (CACHE, b"get a", b"get a\r\n"),
    (CACHE, b"set a 0 0 1\r\n1\r\n", b"set a 0 0 1\r\n1\r\n"),
    (CACHE, b"", b"\r\n"),
    (CACHE, b"set a 0 0 1\r\n1", b"set a 0 0 1\r\n1\r\n"),  # as it is written without its end
    (CACHE, b"set a 0 0 x", b"set a 0 0 x\r\n"),
    (CACHE, b"set a 0 0 1\r\n1\r\nget a", b"set a 0 0 1\r\n1\r\nget a\r\n"),
)


def row_id(value: object) -> str:
    """The name of a test."""
    return f"{value.wire[:40]!r} {value.limit}" if isinstance(value, Row) else ""


@pytest.mark.parametrize("row", STREAMS, ids=row_id)
def test_streams(row: Row) -> None:
    """A stream gives its messages, in one read and in single bytes."""
    assert receive(row.framing.framer(row.limit), whole(row.wire)) == row.outcome
    assert receive(row.framing.framer(row.limit), byte_by_byte(row.wire)) == row.outcome


def test_heads_alone_are_taken_at_a_glance() -> None:
    """Reads of heads without bodies are cut in one go, and others are not."""
    assert CACHE.framer(5000).take(b"get a\r\nget b\r\n") == [b"get a", b"get b"]
    assert CACHE.framer(5000).take(b"get a\r\nset a 0 0 1\r\n1\r\n") is None


@pytest.mark.parametrize("size", [1, 1000], ids="reads of {}".format)
def test_memory_is_bounded(size: int) -> None:
    """Between two reads no more is kept than one message and one read."""
    framer = CACHE.framer(1000)
    own = size_of(framer)
    stream = (b"set a 0 0 980\r\n" + b"\n" * 980 + b"\r\n") * 10
    for start in range(0, len(stream), size):
        framer.receive_data(stream[start : start + size])
        while framer.next_message() is not None:
            pass
        assert size_of(framer) - own <= 1200 + size
        assert framer.buffered <= 1000
    assert framer.buffered == 0


def test_a_head_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes after a head are waited for without another look at the head."""
    asked: list[bytes] = []
    read_count = Headed.read_count

    def counted(self: Headed, head: bytes) -> int | None:
        asked.append(head)
        return read_count(self, head)

    monkeypatch.setattr(Headed, "read_count", counted)
    wire = b"set a 0 0 50\r\n" + b"\n" * 50 + b"\r\n"
    assert receive(CACHE.framer(100), byte_by_byte(wire)).messages == (wire,)
    assert asked == [b"set a 0 0 50"]


@pytest.mark.parametrize(
    ("framing", "wire", "text"),
    [
        (CACHE, b"set a 0 0 ten\r\n", "expected the length in decimal digits, found b'ten'"),
        (HEX, b"0x1\n", "expected the length in hexadecimal digits, found b'0x1'"),
        (LESS, b"3\n", "expected a length of at least 4, found b'3'"),
        (HEX, b"z" * 90 + b"\n", f"expected the length in hexadecimal digits, found {b'z' * 40!r}"),
    ],
)
def test_what_is_wrong(framing: Headed, wire: bytes, text: str) -> None:
    """An error shows the text that is no count, and what should have been there."""
    framer = framing.framer(100)
    framer.receive_data(wire)
    for _ in range(2):
        with pytest.raises(Malformed) as caught:
            framer.next_message()
        assert str(caught.value) == text
        assert framer.rest() == wire  # so that it can be told


def test_what_a_begun_message_lacks() -> None:
    """Each part that is missing is named."""
    framer = CACHE.framer(100)
    framer.receive_data(b"set a 0 0 5")
    assert framer.next_message() is None
    assert framer.missing() == "no LF yet"
    framer.receive_data(b"\r\n123")
    assert framer.next_message() is None
    assert framer.missing() == "4 bytes after the head are missing"
    assert framer.rest() == b"set a 0 0 5\r\n123"


@pytest.mark.parametrize(("framing", "reply", "wire"), REPLIES)
def test_replies(framing: Headed, reply: bytes, wire: bytes) -> None:
    """A reply is framed as the heads' framing does, and no more is done to it."""
    assert framing.frame(reply) == wire
    before, after = framing.affixes or (b"?", b"?")
    assert before + reply + after == wire


@pytest.mark.parametrize(("framing", "request_", "wire"), REQUESTS)
def test_requests(framing: Headed, request_: bytes, wire: bytes) -> None:
    """A client sends a head with all that follows it as it is, and anything else as a head."""
    assert framing.mirrored().frame(request_) == wire


@settings(max_examples=100)
@given(
    parts=st.lists(st.one_of(st.just(b"get a"), st.binary(max_size=20)), max_size=5), data=st.data()
)
def test_round_trip(parts: list[bytes], data: st.DataObject) -> None:
    """What either side sends the other receives, and what is cut off is left."""
    messages = [
        part if part == b"get a" else b"set a 0 0 %d\r\n%b\r\n" % (len(part), part)
        for part in parts
    ]
    frames = list(map(CACHE.mirrored().frame, messages))
    wire = b"".join(frames)
    came = wire[: data.draw(st.integers(0, len(wire)))]
    ends = [end for end in accumulate(map(len, frames)) if end <= len(came)]
    expected = Outcome(tuple(messages[: len(ends)]), left=len(came) - max(ends, default=0))
    assert receive(CACHE.framer(100), cut(came, data.draw(places_in(came)))) == expected


def test_the_client_receives_bodies() -> None:
    """A reply may be a head with what follows it, too, if replies end as requests do."""
    event = b"Content-Length: 5\n\na\n\nbc"
    expected = Outcome((event, b"Reply-Text: +OK"))
    client = EVENTS.mirrored()
    assert receive(client.framer(100), byte_by_byte(event + b"Reply-Text: +OK\n\n")) == expected


def test_the_client_receives_what_ends_in_another_way() -> None:
    """Where replies have an end of their own, that alone ends them."""
    wire = b"MESSAGE\ncontent-length:1\n\na\0RECEIPT\n\n\0"
    expected = Outcome((b"MESSAGE\ncontent-length:1\n\na", b"RECEIPT\n\n"))
    assert receive(STOMP.mirrored().framer(100), byte_by_byte(wire)) == expected


def test_the_client_without_ends() -> None:
    """Where nothing ends the replies, the client takes each read for one."""
    client = HTTP.mirrored()
    assert client.may_run_together
    assert not EVENTS.mirrored().may_run_together
    assert receive(client.framer(100), [b"HTTP/1.1", b" 200 OK"]).messages == (
        b"HTTP/1.1",
        b" 200 OK",
    )


@pytest.mark.parametrize("framing", ALL)
def test_mirrored_twice(framing: Headed) -> None:
    """The other side's other side is this side."""
    assert framing.mirrored().mirrored() == framing
    assert framing.name == framing.mirrored().name == "head"


@pytest.mark.parametrize(
    "spec",
    [
        *("chunk", "eof", "netstring", "gap", "fixed:size=9", "enclosed:start=a,end=b"),
        *("length:bytes=1", "line:ending=any", "line:telnet=strip", "line:blocks=yes"),
    ],
)
def test_framings_that_have_no_heads(spec: str) -> None:
    """A head ends at a mark, and nothing else is to be looked at on the way there."""
    with pytest.raises(ConfigError, match="a head has to end at a mark: use delimited, or"):
        headed(spec, b"(?P<length>1)")


def test_an_expression_without_the_group() -> None:
    """An expression has to say where the count stands in the head."""
    with pytest.raises(ConfigError, match=r"needs a group length, as in \(\?P<length>\\d\+\)"):
        headed("line", rb"(\d+)")


def test_it_is_a_framing() -> None:
    """Both sides have all that a framing has."""
    for framing in (CACHE, CACHE.mirrored()):
        assert isinstance(framing, Framing)
        assert not framing.one_message_each_way

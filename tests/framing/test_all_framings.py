"""What holds for every framing, on the server's side and on the client's."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise
from operator import add
from sys import getsizeof

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockreply.errors import FramingError, MessageTooLong
from sockreply.framing import (
    Chunk,
    Delimited,
    Enclosed,
    Eof,
    Fix,
    Fixed,
    Framer,
    Framing,
    Gap,
    Json,
    Length,
    Line,
    Resp,
    parse_framing,
)
from sockreply.framing.delimited import Undelimited
from sockreply.framing.resp import RespClient
from sockreply.notation import parse_notation
from tests.framing.table import (
    BOUNDED_BY_READS,
    JSON,
    KEYS,
    REPLIES,
    SPECS,
    STREAMS,
    Outcome,
    Sent,
    Stream,
    receive,
)

MOST = 64
"""Bytes of a message that Hypothesis makes."""

ANY_CUT = [row for row in STREAMS if row.spec.partition(":")[0] not in BOUNDED_BY_READS]
FRAMINGS = {spec: parse_framing(spec) for spec in SPECS}
SPECS_OF_ANY_CUT = list(dict.fromkeys(row.spec for row in ANY_CUT))
COMPLETE = [
    row
    for row in ANY_CUT
    if row.messages and not (row.error or row.left or parse_framing(row.spec).one_message_each_way)
]
PARTS = [
    *(b"\r", b"\n", b"\r\n", b"\0", b".", b",", b";", b"\\", b"|", b"<", b">", b"a", b"b", b"c"),
    *(b"\x01", b"\x02", b"\x03", b"\x0b", b"\x1c", b"0", b"1", b"7", b"9", b":", b"-", b"xy"),
    *(b"\xff\xfd\x01", b"\xff\xfa", b"\xff\xf0", b"\xff\xf1"),
    *(b"#", b"#0", b"#12", b"#210", b'"', b"'"),
    *(b"[", b"{", b"}]", b" "),
    *(b"\xff", b"abxyab", b"\r\n.\r\n", b"0002", b"3:", b"12345678"),
]
"""What means something to one of the framings."""

JSON_VALUES: st.SearchStrategy[bytes] = st.recursive(
    st.sampled_from([b"0", b"-1.5e+3", b"true", b"null", b'""', b'"\\"]}\\\\"', b'"[{ "']),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda found: b"[" + b", ".join(found) + b"]"),
        inner.map(lambda found: b'{"a\n": ' + found + b"}"),
    ),
    max_leaves=5,
)


BLOCKS = st.binary(max_size=20).map(lambda data: b"#2%02d%s" % (len(data), data))
STRINGS = st.sampled_from([b'"#15\'"', b"'#15\"'", b"'a''#15'", b'""'])
"""What stands in a line that may contain blocks."""


def cut(wire: bytes, places: set[int]) -> list[bytes]:
    """The reads in which a wire comes when it is cut at these places; none is empty."""
    ends = sorted({0, len(wire), *(place for place in places if place < len(wire))})
    return [wire[start:end] for start, end in pairwise(ends)]


def size_of(framer: Framer) -> int:
    """The bytes of memory that all it has takes."""
    names = [name for kind in type(framer).__mro__ for name in getattr(kind, "__slots__", ())]
    return sum(getsizeof(getattr(framer, name)) for name in names)


def whole(wire: bytes) -> list[bytes]:
    """All in one read."""
    return cut(wire, set())


def byte_by_byte(wire: bytes) -> list[bytes]:
    """Each byte in a read of its own."""
    return cut(wire, set(range(len(wire))))


def places_in(wire: bytes) -> st.SearchStrategy[set[int]]:
    """Where a wire can be cut."""
    return st.sets(st.integers(0, len(wire)))


def messages_of(sender: Framing) -> st.SearchStrategy[bytes]:
    """What the framing can carry from its sender to the other side."""
    parts = st.lists(st.sampled_from(PARTS), max_size=6).map(b"".join)
    anything = st.one_of(st.binary(max_size=MOST), parts)
    match sender:
        case Chunk() | Gap() | Eof() | Delimited(reply_end=b""):
            return anything.filter(bool)
        case Fixed(size):
            return bytes_of_size(size)
        case Line(blocks=True):
            return st.lists(st.one_of(BLOCKS, STRINGS, st.just(b"A\r#H1,")), max_size=6).map(
                lambda some: b"".join(some) + b"?"
            )
        case Line(None):
            return anything.filter(lambda line: not {b"\r"[0], b"\n"[0]} & set(line))
        case Line(bytes() as ending):
            return anything.filter(
                lambda line: (
                    b"\n" not in line
                    and (line + ending).removesuffix(b"\n").removesuffix(b"\r") == line
                )
            )
        case Undelimited(end):
            return messages_of(Delimited(end))
        case Delimited(end, reply_end):
            mark = end if reply_end is None else reply_end
            return anything.filter(lambda message: (message + mark).find(mark) == len(message))
        case Enclosed():
            return st.builds(add, enclosed_of(sender, anything), bytes_of_size(sender.trailer))
        case Fix():
            return anything.filter(lambda message: not message.endswith(b"\x01"))
        case Json():
            return JSON_VALUES
        case Length():
            return counted_messages_of(sender)
        case RespClient():
            return anything.filter(lambda message: sender.received_as(message) == message)
        case Resp():
            return values()
    return anything


def enclosed_of(framing: Enclosed, anything: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """What can stand between the marks: nothing that, with its end, holds one of them before."""
    end = framing.ends[0]
    inside = (*framing.ends, framing.start) if framing.restart else framing.ends
    return anything.filter(
        lambda message: all(
            (message + end).find(mark) in (-1, len(message) + len(end) - len(mark))
            for mark in inside
        )
    )


def bytes_of_size(size: int) -> st.SearchStrategy[bytes]:
    """So many bytes."""
    return st.binary(min_size=size, max_size=size)


def values() -> st.SearchStrategy[bytes]:
    """Replies of Redis."""
    strings = st.binary(max_size=9).map(lambda data: b"$%d\r\n%b\r\n" % (len(data), data))
    plain = st.sampled_from(
        [b"+OK\r\n", b"-ERR x\r\n", b":1\r\n", b"$-1\r\n", b"_\r\n", b"*-1\r\n"]
    )

    def around(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
        parts = st.lists(inner, max_size=4)
        return st.one_of(
            parts.map(lambda found: b"*%d\r\n%b" % (len(found), b"".join(found))),
            parts.map(lambda found: b"%%%d\r\n%b" % (len(found), b"".join(found * 2))),
            st.tuples(inner, inner, inner).map(lambda found: b"|1\r\n" + b"".join(found)),
        )

    return st.recursive(st.one_of(strings, plain), around, max_leaves=5)


def counted_messages_of(framing: Length) -> st.SearchStrategy[bytes]:
    """Messages whose sizes the header can tell; with their header if it stays."""
    added = framing.adjust - (framing.header if framing.inclusive else 0)
    most = MOST
    if framing.octets or framing.digits:
        most = 256**framing.octets * framing.base**framing.digits - 1 + added
    bodies = st.binary(min_size=max(0, added), max_size=min(MOST, most))
    if framing.strip:
        return bodies
    before = framing.offset if framing.inclusive else 0
    number = replace(framing, strip=True, offset=0, padding=None, adjust=framing.adjust - before)
    in_front = bytes_of_size(framing.offset)
    whole = st.builds(add, in_front, bodies.map(number.frame))
    if framing.padding is None:
        return whole
    return st.builds(padded, whole, st.just(framing.padding), st.binary(max_size=9))


def padded(message: bytes, place: int, padding: bytes) -> bytes:
    """A message with padding, whose size stands at a place in it."""
    return message[:place] + bytes([len(padding)]) + message[place + 1 :] + padding


def conversations(sender: Framing) -> st.SearchStrategy[list[bytes]]:
    """What one side may say on a connection."""
    most = 1 if isinstance(sender.mirrored(), Chunk | Undelimited | Gap | Eof) else 4
    return st.lists(messages_of(sender), max_size=most)


@pytest.mark.parametrize("rows", [STREAMS, REPLIES], ids=["streams", "replies"])
def test_the_table_is_complete(rows: tuple[Stream, ...] | tuple[Sent, ...]) -> None:
    """Every framing and every key has a row, received and sent."""
    covered = {name: set[str]() for name in KEYS}
    for row in rows:
        name, values = parse_notation(row.spec)
        covered[name] |= set(values)
    assert covered == {name: set(keys) for name, keys in KEYS.items()}
    assert {row.spec.partition(":")[0] for row in rows} == set(KEYS)


@pytest.mark.parametrize("row", STREAMS, ids=str)
def test_whole(row: Stream) -> None:
    """A stream that comes in one read gives its messages, and then its error or what is left."""
    framer = parse_framing(row.spec).framer(row.limit)
    expected = Outcome(row.messages, row.error, row.left, row.dropped)
    assert receive(framer, whole(row.wire)) == expected


@pytest.mark.parametrize("row", ANY_CUT, ids=str)
def test_byte_by_byte(row: Stream) -> None:
    """A stream that comes in single bytes gives the same."""
    framer = parse_framing(row.spec).framer(row.limit)
    expected = Outcome(row.messages, row.error, row.left, row.dropped)
    assert receive(framer, byte_by_byte(row.wire)) == expected


def test_cut_in_two() -> None:
    """A stream that is cut anywhere gives the same; `test_noise.py` cuts in more ways."""
    for row in ANY_CUT:
        expected = Outcome(row.messages, row.error, row.left, row.dropped)
        for place in range(1, len(row.wire)):
            framer = FRAMINGS[row.spec].framer(row.limit)
            assert receive(framer, cut(row.wire, {place})) == expected, (row, place)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("size", [1, 1000], ids="reads of {}".format)
def test_memory_is_bounded(spec: str, size: int) -> None:
    """Between two reads a framer keeps the memory of one message and one read at most."""
    limit = 1000
    good = [row for row in STREAMS if row.spec == spec and not (row.error or row.left)]
    stream = (b"".join(row.wire for row in good) or b"0") * 10 * limit
    framer = parse_framing(spec).framer(limit)
    own = size_of(framer)
    for start in range(0, 10 * limit, size):
        framer.receive_data(stream[start : start + size])
        try:
            while framer.next_message() is not None:
                pass
        except FramingError:  # of `gap` and `eof`, which nothing ended yet
            return
        if start % 10 == 0:
            kept = size_of(framer) - own
            assert kept <= 1.2 * limit + size  # a bytearray grows an eighth ahead


@pytest.mark.parametrize("row", COMPLETE, ids=str)
def test_nothing_is_kept_of_what_is_done(row: Stream) -> None:
    """An idle connection holds no memory for what its last read brought."""
    framer = parse_framing(row.spec).framer(row.limit)
    own = size_of(framer)
    framer.receive_data(row.wire * 1000)
    assert list(iter(framer.next_message, None)) == [*row.messages] * 1000
    assert size_of(framer) - own < 100


@pytest.mark.parametrize("row", [row for row in STREAMS if row.error is MessageTooLong], ids=str)
def test_too_long_tells_the_limit(row: Stream) -> None:
    """A message that is too long is reported with the limit that it is over."""
    framer = parse_framing(row.spec).framer(row.limit)
    framer.receive_data(row.wire)
    for message in row.messages:
        assert framer.next_message() == message
    with pytest.raises(MessageTooLong, match=f"longer than {row.limit} bytes") as caught:
        framer.next_message()
    assert caught.value.limit == row.limit


@pytest.mark.parametrize("row", REPLIES, ids=str)
def test_a_reply_on_the_wire(row: Sent) -> None:
    """The server sends a message as its row says."""
    assert parse_framing(row.spec).frame(row.message) == row.wire


@pytest.mark.parametrize("row", REPLIES, ids=str)
def test_the_client_receives_what_the_server_sends(row: Sent) -> None:
    """The mirrored framing gives the client the reply, in one read and in single bytes."""
    client = parse_framing(row.spec).mirrored()
    expected = Outcome((row.message,) if row.received is None else row.received)
    assert receive(client.framer(1000), whole(row.wire)) == expected
    if not isinstance(client, Chunk | Undelimited):
        assert receive(client.framer(1000), byte_by_byte(row.wire)) == expected


@settings(max_examples=400)
@given(spec=st.sampled_from(SPECS), data=st.data())
def test_round_trip(spec: str, data: st.DataObject) -> None:
    """What either side sends the other receives, however it is cut."""
    server = parse_framing(spec)
    for sender, receiver in ((server, server.mirrored()), (server.mirrored(), server)):
        messages = data.draw(conversations(sender))
        wire = b"".join(map(sender.frame, messages))
        places = set() if isinstance(receiver, Chunk | Undelimited) else data.draw(places_in(wire))
        assert receive(receiver.framer(1000), cut(wire, places)) == Outcome(tuple(messages))


@settings(max_examples=400)
@given(spec=st.sampled_from([spec for spec in SPECS_OF_ANY_CUT if spec != JSON]), data=st.data())
def test_cut_off_anywhere(spec: str, data: st.DataObject) -> None:
    """When the stream ends inside a message, its bytes so far are left, what frames it included.

    But for `eof`, where they are the message, and `json`, whose values may end before their frame.
    """
    framing = parse_framing(spec)
    messages = data.draw(st.lists(messages_of(framing.mirrored()), min_size=1, max_size=4))
    frames = list(map(framing.mirrored().frame, messages))
    wire = b"".join(frames)
    came = wire[: data.draw(st.integers(0, len(wire)))]
    if framing.one_message_each_way:
        expected = Outcome((came,) if came else ())
    else:
        early = isinstance(framing, Line) and framing.ending is None  # whose CR is enough
        ends = [end for end in accumulate(map(len, frames)) if end - early <= len(came)]
        expected = Outcome(
            tuple(messages[: len(ends)]), left=max(0, len(came) - max(ends, default=0))
        )
    assert receive(framing.framer(1000), cut(came, data.draw(places_in(came)))) == expected


@settings(max_examples=150)
@given(spec=st.sampled_from(SPECS), data=st.data())
def test_affixes(spec: str, data: st.DataObject) -> None:
    """What a framing says that it puts around every message is what it puts there."""
    for framing in (parse_framing(spec), parse_framing(spec).mirrored()):
        if framing.affixes is not None:
            before, behind = framing.affixes
            message = data.draw(messages_of(framing))
            assert framing.frame(message) == before + message + behind


@pytest.mark.parametrize("spec", SPECS)
def test_mirrored_twice(spec: str) -> None:
    """The other side's other side is this side."""
    framing = parse_framing(spec)
    assert framing.mirrored().mirrored() == framing


@pytest.mark.parametrize("spec", SPECS)
def test_connections_share_nothing(spec: str) -> None:
    """Each connection's framer keeps its own bytes."""
    framing = parse_framing(spec)
    one, other = framing.framer(100), framing.framer(100)
    one.receive_data(b"0")
    assert (one.buffered, other.buffered) == (1, 0)
    assert other.next_message() is None


@pytest.mark.parametrize("spec", SPECS)
def test_only_gap_hears_silence(spec: str) -> None:
    """A pause inside a message means nothing but to `gap`, which asks to be told of it."""
    framing = parse_framing(spec)
    framer = framing.framer(100)
    assert (framer.silence is not None) == isinstance(framing, Gap)
    if framer.silence is None and not framing.one_message_each_way:
        framer.receive_data(b"\x02")
        held = framer.buffered
        framer.receive_silence()
        assert framer.buffered == held


@pytest.mark.parametrize("row", [row for row in STREAMS if row.left], ids=str)
def test_what_a_begun_message_lacks(row: Stream) -> None:
    """Each says so in its own words, wherever the message breaks off, and changes nothing."""
    framer = parse_framing(row.spec).framer(row.limit)
    framer.receive_data(row.wire)
    messages = list(iter(framer.next_message, None))
    missing = getattr(framer, "missing")  # noqa: B009 - an optional method
    assert missing() == missing() != ""
    assert tuple(messages) == row.messages
    assert framer.buffered >= row.left

"""What only `enclosed` does."""

from __future__ import annotations

import pytest

from sockreply.errors import CannotFrame, ConfigError
from sockreply.framing import Enclosed, Message, parse_framing
from sockreply.framing.buffer import hand_over
from tests.framing.table import ASTM, ASTM_FRAME, GDB, STX_AGAIN, STX_ETX


def test_counts_what_it_drops() -> None:
    """Bytes outside the marks are dropped as they come and counted; a mark begun is not yet."""
    framer = Enclosed(b"<<", b">>").framer(4)
    for read, dropped, held in ((b"noise", 5, 0), (b"-<", 6, 1), (b"-", 8, 0), (b"-<<", 9, 2)):
        framer.receive_data(read)
        assert framer.next_message() is None
        assert (framer.dropped, framer.buffered) == (dropped, held)
    framer.receive_data(b"a>>-")
    assert (framer.next_message(), framer.dropped, framer.buffered) == (b"a", 9, 1)
    assert (framer.next_message(), framer.dropped, framer.buffered) == (None, 10, 0)


def test_limits_no_noise() -> None:
    """Only what stands between the marks counts against the limit."""
    framer = Enclosed(b"\x02", b"\x03").framer(1)
    framer.receive_data(b"noise" * 100 + b"\x02a\x03" + b"noise")
    assert list(iter(framer.next_message, None)) == [b"a"]
    assert framer.dropped == 505


def test_forgets_the_search_of_the_last_message() -> None:
    """A message that was searched for long does not hide the end of the next."""
    framer = Enclosed(b"[", b"]").framer(100)
    for read in (b"[0123456789", b"0123456789", b"]", b"[a", b"]"):
        framer.receive_data(read)
    assert list(iter(framer.next_message, None)) == [b"01234567890123456789", b"a"]


@pytest.mark.parametrize("spec", [STX_ETX, STX_AGAIN])
def test_another_framer_gets_the_mark_of_a_begun_message(spec: str) -> None:
    """What has come of a message goes to the next framing with the mark before it."""
    framing = parse_framing(spec)
    before, after = framing.framer(100), framing.framer(100)
    before.receive_data(b"noise\x02PI")
    assert before.next_message() is None
    hand_over(before, after)
    assert (before.buffered, after.rest()) == (0, b"\x02PI")
    after.receive_data(b"NG\x03")
    assert (after.next_message(), after.dropped) == (b"PING", 0)


def test_another_framer_gets_the_end_that_has_come() -> None:
    """The bytes after it are still missing, for the next framing too."""
    framing = parse_framing(ASTM)
    before, after = framing.framer(100), framing.framer(100)
    before.receive_data(ASTM_FRAME[:-2])
    assert before.next_message() is None
    hand_over(before, after)
    after.receive_data(ASTM_FRAME[-2:])
    assert after.next_message() == b"1H|\\^&|||HOST\r97\r\n"


def test_the_mark_that_came_is_known() -> None:
    """With several end marks, a message says which of them came."""
    framer = parse_framing(ASTM).framer(100)
    framer.receive_data(b"\x02a\x1797\r\n\x02b\x0397\r\n")
    for end in (b"\x17", b"\x03"):
        message = framer.next_message()
        assert isinstance(message, Message)
        assert dict(message.facts) == {"end": end}


def test_the_mark_of_a_message_that_did_not_come() -> None:
    """It is the first one, which is also sent."""
    assert parse_framing(ASTM).facts_of(b"a97\r\n") == {"end": b"\x03"}
    assert parse_framing(STX_ETX).facts_of(b"") == {"end": b"\x03"}


def test_a_message_of_one_end_is_nothing_but_bytes() -> None:
    """Where all messages end alike, none of them has to say how."""
    framer = parse_framing(STX_ETX).framer(100)
    framer.receive_data(b"\x02a\x03")
    assert type(framer.next_message()) is bytes


def test_what_is_missing() -> None:
    """A message that has begun says what it waits for."""
    framer = parse_framing(ASTM).framer(100)
    for read, missing in (
        (b"\x02a", r"no '\x03' or '\x17' yet"),
        (b"\x17", r"4 bytes after '\x17' are missing"),
        (b"97\r", r"1 byte after '\x17' is missing"),
    ):
        framer.receive_data(read)
        assert framer.next_message() is None
        assert framer.missing() == missing  # type: ignore[attr-defined]  # an optional method


def test_a_reply_that_is_shorter_than_its_trailer() -> None:
    """It cannot be sent: nothing says which of the bytes it lacks."""
    with pytest.raises(CannotFrame, match=r"^1 bytes, but a message has at least 2$") as caught:
        parse_framing(GDB).frame(b"x")
    assert (caught.value.size, caught.value.least, caught.value.most) == (1, 2, None)
    assert parse_framing(GDB).frame(b"9a") == b"$#9a"


def test_a_trailer_that_no_message_has_room_for() -> None:
    """It is part of the message, whose size is limited."""
    framing = parse_framing(GDB)
    framing.framer(2)
    with pytest.raises(ConfigError, match=r"^enclosed: trailer=2 is more than max_message = 1$"):
        framing.framer(1)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("start=a,end=|", "end: an empty mark ends nothing"),
        ("start=a,end=b|", "end: an empty mark ends nothing"),
        ("start=a,end=b|b", "'b' cannot be two marks"),
        ("start=a,end=a,restart=yes", "'a' cannot be two marks"),
        ("start=a,end=b|bc", "'bc' never comes, because 'b' in it comes first"),
        (r"start=a,end=x\r\n|\r", r"'x\r\n' never comes, because CR in it comes first"),
        ("start=a,end=ab,restart=yes", "'ab' never comes, because 'a' in it comes first"),
        ("start=bc,end=b,restart=yes", "'bc' never comes, because 'b' in it comes first"),
        ("start=a,end=b,trailer=-1", "trailer: '-1' is not a whole number from 0 to 2147483647"),
        ("start=a,end=b,restart=1", "restart: '1' is not one of yes, no"),
    ],
)
def test_marks_that_cannot_be_told_apart(keys: str, reason: str) -> None:
    """A mark that can never come, because another one in it would come first, is an error."""
    with pytest.raises(ConfigError) as caught:
        parse_framing(f"enclosed:{keys}")
    assert str(caught.value) == f"framing enclosed: {reason}"


@pytest.mark.parametrize("keys", ["start=a,end=ab", "start=a,end=a", "start=bc,end=b"])
def test_marks_at_different_places(keys: str) -> None:
    """Where a start means nothing within a message, it may be like the end."""
    parse_framing(f"enclosed:{keys}")


def test_a_mark_that_ends_as_another_does() -> None:
    """Both have come at the same byte, and the longer is the one."""
    framer = Enclosed(b"<", (b"\n", b"\r\n")).framer(100)
    framer.receive_data(b"<a\r\n<b\n<c\r\r\n")
    assert list(iter(framer.next_message, None)) == [b"a", b"b", b"c\r"]


@pytest.mark.parametrize(
    ("spec", "data", "never"),
    [
        (STX_ETX, b"a\x03", b"\x03"),
        (STX_ETX, b"\x02", None),
        (ASTM, b"\x17a97\r\n", b"\x17"),
        (ASTM, b"\x17a97", None),
        (ASTM, b"\x03", None),
        (STX_AGAIN, b"a\x02b", b"\x02"),
    ],
)
def test_what_no_message_contains(spec: str, data: bytes, never: bytes | None) -> None:
    """A mark, unless it may be among the bytes after the end."""
    assert parse_framing(spec).never_in(data) == never

"""Commands of Redis's clients, as a server takes them from the stream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sockreply.errors import FramingError, Malformed, MessageTooLong
from sockreply.framing import Message, Resp
from sockreply.framing.resp_commands import CommandFramer
from tests.framing.table import receive
from tests.framing.test_all_framings import byte_by_byte, size_of, whole

SET = b"*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$0\r\n\r\n"


def error_of(wire: bytes, limit: int = 1000) -> FramingError:
    """How a stream stops making sense."""
    framer = Resp().framer(limit)
    framer.receive_data(wire)
    with pytest.raises(FramingError) as caught:
        list(iter(framer.next_message, None))
    return caught.value


@pytest.mark.parametrize("reads", [whole, byte_by_byte], ids=["whole", "byte by byte"])
def test_a_message_knows_its_words(reads: Callable[[bytes], list[bytes]]) -> None:
    """What templates know of a command is the list of its words, blanks in them or not."""
    framer = Resp().framer(100)
    words = []
    for read in reads(SET + b"get 'a b'\n"):
        framer.receive_data(read)
        for message in iter(framer.next_message, None):
            assert isinstance(message, Message)
            words.append(message.facts["words"])
    assert words == [[b"SET", b"a b", b""], [b"get", b"a b"]]
    assert all(type(word) is bytes for word in words[0])


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b"*1\r\nxyz", "expected '$', found b'x'"),
        (b"*x\r\n", "expected a multibulk length up to 1048576, and CR LF, found b'x\\r\\n'"),
        (b"*1048577\r\n", "expected a multibulk length up to 1048576, found b'1048577'"),
        (b"*1\r\n$-1\r\n", "expected a bulk length from 0 to 536870912, found b'-1'"),
        (b"*1\r\n$1\n\r\n", "expected a bulk length from 0 to 536870912, and CR LF, found"),
        (b"*1\r\n$2\r\nabcd", "expected CR LF after a word of 2 bytes, found b'cd'"),
        (b"get 'a\n", 'expected quotes in pairs, with a blank after the second, found b"get \'a"'),
        (b"'" + b"a" * 900 + b"\n", ", found b\"'" + "a" * 39 + '"'),
    ],
)
def test_what_is_wrong(wire: bytes, text: str) -> None:
    """An error says what should have been there, in Redis's words where it has some."""
    error = error_of(wire)
    assert isinstance(error, Malformed)
    assert text in str(error)


def test_words_that_are_too_many_or_too_long() -> None:
    """A command is refused by its counts, before the bytes that they count."""
    assert isinstance(error_of(b"*1000000\r\n"), MessageTooLong)
    assert isinstance(error_of(b"*2\r\n$1000\r\n"), MessageTooLong)
    assert isinstance(error_of(b"*3\r\n$500\r\n" + b"x" * 500 + b"\r\n$499\r\n"), MessageTooLong)


def test_memory_of_many_words() -> None:
    """While words of no bytes come, no more is kept than seven times the longest message."""
    framer = Resp().framer(1000)
    own = size_of(framer)
    for read in byte_by_byte(b"*1001\r\n" + b"$0\r\n\r\n" * 1001):
        assert size_of(framer) - own <= 7 * 1000 * 1.2
        framer.receive_data(read)
        message = framer.next_message()
    assert message == b" " * 1000
    assert size_of(framer) - own < 100


def test_words_are_looked_at_twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that comes a byte at a time is not begun anew with each of them."""
    looks = 0
    number = CommandFramer._number

    def counted(self: CommandFramer, expected: str, most: int, least: int = -9) -> int | None:
        nonlocal looks
        looks += 1
        return number(self, expected, most, least)

    monkeypatch.setattr(CommandFramer, "_number", counted)
    wire = b"*300\r\n" + b"$1\r\nx\r\n" * 300
    assert len(receive(Resp().framer(1000), byte_by_byte(wire)).messages) == 1
    assert looks <= len(wire) + 2 * 301


def test_what_a_begun_command_lacks() -> None:
    """Each part that is missing is named."""
    lacking = {
        b"*2": "no CR LF after the number of words yet",
        b"*2\r\n": "no length of word 1 of 2 yet",
        b"*2\r\n$3\r\nGET\r\n$1": "no length of word 2 of 2 yet",
        b"*2\r\n$3\r\nGET\r\n$3\r\nab": "3 bytes of word 2 of 2 and its CR LF are missing",
        b"PING": "no LF yet",
    }
    for wire, missing in lacking.items():
        framer = Resp().framer(100)
        framer.receive_data(wire)
        assert framer.next_message() is None
        assert framer.missing() == missing
        assert framer.rest() == wire

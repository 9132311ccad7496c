"""Messages of the Financial Information eXchange protocol, in its tag=value encoding: `fix`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from sockreply.errors import ConfigError, Malformed, MessageTooLong
from sockreply.framing.buffer import BufferedFramer, missing_bytes
from sockreply.framing.digits import DIGITS_LIMIT
from sockreply.framing.interfaces import Framing
from sockreply.framing.message import Message
from sockreply.notation import Key, quoted, unescape

_SOH = b"\x01"
_VERSION_LIMIT = 20
"""Bytes of a version; FIXT.1.1 has eight."""
_HEADER_LIMIT = len("8=") + _VERSION_LIMIT + len("|9=") + DIGITS_LIMIT + len("|")
_TRAILER = len("10=000|")

_VERSION = re.compile(rb"[!-~]{1,%d}" % _VERSION_LIMIT)
_DIGITS = re.compile(rb"[0-9]{1,%d}" % DIGITS_LIMIT)
_END = re.compile(rb"\x0110=([0-9]{3})\x01")


class FixFramer(BufferedFramer):
    """Messages between the fields 8= and 9= and the field 10=, which are checked.

    Args:
        max_message: The most bytes that a message may have, without those fields.
    """

    __slots__ = ("_framing", "_header", "_size")

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message)
        self._framing = _DEFAULT  # in the version of the last message that has begun
        self._header = 0  # bytes before the body of the message that is coming; 0: not known
        self._size = 0  # of that body

    def next_message(self) -> Message | None:
        if not self._header and not self._read_header():
            return None
        size = self._header + self._size + _TRAILER
        if len(self._data) - self._start < size:
            return None
        wire = bytes(self._data[self._start : self._start + size])
        _check(wire, self._size)
        fields = wire[self._header : size - _TRAILER].removesuffix(_SOH)
        self._start, self._header = self._start + size, 0
        self._forget()
        framing = self._framing
        return Message(fields, framing=framing, facts=framing.facts_of(fields))

    def missing(self) -> str:
        """See `Framer`."""
        if not self._header:
            return "the fields 8= and 9= are not complete"
        left = self._header + self._size + _TRAILER - self.buffered
        return missing_bytes(left, f" up to the end of 10=, as 9={self._size} says,")

    def _read_header(self) -> bool:
        """Learn the version and the size from the first two fields, if they are there."""
        head = bytes(self._data[self._start : self._start + _HEADER_LIMIT])
        version, end = _value(head, 0, b"8=", _VERSION)
        if not _is_over(head, version, end, "a version"):
            return False
        digits, end = _value(head, end + 1, b"9=", _DIGITS)
        if digits and int(digits) > self._max_message + 1:  # its last SOH is no part of the message
            raise MessageTooLong(self._max_message)
        if not _is_over(head, digits, end, "the length of the body"):
            return False
        if self._framing.begin != version:
            self._framing = Fix(version)
        self._header, self._size = end + 1, int(digits)
        return True


def _value(head: bytes, at: int, tag: bytes, pattern: re.Pattern[bytes]) -> tuple[bytes, int]:
    """The value of one of the first fields and where it ends, as far as they have come.

    Args:
        head: The beginning of the message, as far as it has come.
        at: Where the field begins.
        tag: Its tag.
        pattern: What its value can be.

    Raises:
        Malformed: It is another field.
    """
    begins = at + len(tag)
    if not tag.startswith(head[at:begins]):
        _fail(tag.decode(), head, at, begins)
    found = pattern.match(head, begins)
    return (b"", begins) if found is None else (found[0], found.end())


def _is_over(head: bytes, value: bytes, end: int, what: str) -> bool:
    """Has the end of a field come?

    Raises:
        Malformed: Something else has, or the field is empty.
    """
    if end >= len(head):
        return False
    if not value or head[end : end + 1] != _SOH:
        _fail(f"{what} and SOH", head, end - len(value), end + 1)
    return True


def _check(wire: bytes, size: int) -> None:
    """See that a message ends where it says, and with the sum of its bytes.

    Args:
        wire: All of it, if its body has the right size.
        size: That of its body.

    Raises:
        Malformed: It does not.
    """
    end = len(wire) - _TRAILER
    found = _END.fullmatch(wire, end - 1)
    if found is None:
        _fail(f"SOH, 10=, three digits and SOH, as 9={size} says,", wire, end - 1, len(wire))
    total = b"%03d" % (sum(wire[:end]) % 256)
    if found[1] != total:
        _fail(f"the checksum {total.decode()}", wire, found.start(1), found.end(1))


def _fail(expected: str, wire: bytes, at: int, end: int) -> NoReturn:
    raise Malformed(expected, wire[at:end], at)


def _version(text: str) -> bytes:
    """Reads the version of a message."""
    version = unescape(text)
    if _VERSION.fullmatch(version) is None:
        raise ConfigError(f"{quoted(text)} is not a version such as FIX.4.4 or FIXT.1.1")
    return version


@dataclass(frozen=True)
class Fix(Framing):
    """FIX in tag=value encoding: the fields between 9= and 10=. Framing adds 8=, 9= and 10=.

    The source is the FIX session layer, FIX4 and FIXT.1.1, section "Tagvalue encoding".

    Args:
        begin: The version, in 8=, of what answers no message; a reply has that of its request.
    """

    begin: Annotated[bytes, Key(_version)] = b"FIX.4.4"

    varies = True

    def framer(self, max_message: int) -> FixFramer:
        return FixFramer(max_message)

    def frame(self, message: bytes) -> bytes:
        body = message if message.endswith(_SOH) or not message else message + _SOH
        wire = b"8=%b\x019=%d\x01%b" % (self.begin, len(body), body)
        return b"%b10=%03d\x01" % (wire, sum(wire) % 256)

    def facts_of(self, message: bytes) -> Mapping[str, Any]:  # noqa: ARG002 - the same for all
        return {"begin": self.begin}


_DEFAULT = Fix()

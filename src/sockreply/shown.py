"""Addresses, bytes, texts and errors as a log may show them: no peer can forge a line in it."""

from __future__ import annotations

import codecs
import os
import re

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress

UNNAMED = "default"
"""The service of a daemon that has one only, and no file to name it in: its lines have no name."""

SHOWN_BYTES = 200
"""How much of a message a log shows: enough to know it by, too little to fill a disk with."""


def show_address(address: IAddress) -> str:
    """`127.0.0.1:12345`, `[::1]:12345`, `unix:/run/x.sock` or `unix`; of others the kind."""
    match address:
        case IPv4Address():
            return _escape(f"{address.host}:{address.port}")
        case IPv6Address():
            return _escape(f"[{address.host}]:{address.port}")
        case UNIXAddress():
            name = os.fsdecode(address.name or b"").replace("\0", "@")  # @: the abstract namespace
            return _escape(f"unix:{name}" if name else "unix")
        case _:
            return type(address).__name__.removesuffix("Address").lower()


HEX = "hex"
"""Stands where an encoding can: bytes are shown as digits, and not as text."""


def show_bytes(data: bytes, size: int | None = None, encoding: str = "utf-8") -> str:
    r"""Bytes as quoted text, `\xNN` where they are none, or as digits; cut at `SHOWN_BYTES`.

    Args:
        data: The bytes, or the first ones.
        size: How many there are; None: these.
        encoding: Of the text; `HEX`: `00 ff`, without quotes.
    """
    size = len(data) if size is None else size
    data = data[:SHOWN_BYTES]
    cut = size > len(data)
    shown = data.hex(" ") if encoding == HEX else _text(data, encoding, cut=cut)
    return f"{shown}... ({size} bytes)" if cut else shown


def _text(data: bytes, encoding: str, *, cut: bool) -> str:
    decoder = codecs.getincrementaldecoder(encoding)(_UNDECODED)
    # A character that the cut goes through is left out, for the decoder waits for the rest of it.
    text = decoder.decode(data, final=not cut).replace("\\", r"\\")
    return f"'{_escape(_STANDS_FOR_A_BYTE.sub(_as_escape, text))}'"


_UNDECODED = "sockreply-undecoded"
_STANDS_FOR_A_BYTE = re.compile("[\udc00-\udcff]")


def _mark_undecoded(error: UnicodeError) -> tuple[str, int]:
    """Half a surrogate for each byte: no encoding has it, and a backslash many have."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    undecoded = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in undecoded), error.end


codecs.register_error(_UNDECODED, _mark_undecoded)
codecs.lookup("unicode_escape")  # now: Python loads it from a file, and later that may fail


def _as_escape(mark: re.Match[str]) -> str:
    return rf"\x{ord(mark[0]) - 0xDC00:02x}"


def show_name(text: str) -> str:
    """A text of one line that a peer chose, such as a server name."""
    return _escape(text)


def show_text(text: str) -> str:
    """A text of several lines, such as a traceback, that may quote what a peer sent."""
    return "\n".join(map(_escape, text.splitlines()))


def show_error(error: Exception) -> str:
    """What an exception of somebody else's code says, with its type unless the words are enough."""
    name = type(error).__name__
    if not str(error):
        return name
    return str(error) if isinstance(error, ValueError | OSError) else f"{name}: {error}"


def _escape(text: str) -> str:
    """Replace what does not print: controls, line ends, marks that turn the direction of text."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )

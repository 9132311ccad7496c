"""Addresses, bytes, texts and errors as a log may show them: no peer can forge a line in it."""

from __future__ import annotations

import codecs
import os

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
            return f"{address.host}:{address.port}"
        case IPv6Address():
            return f"[{address.host}]:{address.port}"
        case UNIXAddress():
            name = os.fsdecode(address.name or b"").replace("\0", "@")  # @: the abstract namespace
            return _escape(f"unix:{name}" if name else "unix")
        case _:
            return type(address).__name__.removesuffix("Address").lower()


def show_bytes(data: bytes, size: int | None = None) -> str:
    r"""Bytes as quoted text: UTF-8 where it is some, `\xNN` where not, cut at `SHOWN_BYTES`.

    Args:
        data: The bytes, or more of the first ones than are shown.
        size: How many there are; None: these.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    size = len(data) if size is None else size
    cut = size > SHOWN_BYTES
    # A character that the cut goes through is left out, for the decoder waits for the rest of it.
    text = decoder.decode(data[:SHOWN_BYTES].replace(b"\\", b"\\\\"), final=not cut)
    shown = f"'{_escape(text)}'"
    return f"{shown}... ({size} bytes)" if cut else shown


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

"""Bytes to messages and messages to bytes, without any input or output of its own."""

from sockreply.framing.buffer import BufferedFramer
from sockreply.framing.counted import Fixed, Length, Netstring
from sockreply.framing.delimited import Delimited, Enclosed, Line
from sockreply.framing.interfaces import Framer, Framing
from sockreply.framing.registry import parse_framing
from sockreply.framing.stream import Chunk, Eof, Gap

__all__ = [
    "BufferedFramer",
    "Chunk",
    "Delimited",
    "Enclosed",
    "Eof",
    "Fixed",
    "Framer",
    "Framing",
    "Gap",
    "Length",
    "Line",
    "Netstring",
    "parse_framing",
]

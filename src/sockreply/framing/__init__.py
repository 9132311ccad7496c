"""Bytes to messages and messages to bytes, without any input or output of its own."""

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from sockreply.framing.buffer import BufferedFramer
from sockreply.framing.interfaces import Framer, Framing
from sockreply.framing.registry import BUILT_IN, parse_framing

if TYPE_CHECKING:
    from sockreply.framing.choice import Choice, Entry
    from sockreply.framing.counted import Fixed, Netstring
    from sockreply.framing.delimited import Delimited
    from sockreply.framing.enclosed import Enclosed
    from sockreply.framing.fix import Fix
    from sockreply.framing.head import Headed
    from sockreply.framing.json_values import Json
    from sockreply.framing.length import Length
    from sockreply.framing.lines import Line
    from sockreply.framing.message import Message
    from sockreply.framing.resp import Resp
    from sockreply.framing.stream import Chunk, Eof, Gap
    from sockreply.framing.switched import Switched

__all__ = [
    "BufferedFramer",
    "Choice",
    "Chunk",
    "Delimited",
    "Enclosed",
    "Entry",
    "Eof",
    "Fix",
    "Fixed",
    "Framer",
    "Framing",
    "Gap",
    "Headed",
    "Json",
    "Length",
    "Line",
    "Message",
    "Netstring",
    "Resp",
    "Switched",
    "parse_framing",
]

_PLACES = {
    where.rpartition(":")[2]: where
    for where in (
        *BUILT_IN.values(),
        "sockreply.framing.choice:Choice",
        "sockreply.framing.choice:Entry",
        "sockreply.framing.head:Headed",
        "sockreply.framing.message:Message",
        "sockreply.framing.switched:Switched",
    )
}


def __getattr__(name: str) -> Any:
    """What is loaded when it is asked for: a daemon needs one framing, and not all of them."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return resolve_name(_PLACES[name])

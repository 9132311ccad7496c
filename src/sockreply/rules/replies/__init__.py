"""What a rule replies with."""

from sockreply.rules.replies.data import Constant, Data, Echoed
from sockreply.rules.replies.parts import (
    CommandPart,
    CorruptPart,
    DelayPart,
    DripPart,
    EndPart,
    Part,
    RawPart,
    SendPart,
    TruncatePart,
)
from sockreply.rules.replies.recipes import Recipe
from sockreply.rules.replies.sequences import InTurn
from sockreply.rules.replies.source import ReplySource
from sockreply.rules.replies.starttls import StartTLSPart

__all__ = [
    "CommandPart",
    "Constant",
    "CorruptPart",
    "Data",
    "DelayPart",
    "DripPart",
    "Echoed",
    "EndPart",
    "InTurn",
    "Part",
    "RawPart",
    "Recipe",
    "ReplySource",
    "SendPart",
    "StartTLSPart",
    "TruncatePart",
]

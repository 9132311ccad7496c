"""What a rule asks of a message and of its connection."""

from sockreply.masks import Mask
from sockreply.rules.conditions.combined import AllOf, AnyOf, Condition, Length, Not, PeerIn
from sockreply.rules.conditions.contents import Contains, EndsWith, Equals, Miss, Regex, StartsWith
from sockreply.rules.conditions.secured import Secured

__all__ = [
    "AllOf",
    "AnyOf",
    "Condition",
    "Contains",
    "EndsWith",
    "Equals",
    "Length",
    "Mask",
    "Miss",
    "Not",
    "PeerIn",
    "Regex",
    "Secured",
    "StartsWith",
]

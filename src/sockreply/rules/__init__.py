"""Responders that are tables of rules: the first rule that fits a message answers it.

A configuration file makes them, and so can a program::

    from sockreply.rules import DelayPart, Equals, Regex, Rule, RuleTable, StartsWith
    from sockreply.rules import reply, template

    table = RuleTable(
        [
            Rule("identify", Equals(b"*IDN?"), b"ACME,SCALE,0001,1.0"),
            Rule("weigh", StartsWith(b"WEIGH"), reply(DelayPart(0.2, 0.5), b"72.4 kg")),
            Rule("echo", None, reply(template("{{ message | upper }}"))),
        ],
        otherwise=b"ERR",
    )

It is a `sockreply.replies.Responder`, as `sockreply.server.ReplyFactory` takes it.
"""

from sockreply.rules.building import reply, template
from sockreply.rules.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Contains,
    EndsWith,
    Equals,
    Length,
    Mask,
    Miss,
    Not,
    PeerIn,
    Regex,
    Secured,
    StartsWith,
)
from sockreply.rules.replies import (
    CommandPart,
    Constant,
    CorruptPart,
    Data,
    DelayPart,
    DripPart,
    Echoed,
    EndPart,
    InTurn,
    Part,
    RawPart,
    Recipe,
    ReplySource,
    SendPart,
    StartTLSPart,
    TruncatePart,
)
from sockreply.rules.rule import Rule
from sockreply.rules.table import RuleTable

__all__ = [
    "AllOf",
    "AnyOf",
    "CommandPart",
    "Condition",
    "Constant",
    "Contains",
    "CorruptPart",
    "Data",
    "DelayPart",
    "DripPart",
    "Echoed",
    "EndPart",
    "EndsWith",
    "Equals",
    "InTurn",
    "Length",
    "Mask",
    "Miss",
    "Not",
    "Part",
    "PeerIn",
    "RawPart",
    "Recipe",
    "Regex",
    "ReplySource",
    "Rule",
    "RuleTable",
    "Secured",
    "SendPart",
    "StartTLSPart",
    "StartsWith",
    "TruncatePart",
    "reply",
    "template",
]

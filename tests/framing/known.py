"""Every framing that the tests know, as the server has it and as its client does.

`KNOWN` has what `table.py` and `test_choice.py` speak of, and framings that no spec names. What
holds for all framings is tested with all of these, a little by `test_noise.py`, and with many more
streams by `tests/hostile/test_framers.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sockreply.errors import ConfigError
from sockreply.framing import Framing, Message, Switched, parse_framing
from sockreply.framing.switched import SwitchedFramer
from tests.framing import table, test_choice, test_head

LIMITS = (1, 2, 8, 20, 100, 65_536)
"""Values of max_message: such as are soon reached, and the usual one."""


@dataclass(frozen=True)
class Known:
    """A framing.

    Args:
        name: Tells it from the others.
        framing: The framing.
        wires: Bytes that mean something to it, whether or not they are right.
        swells: A message may be so many times as long on the wire.
        one_error: Is a stream that is wrong in two ways always refused for the same one?
    """

    name: str
    framing: Framing
    wires: tuple[bytes, ...]
    swells: int = 1
    one_error: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def by_reads(self) -> bool:
        """Do the cuts between the reads decide what the messages are?"""
        return self.framing.may_run_together

    @property
    def limits(self) -> tuple[int, ...]:
        """Those of the limits that some message keeps."""
        found = []
        for limit in LIMITS:
            with suppress(ConfigError):
                self.framing.framer(limit)
                found.append(limit)
        return tuple(found)

    @property
    def mirrored(self) -> Known:
        """The same, seen from the other side."""
        return replace(self, name=f"client of {self.name}", framing=self.framing.mirrored())


class SwitchingFramer(SwitchedFramer):
    """Goes on after each message with a framing that its bytes choose.

    Args:
        framings: Those.
        max_message: The most bytes that a message may have.
        at_once: Is that done when the message is handed out, and not when the next one is asked
            for, before which more bytes may come?
    """

    def __init__(self, framings: Sequence[Framing], max_message: int, *, at_once: bool) -> None:
        super().__init__(framings[0], framings[1], max_message)
        self._framings = framings
        self._at_once = at_once
        self._waiting: bytes | None = None

    def next_message(self) -> Message | None:
        self._follow()
        self._waiting = message = super().next_message()
        if self._at_once:
            self._follow()
        return message

    def _follow(self) -> None:
        if self._waiting is not None:
            self.switch(self._framings[sum(self._waiting) % len(self._framings)])
            self._waiting = None


@dataclass(frozen=True)
class Switching(Switched):
    """Each message says in which framing the next one comes, as the states of rules do."""

    at_once: bool = False

    def framer(self, max_message: int) -> SwitchingFramer:
        super().framer(max_message)  # which may raise
        return SwitchingFramer(self.all, max_message, at_once=self.at_once)


def switching(*specs: str | Framing, at_once: bool = False) -> Switching:
    """One that goes to and fro between these."""
    one, other, *more = (parse_framing(each) if isinstance(each, str) else each for each in specs)
    return Switching(one, other, tuple(more), at_once)


_EXAMPLES = Path(__file__).parents[2] / "examples"

MADE: Mapping[str, Framing] = {
    "slip": parse_framing("slip:Slip", _EXAMPLES / "slip" / "src"),
    "mail": switching("line:ending=crlf", table.SMTP_DOT),
    "mail at once": switching("line:ending=crlf", table.SMTP_DOT, at_once=True),
    "switching": switching("line:ending=any", "netstring", "fixed:size=2", table.STX_ETX),
    "switching lists": switching(test_choice.TRACKER, test_choice.WILD, table.BLOCKS, at_once=True),
    "switching telnet": switching(table.TELNET_USER, table.NUL, table.ONE_BYTE),
}
"""Framings that are made of others, or not by a spec."""

_WIRES_OF_MADE = {
    "slip": (b"\xc0one\xc0\xc0two\xdb\xdc\xdb\xdd\xc0", b"\xdb\xdc" * 8, b"\xdb", b"\xc0"),
    "mail": (b"DATA\r\n", b"a\r\n.\r\n", b".\r\n", b"DATA\n.\r\n"),
}
"""Others have those of all framings."""

_SWELLS = {"slip": 2, "resp": 7}
"""See `Known`: with SLIP, two bytes may stand for one. Redis has six around each word, and those
that begin the array."""


def _all() -> Iterator[Known]:
    wires: dict[str, list[bytes]] = {}
    for stream in table.STREAMS:
        wires.setdefault(stream.spec, []).append(stream.wire)
    for sent in table.REPLIES:
        wires.setdefault(sent.spec, []).append(sent.wire)
    for spec, some in wires.items():
        yield Known(spec, parse_framing(spec), tuple(some), _SWELLS.get(spec, 1))
    for name, choice in test_choice.ALL.items():
        known = tuple(row.wire for row in test_choice.STREAMS if row.name == name)
        yield Known(f"list {name}", choice, known)
    everything = tuple(each for some in wires.values() for each in some)
    for name, made in MADE.items():
        known = _WIRES_OF_MADE.get(name.split()[0], everything)
        yield Known(name, made, known, _SWELLS.get(name, 1), name != "slip")
    for number, headed in enumerate(test_head.ALL):
        known = tuple(row.wire for row in test_head.STREAMS if row.framing is headed)
        yield Known(f"head {number}", headed, tuple(each for each in known if len(each) < 300))


SERVERS = tuple(_all())
"""As the server has them."""

KNOWN = (
    *SERVERS,
    *(
        each.mirrored
        for each in SERVERS
        if not each.framing.switches and each.framing.mirrored() != each.framing
    ),
)
"""And as the client has them, where that is not the same."""

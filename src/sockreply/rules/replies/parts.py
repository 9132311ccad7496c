"""The steps of a rule's reply as they are written, before it is known what message they answer."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from sockreply.addresses import ip_of
from sockreply.replies.reply import (
    Await,
    Close,
    Raw,
    Reply,
    Send,
    Stall,
    Step,
    Wait,
    corrupt,
    drip,
    truncate,
)
from sockreply.rules.asked import Asked
from sockreply.rules.replies.commands import Commands
from sockreply.rules.replies.data import Data
from sockreply.rules.replies.environment import OWN, Variables, variables
from sockreply.shown import show_address, show_bytes

PIECES_AT_ONCE = 256
"""How many pieces of a drip are made before the first of them is sent: all of a long message's,
byte by byte, would take a hundred times its size."""


class Part(Protocol):
    """A step of a reply, before it is known what message it answers."""

    @property
    def fixed(self) -> tuple[Step, ...] | None:
        """The steps, when they are the same for every message and connection."""

    def steps(self, asked: Asked) -> Iterator[Step]:
        """The steps for this message.

        Raises:
            SockreplyError: They cannot be made.
        """

    def told(self, asked: Asked) -> str:
        """What they would do, in a line."""


@dataclass(frozen=True, slots=True)
class SendPart:
    """Send a message, framed.

    Args:
        data: The message.
    """

    data: Data

    @property
    def fixed(self) -> tuple[Step, ...] | None:
        return None if self.data.fixed is None else (Send(self.data.fixed),)

    def steps(self, asked: Asked) -> Iterator[Step]:
        yield Send(self.data.bytes_for(asked))

    def told(self, asked: Asked) -> str:
        message = self.data.bytes_for(asked)
        wire = asked.session.frame(message)
        framed = f", on the wire {show_bytes(wire)}" if wire != message else ""
        return f"send {show_bytes(message)}{framed}"


@dataclass(frozen=True, slots=True)
class RawPart:
    """Send bytes as they are.

    Args:
        data: The bytes.
    """

    data: Data

    @property
    def fixed(self) -> tuple[Step, ...] | None:
        return None if self.data.fixed is None else (Raw(self.data.fixed),)

    def steps(self, asked: Asked) -> Iterator[Step]:
        yield Raw(self.data.bytes_for(asked))

    def told(self, asked: Asked) -> str:
        return f"send raw {show_bytes(self.data.bytes_for(asked))}"


@dataclass(frozen=True, slots=True)
class DelayPart:
    """Let time pass, each time between `least` and `most` seconds."""

    least: float
    most: float

    @property
    def fixed(self) -> tuple[Step, ...] | None:
        return (Wait(self.least),) if self.least == self.most else None

    def steps(self, asked: Asked) -> Iterator[Step]:
        yield Wait(asked.random.uniform(self.least, self.most))

    def told(self, asked: Asked) -> str:  # noqa: ARG002 - nothing is drawn for it
        upper = f" to {self.most:g}" if self.least != self.most else ""
        return f"wait {self.least:g}{upper} s"


@dataclass(frozen=True, slots=True)
class _FaultPart:
    """Send a message, framed, but not as it should be.

    Args:
        data: The message.
    """

    data: Data
    fixed: None = field(default=None, init=False)  # the framing is the connection's

    def _wire(self, asked: Asked) -> bytes:
        return asked.session.frame(self.data.bytes_for(asked))


@dataclass(frozen=True, slots=True)
class DripPart(_FaultPart):
    """Send a few bytes at a time: `size` of them, and `every` seconds the next."""

    size: int = 1
    every: float = 0.05

    def steps(self, asked: Asked) -> Iterator[Step]:
        return iter(self.pieces(self._wire(asked), 0))

    def pieces(self, wire: bytes, start: int) -> list[Step]:
        """The steps from there on."""
        end = start + PIECES_AT_ONCE * self.size
        steps = drip(wire[start:end], size=self.size, every=self.every)
        if end < len(wire):
            steps += [Wait(self.every), Await(_Rest(self, wire, end))]
        return steps

    def told(self, asked: Asked) -> str:
        pace = f"{_count(self.size, 'byte')} every {self.every:g} s"
        return f"send {pace}: {show_bytes(self._wire(asked))}"


@dataclass(frozen=True, slots=True)
class _Rest:
    """What a drip sends from some place on. It is made when that is awaited."""

    part: DripPart
    wire: bytes
    start: int

    def __await__(self) -> Generator[Any, Any, Reply]:
        yield from ()  # there is nothing to wait for
        return Reply(self.part.pieces(self.wire, self.start))


@dataclass(frozen=True, slots=True)
class TruncatePart(_FaultPart):
    """Send the first `at` bytes only."""

    at: int

    def steps(self, asked: Asked) -> Iterator[Step]:
        yield truncate(self._wire(asked), self.at)

    def told(self, asked: Asked) -> str:
        return f"send the first {_count(self.at, 'byte')} of {show_bytes(self._wire(asked))}"


@dataclass(frozen=True, slots=True)
class CorruptPart(_FaultPart):
    """Send it with as many `bits` turned over."""

    bits: int = 1

    def steps(self, asked: Asked) -> Iterator[Step]:
        yield corrupt(self._wire(asked), asked.random, bits=self.bits)

    def told(self, asked: Asked) -> str:
        return f"send with {_count(self.bits, 'bit')} flipped: {show_bytes(self._wire(asked))}"


@dataclass(frozen=True, slots=True)
class CommandPart:
    """Send what a command prints, framed.

    Args:
        argv: The program and its arguments.
        timeout: Seconds that it may take.
        commands: Runs it when there is room; those who share one share the room. A peer is an IP
            address, and on a UNIX socket a connection.
        env: Variables of its environment, besides those that every command gets.
    """

    argv: tuple[str, ...]
    timeout: float = 5.0
    commands: Commands = field(default_factory=Commands, repr=False, compare=False)
    env: Variables = ()
    fixed: None = field(default=None, init=False)

    def steps(self, asked: Asked) -> Iterator[Step]:
        yield Await(_Output(self, asked))

    def told(self, asked: Asked) -> str:  # noqa: ARG002 - nothing is run for it
        return f"run {' '.join(self.argv)} (at most {self.timeout:g} s) and send its output"

    def run(self, asked: Asked) -> Deferred[bytes]:
        """Run the command on the message."""
        session = asked.session
        env = {
            **dict(variables(self.env)),
            f"{OWN}PEER": show_address(session.peer),
            f"{OWN}SERVICE": session.service,
            f"{OWN}COUNT": str(session.count),
        }
        peer = ip_of(session.peer) or session
        return self.commands.run(session.reactor, self.argv, asked.message, self.timeout, env, peer)


@dataclass(frozen=True, slots=True)
class _Output:
    """What a command prints. It is started when that is awaited: when its step's turn has come."""

    part: CommandPart
    asked: Asked

    def __await__(self) -> Generator[Any, Any, bytes]:
        return self.part.run(self.asked).__await__()


@dataclass(frozen=True, slots=True)
class EndPart:
    """End the connection, or say nothing more on it.

    Args:
        step: In which way.
    """

    step: Close | Stall

    @property
    def fixed(self) -> tuple[Step, ...]:
        return (self.step,)

    def steps(self, asked: Asked) -> Iterator[Step]:  # noqa: ARG002 - the same for all
        yield self.step

    def told(self, asked: Asked) -> str:  # noqa: ARG002 - the same for all
        match self.step:
            case Close("whole"):
                return "close"
            case Close("half"):
                return "close the sending half"
            case Close():
                return "reset"
            case Stall(read):
                return "stall" if read else "stall, and read no more"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + "s" * (number != 1)

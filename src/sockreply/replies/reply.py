"""What a reply is: steps, carried out one after the other; faults are made of them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message, framed.

    Args:
        message: Its bytes, without what frames them.

    Raises:
        TypeError: It is not bytes.
    """

    message: bytes

    def __post_init__(self) -> None:
        _check_bytes(self.message)


@dataclass(frozen=True, slots=True)
class Raw:
    """Send bytes as they are.

    Args:
        wire: What goes over the wire.

    Raises:
        TypeError: It is not bytes.
    """

    wire: bytes

    def __post_init__(self) -> None:
        _check_bytes(self.wire)


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait. This does not count as time that the responder takes.

    Args:
        seconds: How long, 0 or more.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not 0 <= self.seconds < float("inf"):
            raise ValueError(f"cannot wait {self.seconds} seconds")


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for bytes or a `Reply` from somewhere, and carry that out in place of this step.

    Args:
        answer: Gives bytes, a `Reply` or None (nothing). It is cancelled when the peer leaves or
            when it takes longer than the service's `reply_timeout`.
    """

    answer: Awaitable[bytes | Reply | None]


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection.

    Args:
        how: "whole" closes in good order once everything is sent; "half" says that we send no more,
            and reads and drops what still arrives; "reset" aborts (a TCP peer sees an RST), whether
            or not what was sent has arrived.
    """

    how: Literal["whole", "half", "reset"] = "whole"


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing more, but stay open until idle, drained, or the peer sends no more either.

    Args:
        read: Whether to read and drop what the peer still sends. Otherwise it stays in the
            kernel's buffers, and once they are full, the peer cannot send. Then only a reset or,
            on a UNIX socket, a close of the peer is noticed.
    """

    read: bool = True


@dataclass(frozen=True, slots=True)
class StartTLS:
    """Begin TLS (STARTTLS) once earlier steps are sent; later ones are sent inside TLS.

    Unanswered bytes that the peer has sent in clear are dropped. The reply fails if the
    connection's listener has no `tls` with `starttls`, or if the connection is over TLS already.
    """


def _check_bytes(thing: object) -> None:
    if not isinstance(thing, bytes):
        raise TypeError(f"{thing!r} is not bytes")


Step: TypeAlias = Send | Raw | Wait | Await | Close | Stall | StartTLS


class Reply:
    """An immutable sequence of steps; none of them is silence.

    Args:
        steps: Carried out in this order; bytes stand for a `Send`, a list or a tuple for the steps
            in it.

    Raises:
        TypeError: Something is not a step.
        ValueError: A step comes after one that nothing can follow.
    """

    __slots__ = ("_steps",)

    def __init__(self, *steps: Step | bytes | Sequence[Step | bytes]) -> None:
        self._steps = tuple(_each(steps))
        for step in self._steps[:-1]:
            if isinstance(step, Close | Stall):
                raise ValueError(f"no step can follow {step}")

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    def __eq__(self, other: object) -> bool:
        return self._steps == other._steps if isinstance(other, Reply) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._steps)

    def __repr__(self) -> str:
        return f"Reply({', '.join(map(repr, self._steps))})"


def _each(steps: Iterable[object]) -> Iterator[Step]:
    for given in steps:
        for step in given if isinstance(given, list | tuple) else (given,):
            if isinstance(step, bytes):
                yield Send(step)
            elif isinstance(step, Step):
                yield step
            else:
                raise TypeError(f"{step!r} is not a step")


def drip(wire: bytes, *, size: int = 1, every: float = 0.05) -> list[Step]:
    """Send a few bytes at a time: steps for a `Reply`, as in `Reply(drip(wire), Close())`.

    Args:
        wire: All of them, as they go over the wire (`Session.frame` makes them from a message).
        size: How many at a time, 1 or more.
        every: Seconds between two pieces.
    """
    if size < 1:
        raise ValueError(f"cannot drip {size} bytes at a time")
    pause = Wait(every)
    steps: list[Step] = []
    for at in range(0, len(wire), size):
        if at:
            steps.append(pause)
        steps.append(Raw(wire[at : at + size]))
    return steps


def truncate(wire: bytes, at: int) -> Raw:
    """Send only the beginning: a step for a `Reply`.

    Args:
        wire: What would be sent, as it goes over the wire.
        at: How many of its bytes are sent.
    """
    if at < 0:
        raise ValueError(f"cannot truncate at {at}")
    return Raw(wire[:at])


def corrupt(wire: bytes, random: Random, *, bits: int = 1) -> Raw:
    """Send it with some bits flipped, each of them once: a step for a `Reply`.

    Args:
        wire: What would be sent, as it goes over the wire.
        random: Chooses the bits.
        bits: How many; no more than there are.
    """
    turned = bytearray(wire)
    for bit in random.sample(range(8 * len(wire)), min(bits, 8 * len(wire))):
        turned[bit // 8] ^= 1 << bit % 8
    return Raw(bytes(turned))

"""What no bytes may make a framer do.

Each `check_...` lets framers have a stream, and raises a `Fault` at what breaks a promise of
`Framer` or `Framing`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from sys import getsizeof
from typing import Any

from sockreply.errors import CannotFrame, FramingError
from sockreply.framing import Framer, Framing, parse_framing
from tests.framing.known import Known

AROUND = 64
"""More than the bytes that stand around a message in any of the framings."""

SLACK = 4_096
"""Bytes of memory of a framer that holds nothing, and of those in it."""

TIMES = 20.0
"""By how much a stream may take longer than single bytes of a line; the slowest takes ten."""

SOON = 0.03
"""Processor seconds in which everything short is done; a collection of garbage may take some."""


Make = Callable[[int], Framer]
"""Makes a framer, for the most bytes of a message."""


class Fault(AssertionError):
    """A framer broke a promise."""


@dataclass(frozen=True)
class Seen:
    """What a framer made of a stream; after an error only the messages before it mean anything."""

    messages: tuple[bytes, ...]
    framings: tuple[Framing | None, ...]
    facts: tuple[dict[str, Any], ...]
    said: bytes = b""
    error: type[FramingError] | None = None
    left: int = 0
    dropped: int = 0


def check_messages(known: Known, make: Make, reads: Sequence[bytes], limit: int) -> None:
    """Let framers have a stream in one read, in several, and as the server does it.

    Args:
        known: The framing.
        make: Makes a framer for it.
        reads: The stream.
        limit: The most bytes of a message.

    Raises:
        Fault: One of them broke a promise, or they do not agree.
    """
    seen = watched(known, make(limit), reads, limit)
    if not known.by_reads and len(reads) > 1:
        whole = watched(known, make(limit), [b"".join(reads)], limit)
        _expect(seen == whole, f"it depends on the cuts: {seen}, and not {whole}")
    _expect(at_a_glance(known, make(limit), reads) == seen, "a glance sees something else")


def watched(known: Known, framer: Framer, reads: Sequence[bytes], limit: int) -> Seen:
    """Give a framer all reads, and look at it after each.

    Raises:
        Fault: It broke a promise.
    """
    wire, most = b"".join(reads), known.swells * limit + AROUND
    messages: list[bytes] = []
    said, came, taken, dropped = b"", 0, 0, 0
    missing: Callable[[], str] | None = getattr(framer, "missing", None)
    try:
        for read in (*reads, None):
            if read is None:
                framer.receive_eof()
            else:
                framer.receive_data(read)
                came += len(read)
                _expect(framer.buffered <= most + len(read), "it holds too much")
            while (message := framer.next_message()) is not None:
                _expect(len(message) <= limit, "a message is too long")
                messages.append(message)
                taken += len(message)
                said += _said(known, framer)
            said += _said(known, framer)
            rest = framer.rest()
            _expect(len(rest) == framer.buffered, "the rest has not the size of what it holds")
            _expect(wire[:came].endswith(rest), "the rest is not what came last")
            _expect(framer.dropped >= dropped, "less was dropped than before")
            dropped = framer.dropped
            _expect(taken + len(rest) + dropped <= came, "it has more than came")
            if rest and missing is not None:
                _expect(_is_a_line(missing()), "it does not say what is missing")
            _expect(framer.next_message() is None, "asked again, it has a message")
    except FramingError as error:
        _expect(_is_a_line(str(error)), f"its error is not a line: {error}")
        return _seen(known, messages, said, error)
    except Fault:
        raise
    except Exception as error:
        raise Fault(f"it raised {error!r}") from error
    _check_replies(known, messages)
    return _seen(known, messages, said, left=framer.buffered, dropped=framer.dropped)


def at_a_glance(known: Known, framer: Any, reads: Sequence[bytes]) -> Seen:
    """Give a framer all reads, and take the messages as the server does: the shortest way."""
    messages: list[bytes] = []
    said = b""
    try:
        for read in reads:
            taken = framer.take(read) if hasattr(framer, "take") else None
            if taken is not None:
                messages += taken
                continue
            framer.receive_data(read)
            while (message := _next(framer)) is not None:
                messages.append(message)
                said += _said(known, framer)
                if framer.empty and not framer.ready:
                    break
            said += _said(known, framer)
        framer.receive_eof()
        messages.extend(iter(partial(_next, framer), None))
        said += _said(known, framer)
    except FramingError as error:
        return _seen(known, messages, said, error)
    return _seen(known, messages, said, left=framer.buffered, dropped=framer.dropped)


def check_memory(known: Known, make: Make, reads: Sequence[bytes], limit: int) -> None:
    """See that a long stream takes little memory, up to an error in it.

    Raises:
        Fault: It takes more than it may.
    """
    framer = make(limit)
    before, most = memory_of(framer), max(map(len, reads))
    bound = 1.2 * known.swells * limit + 2 * most + SLACK  # a bytearray grows an eighth ahead
    for number, read in enumerate(reads):
        if not _takes(framer, read):
            break
        if number % 64 == 0 or len(reads) < 100:
            kept = memory_of(framer) - before
            _expect(kept <= bound, f"it keeps {kept} bytes in memory")


def check_time(make: Make, reads: Sequence[bytes], limit: int) -> None:
    """See that a stream takes little time, up to an error in it.

    Raises:
        Fault: It takes more than it may.
    """
    bound = TIMES * seconds_of_a_byte() * sum(map(len, reads)) + SOON
    if (took := seconds_for(make(limit), reads)) > bound:
        took = min(seconds_for(make(limit), reads) for _ in range(2))  # that may have been a chance
        _expect(took <= bound, f"it takes {took:.3f} s, and not {bound:.3f} s at most")


@cache
def seconds_of_a_byte() -> float:
    """Processor time that a framer for lines takes for a byte that comes alone."""
    size = 20_000
    lines = parse_framing("line")
    return min(seconds_for(lines.framer(size), [b"x"] * size) for _ in range(3)) / size


def seconds_for(framer: Framer, reads: Sequence[bytes]) -> float:
    """Processor time that a framer takes for some reads, or up to an error."""
    begun = time.process_time()
    for read in reads:
        if not _takes(framer, read):
            break
    return time.process_time() - begun


def memory_of(framer: object) -> int:
    """The bytes of memory that a framer takes, with all in it but what it shares with others."""
    total, seen, waiting = 0, set[int](), [framer]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, list | tuple | set):
            waiting += thing
        elif hasattr(thing, "next_message"):
            names = [
                name for kind in type(thing).__mro__ for name in vars(kind).get("__slots__", ())
            ]
            waiting += [getattr(thing, name) for name in names if hasattr(thing, name)]
            waiting += getattr(thing, "__dict__", {}).values()
        elif not isinstance(thing, bytes | bytearray):
            continue
        total += getsizeof(thing)
    return total


def _next(framer: Framer) -> bytes | None:
    """The next message, wherever it is."""
    return framer.ready.pop() if framer.ready else framer.next_message()


def _takes(framer: Framer, read: bytes) -> bool:
    """Give a framer a read. Does it make sense to it?"""
    framer.receive_data(read)
    try:
        while framer.next_message() is not None:
            pass
    except FramingError:
        return False
    return True


def _seen(
    known: Known,
    messages: Sequence[bytes],
    said: bytes,
    error: FramingError | None = None,
    left: int = 0,
    dropped: int = 0,
) -> Seen:
    framings = tuple(getattr(each, "framing", None) for each in messages)
    facts = tuple(dict(getattr(each, "facts", ())) for each in messages)
    if error is not None:
        return Seen(
            tuple(messages), framings, facts, error=type(error) if known.one_error else FramingError
        )
    return Seen(tuple(messages), framings, facts, said, None, left, dropped)


def _said(known: Known, framer: Any) -> bytes:
    said: bytes = framer.said() if known.framing.speaks else b""
    return said


def _check_replies(known: Known, messages: Sequence[bytes]) -> None:
    """See that a message is as the framing says, and can be sent back, unless that cannot be."""
    for message in messages[:2]:
        framing: Framing = getattr(message, "framing", None) or known.framing
        try:
            _expect(framing.never_in(message) is None, "it says that this is in no message")
            _expect(framing.message_size in (None, len(message)), "it says another size")
            facts = getattr(message, "facts", {})
            _expect(facts.keys() <= framing.facts_of(message).keys(), "it has other facts")
            framing.frame(message)
        except CannotFrame:
            pass
        except Fault:
            raise
        except Exception as error:
            raise Fault(f"it raised {error!r} over its own message") from error


def _is_a_line(text: str) -> bool:
    return text.isprintable() and 0 < len(text) < 500


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Fault(otherwise)

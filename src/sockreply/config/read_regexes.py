"""The regular expressions of the file: they are compiled, and looked at for what surprises."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from re import _compiler as compiler  # type: ignore[attr-defined]  # only it takes parts of one
from re import _constants as codes  # type: ignore[attr-defined]  # the parser's words have no other home
from re import _parser as parser  # type: ignore[attr-defined]  # only it tells how one is built
from typing import Any, NamedTuple

from sockreply.config.problems import place
from sockreply.config.read_data import Context, encoded
from sockreply.errors import ConfigError

_SLOW = (
    "a repeat within a repeat, as in (a+)+, takes for ever on some messages that almost match, "
    "and the daemon with it"
)

_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_FOREIGN_AS_ONE = re.compile(r"\[[^\]]*?([^\x00-\x7f])|([^\x00-\x7f])[*+?{]")

_REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT}
_FINAL = {codes.POSSESSIVE_REPEAT, codes.ATOMIC_GROUP}  # what they took they never give back
_SINGLE = {codes.ANY, codes.IN, codes.LITERAL, codes.NOT_LITERAL}
_EMPTY = {codes.ASSERT, codes.ASSERT_NOT, codes.AT}

_MANY = 100  # bytes of an ordinary message, or rounds of a repeat that has no end
_WAYS = 1_000_000  # ways of sharing bytes out, all of which are tried in some tenths of a second

_OCTETS = [bytes([each]) for each in range(256)]


def compiled(text: str, context: Context, ignore_case: bool) -> re.Pattern[bytes]:
    """A regular expression on bytes; the warnings are told what is legal and yet surprises.

    Raises:
        ConfigError: It is none, or the encoding cannot write it.
    """
    pattern = _on_bytes(text, context.encoding)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Python may read in another way one day
            made = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, ValueError, OverflowError) as error:
        raise ConfigError(str(error)) from None
    except RecursionError:
        raise ConfigError("too many groups within each other") from None
    here = place(context.problems.keys())
    if repeats_within_repeats(pattern):
        context.warnings.append(f"{here}: {_SLOW}")
    if letter := _taken_apart(text, context.encoding):
        context.warnings.append(
            f"{here}: {letter} is more than one byte, and a set in brackets or a repeat is of "
            f"single bytes; (?:{letter}) keeps them together"
        )
    return made


def repeats_within_repeats(pattern: bytes) -> bool:
    r"""Can a regular expression share the same bytes out among its repeats in very many ways?

    A message that almost matches can then take time that doubles with each of its bytes. Where
    something between two rounds is never part of what is repeated, as the comma in (\d+,)+, there
    is but one way.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _any_ambiguous(parser.parse(pattern))
    except Exception:  # another Python may build it otherwise, and it is but a warning
        return False


def _on_bytes(text: str, encoding: str) -> bytes:
    """The expression in an encoding; bytes of other letters never act as signs of the notation."""
    ascii_only = _FOREIGN.sub("", text)
    if encoded(ascii_only, encoding) != ascii_only.encode():
        raise ConfigError(
            f"{encoding} has other bytes for the signs of regular expressions; "
            "say it with equals, starts_with, ends_with and contains"
        )
    parts: list[bytes] = []
    end = 0
    for foreign in _FOREIGN.finditer(text):
        parts += [text[end : foreign.start()].encode(), re.escape(encoded(foreign[0], encoding))]
        end = foreign.end()
    return b"".join([*parts, text[end:].encode()])


def _taken_apart(text: str, encoding: str) -> str | None:
    """A letter of several bytes of which only some are in a set, or repeated."""
    for found in _FOREIGN_AS_ONE.finditer(text):
        letter = found[1] or found[2]
        if len(encoded(letter, encoding)) > 1:
            return letter
    return None


class _Item(NamedTuple):
    """A part of an expression.

    Args:
        octets: The bytes that can be in what it matches.
        needed: Does it always match some?
        lengths: How many different numbers of bytes can it match, as far as `_MANY`?
    """

    octets: frozenset[bytes]
    needed: bool
    lengths: int = 1

    @property
    def varies(self) -> bool:
        """Can it match more or fewer bytes than it did at first?"""
        return self.lengths > 1


def _any_ambiguous(pattern: Any) -> bool:
    return any(
        (code in _REPEATS and _is_slow(*argument)) or any(map(_any_ambiguous, _below(argument)))
        for code, argument in pattern
    )


def _is_slow(_: int, most: int, repeated: Any) -> bool:
    """Can so many rounds of it share bytes out in too many ways?"""
    items = list(_items(repeated))
    lengths = max((item.lengths for item in items), default=1)
    return lengths ** min(most, _MANY) > _WAYS and _is_ambiguous(items)


def _is_ambiguous(items: list[_Item]) -> bool:
    """Can what one of the items leaves be taken by another, in this round or in the next?"""
    for at, item in enumerate(items):
        if not item.varies:
            continue
        for other in (*items[at + 1 :], *items[: at + 1]):
            apart = other.octets.isdisjoint(item.octets)
            if other.needed and apart:
                break
            if other.varies and not apart:
                return True
    return False


def _items(pattern: Any) -> Iterator[_Item]:
    """The parts that follow each other."""
    for code, argument in pattern:
        if code is codes.SUBPATTERN:
            yield from _items(argument[3])
        elif code in _SINGLE:
            yield _Item(_octets(pattern, (code, argument)), needed=True)
        elif code in _REPEATS:
            least, most, repeated = argument
            octets, needed, lengths = _united(_items(repeated))
            lengths = min(lengths * (most - least + 1), _MANY)
            yield _Item(octets, needed and least > 0, lengths)
        elif code not in _EMPTY:  # alternatives, what never gives back, what refers to a group
            octets, _, lengths = _united(each for part in _below(argument) for each in _items(part))
            yield _Item(octets or frozenset(_OCTETS), False, 1 if code in _FINAL else lengths)


def _united(items: Iterable[_Item]) -> _Item:
    """Some items as one."""
    all_of = list(items)
    octets = frozenset[bytes]().union(*(each.octets for each in all_of))
    needed = any(each.needed for each in all_of)
    return _Item(octets, needed, max((each.lengths for each in all_of), default=1))


def _octets(pattern: Any, item: tuple[Any, Any]) -> frozenset[bytes]:
    """The bytes that an item for one of them matches, in either case."""
    single = compiler.compile(parser.SubPattern(pattern.state, [item]), re.IGNORECASE | re.DOTALL)
    return frozenset(filter(single.fullmatch, _OCTETS))


def _below(argument: Any) -> Iterator[Any]:
    """The expressions that are an argument, or stand in one."""
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, list | tuple):
        for each in argument:
            yield from _below(each)

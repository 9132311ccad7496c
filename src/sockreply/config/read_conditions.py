"""The `when` of a rule becomes a condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from string import ascii_letters
from typing import NamedTuple

from sockreply.config import form, form_data, form_tls
from sockreply.config.read_data import Groups, encoded, read_mask
from sockreply.config.read_networks import read_networks
from sockreply.config.read_regexes import read_regex
from sockreply.config.reading import Reading
from sockreply.errors import ConfigError
from sockreply.framing import Chunk
from sockreply.framing.together import message_size_in, never_in_any
from sockreply.notation import SIZE_LIMIT
from sockreply.rules import (
    AllOf,
    AnyOf,
    Condition,
    Contains,
    EndsWith,
    Equals,
    Length,
    Mask,
    Not,
    PeerIn,
    Regex,
    Secured,
    StartsWith,
)
from sockreply.shown import show_bytes

_COMPARISONS: dict[str, Callable[[Mask, bool], Condition]] = {
    "equals": Equals,
    "starts_with": StartsWith,
    "ends_with": EndsWith,
    "contains": Contains,
}


class GroupedCondition(NamedTuple):
    """A condition, and those groups of its regexes that templates can name."""

    condition: Condition
    groups: Groups


def read_condition(
    written: form.When | list[form.When], reading: Reading, ignore_case: bool = False
) -> GroupedCondition | None:
    """The condition that a table asks for, or a list of tables, any of which is enough.

    Args:
        written: The table or the list.
        reading: What it depends on.
        ignore_case: Does case not count in a table that does not say?
    """
    if written == []:
        raise ConfigError("an empty list; leave it out if there is no condition")
    tables = list(reading.problems.each(written))
    alternatives: list[GroupedCondition] = []
    for at, table in tables:
        with at:
            condition = _read_table(table, reading, ignore_case)
            alternatives += [condition] if condition else []
    if len(alternatives) < len(tables):
        return None
    if len(alternatives) == 1:
        return alternatives[0]
    return GroupedCondition(AnyOf([each.condition for each in alternatives]), _common(alternatives))


def _common(alternatives: Sequence[GroupedCondition]) -> Groups:
    """The groups that there are whichever regex matches; without a match, all are empty."""
    groups = [each.groups for each in alternatives if each.groups is not None]
    if not groups:
        return None
    return [group for group in groups[0] if all(group in each for each in groups)]


def _read_table(written: form.When, reading: Reading, ignore_case: bool) -> GroupedCondition | None:
    ignore_case = ignore_case if written.ignore_case is None else written.ignore_case
    if replace(written, ignore_case=None) == form.When() and not reading.problems.here():
        raise ConfigError("no condition; leave it out if there is none")
    if written.ignore_case:
        with reading.problems.at("ignore_case"):
            _check_letters(reading.encoding)
    conditions = _read_all_but_regex(written, reading, ignore_case)
    groups: Groups = None
    if written.regex is not None:  # the last one, because it costs most
        with reading.problems.at("regex"):
            pattern = read_regex(written.regex, reading, ignore_case)
            conditions.append(Regex(pattern))
            groups = (*range(1, pattern.groups + 1), *pattern.groupindex)
    if not conditions or reading.problems.here():
        return None
    return GroupedCondition(conditions[0] if len(conditions) == 1 else AllOf(conditions), groups)


def _read_all_but_regex(written: form.When, reading: Reading, ignore_case: bool) -> list[Condition]:
    at = reading.problems.at
    conditions: list[Condition] = []
    if written.length is not None:
        with at("length"):
            conditions.append(_read_length(written.length, reading))
    if written.peer is not None:
        with at("peer"):
            if written.peer == []:
                raise ConfigError("an empty list; no peer is in it")
            conditions.append(PeerIn(read_networks(written.peer, reading)))
    if written.tls is not None:
        with at("tls"):
            conditions.append(_read_secured(written.tls, reading))
    for key, make in _COMPARISONS.items():
        data: form_data.Fixed | None = getattr(written, key)
        with at(key):
            compared = None if data is None else read_mask(data, reading)
            if compared is not None:
                _check_possible(compared, key, reading, ignore_case)
                conditions.append(make(compared, ignore_case))
    if written.not_ is not None:
        # What cannot be, never is: that is no reason to refuse it here.
        anything = replace(reading, max_message=SIZE_LIMIT, framing=Chunk(), framings=())
        with at("not"):
            negated = read_condition(written.not_, anything, ignore_case)
            conditions += [Not(negated.condition)] if negated else []
    return conditions


def _read_secured(written: bool | form_tls.Secured, reading: Reading) -> Secured:
    if isinstance(written, bool):
        return Secured({} if written else None)
    wanted: dict[str, list[str]] = {}
    for key in form.keys_of(form_tls.Secured):
        patterns: str | list[str] | None = getattr(written, key)
        if patterns is None:
            continue
        if not patterns:
            reading.problems.add("is empty; tls = true is for any", key)
        wanted[key] = [patterns] if isinstance(patterns, str) else list(patterns)
    if not wanted and not reading.problems.here():
        raise ConfigError("no condition; tls = true is for any connection over TLS")
    return Secured(wanted)


def _read_length(written: int | form.Sizes, reading: Reading) -> Length:
    least, most = (written, written) if isinstance(written, int) else (written.min, written.max)
    size = message_size_in(reading.possible)
    if size is not None and (size < least or (most is not None and size > most)):
        raise ConfigError(f"every message of the framing has {size} bytes")
    if isinstance(written, int):
        _check_fits(written, reading)
        return Length(written, written)
    if written == form.Sizes():
        raise ConfigError("expected min, max or both")
    if written.max is not None and written.max < written.min:
        raise ConfigError(f"no message has at least {written.min} bytes and at most {written.max}")
    with reading.problems.at("min"):
        _check_fits(written.min, reading)
    return Length(written.min, written.max)


def _check_possible(compared: Mask, key: str, reading: Reading, ignore_case: bool) -> None:
    """See whether there can be such a message.

    Raises:
        ConfigError: There cannot; says why.
    """
    _check_fits(len(compared), reading)
    size = message_size_in(reading.possible)
    if size is not None and (size < len(compared) or (key == "equals" and size > len(compared))):
        raise ConfigError(f"{len(compared)} bytes, but every message of the framing has {size}")
    never = None if compared.wild else never_in_any(reading.possible, compared.data)
    if never is not None and not (ignore_case and never.lower() != never.upper()):
        raise ConfigError(f"no message has {show_bytes(never)} in it: the framing ends it there")


def _check_fits(size: int, reading: Reading) -> None:
    if size > reading.max_message:
        most = reading.max_message
        raise ConfigError(f"{size} bytes, but no message has more than max_message = {most}")


def _check_letters(encoding: str) -> None:
    """See whether an encoding has ASCII's bytes for ASCII's letters.

    Raises:
        ConfigError: It has others, whose case cannot be told.
    """
    if encoded(ascii_letters, encoding) != ascii_letters.encode():
        raise ConfigError(
            f"{encoding} has other bytes for letters than ASCII; "
            "list each spelling, as in when = [{ equals = 'a' }, { equals = 'A' }]"
        )

"""The `when` of a rule becomes a condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from sockreply.config import form
from sockreply.config.problems import shown_text
from sockreply.config.read_data import Context, Groups, mask
from sockreply.config.read_regexes import compiled
from sockreply.errors import ConfigError
from sockreply.framing import Chunk
from sockreply.notation import SIZE_LIMIT
from sockreply.rules.conditions import (
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
    StartsWith,
)
from sockreply.shown import show_bytes

_COMPARISONS: dict[str, Callable[[Mask, bool], Condition]] = {
    "equals": Equals,
    "starts_with": StartsWith,
    "ends_with": EndsWith,
    "contains": Contains,
}


class Built(NamedTuple):
    """A condition.

    Args:
        condition: As it is asked.
        groups: Those of its regexes that templates can name.
    """

    condition: Condition
    groups: Groups


def build_condition(
    written: form.When | list[form.When], context: Context, ignore_case: bool = False
) -> Built | None:
    """The condition that a table asks for, or a list of tables, any of which is enough.

    Args:
        written: The table or the list.
        context: What it depends on.
        ignore_case: Does case not count, where a table does not say?

    Returns:
        None: there is a problem, which `context.problems` were told.

    Raises:
        ConfigError: An empty list.
    """
    if not isinstance(written, list):
        return _all_of(written, context, ignore_case)
    if not written:
        raise ConfigError("an empty list; leave it out if there is no condition")
    alternatives: list[Built] = []
    for number, each in enumerate(written, 1):
        with context.problems.at(number):
            built = _all_of(each, context, ignore_case)
            alternatives += [built] if built else []
    if len(alternatives) < len(written):
        return None
    if len(alternatives) == 1:
        return alternatives[0]
    return Built(AnyOf([each.condition for each in alternatives]), _common(alternatives))


def networks(written: str | list[str], context: Context) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks that a text or a list names."""
    read: list[IPv4Network | IPv6Network] = []
    for number, text in enumerate(written if isinstance(written, list) else [written], 1):
        with context.problems.at(*([number] if isinstance(written, list) else [])):
            read.append(_network(text))
    return tuple(read)


def _common(alternatives: Sequence[Built]) -> Groups:
    """The groups that there are whichever regex matches; without a match, all are empty."""
    groups = [each.groups for each in alternatives if each.groups is not None]
    if not groups:
        return None
    return [group for group in groups[0] if all(group in each for each in groups)]


def _all_of(written: form.When, context: Context, ignore_case: bool) -> Built | None:
    ignore_case = ignore_case if written.ignore_case is None else written.ignore_case
    if replace(written, ignore_case=None) == form.When() and not context.problems.here():
        raise ConfigError("no condition; leave it out if there is none")
    conditions = _without_regex(written, context, ignore_case)
    groups: Groups = None
    if written.regex is not None:  # the last one, for it costs most
        with context.problems.at("regex"):
            pattern = compiled(written.regex, context, ignore_case)
            conditions.append(Regex(pattern))
            groups = (*range(1, pattern.groups + 1), *pattern.groupindex)
    if not conditions or context.problems.here():
        return None
    return Built(conditions[0] if len(conditions) == 1 else AllOf(conditions), groups)


def _without_regex(written: form.When, context: Context, ignore_case: bool) -> list[Condition]:
    at = context.problems.at
    conditions: list[Condition] = []
    if written.length is not None:
        with at("length"):
            conditions.append(_length(written.length, context))
    if written.peer is not None:
        with at("peer"):
            if written.peer == []:
                raise ConfigError("an empty list; no peer is in it")
            conditions.append(PeerIn(networks(written.peer, context)))
    for key, make in _COMPARISONS.items():
        data: form.Fixed | None = getattr(written, key)
        with at(key):
            compared = None if data is None else mask(data, context)
            if compared is not None:
                _check_possible(compared, key, context, ignore_case)
                conditions.append(make(compared, ignore_case))
    if written.not_ is not None:
        # What cannot be, never is: that is no reason to refuse it here.
        anything = replace(context, max_message=SIZE_LIMIT, framing=Chunk())
        with at("not"):
            built = build_condition(written.not_, anything, ignore_case)
            conditions += [Not(built.condition)] if built else []
    return conditions


def _length(written: int | form.Sizes, context: Context) -> Length:
    least, most = (written, written) if isinstance(written, int) else (written.min, written.max)
    size = context.framing.message_size
    if size is not None and (size < least or (most is not None and size > most)):
        raise ConfigError(f"every message of the framing has {size} bytes")
    if isinstance(written, int):
        _check_fits(written, context)
        return Length(written, written)
    if written == form.Sizes():
        raise ConfigError("expected min, max or both")
    if written.max is not None and written.max < written.min:
        raise ConfigError(f"no message has at least {written.min} bytes and at most {written.max}")
    with context.problems.at("min"):
        _check_fits(written.min, context)
    return Length(written.min, written.max)


def _check_possible(compared: Mask, key: str, context: Context, ignore_case: bool) -> None:
    """See whether there can be such a message.

    Raises:
        ConfigError: There cannot; says why.
    """
    _check_fits(len(compared), context)
    size = context.framing.message_size
    if size is not None and (size < len(compared) or (key == "equals" and size > len(compared))):
        raise ConfigError(f"{len(compared)} bytes, but every message of the framing has {size}")
    never = None if compared.wild else context.framing.never_in(compared.data)
    if never is not None and not (ignore_case and never.lower() != never.upper()):
        raise ConfigError(f"no message has {show_bytes(never)} in it: the framing ends it there")


def _check_fits(size: int, context: Context) -> None:
    if size > context.max_message:
        most = context.max_message
        raise ConfigError(f"{size} bytes, but no message has more than max_message = {most}")


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        try:
            right = ip_network(text, strict=False)
        except ValueError:
            raise ConfigError(
                f"{shown_text(text)} is no network; for example 192.0.2.0/24, ::1"
            ) from None
    raise ConfigError(f"{shown_text(text)} goes on behind its mask; the network is {right}")

"""Reads framings: a spec, a table, or a list of these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from sockreply.config import form_data, form_framing
from sockreply.config.problems import Place
from sockreply.config.read_data import read_mask, warn_of_template
from sockreply.config.read_regexes import read_regex
from sockreply.config.reading import Reading
from sockreply.errors import ConfigError
from sockreply.extensions import crashes_of
from sockreply.framing.interfaces import Framing
from sockreply.framing.registry import is_built_in, parse_framing
from sockreply.masks import Mask


def read_framing(written: form_framing.Framing, reading: Reading) -> Framing | None:
    """The framing; its messages can be as short as `reading.max_message`."""
    framing: Framing | None
    match written:
        case str():
            warn_of_template(written, reading)
            framing = read_spec(written, reading)
        case form_framing.Head():
            framing = _read_head(written, reading)
        case _:
            framing = _read_list(written, reading)
    if framing is not None:
        with crashes_of(f"framing {framing.name}"):
            framing.framer(reading.max_message)
    return framing


def read_spec(written: str, reading: Reading) -> Framing:
    """The framing that a spec names; other code is searched for beside the file first."""
    parse = partial(parse_framing, written, reading.files.directory)
    framing: Framing = parse() if is_built_in(written) else reading.in_loop(parse)
    return framing


def _read_head(written: form_framing.Head, reading: Reading) -> Framing | None:
    from sockreply.framing.head import Headed, check_head, check_length  # now, because few want it

    head, length = None, None
    with reading.problems.at("head"):
        warn_of_template(written.head, reading)
        head = read_spec(written.head, reading)
        check_head(head)
    with reading.problems.at("length"):
        length = read_regex(written.length, reading, ignore_case=False)
        check_length(length)
    if head is None or length is None or reading.problems.here():
        return None
    return Headed(head, length, written.adjust, written.base)


def _read_list(written: Sequence[form_framing.Entry], reading: Reading) -> Framing | None:
    from sockreply.framing.choice import Choice, Entry, check_entry  # now, because few want it

    entries: list[Entry] = []
    before: dict[int, tuple[Mask, ...]] = {}  # the beginnings of entries, by their numbers
    for number, each in enumerate(written, 1):
        framing, starts_with = None, None
        with reading.problems.at(number):
            with reading.problems.at("framing"):
                framing = read_framing(each.framing, reading)
                if framing is not None:
                    check_entry(framing)
            starts_with = _read_beginnings(each.starts_with, reading, before)
        if framing is not None and starts_with is not None:
            spec = each.framing if isinstance(each.framing, str) else ""
            entries.append(Entry(framing, starts_with, spec))
        if starts_with is not None:
            before[number] = starts_with
    return None if reading.problems.here() else Choice(tuple(entries))


def _read_beginnings(
    written: form_data.Fixed | list[form_data.Fixed] | None,
    reading: Reading,
    before: dict[int, tuple[Mask, ...]],
) -> tuple[Mask, ...] | None:
    """What the messages of an entry begin with; empty: anything.

    Args:
        written: The same, as it is in the file.
        reading: What it depends on.
        before: The beginnings of the entries before it, by their numbers.
    """
    for number, masks in before.items():
        if not masks:
            raise ConfigError(f"unreachable: entry {number} already takes every message")
    if written is None:
        return ()
    found: list[Mask] = []
    each: Iterator[tuple[Place, form_data.Fixed]] = reading.problems.each(written)
    with reading.problems.at("starts_with"):
        if written == []:
            raise ConfigError("an empty list; leave it out for all messages")
        for at, data in each:
            with at:
                mask = read_mask(data, reading)
                if mask is not None:
                    _check_beginning(mask, reading, before)
                    found.append(mask)
    return tuple(found) or None


def _check_beginning(mask: Mask, reading: Reading, before: dict[int, tuple[Mask, ...]]) -> None:
    """See whether a message can begin like this, and belong to the entry.

    Raises:
        ConfigError: It cannot.
    """
    if not len(mask):
        raise ConfigError("is empty; leave it out for all messages")
    if len(mask) > reading.max_message:
        most = reading.max_message
        raise ConfigError(f"{len(mask)} bytes, but no message has more than max_message = {most}")
    for number, masks in before.items():
        if any(other.covers(mask) for other in masks):
            raise ConfigError(f"unreachable: entry {number} already takes every such message")

"""Whatever stands in a configuration file, it is settings or a list of what is wrong."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.config.refusals import CONDITIONS, REPLIES, RULES, SERVICES
from tests.config.texts import EVERYTHING, SERVICE, problems_of

TREE = tomllib.loads(EVERYTHING)
SNIPPETS = [
    EVERYTHING,
    *(SERVICE + text for text, _ in SERVICES),
    *(f"{SERVICE}[[services.s.rules]]\n{text}" for text, _ in RULES),
    *(f"{SERVICE}[[services.s.rules]]\nreply = {text}" for text, _ in REPLIES),
    *(f"{SERVICE}[[services.s.rules]]\nwhen = {text}\nreply = 'x'" for text, _ in CONDITIONS),
]

SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, -1, 2**31, 2**63, 10**30, 0.0, -0.0, math.inf, math.nan, 1e308]),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["", "(", "(a+)+", "{{ x }}", "tcp:1", "\0", "a.b", "utf-16", "/", "..", "??"]),
    st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), time(1)]),
)
KEYS = st.one_of(
    st.sampled_from(
        ["hex", "equals", "not", "reply", "when", "min", "listen", "as", "as_", "not_"]
    ),
    st.text(max_size=4),
)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=5,
)


def written(value: Any) -> str:
    """A value as TOML writes it, all in one line."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            escaped = (f"\\U{ord(each):08X}" for each in value)
            return '"' + "".join(escaped) + '"'
        case dict():
            pairs = (f"{written(key)} = {written(each)}" for key, each in value.items())
            return "{" + ", ".join(pairs) + "}"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case datetime() | date() | time():
            return value.isoformat()
    return str(value)


def document(tree: dict[str, Any]) -> str:
    """A whole file."""
    return "".join(f"{written(key)} = {written(value)}\n" for key, value in tree.items())


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """All the places in a tree."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in items:
        yield (*way, key)
        if isinstance(below, dict | list):
            yield from places(below, (*way, key))


FEWER = settings(max_examples=settings().max_examples // 2)  # they are slow, and much alike

PLACES = st.sampled_from(sorted(places(TREE), key=str))


def changed(value: Any, way: tuple[Any, ...], new: Any) -> Any:
    """The same tree with something else at a place."""
    if not way:
        return new
    copy = value.copy()
    copy[way[0]] = changed(value[way[0]], way[1:], new)
    return copy


def known_words(tree: Any, words: set[str]) -> set[str]:
    """All keys and texts of a tree, and the names that rules can have."""
    match tree:
        case dict():
            words.update(tree)
            for each in tree.values():
                known_words(each, words)
        case list():
            words.update(f"rule-{number + 1}" for number in range(len(tree)))
            for each in tree:
                known_words(each, words)
        case str():
            words.add(tree)
    return words


def check(text: str | bytes) -> None:
    """Load it, and look at what is said of it."""
    for problem in problems_of(text):
        assert problem.isprintable()
        assert len(problem) < 2000


@given(st.data())
def test_flipped_bytes(data: st.DataObject) -> None:
    """Bytes that are changed, lost or doubled do no more than make the file wrong."""
    text = bytearray(data.draw(st.sampled_from(SNIPPETS)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        match data.draw(st.sampled_from(["change", "delete", "double"])):
            case "change":
                text[at] = data.draw(st.integers(0, 255))
            case "delete":
                del text[at : at + data.draw(st.integers(1, 20))]
            case "double":
                text[at:at] = text[at : at + data.draw(st.integers(1, 40))]
        if not text:
            return
    check(bytes(text))


@given(st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=4))
def test_any_value_in_any_place(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Whatever stands wherever, it is right or an error."""
    tree = TREE
    for way, value in changes:
        with suppress(LookupError, TypeError, AttributeError):  # one before it took the place away
            tree = changed(tree, way, value)
    check(document(tree))


@given(PLACES, PLACES)
@FEWER
def test_values_in_each_others_places(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    """What is right in one place is right or an error in another."""
    value: Any = TREE
    for key in other:
        value = value[key]
    check(document(changed(TREE, one, value)))


@given(VALUES)
def test_any_document(value: Any) -> None:
    """A file of anything is an error."""
    tree = value if isinstance(value, dict) else {"services": {"s": value}}
    assert problems_of(document(tree))


@given(PLACES, SCALARS)
@FEWER
def test_errors_name_what_stands_there(way: tuple[Any, ...], value: Any) -> None:
    """The place of an error is one of the file, or ends with a key that is missing there."""
    tree = changed(TREE, way, value)
    words = known_words(tree, set()) | {"listen", "at", "otherwise", "services"}
    for problem in problems_of(document(tree)):
        place = problem.partition(": ")[0]
        if "'" in place:  # a key that is quoted
            continue
        steps = place.replace("[", ".[").split(".")
        assert all(step in words or step.startswith("[") for step in steps), problem


def test_the_texts_are_right() -> None:
    """What the properties begin with is right, and written so that it is read again."""
    assert problems_of(EVERYTHING) == ()
    assert problems_of(document(TREE)) == ()
    assert tomllib.loads(document(TREE)) == TREE

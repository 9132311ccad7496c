"""Documents that did not come from a file: whatever they hold, they are settings or an error."""

from __future__ import annotations

import json
import math
import tomllib
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockreply.config import document, settings_from
from sockreply.config.document import plain
from sockreply.config.problems import Problems
from sockreply.config.wording import Foreign
from sockreply.errors import BadSettings, ConfigError
from tests.config.refusals import FIXED
from tests.config.test_file_fuzz import KEYS, PLACES, TREE, changed
from tests.config.texts import EVERYTHING

HERE = Path(__file__).parent
SERVICE = {"listen": "tcp:0", "otherwise": "x"}


def problems_of(asked: object) -> tuple[str, ...]:
    """What is wrong with a document, a line each; nothing: it is right."""
    try:
        settings_from(asked, HERE)
    except BadSettings as error:
        return error.problems
    return ()


def in_service(**keys: object) -> dict[str, object]:
    """A document with one service, which is right but for these keys."""
    return {"services": {"s": {**SERVICE, **keys}}}


def nested(depth: int) -> object:
    """Lists within each other."""
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


def cyclic() -> list[object]:
    """A list that is its own entry, twice."""
    value: list[object] = []
    value += [value, value]
    return value


class Text(str):
    """A text of some library's own."""


class Incomparable:
    """Like an array of numbers, which has no one truth."""

    def __eq__(self, other: object) -> bool:
        raise TypeError

    __hash__ = None  # type: ignore[assignment] # as a list has it


REFUSED: list[tuple[object, str]] = [
    (None, "expected a table, found null"),
    ([], "expected a table, found a list"),
    ("[services]", "expected a table, found text '[services]'"),
    ({}, "services: there is none; one begins with a line such as [services.default]"),
    ({"services": None}, "services: expected a table, found null"),
    ({"log": None}, "log: expected a table, found null"),
    ({"services": {"s": None}}, "services.s: expected a table, found null"),
    ({1: 2}, "expected text as a key, found number 1"),
    ({None: 2}, "expected text as a key, found null"),
    ({"a": 1, 2: 3}, "a: unknown key; known: log, metrics, ready, services"),
    ({"a": 1, 2: 3}, "expected text as a key, found number 2"),
    ({"a": [{b"x": 1}]}, "a[1]: expected text as a key, found a value of type bytes"),
    ({"\ud800": 1}, "expected text as a key, found text with half of a surrogate pair"),
    (in_service(listen=None), "services.s.listen: expected text, a table or a list, found null"),
    (in_service(listen=b"tcp:0"), "services.s.listen: expected text, a table or a list, found a "),
    (
        in_service(listen=("tcp:0",)),
        "services.s.listen: expected text, a table or a list, found a ",
    ),
    (in_service(listen=["a", None]), "services.s.listen[2]: expected text or a table, found null"),
    (
        in_service(listen="\ud800"),
        "services.s.listen: expected text, a table or a list, found text with half of a surrogate",
    ),
    (in_service(keep_alive=None), "services.s.keep_alive: expected true or false, found null"),
    (
        in_service(max_message=10**5000),
        "services.s.max_message: a number that large is not a whole",
    ),
    (in_service(seed=math.nan), "services.s.seed: expected a whole number from "),
    (in_service(idle_timeout=math.nan), "services.s.idle_timeout: nan is not a number of seconds"),
    (in_service(x=None), "services.s.x: unknown key"),
    (
        in_service(rules=[{"when": {"equals": None}, "reply": "x"}]),
        f"services.s.rules.rule-1.when.equals: expected {FIXED}, found null",
    ),
    (in_service(rules=[None]), "services.s.rules.rule-1: expected a table, found null"),
    (in_service(rules=None), "services.s.rules: expected a list of tables [[services.s.rules]]"),
    (in_service(otherwise=Incomparable()), "services.s.otherwise: expected text, a table with "),
    (in_service(otherwise=cyclic()), "has more than 32 tables or lists nested in each other"),
    (
        in_service(otherwise=nested(100_000)),
        "has more than 32 tables or lists nested in each other",
    ),
]


@pytest.mark.parametrize(("asked", "problem"), REFUSED, ids=lambda value: repr(type(value)))
def test_refused(asked: object, problem: str) -> None:
    """What TOML cannot hold is wrong in its place, like anything else that does not fit there."""
    problems = problems_of(asked)
    assert [each for each in problems if each.startswith(problem)], problems


def test_all_at_once() -> None:
    """What TOML cannot hold hides nothing else that is wrong."""
    asked = {"log": {"level": None, 7: 7}, **in_service(listen=5, greeting=b"")}
    assert [each.partition(":")[0] for each in problems_of(asked)] == [
        "log",
        "log.level",
        "services.s.listen",
        "services.s.greeting",
    ]


def test_depth() -> None:
    """As deep as a file may be, and no deeper."""
    problems = Problems()
    deepest = {"a": nested(30)}
    assert plain(deepest, problems) == deepest
    with pytest.raises(ConfigError, match="more than 32 tables"):
        plain({"a": nested(31)}, problems)


def test_more_values_than_a_file_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small document whose parts stand in it again and again is not copied for ever."""
    monkeypatch.setattr(document, "VALUES_LIMIT", 1000)
    shared: list[object] = []
    for _ in range(25):
        shared = [shared, shared]
    assert problems_of(in_service(otherwise=shared)) == ("has more than 1000 values",)


def test_copy() -> None:
    """The copy has Python's own types, and none of the original's tables and lists."""
    asked = OrderedDict({Text("a"): [Text("b"), {"c": datetime(2026, 1, 1, tzinfo=UTC)}, None]})
    copied = plain(asked, Problems())
    assert copied == {"a": ["b", {"c": datetime(2026, 1, 1, tzinfo=UTC)}, Foreign("null")]}
    assert type(copied) is dict
    assert [type(key) for key in copied] == [str]
    assert type(copied["a"][0]) is str
    assert copied["a"] is not asked[Text("a")]


def test_toml_is_left_as_it_is() -> None:
    """A document of TOML is copied without a change."""
    problems = Problems()
    assert plain(TREE, problems) == TREE
    assert problems.lines() == ()


def test_the_original_is_left_as_it_is() -> None:
    """Wrong or right, a document is not changed."""
    asked = in_service(listen=None, rules=[{"reply": 5}])
    before = repr(asked)
    assert problems_of(asked)
    assert repr(asked) == before


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=8)
    | st.sampled_from([10**400, -(10**400), "\ud800", "tcp:0", "{{ x }}", "(a+)+", ""]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=6,
)
ANYTHING = st.recursive(
    JSON | st.binary(max_size=4) | st.builds(object) | st.builds(Incomparable) | st.just(...),
    lambda below: (
        st.lists(below, max_size=3)
        | st.tuples(below)
        | st.dictionaries(KEYS | st.integers() | st.none() | st.binary(max_size=2), below)
    ),
    max_leaves=6,
)


def check(asked: object) -> None:
    """Every problem of a document is one line that prints."""
    for problem in problems_of(asked):
        assert problem.isprintable()
        assert len(problem) < 2000


@given(JSON)
def test_any_json_value(value: Any) -> None:
    """Any JSON value is refused in some words, as a document and as a service."""
    for asked in (value, {"services": {"s": value}}):
        assert problems_of(json.loads(json.dumps(asked)))
        check(asked)


@given(st.lists(st.tuples(PLACES, ANYTHING), min_size=1, max_size=3))
@settings(max_examples=settings().max_examples * 3)
def test_anything_in_any_place(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Whatever a program hands over, and wherever it stands, it is right or an error."""
    tree: Any = TREE
    for way, value in changes:
        try:
            tree = changed(tree, way, value)
        except (LookupError, TypeError, AttributeError):
            continue  # one before it took the place away
    check(tree)


def test_json_does_as_well_as_toml() -> None:
    """What TOML can say can be said in JSON."""
    asked = json.loads(json.dumps(tomllib.loads(EVERYTHING)))
    assert list(settings_from(asked, HERE).services) == ["scale", "code"]

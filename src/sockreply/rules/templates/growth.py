"""How much a filter or a method of text makes of what it is given, known before it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, time
from functools import partial, wraps
from typing import Any

from jinja2 import Environment
from jinja2.filters import FILTERS, make_attrgetter
from jinja2.nodes import EvalContext

from sockreply.rules.templates.bounds import (
    LONGEST,
    MOST_ITEMS,
    bound_percent,
    bound_widths,
    weigh,
)
from sockreply.rules.templates.octets import Bytes

Filter = Callable[..., Any]

_MOST_SPACES = 100  # of the indentation of JSON
_MOST_DECIMALS = 300  # of a number: in floating point none has more
_LAYOUT = 1_000  # characters of the layout of a time

# Bytes that these filters may be given. They are written in Python, and take some microseconds for
# each of them, so that they are done in about a twentieth of a second.
_SLOW = {
    "pprint": 262_144,
    "title": 32_768,
    "urlencode": 262_144,
    "urlize": 8_192,
    "wordwrap": 16_384,
    "xmlattr": 262_144,
}


def bound_method(name: str, of: object, args: tuple[Any, ...], named: dict[str, Any]) -> None:
    """See that a method makes nothing that is too large.

    Args:
        name: Of the method.
        of: What it is a method of.
        args: What it is called with.
        named: And by name.

    Raises:
        ValueError: It does.
    """
    if isinstance(of, (str, bytes, int)):
        bound_widths(*args, *named.values())
    if isinstance(of, (str, bytes)):
        match name, args:
            case "replace", (old, new, *count):
                _bound_replace(None, of, old, new, *count)
            case "join", (items,) if isinstance(items, (list, tuple, set, dict)):
                _bound_join(items, of)
            case "join", _:
                raise ValueError("join: expected a list")
            case "expandtabs", _:
                width = next(iter((*args, *named.values())), 8)
                _bound(_text(of).count("\t") * width)
            case "translate", (dict() as table,):
                widest = max(
                    (len(new) for new in table.values() if isinstance(new, str)), default=1
                )
                _bound(len(of) * widest)
    elif isinstance(of, (date, time)) and name == "strftime":
        _bound_layouts(*args, *named.values())


def _text(value: object) -> str:
    return value.text() if isinstance(value, Bytes) else str(value)


def _bound(size: int, most: int = LONGEST) -> None:
    if size > most:
        raise ValueError(f"a value of more than {most}")


def _bound_layouts(*layouts: str) -> None:
    if any(len(layout) > _LAYOUT for layout in layouts):
        raise ValueError(f"the layout of a time has at most {_LAYOUT} characters")


def _bound_replace(
    _: object, s: object, old: object, new: object, count: int | None = None
) -> None:
    text = _text(s)
    places = text.count(_text(old))
    if count is not None and count >= 0:
        places = min(places, count)
    _bound(len(text) + places * (len(_text(new)) - len(_text(old))))


def _bound_join(items: Iterable[object], between: object) -> None:
    each = len(_text(between))
    left = LONGEST
    for item in items:
        left -= weigh(item) + each
        _bound(LONGEST - left)


def _bound_indent(s: object, width: int | str = 4, *_: object, **__: object) -> None:
    text = _text(s)
    wide = width if isinstance(width, int) else len(width)
    _bound(len(text) + len(text.splitlines()) * wide)


def _bound_wrap(
    _: object, s: object, *args: object, wrapstring: object = None, **__: object
) -> None:
    between = args[2] if len(args) > 2 else wrapstring
    _bound(len(_text(s)) * (1 + len(_text(between or ""))))


def _bound_json(_: object, value: object, indent: int | None = None) -> None:
    weigh(value)
    bound_widths(indent, most=_MOST_SPACES)


def _bound_round(_: object, precision: int = 0, *__: object, **___: object) -> None:
    bound_widths(precision, most=_MOST_DECIMALS)


def _bound_sum(*args: object, start: object = 0, **_: object) -> None:
    start = args[3] if len(args) > 3 else start
    if hasattr(start, "__len__"):  # each list would be copied for the next one
        raise ValueError("sum: expected a number to begin with")


def _bound_items(_: object, *args: object, **named: object) -> None:
    bound_widths(*args, *named.values(), most=MOST_ITEMS)


def _bound_slow(name: str, *args: object, **_: object) -> None:
    value = next(each for each in args if not isinstance(each, (Environment, EvalContext)))
    weigh(value, limit=_SLOW[name])


def _bounded(bound: Callable[..., object], function: Filter) -> Filter:
    @wraps(function)  # Jinja2 keeps there what else the function is to be given
    def call(*args: Any, **named: Any) -> Any:
        bound(*args, **named)
        return function(*args, **named)

    return call


@wraps(FILTERS["join"])
def _join(
    context: EvalContext, value: Iterable[Any], d: Any = "", attribute: str | int | None = None
) -> str:
    items = list(value)
    if attribute is not None:
        items = list(map(make_attrgetter(context.environment, attribute), items))
    _bound_join(items, d)
    joined: str = FILTERS["join"](context, items, d)
    return joined


_BOUNDS: dict[str, Callable[..., object]] = {
    "batch": _bound_items,
    "center": lambda _, width=80: bound_widths(width),
    "format": bound_percent,
    "indent": _bound_indent,
    "replace": _bound_replace,
    "round": _bound_round,
    "slice": _bound_items,
    "string": lambda value: weigh(value),
    "sum": _bound_sum,
    "tojson": _bound_json,
    "wordwrap": _bound_wrap,
}


def bounded_filters() -> dict[str, Filter]:
    """The filters of Jinja2, none of which makes much of little, or takes long."""
    filters = {**FILTERS, "join": _join}
    for name, bound in _BOUNDS.items():
        filters[name] = _bounded(bound, filters[name])
    for name in _SLOW:
        filters[name] = _bounded(partial(_bound_slow, name), filters[name])
    return filters

"""Tables become the dataclasses of `form`; only this module knows cattrs.

Nothing is converted: text is not a number, a number is not text, and true is not 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from difflib import get_close_matches
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from cattrs import (
    BaseConverter,
    ClassValidationError,
    Converter,
    ForbiddenExtraKeysError,
    IterableValidationError,
)
from cattrs.cols import list_structure_factory, mapping_structure_factory
from cattrs.errors import AttributeValidationNote, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from sockreply.config import form
from sockreply.config.form import keys_of
from sockreply.config.problems import Problems
from sockreply.config.wording import Key, found
from sockreply.errors import ConfigError

_T = TypeVar("_T")

_LONGEST_KEY = 40  # letters of a key that is compared with those that there are


def structured(kind: type[_T], table: object, problems: Problems) -> _T | None:
    """What a table says, as far as it is right.

    Args:
        kind: A dataclass of `form`.
        table: What stands in the configuration.
        problems: Collect what is wrong. It is then left out, so that the rest can be looked at,
            too.

    Returns:
        None: nothing can be made of the rest.
    """
    try:
        return _CONVERTER.structure(table, kind)
    except (ClassValidationError, IterableValidationError, ConfigError) as error:
        wrong = list(_each(error))
    for keys, reason in wrong:
        problems.add(reason, *keys)
    rest = table
    for keys, _ in wrong:
        rest = _without(rest, keys)
    return None if rest == table else structured(kind, rest, Problems())


def _without(table: Any, keys: Sequence[Key]) -> Any:
    """A table without what these keys lead to, or without the least around it that can be left out.

    That is not an entry of a list, because the others would then have other places, and not the
    only key of a table.
    """
    if not keys or not isinstance(table, dict) or keys[0] not in table:
        return table
    key, *below = keys
    left = _without(table[key], below)
    if left and left != table[key]:
        return {**table, key: left}
    return {other: table[other] for other in table if other != key}


@lru_cache(maxsize=256)  # the same slip may be in ten thousand rules, and comparing takes time
def unknown_key(name: str, kind: Any) -> str:
    """What is said of a key that a table cannot have: what may be meant, and what there is."""
    known = keys_of(kind)
    tables = {
        "a service, before its rules": form.Service,
        "the per_peer of a service": form.PerPeer,
        "a rule": form.Rule,
        "the when of a rule": form.When,
    }
    elsewhere = next((table for table, written in tables.items() if name in keys_of(written)), None)
    close = get_close_matches(name, known, 1) if len(name) <= _LONGEST_KEY else []
    hint = ""
    if elsewhere is not None and kind in (form.Configuration, *tables.values()):
        hint = f" here; it belongs in {elsewhere}"
    elif close:
        hint = f" (did you mean {close[0]}?)"
    return f"unknown key{hint}; known: {', '.join(known)}"


def _each(error: BaseException) -> Iterator[tuple[tuple[Key, ...], str]]:
    """The places and reasons of all that cattrs found."""
    match error:
        case ClassValidationError() | IterableValidationError():
            for each in error.exceptions:
                key = _key_of(each)
                for keys, reason in _each(each):
                    yield ((*key, *keys), reason)
        case ForbiddenExtraKeysError():
            for name in sorted(error.extra_fields):
                yield ((name,), unknown_key(name, error.cl))
        case KeyError():
            yield ((), "is missing")
        case _:
            yield ((), str(error))


def _key_of(error: BaseException) -> tuple[Key, ...]:
    """Where in its table or list an error arose, as cattrs noted on it."""
    for note in reversed(getattr(error, "__notes__", [])):
        if isinstance(note, AttributeValidationNote):
            return (note.name.removesuffix("_"),)
        if isinstance(note, IterableValidationNote):
            return (note.index if isinstance(note.index, str) else int(note.index) + 1,)
    return ()


def _described(kind: Any) -> str:
    """What is expected, in the words of TOML."""
    if get_origin(kind) is Annotated:
        return str(kind.__metadata__[0].expected)
    if get_origin(kind) is Literal:
        return " or ".join("true" if each is True else repr(each) for each in get_args(kind))
    if get_origin(kind) is list:
        return "a list"
    return {str: "text", bool: "true or false"}.get(kind, "a table")


def _expected(kinds: Iterable[Any], value: object) -> ConfigError:
    described = list(dict.fromkeys(map(_described, kinds)))
    tables = [keys_of(kind)[0] for kind in kinds if is_dataclass(kind)]
    if len(tables) > 1:
        described[described.index("a table")] = f"a table with {_listed(tables)}"
    return ConfigError(f"expected {_listed(described)}, found {found(value)}")


def _listed(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _fits(kind: Any) -> Callable[[object], bool]:
    """Tells whether a value is of the right type, whatever it is."""
    if get_origin(kind) is Annotated:
        fits: Callable[[object], bool] = kind.__metadata__[0].fits
        return fits
    if get_origin(kind) is Literal:
        types = set(map(type, get_args(kind)))
        return lambda value: type(value) in types
    of = dict if is_dataclass(kind) else get_origin(kind) or kind
    return lambda value: isinstance(value, of)


def _hook(kind: Any, structure: Callable[[Any], Any]) -> Callable[[object, Any], Any]:
    """Structures what is of the right type; cattrs says the type again, which is known here."""
    fits = _fits(kind)

    def checked(value: object, _: Any) -> Any:
        if not fits(value):
            raise _expected([kind], value)
        return structure(value)

    return checked


def _plain(kind: Any) -> Callable[[object, Any], Any]:
    return _hook(kind, lambda value: value)


def _annotated(kind: Any) -> Callable[[object, Any], Any]:
    return _hook(kind, kind.__metadata__[0].read)


def _literal(kind: Any) -> Callable[[object, Any], Any]:
    choices = get_args(kind)

    def structure(value: object) -> object:
        if value not in choices:
            raise _expected([kind], value)
        return value

    return _hook(kind, structure)


def _list(kind: Any, converter: BaseConverter) -> Callable[[object, Any], Any]:
    structure_list = list_structure_factory(kind, converter)
    return _hook(kind, lambda value: structure_list(value, kind))


def _names(kind: Any, converter: BaseConverter) -> Callable[[object, Any], Any]:
    """A table with names of the user's own as keys."""
    structure_names = mapping_structure_factory(kind, converter)
    return _hook(kind, lambda value: structure_names(value, kind))


def _table(kind: Any, converter: BaseConverter) -> Callable[[object, Any], Any]:
    # cattrs itself would read the types without what `Annotated` adds to them.
    hooks: dict[str, Any] = {
        name: override(
            rename=name.removesuffix("_"), struct_hook=converter.get_structure_hook(each)
        )
        for name, each in get_type_hints(kind, include_extras=True).items()
    }
    structure_table = make_dict_structure_fn(
        kind, converter, _cattrs_forbid_extra_keys=True, **hooks
    )
    return _hook(kind, lambda value: structure_table(value, kind))


def _union(kind: Any, converter: BaseConverter) -> Callable[[object, Any], Any]:
    kinds = [each for each in get_args(kind) if each is not NoneType]
    tables = {keys_of(each)[0]: each for each in kinds if is_dataclass(each)}
    others = [(each, _fits(each)) for each in kinds if not is_dataclass(each)]

    def structure(value: object, _: Any) -> Any:
        if isinstance(value, dict) and tables:
            return converter.structure(value, _chosen(tables, value))
        for each, fits in others:
            if fits(value):
                return converter.structure(value, each)
        raise _expected(kinds, value)

    return structure


def _chosen(tables: Mapping[str, Any], value: Mapping[str, object]) -> Any:
    """The one of several tables that a table is meant to be."""
    if len(tables) == 1:
        return next(iter(tables.values()))
    telling = [key for key in tables if key in value]
    if not telling:
        keys = f"one with {_listed(list(map(str, value))[:5])}" if value else "an empty one"
        raise ConfigError(f"expected a table with {_listed(list(tables))}, found {keys}")
    if len(telling) > 1:
        raise ConfigError(f"{telling[0]} and {telling[1]} cannot be in one table")
    return tables[telling[0]]


def _made_with(*origins: object) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) in origins


def _converter() -> Converter:
    converter = Converter(detailed_validation=True)
    converter.register_structure_hook(str, _plain(str))
    converter.register_structure_hook(bool, _plain(bool))
    converter.register_structure_hook_factory(is_dataclass, _table)
    converter.register_structure_hook_factory(_made_with(list), _list)
    converter.register_structure_hook_factory(_made_with(dict), _names)
    converter.register_structure_hook_factory(_made_with(Union, UnionType), _union)
    converter.register_structure_hook_factory(_made_with(Annotated), _annotated)
    converter.register_structure_hook_factory(_made_with(Literal), _literal)
    return converter


_CONVERTER = _converter()

"""A configuration file becomes settings, or an error that tells all that is wrong with it.

text -> TOML -> the dataclasses of `form` (structuring) -> settings (read_services)
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from sockreply.config import form
from sockreply.config.named_files import NamedFiles, contents_of
from sockreply.config.problems import Problems
from sockreply.config.read_settings import read_settings
from sockreply.config.reading import Reading
from sockreply.config.scalars import PlainText
from sockreply.config.structuring import structured, unknown_key
from sockreply.config.wording import excerpt, found, place
from sockreply.errors import BadFile, ConfigError
from sockreply.rules.table import OTHERWISE
from sockreply.settings import Settings

DEPTH_LIMIT = 32
"""Tables and lists within each other: several times what has a meaning, far from Python's limit."""

_TOO_DEEP = f"has more than {DEPTH_LIMIT} tables or lists within each other"

_KEY_PART = re.compile(
    r"""(?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*')[ \t]*(\.[ \t]*)?""", re.ASCII
)  # with the dot behind it, if another one follows

_HINTS = {
    "Unescaped '\\'": r"; between single quotes it stands for itself, else it is \\",
    "Invalid initial character for a key part": "; a table in braces stands on one line",
    "Unclosed inline table": "; a table in braces stands on one line",
    "Invalid value": "; text stands between quotes",
    "Cannot declare": "; each of several rules begins with [[services.NAME.rules]]",
}
"""What is behind most of what the parser says, by how it says it."""


def load(path: Path) -> Settings:
    """The settings that a configuration file asks for.

    Paths in it are relative to the file itself.

    Args:
        path: The file; made absolute, for twistd changes the directory.

    Raises:
        BadFile: It cannot be read, or asks for what cannot be; tells all that is wrong.
    """
    try:
        path = path.absolute()
        document = _document(contents_of(path, only_regular=False))
    except (ConfigError, OSError) as error:  # OSError: there is no current directory
        reason = str(error).removeprefix(f"cannot read {path}: ").removeprefix(f"{path} ")
        raise BadFile(path, (reason,)) from None
    reading = Reading(NamedFiles(path.parent))
    settings = read_settings(_form(document, reading.problems), reading)
    if settings is None:
        raise BadFile(path, reading.problems.lines())
    return replace(settings, file=path)


def _document(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode("utf-8-sig")  # some editors put a mark before it
        if any(map(_has_long_key, text.split("\n"))):
            raise ConfigError(_TOO_DEEP)
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8: byte {error.start} (from 0): {error.reason}") from None
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        hint = next((hint for said, hint in _HINTS.items() if str(error).startswith(said)), "")
        raise ConfigError(f"is not TOML: {error}{hint}") from None
    except RecursionError:
        raise ConfigError("has tables or lists too deep within each other") from None
    _check_depth(document)
    return document


def _has_long_key(line: str) -> bool:
    """Does it begin with a key of too many parts? tomllib takes the square of them in memory."""
    if line.count(".") < DEPTH_LIMIT:
        return False
    parts, dot, end = 0, True, len(line) - len(line.lstrip(" \t["))
    while dot and (part := _KEY_PART.match(line, end)):
        parts, dot, end = parts + 1, bool(part[1]), part.end()
    return parts > DEPTH_LIMIT and line[end : end + 1] in ("=", "]")


def _check_depth(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(DEPTH_LIMIT):
        level = [
            below
            for each in level
            for below in (each.values() if isinstance(each, dict) else each)
            if isinstance(below, dict | list)
        ]
    if level:
        raise ConfigError(_TOO_DEEP)


def _form(document: dict[str, Any], problems: Problems) -> form.Configuration:
    """The document as far as it is right; what is wrong is told."""
    for key in (key for key in document if key not in form.keys_of(form.Configuration)):
        problems.add(unknown_key(key, form.Configuration), key)
    written = form.Configuration()
    if "log" in document:
        with problems.at("log"):
            written = replace(
                written, log=structured(form.Log, document["log"], problems) or written.log
            )
    if "metrics" in document:
        with problems.at("metrics"):
            metrics = structured(form.Metrics, document["metrics"], problems)
            written = replace(written, metrics=metrics)
    with problems.at("services"):
        services = document.get("services", {})
        if not isinstance(services, dict):
            raise ConfigError(f"expected a table, found {found(services)}")
        if not services:
            raise ConfigError("there is none; it begins with a line such as [services.default]")
        return replace(written, services=_services(services, problems))
    return written


def _services(tables: dict[str, Any], problems: Problems) -> dict[str, form.Service]:
    services: dict[str, form.Service] = {}
    for name, table in tables.items():
        with problems.at(name):
            PlainText().read(name)
            without = table
            rules: list[form.Rule] = []
            if isinstance(table, dict) and "rules" in table:
                without = {key: table[key] for key in table if key != "rules"}
                rules = _rules(table["rules"], problems)
            service = structured(form.Service, without, problems)
            if service is not None:
                services[name] = replace(service, rules=rules)
    return services


def _rules(tables: Any, problems: Problems) -> list[form.Rule]:
    """All rules that are tables, each with its name."""
    rules: list[form.Rule] = []
    names: set[str] = set()
    with problems.at("rules"):
        if not isinstance(tables, list):
            head = f"[[{place(problems.keys())}]]"
            raise ConfigError(f"expected a list, of lines {head} and keys, found {found(tables)}")
        for number, table in enumerate(tables, 1):
            name = _name(table) or f"rule-{number}"
            with problems.at(name):
                rule = structured(form.Rule, table, problems)
                rules += [replace(rule, name=name)] if rule else []
                _check_name(name, names)
                names.add(name)
    return rules


def _name(table: object) -> str | None:
    """The name that a rule has, if it is one."""
    name = table.get("name") if isinstance(table, dict) else None
    return name if isinstance(name, str) and name.isprintable() else None


def _check_name(name: str, taken: set[str]) -> None:
    if name in taken:
        raise ConfigError(f"a rule before it is named {excerpt(name)}, too")
    if name == OTHERWISE:
        raise ConfigError("otherwise stands for no rule; it needs another name")

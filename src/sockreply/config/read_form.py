"""A document becomes the form, as far as it is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sockreply.config import form
from sockreply.config.problems import Problems
from sockreply.config.reading import Reading
from sockreply.config.scalars import PlainText
from sockreply.config.structuring import structured, unknown_key
from sockreply.config.wording import excerpt, found, place
from sockreply.errors import ConfigError
from sockreply.rules.rule import OTHERWISE


def read_form(written: dict[str, Any], reading: Reading) -> form.Configuration:
    """The form of a document, without what is wrong in it."""
    problems = reading.problems
    for key in written:
        if key not in form.keys_of(form.Configuration):
            problems.add(unknown_key(key, form.Configuration), key)
    read = form.Configuration()
    if "log" in written:
        with problems.at("log"):
            read = replace(read, log=structured(form.Log, written["log"], problems) or read.log)
    if "metrics" in written:
        with problems.at("metrics"):
            metrics = structured(form.Metrics, written["metrics"], problems)
            read = replace(read, metrics=metrics)
    if "ready" in written:
        with problems.at("ready"):
            read = replace(read, ready=structured(form.Ready, written["ready"], problems))
    with problems.at("services"):
        services = written.get("services", {})
        if not isinstance(services, dict):
            raise ConfigError(f"expected a table, found {found(services)}")
        if not services:
            raise ConfigError("there is none; one begins with a line such as [services.default]")
        return replace(read, services=_read_services(services, problems))
    return read


def _read_services(tables: dict[str, Any], problems: Problems) -> dict[str, form.Service]:
    services: dict[str, form.Service] = {}
    for name, table in tables.items():
        with problems.at(name):
            PlainText().read(name)
            without = table
            rules: list[form.Rule] = []
            if isinstance(table, dict) and "rules" in table:
                without = {key: table[key] for key in table if key != "rules"}
                rules = _read_rules(table["rules"], problems)
            service = structured(form.Service, without, problems)
            if service is not None:
                services[name] = replace(service, rules=rules)
    return services


def _read_rules(tables: Any, problems: Problems) -> list[form.Rule]:
    """All rules that are tables, each with its name."""
    rules: list[form.Rule] = []
    names: set[str] = set()
    with problems.at("rules"):
        if not isinstance(tables, list):
            head = f"[[{place(problems.keys())}]]"
            raise ConfigError(f"expected a list of tables {head}, found {found(tables)}")
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
        raise ConfigError(f"an earlier rule is already named {excerpt(name)}")
    if name == OTHERWISE:
        raise ConfigError("a rule cannot be named otherwise; choose another name")

"""The file's form becomes settings: framings, rules, responders. It needs no reactor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

from sockreply.config import form
from sockreply.config.checks import check_addresses, check_rules
from sockreply.config.problems import Key, Problems
from sockreply.config.read_conditions import networks
from sockreply.config.read_data import Context, check_encoding
from sockreply.config.read_replies import build_reply
from sockreply.config.read_rules import build_table, table_in
from sockreply.errors import ConfigError
from sockreply.framing.notation import parse_framing
from sockreply.replies.named import load_responder
from sockreply.replies.responder import Greeting, Responder
from sockreply.rules.replies import Recipe
from sockreply.rules.table import RuleTable
from sockreply.server.endpoint_address import EndpointAddress, address_of, on_loopback
from sockreply.settings import Limits, LogSettings, ServiceSettings, Settings

_Listening = list[tuple[tuple[Key, ...], EndpointAddress]]


def build(written: form.File, path: Path, context: Context) -> Settings | None:
    """The settings that the file asks for.

    Args:
        written: The file, as far as it is right.
        path: The file's absolute path.
        context: Its problems and its surroundings; what services say is added to it.

    Returns:
        None: there is a problem, which `context.problems` were told.
    """
    problems = context.problems
    listening: _Listening = []
    services: dict[str, ServiceSettings] = {}
    for name, service in written.services.items():
        with problems.at("services", name):
            built = _service(service, context, listening)
            services |= {name: built} if built else {}
    log = _log(written.log, context)
    metrics = _metrics(written.metrics, problems, listening)
    check_addresses(listening, problems)
    if problems.lines():
        return None
    warnings = tuple(dict.fromkeys(context.warnings))
    return Settings(services=services, log=log, metrics=metrics, file=path, warnings=warnings)


def _service(
    written: form.Service, context: Context, listening: _Listening
) -> ServiceSettings | None:
    problems = context.problems
    listen = _listen(written, problems, listening)
    context = _with_notation(written, context)
    limits = _limits(written, context)
    responder, responder_in = _responder(written, context)
    greeting = None
    with problems.at("greeting"):
        greeting = None if written.greeting is None else build_reply(written.greeting, context)
    if problems.here() or responder is None:
        return None
    table = responder if isinstance(responder, RuleTable) else RuleTable(())
    return ServiceSettings(
        listen=listen,
        framing=context.framing,
        responder=responder,
        encoding=context.encoding,
        responder_in=responder_in,
        keep_alive=written.keep_alive,
        greeting=None if greeting is None else _greet(greeting, table),
        limits=limits,
        max_connections_asked=written.max_connections is not None,
    )


def _listen(written: form.Service, problems: Problems, listening: _Listening) -> tuple[str, ...]:
    several = isinstance(written.listen, list)
    endpoints = written.listen if isinstance(written.listen, list) else [written.listen]
    with problems.at("listen"):
        if not any(endpoints) and not problems.here():
            raise ConfigError("is missing; for example 'tcp:12345:interface=127.0.0.1'")
        for number, endpoint in enumerate(endpoints, 1):
            with problems.at(*([number] if several else [])):
                if endpoint or several:
                    listening.append((problems.keys(), address_of(endpoint)))
    return tuple(endpoints)


def _with_notation(written: form.Service, context: Context) -> Context:
    """The same with the service's framing and encoding, where they are right."""
    with context.problems.at("encoding"):
        check_encoding(written.encoding, context)
        context = replace(context, encoding=written.encoding)
    with context.problems.at("framing"):
        framing = parse_framing(written.framing)
        framing.framer(written.max_message)
        context = replace(context, framing=framing)
    return replace(context, max_message=written.max_message)


def _limits(written: form.Service, context: Context) -> Limits:
    same = {each.name for each in fields(Limits)} - {"allow", "max_connections"}
    limits = Limits(**{name: getattr(written, name) for name in same})
    if written.max_connections is not None:
        limits = replace(limits, max_connections=written.max_connections)
    if written.allow is not None:
        with context.problems.at("allow"):
            limits = replace(limits, allow=networks(written.allow, context))
    return limits


def _responder(
    written: form.Service, context: Context
) -> tuple[Responder | None, Callable[[str], Responder] | None]:
    problems = context.problems
    if written.responder is None:
        says = (written.otherwise, written.greeting)
        if not (written.rules or says != (None, None) or problems.here()):
            problems.add("nothing answers: it takes rules, otherwise, a greeting or a responder")
        keys = problems.keys()
        known = not any(map(problems.here, ("rules", "initial_state", "keep_alive")))
        table = build_table(written, context)
        if known:
            check_rules(written, problems)
        return table, lambda encoding: table_in(encoding, written, context, keys)
    for key in ("rules", "otherwise", "initial_state", "seed"):
        if getattr(written, key) not in (None, []):
            problems.add(f"responder and {key} exclude each other", key)
    with problems.at("responder"):
        return load_responder(written.responder), None
    return None, None


def _greet(recipe: Recipe, table: RuleTable) -> Greeting:
    if recipe.fixed is not None:
        return recipe.fixed
    return lambda session: recipe.make(table.asked(b"", session))


def _log(written: form.Log, context: Context) -> LogSettings:
    paths: dict[str, str | None] = {}
    for key in ("json", "record"):
        name: str | None = getattr(written, key)
        with context.problems.at("log", key):
            standard = name is None or (key == "json" and name == "-")
            paths[key] = name if standard else str(context.files.path(str(name)))
    with context.problems.at("log", "record"):
        if paths.get("record") is not None and paths["record"] == paths.get("json"):
            raise ConfigError("is the file of json, too")
    return LogSettings(
        level=written.level, exchanges_per_second=written.exchanges_per_second, **paths
    )


def _metrics(written: form.Metrics | None, problems: Problems, listening: _Listening) -> str | None:
    if written is None:
        return None
    with problems.at("metrics", "listen"):
        endpoint = on_loopback(written.listen)
        listening.append((problems.keys(), address_of(endpoint)))
        return endpoint
    return None

"""What can be said of a configuration file without running it: `check` and `explain`."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from twisted.internet.address import IPv4Address, IPv6Address

from sockreply.errors import BadFile, ConfigError
from sockreply.notation import quoted
from sockreply.rules.explaining.explain import Explanation, explain, imagined_session
from sockreply.rules.table import RuleTable
from sockreply.settings import ServiceSettings, Settings
from sockreply.shown import show_text

PEER_PORT = 50_000
"""The port that an imagined peer comes from; any will do."""


def check(path: str) -> tuple[list[str], bool]:
    """What is wrong with a file, or else what it sets up.

    Args:
        path: Of the file.

    Returns:
        The lines to print, and whether the file can be used.
    """
    shown = " ".join(show_text(path).splitlines())
    try:
        settings = _load(path)
    except BadFile as error:
        return [f"{shown}: {problem}" for problem in error.problems], False
    warnings = [f"{shown}: warning: {warning}" for warning in settings.warnings]
    return [*warnings, *_told(settings)], True


def explained(
    path: str,
    message: bytes,
    *,
    service: str | None = None,
    state: str | None = None,
    peer: str = "127.0.0.1",
) -> Explanation:
    """Which rule of a file answers a message, and with what; or why none does.

    Args:
        path: Of the file.
        message: Without what frames it.
        service: The name of the service that it would come to; not needed if there is one.
        state: The state of the connection on which it would; None: the initial one.
        peer: The IP address that it would come from.

    Raises:
        ConfigError: The file is wrong, or has no such service, or no rules for it.
    """
    settings = _load(path)
    name = _one_service(settings, service)
    asked = settings.services[name]
    if not isinstance(asked.responder, RuleTable):
        raise ConfigError(f"services.{name}: code answers, not rules")
    if len(message) > asked.limits.max_message:
        raise ConfigError(
            f"services.{name}: the message has {len(message)} bytes, which is more than "
            f"max_message = {asked.limits.max_message}"
        )
    if state is not None and state not in (states := asked.responder.states()):
        raise ConfigError(f"--state: {quoted(state)} is not one of {', '.join(states)}")
    session = imagined_session(asked.framing, _peer(peer), name, state)
    return explain(asked.responder, message, session)


def _load(path: str) -> Settings:
    from sockreply.config import read  # now, because it takes time

    return read(Path(path))


def _one_service(settings: Settings, name: str | None) -> str:
    names = list(settings.services)
    if name is None and len(names) == 1:
        return names[0]
    if name not in names:
        known = ", ".join(names)
        raise ConfigError(
            f"--service: which one of {known}?"
            if name is None
            else f"--service: {quoted(name)} is not one of {known}"
        )
    return name


def _peer(text: str) -> IPv4Address | IPv6Address:
    try:
        version = ip_address(text).version
    except ValueError:
        raise ConfigError(f"--peer: {quoted(text)} is no IP address") from None
    return (IPv4Address if version == 4 else IPv6Address)("TCP", text, PEER_PORT)


def _told(settings: Settings) -> Iterator[str]:
    """What a file sets up, a line each."""
    for name, service in settings.services.items():
        yield f"service {name}: {', '.join(_parts(service))}"
        for endpoint in service.listen:
            yield f"  listens on {endpoint}"
        if isinstance(service.responder, RuleTable):
            for rule in service.responder.rules:
                yield f"  rule {rule.name}: {'every message' if rule.when is None else rule.when}"
            if not any(rule.when is None and rule.plain for rule in service.responder.rules):
                yield f"  otherwise {'a reply' if service.responder.otherwise else 'silence'}"
    if settings.metrics is not None:
        yield f"metrics on {settings.metrics}"
    for what, where in (("JSON lines", settings.log.json), ("every exchange", settings.log.record)):
        if where is not None:
            yield f"{what} to {'standard output' if where == '-' else where}"


def _parts(service: ServiceSettings) -> Iterator[str]:
    yield f"framing {service.framing.name}"
    yield "keep-alive" if service.keep_alive else "one message a connection"
    if isinstance(service.responder, RuleTable):
        count = len(service.responder.rules)
        yield f"{count} rule{'s' * (count != 1)}"
    else:
        yield "code answers"
    if service.greeting is not None:
        yield "greets who connects"

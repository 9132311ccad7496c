"""The whole form becomes settings. It needs no reactor."""

from __future__ import annotations

from sockreply.config import form
from sockreply.config.checks import check_addresses
from sockreply.config.read_data import warn_of_template
from sockreply.config.read_endpoints import read_endpoint
from sockreply.config.read_services import read_service
from sockreply.config.reading import Reading
from sockreply.errors import ConfigError
from sockreply.server.endpoint_address import on_loopback
from sockreply.server.proxy.believed import has_prefix
from sockreply.settings import LogSettings, ServiceSettings, Settings


def read_settings(written: form.Configuration, reading: Reading) -> Settings | None:
    """The settings that a configuration asks for."""
    problems = reading.problems
    services: dict[str, ServiceSettings] = {}
    for name, service in written.services.items():
        with problems.at("services", name):
            read = read_service(service, reading)
            services |= {name: read} if read else {}
    log = metrics = ready_file = None
    with problems.at("log"):
        log = _read_log(written.log, reading)
    with problems.at("metrics"):
        metrics = _read_metrics(written.metrics, reading)
    with problems.at("ready"):
        ready_file = _read_ready(written.ready, reading)
    check_addresses(reading.listening, problems)
    if log is None or problems.lines():
        return None
    warnings = tuple(dict.fromkeys(reading.warnings))
    return Settings(
        services=services,
        log=log,
        metrics=metrics,
        ready_file=ready_file,
        commands=next(iter(reading.commands), None),
        warnings=warnings,
    )


def _read_log(written: form.Log, reading: Reading) -> LogSettings | None:
    paths: dict[str, str | None] = {}
    for key in ("json", "record"):
        name: str | None = getattr(written, key)
        with reading.problems.at(key):
            warn_of_template(name, reading)
            standard = name is None or (key == "json" and name == "-")
            paths[key] = name if standard else str(reading.files.path(str(name)))
    with reading.problems.at("record"):
        if paths.get("record") is not None and paths["record"] == paths.get("json"):
            raise ConfigError("is the same file as json")
    return LogSettings(
        level=written.level, exchanges_per_second=written.exchanges_per_second, **paths
    )


def _read_metrics(written: form.Metrics | None, reading: Reading) -> str | None:
    if written is None:
        return None
    with reading.problems.at("listen"):
        if has_prefix(written.listen):
            raise ConfigError("haproxy: is for services, not for metrics")
        return read_endpoint(on_loopback(written.listen), reading)
    return None


def _read_ready(written: form.Ready | None, reading: Reading) -> str | None:
    if written is None:
        return None
    with reading.problems.at("file"):
        return str(reading.files.path(written.file))
    return None

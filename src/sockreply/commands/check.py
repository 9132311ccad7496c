"""`sockreply check`: says what is wrong with a configuration file, or what it sets up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sockreply.commands.options import CommandOptions
from sockreply.commands.output import print_lines
from sockreply.config import read
from sockreply.errors import BadFile, UnreadableFile
from sockreply.extensions import failures_of
from sockreply.replies.responder import optional
from sockreply.server.certificates import certificates_of
from sockreply.server.port_ranges import leading
from sockreply.server.proxy.believed import (
    EVERYBODY,
    believes_everybody,
    is_unix,
    reads_headers,
)
from sockreply.settings import UNIX, Limits, ListenerSettings, ServiceSettings, Settings
from sockreply.shown import show_text


class Options(CommandOptions):
    """What `sockreply check` understands."""

    synopsis = "FILE"
    longdesc = (
        "Prints what is wrong with a configuration file, one line for each error, and exits with "
        "1. If nothing is wrong, prints what the file sets up, and exits with 0."
    )

    arguments = ("FILE",)

    file = ""

    def parseArgs(self, *words: str) -> None:
        super().parseArgs(*words)
        (self.file,) = words


def run(options: Options) -> int:
    """Print what is wrong, or what is set up; the exit status.

    Raises:
        UnreadableFile: There is nothing to say of it.
        CannotPrint: Standard output does not take it.
    """
    lines, good = check(options.file)
    print_lines(lines)
    return 0 if good else 1


def check(path: str) -> tuple[list[str], bool]:
    """What is wrong with a file, or else what it sets up.

    Args:
        path: Of the file.

    Returns:
        The lines to print, and whether the file can be used.

    Raises:
        UnreadableFile: It cannot be read.
        ConfigError: Code from elsewhere cannot describe itself.
    """
    shown = " ".join(show_text(path).splitlines())
    try:
        settings = read(Path(path))
    except UnreadableFile:
        raise  # nothing can be said of what is in it
    except BadFile as error:
        return [f"{shown}: {problem}" for problem in error.problems], False
    warnings = [f"{shown}: warning: {warning}" for warning in _warnings(settings)]
    return [*warnings, *_told(settings)], True


def _told(settings: Settings) -> Iterator[str]:
    """What a file sets up, a line each."""
    for name, service in settings.services.items():
        yield f"service {name}: {', '.join(_parts(service))}"
        for listener in leading(service.listen):
            yield from _listening(listener, service.limits)
        for line in service.framing.describe():
            yield f"  {line}"
        for line in _described(service)[1:]:
            yield f"  {line}"
    if settings.metrics is not None:
        yield f"metrics on {settings.metrics}"
    if settings.ready_file is not None:
        yield f"ready file {settings.ready_file}"
    for what, where in (("JSON lines", settings.log.json), ("the record", settings.log.record)):
        if where is not None:
            yield f"{what} to {'standard output' if where == '-' else where}"


def _listening(listener: ListenerSettings, limits: Limits) -> Iterator[str]:
    """Where it is, and its certificates."""
    tls = listener.tls
    how = "" if tls is None else ", with STARTTLS" if tls.starttls else ", with TLS"
    yield f"  listens on {listener.written}{_size(listener)}{how}{_proxies(listener, limits)}"
    for each in certificates_of(listener):
        shown_to = "" if each.asked_as is None else f" for {each.asked_as}"
        names = show_text(", ".join(each.names))
        yield f"    certificate{shown_to}: {names}; expires on {each.ends:%Y-%m-%d} ({each.file})"


def _size(listener: ListenerSettings) -> str:
    """How many ports its range has, as part of a line."""
    if listener.part is None:
        return ""
    return f" ({listener.part.size} port{'s' * (listener.part.size != 1)})"


def _proxies(listener: ListenerSettings, limits: Limits) -> str:
    """The proxies whose headers it reads, as part of a line."""
    if not reads_headers(listener):
        return ""
    proxies = listener.proxy_from
    if proxies is None:
        proxies = (*(limits.allow or ()), UNIX) if is_unix(listener.endpoint) else limits.allow
    names = "everybody" if proxies is None else ", ".join(map(str, proxies)) or "nobody"
    return f", with PROXY headers from {names}"


def _warnings(settings: Settings) -> Iterator[str]:
    """What is said of it when the daemon starts, a line each."""
    yield from settings.warnings
    for name, service in settings.services.items():
        for listener in leading(service.listen):
            if believes_everybody(listener, service.limits):
                yield f"services.{name}.listen: {EVERYBODY.format(endpoint=listener.written)}"


def _parts(service: ServiceSettings) -> Iterator[str]:
    yield f"framing {service.framing.name}"
    yield "keep-alive" if service.keep_alive else "one message per connection"
    yield _described(service)[0]
    if service.greeting is not None:
        yield "greets clients"


def _described(service: ServiceSettings) -> list[str]:
    """What the responder says of itself: a summary, and more lines.

    Raises:
        ConfigError: It is code from elsewhere, and fails.
    """
    with failures_of("responder: describe"):
        describe = optional(service.responder, "describe")
        lines = [] if describe is None else [str(line) for line in describe()]
    return lines or ["code answers"]

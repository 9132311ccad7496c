"""`sockreply explain`: says which rule of a file answers a message, and why."""

from __future__ import annotations

import getopt
import os
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.python import usage

from sockreply.commands.options import CommandOptions, hexadecimal, parameter
from sockreply.commands.output import print_lines
from sockreply.config import read
from sockreply.errors import ConfigError
from sockreply.extensions import failures_of
from sockreply.notation import quoted
from sockreply.replies.responder import optional
from sockreply.rules.explaining.explain import Explanation, imagined_session
from sockreply.settings import Settings

PEER_PORT = 50_000
"""The port that an imagined peer comes from; any will do."""


class Options(CommandOptions):
    """What `sockreply explain` understands."""

    synopsis = "FILE [options] MESSAGE"
    longdesc = (
        "Says for each rule of a configuration file whether it answers a message, or why it does "
        "not, and what would be sent. Exits with 1 if no rule is certain to answer. Options may "
        "come anywhere before --."
    )
    optFlags: ClassVar[Sequence[Sequence[str | None]]] = [
        ["hex", None, "The message is written as hexadecimal digits."],
    ]
    optParameters: ClassVar[Sequence[Sequence[Any]]] = [
        parameter("service", None, None, "Which one of several services.", str),
        parameter("state", None, None, "The connection's. [default: the initial one]", str),
        parameter("peer", None, "127.0.0.1", "The address that the message comes from.", str),
    ]

    arguments = ("FILE", "MESSAGE")

    file = ""
    message = b""

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        words = list(sys.argv[1:] if options is None else options)
        try:
            found, others = getopt.gnu_getopt(words, self.shortOpt, self.longOpt)
        except getopt.GetoptError as error:
            try:
                super().parseOptions(words)  # a message after FILE may begin with a dash
            except usage.UsageError:
                raise usage.UsageError(str(error)) from None
            return
        with_value = {name.removesuffix("=") for name in self.longOpt if name.endswith("=")}
        first = [f"{name}={value}" if name[2:] in with_value else name for name, value in found]
        super().parseOptions([*first, "--", *others])

    def parseArgs(self, *words: str) -> None:
        super().parseArgs(*words)
        self.file, message = words
        self.message = hexadecimal(message) if self["hex"] else os.fsencode(message)


def run(options: Options) -> int:
    """Print the explanation; the exit status.

    Raises:
        ConfigError: There is nothing to explain; see `explained`.
        CannotPrint: Standard output does not take it.
    """
    explanation = explained(
        options.file,
        options.message,
        service=options["service"],
        state=options["state"],
        peer=options["peer"],
    )
    print_lines(explanation.lines())
    return 0 if explanation.answered else 1


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
    settings = read(Path(path))
    name = _one_service(settings, service)
    asked = settings.services[name]
    explain = optional(asked.responder, "explain")
    if explain is None:
        raise ConfigError(f"services.{name}: code answers, not rules")
    if len(message) > asked.limits.max_message:
        raise ConfigError(
            f"services.{name}: the message has {len(message)} bytes, which is more than "
            f"max_message = {asked.limits.max_message}"
        )
    if state is not None:
        known = optional(asked.responder, "states")
        if state not in (states := known() if known else ()):
            raise ConfigError(f"--state: {quoted(state)} is not one of {', '.join(states)}")
    session = imagined_session(asked.framing, _peer(peer), name, state)
    with failures_of("responder: explain"):  # it may be code from elsewhere
        explanation: Explanation = explain(message, session)
    return explanation


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
        raise ConfigError(f"--peer: {quoted(text)} is not an IP address") from None
    return (IPv4Address if version == 4 else IPv6Address)("TCP", text, PEER_PORT)

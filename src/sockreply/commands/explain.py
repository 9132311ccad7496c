"""`sockreply explain`: says which rule of a file answers a message, and why."""

from __future__ import annotations

import getopt
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address as IPv4
from ipaddress import IPv6Address as IPv6
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.python import usage

from sockreply.client.asking import is_carried
from sockreply.commands.options import CommandOptions, hexadecimal, parameter, taken_as_it_is
from sockreply.commands.output import print_lines
from sockreply.commands.wire import Subject, wire_explained
from sockreply.config import read
from sockreply.errors import CannotFrame, ConfigError
from sockreply.framing import Framing
from sockreply.notation import quoted, seeming_escape, whole
from sockreply.replies.responder import optional
from sockreply.replies.session import TLS
from sockreply.rules.explaining.explain import Explanation
from sockreply.rules.explaining.imagined import LOCAL, imagined_tls
from sockreply.server.endpoint_address import address_of
from sockreply.server.proxy.believed import is_unix
from sockreply.settings import ServiceSettings, Settings

PEER_PORT = 50_000
"""The port that an imagined peer comes from; any will do."""


class Options(CommandOptions):
    """What `sockreply explain` understands."""

    synopsis = "FILE [options] MESSAGE"
    longdesc = (
        "Shows whether each rule of a configuration file answers a message, why not if it does "
        "not, and what would be sent. Exits with 1 if no rule is certain to answer. With --wire, "
        "shows the messages that the framing finds in the bytes, and what an incomplete one still "
        "lacks; exits with 1 unless each message is answered and nothing is left over. Escapes in "
        "MESSAGE are not interpreted. Options may come anywhere before --."
    )
    optFlags: ClassVar[Sequence[Sequence[str | None]]] = [
        ["hex", None, "The message is given as hexadecimal digits."],
        [
            "wire",
            None,
            "The message is bytes as on the wire, for the framing to split.",
        ],
        ["tls", None, "The connection is over TLS."],
    ]
    optParameters: ClassVar[Sequence[Sequence[Any]]] = [
        parameter("service", None, None, "Which service, if the file has several.", str),
        parameter("state", None, None, "The connection's state. [default: the initial one]", str),
        parameter("peer", None, "127.0.0.1", "The address that the message comes from.", str),
        parameter(
            "local",
            None,
            None,
            "What the client connected to, as HOST:PORT. [default: the first listener]",
            str,
        ),
        parameter("sni", None, None, "It is over TLS, and the client asked for this name.", str),
        parameter(
            "subject", None, None, "It is over TLS, with a client certificate for this.", str
        ),
    ]

    arguments = ("FILE", "MESSAGE")

    file = ""
    message = b""
    escape: str | None = None
    """What looks like an escape in the message, and is not read as one."""

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
        self.escape = seeming_escape(message)


def run(options: Options) -> int:
    """Print the explanation; the exit status.

    Raises:
        ConfigError: There is nothing to explain; see `explained`.
        CannotPrint: Standard output does not take it.
    """
    subject = subject_of(
        options.file, options["service"], options["state"], options["peer"], options["local"]
    )
    subject = replace(subject, tls=_tls(options))
    if options["wire"]:
        lines, answered = wire_explained(subject, options.message)
    else:
        explanation = explained(subject, options.message)
        lines, answered = list(explanation.lines()), explanation.answered
        framing = subject.framing_in(subject.state)
        if not answered and not _is_carried(options.message, framing):
            lines.append(
                f"note: framing {framing.name} hands out no such message; "
                "--wire says what it makes of bytes"
            )
    if not answered and options.escape is not None:
        lines.append(f"note: {taken_as_it_is(options.escape)}")
    print_lines(lines)
    return 0 if answered else 1


def explained(subject: Subject, message: bytes) -> Explanation:
    """Which rule answers a message, and with what; or why none does.

    Args:
        subject: The service.
        message: Without what frames it.

    Raises:
        ConfigError: Code answers that cannot explain itself, or the message is too long.
    """
    if len(message) > (most := subject.service.limits.max_message):
        raise ConfigError(
            f"services.{subject.name}: the message has {len(message)} bytes, which is more than "
            f"max_message = {most}"
        )
    explanation = subject.explain(message)
    if explanation is None:
        raise ConfigError(f"services.{subject.name}: code answers, not rules")
    return explanation


def subject_of(
    path: str,
    service: str | None = None,
    state: str | None = None,
    peer: str = "127.0.0.1",
    local: str | None = None,
) -> Subject:
    """The service of a file that is asked about.

    Args:
        path: Of the file.
        service: The name of the service; not needed if there is one.
        state: The state of the connection on which messages would come; None: the initial one.
        peer: The IP address that they would come from.
        local: What that would have connected to, as HOST:PORT; None: the service's first listener.

    Raises:
        ConfigError: The file is wrong, or has no such service, or that has no such state.
    """
    settings = read(Path(path))
    name = _one_service(settings, service)
    asked = settings.services[name]
    if state is not None:
        known = optional(asked.responder, "states")
        if known is None:
            raise ConfigError(f"--state: services.{name}: code answers, which has no states")
        if state not in (states := known()):
            raise ConfigError(f"--state: {quoted(state)} is not one of {', '.join(states)}")
    where = _first_listener(asked) if local is None else _local(local)
    return Subject(name, asked, _peer(peer), state, local=where)


def _is_carried(message: bytes, framing: Framing) -> bool:
    try:
        return is_carried(message, framing)
    except CannotFrame:
        return False


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


def _tls(options: Options) -> TLS | None:
    sni, subject = options["sni"], options["subject"]
    if not options["tls"] and sni is None and subject is None:
        return None
    return imagined_tls(sni or "", subject or "")


def _local(text: str) -> IAddress:
    host, _, port = text.rpartition(":")
    try:
        ip = ip_address(host.removeprefix("[").removesuffix("]"))
        if host != (f"[{ip}]" if ip.version == 6 else str(ip)):
            raise ValueError(host)
        return _on(ip, whole(0, 65535)(port))
    except (ValueError, ConfigError):
        example = "127.0.0.1:12345 or [::1]:12345"
        raise ConfigError(
            f"--local: {quoted(text)} is not HOST:PORT, for example {example}"
        ) from None


def _first_listener(service: ServiceSettings) -> IAddress:
    """What clients on the same machine connect to."""
    endpoint = service.listen[0].endpoint
    if is_unix(endpoint):
        return UNIXAddress(None)
    address = address_of(endpoint)
    if address.port is None:
        return LOCAL
    try:
        ip = ip_address(address.interface)
    except ValueError:  # a name; only the system knows its address
        ip = ip_address(LOCAL.host)
    if ip.is_unspecified:  # all addresses, one of which is the loopback's
        ip = ip_address(LOCAL.host if ip.version == 4 else "::1")
    return _on(ip, address.port)


def _on(ip: IPv4 | IPv6, port: int) -> IPv4Address | IPv6Address:
    return (IPv4Address if ip.version == 4 else IPv6Address)("TCP", str(ip), port)


def _peer(text: str) -> IPv4Address | IPv6Address:
    try:
        return _on(ip_address(text), PEER_PORT)
    except ValueError:
        raise ConfigError(f"--peer: {quoted(text)} is not an IP address") from None

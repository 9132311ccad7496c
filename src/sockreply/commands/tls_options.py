"""The options of `sockreply send` that are about TLS."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.python import usage

from sockreply.client import ClientTLS, client_context
from sockreply.client.starttls import KINDS, Exchange, asking_with
from sockreply.commands.options import DEFAULT_INTERFACE, file_path, hexadecimal, parameter
from sockreply.errors import CannotFrame, ConfigError
from sockreply.framing import Framing

FLAGS: Sequence[Sequence[str | None]] = [
    ["tls", None, "Speak TLS, and verify the server's certificate and name."],
    ["insecure", None, "Speak TLS with whoever answers: verify neither certificate nor name."],
]

PARAMETERS: Sequence[Sequence[Any]] = [
    parameter(
        "starttls",
        None,
        None,
        "Begin in clear, and ask for TLS in the way of "
        f"{', '.join(list(KINDS)[:-1])} or {list(KINDS)[-1]}; or with this message, "
        "which any reply accepts.",
        str,
    ),
    parameter("ca", None, None, "Trust these authorities, in PEM, and no others.", file_path),
    parameter("cert", None, None, "Present this certificate, in PEM.", file_path),
    parameter("key", None, None, "The private key of --cert, if in another file.", file_path),
    parameter(
        "server-name",
        None,
        None,
        "The server's name, to ask for and to verify. [default: host]",
        str,
    ),
]

_HOST = re.compile(r"(?:tcp|tcp6|host):(?:host=)?((?:[^:\\]|\\.)+)")


def read_tls(
    options: Mapping[str, Any], framing: Framing, greeted: Callable[[bytes], object]
) -> ClientTLS | None:
    """The TLS that the options ask for.

    Args:
        options: Those of `sockreply send`.
        framing: The server's.
        greeted: Called with a first message that comes in clear; see `greets_in_clear`.

    Raises:
        UsageError: They cannot be combined, or lack something.
        ConfigError: A file is not what it should be, or there can be no such name.
    """
    others = [name for name in ("ca", "cert", "key", "server-name") if options[name] is not None]
    if not options["tls"] and options["starttls"] is None:
        for name in [*others, *(["insecure"] if options["insecure"] else [])]:
            raise usage.UsageError(f"--{name} needs --tls or --starttls")
        return None
    if re.match("(?:tls|ssl):", options["to"] or "", re.IGNORECASE):
        raise usage.UsageError(f"{options['to']} has TLS of its own; with --tls, use tcp:HOST:PORT")
    if options["insecure"] and options["ca"] is not None:
        raise usage.UsageError("--insecure verifies nothing, so --ca has no effect")
    if options["key"] is not None and options["cert"] is None:
        raise usage.UsageError("--key needs --cert")
    return ClientTLS(
        _context(options), _server_name(options), _exchanges(options, framing, greeted)
    )


def _context(options: Mapping[str, Any]) -> Any:
    try:
        verify = not options["insecure"]
        trusted = None if options["ca"] is None else [options["ca"]]
        trusting = client_context(authorities=trusted, verify=verify)
    except ConfigError as error:
        raise ConfigError(f"--ca: {error}") from None
    try:
        if options["cert"] is None:
            return trusting
        return client_context(
            authorities=trusted,
            certificate=options["cert"],
            key=options["key"],
            verify=verify,
        )
    except ConfigError as error:
        raise ConfigError(f"--{'cert' if options['key'] is None else 'key'}: {error}") from None


def _server_name(options: Mapping[str, Any]) -> str | None:
    if options["server-name"] is not None:
        return str(options["server-name"])
    if options["to"] is None:
        return str(options["host"] or DEFAULT_INTERFACE)
    found = _HOST.match(options["to"])
    if found is not None:
        return re.sub(r"\\(.)", r"\1", found[1])
    if options["insecure"]:
        return None
    raise usage.UsageError(
        f"--server-name is needed, because {options['to']} names no host to verify"
    )


def greets_in_clear(options: Mapping[str, Any]) -> bool:
    """Whether the server's first message is a greeting before TLS, to be read and printed there."""
    asks = options["starttls"]
    return bool(options["greeting"]) and asks is not None and asks not in KINDS


def _exchanges(
    options: Mapping[str, Any], framing: Framing, greeted: Callable[[bytes], object]
) -> Sequence[Exchange]:
    """What is said before TLS."""
    asks = options["starttls"]
    if asks is None:
        return ()
    if asks in KINDS:
        return KINDS[asks]
    if framing.one_message_each_way:
        raise usage.UsageError("--starttls: a connection of this framing carries one message")
    message = hexadecimal(asks) if options["hex"] else os.fsencode(asks)
    try:
        return tuple(asking_with(message, framing, greeted if options["greeting"] else None))
    except CannotFrame as error:
        raise usage.UsageError(f"--starttls: {error}") from None

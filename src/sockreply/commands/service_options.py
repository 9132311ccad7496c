"""The options that describe a service become its settings, where no file does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.endpoints import quoteStringArgument

from sockreply.commands.options import DEFAULT_INTERFACE, DEFAULT_PORT, fitting, option
from sockreply.errors import ConfigError
from sockreply.extensions import crashes_of
from sockreply.framing.interfaces import Framing
from sockreply.framing.registry import parse_framing
from sockreply.replies.builtin import TEXTBOOK_REPLY, Echo, FixedReply
from sockreply.replies.responder import Responder
from sockreply.server.port_ranges import expanded
from sockreply.settings import Limits, ListenerSettings, ServiceSettings, shown_as

_LIMITS = Limits()
_LIMIT_OPTIONS = ("idle-timeout", "max-connections", "max-message", "drain-timeout", "drain-delay")


def service_of(options: Mapping[str, Any]) -> ServiceSettings:
    """The settings of the one service that there is without a file.

    Args:
        options: The options' values by their names; None: not given.

    Raises:
        ConfigError: They cannot be, or cannot be combined; names the option.
    """
    framing = _framing(options)
    greeting = options["greeting"]
    asked = {
        name.replace("-", "_"): options[name]
        for name in _LIMIT_OPTIONS
        if options[name] is not None
    }
    return ServiceSettings(
        listen=_listen(options),
        framing=framing,
        responder=_responder(options, framing),
        shown_as=shown_as(options["show"], framing),
        keep_alive=bool(options["keep-alive"]),
        greeting=None if greeting is None else fitting("greeting", greeting, framing),
        limits=Limits(**asked),
        max_connections_asked=options["max-connections"] is not None,
    )


def _listen(options: Mapping[str, Any]) -> tuple[ListenerSettings, ...]:
    port, interface = options["port"], options["interface"]
    if options["listen"]:
        if port is not None or interface is not None:
            raise ConfigError("--listen cannot be combined with --port or --interface")
        written = options["listen"]
    else:
        where = quoteStringArgument(DEFAULT_INTERFACE if interface is None else interface)
        written = [f"tcp:{DEFAULT_PORT if port is None else port}:interface={where}"]
    return tuple(
        listener for endpoint in written for listener in expanded(ListenerSettings(endpoint))
    )


def _framing(options: Mapping[str, Any]) -> Framing:
    spec = "chunk" if options["framing"] is None else options["framing"]
    most = _LIMITS.max_message if options["max-message"] is None else options["max-message"]
    framing = option("framing", parse_framing)(spec)
    with crashes_of(f"--framing: framing {framing.name}"):
        try:
            framing.framer(most)
        except ConfigError:
            raise ConfigError(
                f"--framing: {spec} needs more than --max-message {most} allows"
            ) from None
    return framing


def _responder(options: Mapping[str, Any], framing: Framing) -> Responder:
    given = [name for name in ("reply", "echo", "responder") if options[name] not in (None, 0)]
    if len(given) > 1:
        raise ConfigError(f"--{given[0]} and --{given[1]} cannot be combined")
    if options["echo"]:
        return Echo()
    if options["responder"] is not None:
        from sockreply.replies.named import load_responder  # now, because few name one

        return load_responder(options["responder"])
    text = TEXTBOOK_REPLY.encode() if options["reply"] is None else options["reply"]
    return FixedReply(fitting("reply", text, framing))

"""twistd's options become settings, and settings a daemon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet.endpoints import quoteStringArgument
from twisted.python import usage

from sockreply.clocks import keep_steady
from sockreply.commands.options import (
    DEFAULT_INTERFACE,
    DEFAULT_PORT,
    CommandOptions,
    address,
    file_path,
    fitting,
    option,
    parameter,
    seconds,
)
from sockreply.commands.runners import log_without_waiting, refusal, why_no_output
from sockreply.daemon.daemon import Daemon
from sockreply.errors import ConfigError
from sockreply.extensions import crashes_of
from sockreply.framing.interfaces import Framing
from sockreply.framing.registry import FRAMING_NAMES, parse_framing
from sockreply.notation import SIZE_LIMIT, one_of, unescape, whole
from sockreply.replies.builtin import TEXTBOOK_REPLY, Echo, FixedReply
from sockreply.replies.responder import Responder
from sockreply.server.endpoint_address import on_loopback
from sockreply.settings import (
    Limits,
    ListenerSettings,
    LogSettings,
    ServiceSettings,
    Settings,
    shown_as,
)

DEFAULT_SERVICE = "default"

_LIMITS = Limits()
_SHOWN = one_of(text="text", hex="hex")
_LEVELS = one_of(debug="debug", info="info", warn="warn")
_FRAMINGS = ", ".join(FRAMING_NAMES) + " or an installed one, as NAME or NAME:key=value,..."
_ESCAPES = r"escapes: \r \n \t \0 \\ \, \xNN"
_LIMIT_OPTIONS = ("idle-timeout", "max-connections", "max-message", "drain-timeout", "drain-delay")
_BESIDE_CONFIG = ("port", "interface", "log-level", "json-log", "record", "metrics", "ready-file")
_RESPONDERS = "package.module:callable, or an installed NAME or NAME:key=value,..."


class Options(CommandOptions):
    """What `twistd sockreply`, `twist sockreply` and `sockreply serve` understand."""

    synopsis = "[options]"
    longdesc = (
        "Receives messages on a socket and answers them. Without options it answers on "
        f"{DEFAULT_INTERFACE}:{DEFAULT_PORT} as the textbook server does: one reply to the first "
        "message of a connection, which it then closes."
    )

    optFlags: ClassVar[Sequence[Sequence[str | None]]] = [
        ["echo", None, "Answer each message by sending it back."],
        ["keep-alive", "k", "Answer message after message instead of closing after the first."],
    ]

    optParameters: ClassVar[Sequence[Sequence[Any]]] = [
        parameter("port", "p", None, "TCP port; 0: a free one. [default: 12345]", whole(0, 65535)),
        parameter("interface", None, None, "Where to listen. [default: 127.0.0.1]", address),
        parameter(
            "framing",
            "f",
            None,
            f"How messages are told apart: {_FRAMINGS}. [default: chunk]",
            str,
        ),
        parameter("reply", None, None, f"The reply to every message; {_ESCAPES}.", unescape),
        parameter("responder", None, None, f"Code that answers: {_RESPONDERS}.", str),
        parameter(
            "greeting", None, None, f"Sent to each client as it connects; {_ESCAPES}.", unescape
        ),
        parameter(
            "idle-timeout",
            None,
            None,
            "Seconds without a message after which a connection is closed; 0: never. [default: 75]",
            seconds,
        ),
        parameter(
            "max-connections",
            None,
            None,
            "Most connections at a time; further ones wait in the kernel. [default: 10000]",
            whole(1, SIZE_LIMIT),
        ),
        parameter(
            "max-message",
            None,
            None,
            "Longest message accepted, in bytes. [default: 65536]",
            whole(1, SIZE_LIMIT),
        ),
        parameter(
            "drain-timeout",
            None,
            None,
            "Seconds that connections are given to finish when the daemon stops. [default: 30]",
            seconds,
        ),
        parameter(
            "drain-delay",
            None,
            None,
            "Seconds to carry on as before once the daemon is told to stop. [default: 0]",
            seconds,
        ),
        parameter(
            "show",
            None,
            None,
            "How logs show messages: text or hex. [default: hex with a binary length]",
            _SHOWN,
        ),
        parameter("log-level", None, None, "debug, info or warn. [default: info]", _LEVELS),
        parameter(
            "json-log", None, None, "Also log JSON lines to this file; -: stdout.", file_path
        ),
        parameter(
            "record", None, None, "Append everything received and sent to this file.", file_path
        ),
        parameter("metrics", None, None, "Endpoint for /metrics, /healthz and /readyz.", str),
        parameter(
            "ready-file",
            None,
            None,
            "Once the daemon listens, write its addresses to this file, as JSON.",
            file_path,
        ),
        parameter(
            "config",
            "c",
            None,
            "Read settings and rules from this file; options for ports, logs and the ready file "
            "override it.",
            file_path,
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []

    def opt_listen(self, endpoint: str) -> None:
        """A Twisted endpoint string, or udp:PORT; repeatable, but not with --port, --interface."""
        self["listen"].append(endpoint)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """As Twisted does it, but for what is wrong.

        Raises:
            WrongSettings: One line that names the option.
        """
        try:
            super().parseOptions(options)
            self._settings = self._from_words() if self["config"] is None else None
        except ConfigError as error:
            raise refusal(str(error), self.parent) from None
        except usage.UsageError as error:
            raise refusal(f"{error} (--help lists the options)", self.parent) from None

    def settings(self) -> Settings:
        """What the options, or the file that they name, ask for.

        Raises:
            ConfigError: The file is wrong; says where.
        """
        settings = self._from_file() if self._settings is None else self._settings
        if settings.log.json == "-" and (why := why_no_output(self.parent)):
            place = "--json-log" if settings.file is None else f"{settings.file}: log.json"
            raise ConfigError(f"{place}: {why}")
        return settings

    def postOptions(self) -> None:
        log_without_waiting(self.parent)
        if self["config"] is None:
            return
        flags = {flag for flag, *_ in self.optFlags}
        for name, value in self.items():
            given = bool(value) if name in {*flags, "listen"} else value is not None
            if given and name not in ("config", *_BESIDE_CONFIG):
                raise ConfigError(f"--config and --{name} cannot be combined")

    def _from_file(self) -> Settings:
        from sockreply.commands.overrides import Overrides  # now, because they take time
        from sockreply.config import read

        overrides = Overrides(
            port=self["port"],
            interface=self["interface"],
            level=self["log-level"],
            json=self._json_log(),
            record=self._path("record"),
            metrics=self._metrics(),
            ready_file=self._path("ready-file"),
        )
        settings = overrides.override(read(Path(self["config"])))
        return replace(settings, override=overrides.override)

    def _from_words(self) -> Settings:
        framing = self._framing()
        greeting = self["greeting"]
        asked = {
            name.replace("-", "_"): self[name] for name in _LIMIT_OPTIONS if self[name] is not None
        }
        return Settings(
            services={
                DEFAULT_SERVICE: ServiceSettings(
                    listen=self._listen(),
                    framing=framing,
                    responder=self._responder(framing),
                    shown_as=shown_as(self["show"], framing),
                    keep_alive=bool(self["keep-alive"]),
                    greeting=None if greeting is None else fitting("greeting", greeting, framing),
                    limits=Limits(**asked),
                    max_connections_asked=self["max-connections"] is not None,
                )
            },
            log=LogSettings(
                level=self["log-level"] or LogSettings.level,
                json=self._json_log(),
                record=self._path("record"),
            ),
            metrics=self._metrics(),
            ready_file=self._path("ready-file"),
        )

    def _json_log(self) -> str | None:
        return "-" if self["json-log"] == "-" else self._path("json-log")

    def _path(self, name: str) -> str | None:
        # Absolute, because twistd changes the directory.
        return None if self[name] is None else str(Path(self[name]).absolute())

    def _metrics(self) -> str | None:
        return None if self["metrics"] is None else option("metrics", on_loopback)(self["metrics"])

    def _listen(self) -> tuple[ListenerSettings, ...]:
        port, interface = self["port"], self["interface"]
        if self["listen"]:
            if port is not None or interface is not None:
                raise ConfigError("--listen cannot be combined with --port or --interface")
            return tuple(map(ListenerSettings, self["listen"]))
        port = DEFAULT_PORT if port is None else port
        where = quoteStringArgument(DEFAULT_INTERFACE if interface is None else interface)
        return (ListenerSettings(f"tcp:{port}:interface={where}"),)

    def _framing(self) -> Framing:
        spec = "chunk" if self["framing"] is None else self["framing"]
        most = _LIMITS.max_message if self["max-message"] is None else self["max-message"]
        framing = option("framing", parse_framing)(spec)
        with crashes_of(f"--framing: framing {framing.name}"):
            try:
                framing.framer(most)
            except ConfigError:
                raise ConfigError(
                    f"--framing: {spec} needs more than --max-message {most} allows"
                ) from None
        return framing

    def _responder(self, framing: Framing) -> Responder:
        given = [name for name in ("reply", "echo", "responder") if self[name] not in (None, 0)]
        if len(given) > 1:
            raise ConfigError(f"--{given[0]} and --{given[1]} cannot be combined")
        if self["echo"]:
            return Echo()
        if self["responder"] is not None:
            from sockreply.replies.named import load_responder  # now, for few name one

            return load_responder(self["responder"])
        text = TEXTBOOK_REPLY.encode() if self["reply"] is None else self["reply"]
        return FixedReply(fitting("reply", text, framing))


def makeService(options: Options) -> Daemon:
    """The daemon that the options ask for.

    Raises:
        WrongSettings: It cannot be: one line that names the place.
    """
    from twisted.internet import reactor  # now, for importing it chooses one

    keep_steady(reactor)
    try:
        return Daemon(reactor, options.settings())
    except ConfigError as error:
        raise refusal(str(error), options.parent) from None

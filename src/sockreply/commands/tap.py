"""twistd's options become settings, and settings a daemon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from twisted.python import usage

from sockreply.clocks import keep_steady
from sockreply.commands.options import (
    DEFAULT_INTERFACE,
    DEFAULT_PORT,
    CommandOptions,
    address,
    file_path,
    option,
    parameter,
    ports,
    seconds,
)
from sockreply.commands.runners import log_without_waiting, refusal, why_no_output
from sockreply.commands.service_options import service_of
from sockreply.daemon.daemon import Daemon
from sockreply.errors import ConfigError
from sockreply.framing.registry import FRAMING_NAMES
from sockreply.notation import SIZE_LIMIT, one_of, unescape, whole
from sockreply.server.endpoint_address import on_loopback
from sockreply.settings import LogSettings, Settings

DEFAULT_SERVICE = "default"

_SHOWN = one_of(text="text", hex="hex")
_LEVELS = one_of(debug="debug", info="info", warn="warn")
_FRAMINGS = (
    ", ".join(FRAMING_NAMES)
    + " or an installed one, as NAME or NAME:key=value,...; or module:callable"
)
_ESCAPES = r"escapes: \r \n \t \0 \\ \, \xNN"
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
        parameter(
            "port",
            "p",
            None,
            "TCP port, or a range such as 5901-5999; 0: a free one. [default: 12345]",
            ports,
        ),
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
        return Settings(
            services={DEFAULT_SERVICE: service_of(self)},
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

"""twistd's options become settings, and settings a daemon."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeVar

from twisted.application.service import IService
from twisted.internet.endpoints import quoteStringArgument
from twisted.python import usage

from sockreply.config.settings import LogSettings, ServiceSettings, Settings
from sockreply.daemon import Daemon
from sockreply.errors import CannotFrame, CannotStart, ConfigError
from sockreply.framing.interfaces import Framing
from sockreply.framing.notation import (
    FRAMING_NAMES,
    SIZE_LIMIT,
    one_of,
    parse_framing,
    quoted,
    unescape,
    whole,
)
from sockreply.replies.builtin import TEXTBOOK_REPLY, Echo, FixedReply
from sockreply.replies.named import load_responder
from sockreply.replies.responder import Responder
from sockreply.server.limits import Limits

DEFAULT_PORT = 12345
DEFAULT_INTERFACE = "127.0.0.1"

_LIMITS = Limits()
_LEVELS = one_of(debug="debug", info="info", warn="warn")
_FRAMINGS = ", ".join(FRAMING_NAMES) + ", as NAME or NAME:key=value,..."
_ESCAPES = r"knows \r \n \t \0 \\ \, \xNN"
_RESPONDERS = "package.module:callable, or an installed NAME or NAME:key=value,..."
_T = TypeVar("_T")


def seconds(text: str) -> float:
    """Reads a number of seconds, 0 or more."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ConfigError(f"{quoted(text)} is not a number of seconds")
    return number


def address(text: str) -> str:
    """Reads an address to listen on."""
    if not text:
        raise ConfigError("'' is no address; 0.0.0.0 stands for all")
    return text


def option(name: str, read: Callable[[str], _T]) -> Callable[[str], _T]:
    """Lets an option's errors begin with its name."""

    def read_option(text: str) -> _T:
        try:
            return read(text)
        except ConfigError as error:
            raise ConfigError(f"--{name}: {error}") from None

    return read_option


def fitting(name: str, text: bytes, framing: Framing) -> bytes:
    """What an option has all peers be sent, once it is known that the framing can carry it."""
    try:
        framing.frame(text)
    except CannotFrame as error:
        raise ConfigError(f"--{name}: {error}") from None
    return text


def parameter(name: str, short: str | None, default: object, text: str, read: Any) -> list[Any]:
    """A row of `optParameters`."""
    return [name, short, default, text, option(name, read)]


def show_version(_: usage.Options) -> NoReturn:
    """Print the version of sockreply."""
    print(f"sockreply {version('sockreply')}")
    raise SystemExit(0)


class Options(usage.Options):
    """What `twistd sockreply`, `twist sockreply` and `sockreply serve` understand."""

    synopsis = "[options]"
    longdesc = (
        "Receives messages on a socket and answers them. Without options it answers on "
        f"{DEFAULT_INTERFACE}:{DEFAULT_PORT} what the textbook server answers, and closes."
    )

    optFlags: ClassVar[Sequence[Sequence[str | None]]] = [
        ["echo", None, "Answer each message with itself."],
        ["keep-alive", "k", "Answer message after message instead of closing after the first."],
    ]

    optParameters: ClassVar[Sequence[Sequence[Any]]] = [
        parameter("port", "p", None, "TCP port, 0: a free one. [default: 12345]", whole(0, 65535)),
        parameter("interface", None, None, "Where to listen. [default: 127.0.0.1]", address),
        parameter("framing", "f", "chunk", f"How messages are told apart: {_FRAMINGS}.", str),
        parameter("reply", None, None, f"The reply to every message; {_ESCAPES}.", unescape),
        parameter("responder", None, None, f"Code that answers: {_RESPONDERS}.", str),
        parameter("greeting", None, None, f"Sent to who connects; {_ESCAPES}.", unescape),
        parameter(
            "idle-timeout",
            None,
            _LIMITS.idle_timeout,
            "Seconds without a message after which a connection is closed; 0: never.",
            seconds,
        ),
        parameter(
            "max-connections",
            None,
            None,
            "Connections at a time; more wait in the kernel. [default: 10000]",
            whole(1, SIZE_LIMIT),
        ),
        parameter(
            "max-message",
            None,
            _LIMITS.max_message,
            "Bytes that a message may have.",
            whole(1, SIZE_LIMIT),
        ),
        parameter(
            "drain-timeout",
            None,
            _LIMITS.drain_timeout,
            "Seconds that connections get to finish in when the daemon is told to stop.",
            seconds,
        ),
        parameter(
            "drain-delay",
            None,
            _LIMITS.drain_delay,
            "Seconds to go on as before when the daemon is told to stop.",
            seconds,
        ),
        parameter("log-level", None, "info", "debug, info or warn.", _LEVELS),
        parameter("json-log", None, None, "Log JSON lines to this file too; -: stdout.", str),
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []

    def opt_listen(self, endpoint: str) -> None:
        """A Twisted endpoint string to listen on; may be repeated, excludes --port, --interface."""
        self["listen"].append(endpoint)

    opt_h = usage.Options.opt_help
    opt_version = show_version

    def parseArgs(self, *words: str) -> None:
        if words:
            raise usage.UsageError(f"{quoted(words[0])} is not an option")

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """As Twisted does it, but for what is wrong.

        Raises:
            CannotStart: One line that names the option.
        """
        try:
            super().parseOptions(options)
            self.settings = self._settings()
        except ConfigError as error:
            raise CannotStart(str(error)) from None
        except usage.UsageError as error:
            raise CannotStart(f"{error} (--help lists the options)") from None

    def _settings(self) -> Settings:
        asked = self["max-connections"]
        json = self["json-log"]
        framing = self._framing()
        greeting = self["greeting"]
        parent: Mapping[str, Any] = self.parent or {}
        if json == "-" and parent.get("nodaemon") == 0:
            raise ConfigError("--json-log: a daemon has no standard output")
        return Settings(
            service=ServiceSettings(
                listen=self._listen(),
                framing=framing,
                responder=self._responder(framing),
                keep_alive=bool(self["keep-alive"]),
                greeting=None if greeting is None else fitting("greeting", greeting, framing),
                limits=Limits(
                    idle_timeout=self["idle-timeout"],
                    drain_timeout=self["drain-timeout"],
                    drain_delay=self["drain-delay"],
                    max_message=self["max-message"],
                    max_connections=_LIMITS.max_connections if asked is None else asked,
                ),
                max_connections_asked=asked is not None,
            ),
            log=LogSettings(
                level=self["log-level"],
                json=json if json in (None, "-") else str(Path(json).absolute()),
            ),
        )

    def _listen(self) -> tuple[str, ...]:
        port, interface = self["port"], self["interface"]
        if self["listen"]:
            if port is not None or interface is not None:
                raise ConfigError("--listen excludes --port and --interface")
            return tuple(self["listen"])
        port = DEFAULT_PORT if port is None else port
        where = quoteStringArgument(DEFAULT_INTERFACE if interface is None else interface)
        return (f"tcp:{port}:interface={where}",)

    def _framing(self) -> Framing:
        spec, most = self["framing"], self["max-message"]
        framing = option("framing", parse_framing)(spec)
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
            raise ConfigError(f"--{given[0]} and --{given[1]} exclude each other")
        if self["echo"]:
            return Echo()
        if self["responder"] is not None:
            return load_responder(self["responder"])
        text = TEXTBOOK_REPLY.encode() if self["reply"] is None else self["reply"]
        return FixedReply(fitting("reply", text, framing))


def makeService(options: Options) -> IService:
    """The daemon that the options ask for.

    Raises:
        CannotStart: It cannot be: one line that names the place.
    """
    from twisted.internet import reactor  # now, for importing it chooses one

    try:
        return Daemon(reactor, options.settings)
    except ConfigError as error:
        raise CannotStart(str(error)) from None

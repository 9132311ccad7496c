"""What is measured: sockreply as it is set up for users, and its peers."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.rules import rules, template

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sysconfig.get_path("scripts"))
MAX_CONNECTIONS = "11000"
PONG = b"+PONG\r\n"

REDIS_SETTLES = 15.0
"""Redis shrinks the buffers of clients that are quiet for two seconds, and not all at once."""

OURS = "sockreply"
REDIS = "redis"


@dataclass(frozen=True)
class Place:
    """Where a server runs.

    Args:
        port: Of 127.0.0.1.
        files: The directory for what it reads and writes, with the two files below.
    """

    port: int
    files: Path

    @property
    def certificate(self) -> Path:
        """A key and its certificate, in PEM."""
        return self.files / "certificate.pem"

    @property
    def c_program(self) -> Path:
        """peers/c_epoll.c, compiled."""
        return self.files / "c_epoll"


@dataclass(frozen=True)
class Server:
    """One row of the tables.

    Args:
        title: As the tables have it.
        command: How it is started, in the foreground.
        works: What is measured of it: names of `works.WORKS`.
        reply: What it answers to `PING`, with the line's end.
        tls: Does it speak TLS?
        settle_seconds: In which it gives memory back that connections took while they asked.
    """

    title: str
    command: Callable[[Place], list[str]]
    works: tuple[str, ...]
    reply: bytes = PONG
    tls: bool = False
    settle_seconds: float = 0.0


def _c_epoll(place: Place) -> list[str]:
    return [str(place.c_program), str(place.port)]


def _python(module: str, place: Place) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.peers.{module}", str(place.port)]


def _redis(place: Place, *, tls: bool = False) -> list[str]:
    """Redis, which saves nothing."""
    listen = ["--port", str(place.port)]
    if tls:
        file = str(place.certificate)
        listen = ["--port", "0", "--tls-port", str(place.port), "--tls-auth-clients", "no"]
        listen += ["--tls-cert-file", file, "--tls-key-file", file, "--tls-ca-cert-file", file]
    return [
        *("redis-server", *listen, "--bind", "127.0.0.1", "--maxclients", MAX_CONNECTIONS),
        *("--save", "", "--appendonly", "no", "--dir", str(place.files)),
    ]


def _sockreply(place: Place, *, level: str = "warn", tls: bool = False) -> list[str]:
    """The daemon, with all the limits and counts that it has by default."""
    listen = f"tcp:{place.port}:interface=127.0.0.1"
    if tls:
        file = place.certificate
        listen = f"ssl:{place.port}:interface=127.0.0.1:privateKey={file}:certKey={file}"
    return [
        *(str(SCRIPTS / "sockreply"), "serve", "--listen", listen),
        *("--framing", "line:ending=crlf", "--keep-alive", "--reply", "+PONG"),
        *("--max-connections", MAX_CONNECTIONS, "--log-level", level),
    ]


def _configured(text: Callable[[int], str], place: Place) -> list[str]:
    file = place.files / f"{place.port}.toml"
    file.write_text(text(place.port))
    return [str(SCRIPTS / "sockreply"), "serve", "--config", str(file)]


def _twistd_sockreply(place: Place) -> list[str]:
    words = ["--framing", "line:ending=crlf", "--keep-alive", "--reply", "+PONG"]
    return [*_TWISTD, "sockreply", "--port", str(place.port), *words]


def _twistd_alone(place: Place) -> list[str]:
    path = f"PYTHONPATH={ROOT}:{ROOT / 'benchmarks' / 'peers' / 'plugin'}"
    return ["env", path, *_TWISTD, "benchmark-pong", "--port", str(place.port)]


def _twistd_file(place: Place) -> list[str]:
    environment = [f"PYTHONPATH={ROOT}", f"PORT={place.port}"]
    return ["env", *environment, *_TWISTD, "-y", str(ROOT / "benchmarks" / "peers" / "pong.tac")]


_TWISTD = (str(SCRIPTS / "twistd"), "-n", "--pidfile=")
_ALL = (
    *("one", "pipelined", "single", "single pipelined", "reconnecting"),
    *("beside idle", "memory"),
)
_FLOODED = (*_ALL, "beside flood")
_BOTH = ("one", "pipelined")
_TLS = (*_BOTH, "reconnecting")

PEERS = {
    "c": Server("C, epoll", _c_epoll, _ALL),
    REDIS: Server("Redis", _redis, _FLOODED, settle_seconds=REDIS_SETTLES),
    "uvloop": Server("uvloop `Protocol`", partial(_python, "uvloop_protocol"), _ALL),
    "asyncio": Server("asyncio `Protocol`", partial(_python, "asyncio_protocol"), _FLOODED),
    "streams": Server("asyncio streams", partial(_python, "asyncio_streams"), _ALL),
    "twisted": Server("Twisted `Protocol`", partial(_python, "twisted_protocol"), _FLOODED),
    "lines": Server("Twisted `LineReceiver`", partial(_python, "twisted_lines"), _ALL),
    OURS: Server("**sockreply**", _sockreply, _FLOODED),
}
"""Who is compared with whom."""

VARIANTS = {
    "rules-1": Server("… with 1 rule", partial(_configured, partial(rules, 1)), _BOTH),
    "rules-100": Server("… with 100 rules", partial(_configured, partial(rules, 100)), ("one",)),
    "rules-1000": Server("… with 1,000 rules", partial(_configured, partial(rules, 1000)), _BOTH),
    "rules-10000": Server(
        "… with 10,000 rules", partial(_configured, partial(rules, 10_000)), ("one",)
    ),
    "template": Server("… with a template", partial(_configured, template), _BOTH, b"+PING\r\n"),
    "log": Server("… with the exchange log", partial(_sockreply, level="info"), _BOTH),
    "tls": Server("… with TLS", partial(_sockreply, tls=True), _TLS, tls=True),
    "redis-tls": Server("Redis with TLS", partial(_redis, tls=True), _TLS, tls=True),
    "twistd": Server("`twistd sockreply`", _twistd_sockreply, ("start",)),
    "twistd-alone": Server("`twistd` with an empty service", _twistd_alone, ("start",)),
    "twistd-file": Server("`twistd -y` with an empty service", _twistd_file, ("start",)),
}
"""The daemon set up in other ways, and what those are compared with."""

SERVERS = {**PEERS, **VARIANTS}
"""By the names that samples and the command line have."""

BEFORE = "before-"
"""What the names of the other build's servers begin with; ours follow."""


def other_build(scripts: Path) -> dict[str, Server]:
    """The daemon as another build has it, so that two builds can be compared in one run.

    Args:
        scripts: The directory of that build's commands: `bin` of its environment.
    """

    def from_there(server: Server) -> Server:
        def command(place: Place) -> list[str]:
            return [word.replace(str(SCRIPTS), str(scripts), 1) for word in server.command(place)]

        return replace(server, title=f"{server.title} (the other build)", command=command)

    names = (OURS, "rules-1", "rules-1000", "template", "log", "tls", "twistd")
    return {f"{BEFORE}{name}": from_there(SERVERS[name]) for name in names}

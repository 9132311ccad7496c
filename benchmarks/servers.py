"""What is measured: sockreply as it is set up for users, and its peers."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.rules import rules, template

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sysconfig.get_path("scripts"))
MAX_CONNECTIONS = "11000"
PONG = b"+PONG\r\n"

OURS = "sockreply"
REDIS = "redis"


@dataclass(frozen=True)
class Place:
    """Where a server runs.

    Args:
        port: Of 127.0.0.1.
        directory: For files of its own.
        certificate: A key and its certificate, in PEM.
        c_program: peers/c_epoll.c, compiled.
    """

    port: int
    directory: Path
    certificate: Path
    c_program: Path


@dataclass(frozen=True)
class Server:
    """One row of the tables.

    Args:
        title: As the tables have it.
        command: How it is started, in the foreground.
        works: What is measured of it: names of `run.LOADS`, and `run.MEMORY` or `run.START`.
        reply: What it answers to `PING`, with the line's end.
        tls: Does it speak TLS?
    """

    title: str
    command: Callable[[Place], list[str]]
    works: tuple[str, ...]
    reply: bytes = PONG
    tls: bool = False


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
        *("--save", "", "--appendonly", "no", "--dir", str(place.directory)),
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
    file = place.directory / f"{place.port}.toml"
    file.write_text(text(place.port))
    return [str(SCRIPTS / "sockreply"), "serve", "--config", str(file)]


def _twistd_sockreply(place: Place) -> list[str]:
    return [
        *(str(SCRIPTS / "twistd"), "-n", "--pidfile=", "sockreply", "--port", str(place.port)),
        *("--framing", "line:ending=crlf", "--keep-alive", "--reply", "+PONG"),
    ]


def _twistd_alone(place: Place) -> list[str]:
    path = f"PYTHONPATH={ROOT}:{ROOT / 'benchmarks' / 'peers' / 'plugin'}"
    words = ["-n", "--pidfile=", "benchmark-pong", "--port", str(place.port)]
    return ["env", path, str(SCRIPTS / "twistd"), *words]


_ALL = ("one", "pipelined", "single", "single pipelined", "reconnecting", "beside idle", "memory")

SERVERS = {
    "c": Server("C, epoll", _c_epoll, _ALL),
    REDIS: Server("Redis", _redis, _ALL),
    "uvloop": Server("uvloop `Protocol`", partial(_python, "uvloop_protocol"), _ALL),
    "asyncio": Server("asyncio `Protocol`", partial(_python, "asyncio_protocol"), _ALL),
    "streams": Server("asyncio streams", partial(_python, "asyncio_streams"), _ALL),
    "twisted": Server("Twisted `Protocol`", partial(_python, "twisted_protocol"), _ALL),
    "lines": Server("Twisted `LineReceiver`", partial(_python, "twisted_lines"), _ALL),
    OURS: Server("**sockreply**", _sockreply, _ALL),
    "rules-1": Server("a rule", partial(_configured, partial(rules, 1)), ("one", "pipelined")),
    "rules-100": Server("the last of 100 rules", partial(_configured, partial(rules, 100)), ("one",)),
    "rules-1000": Server(
        "the last of 1,000 rules",
        partial(_configured, partial(rules, 1_000)),
        ("one", "pipelined"),
    ),
    "rules-10000": Server(
        "the last of 10,000 rules", partial(_configured, partial(rules, 10_000)), ("one",)
    ),
    "template": Server(
        "a template", partial(_configured, template), ("one", "pipelined"), reply=b"+PING\r\n"
    ),
    "log": Server("the exchange log", partial(_sockreply, level="info"), ("one", "pipelined")),
    "tls": Server("TLS", partial(_sockreply, tls=True), ("one", "pipelined"), tls=True),
    "redis-tls": Server("Redis, TLS", partial(_redis, tls=True), ("one", "pipelined"), tls=True),
    "twistd": Server("`twistd sockreply`", _twistd_sockreply, ("start",)),
    "twistd-alone": Server("`twistd`, nothing but a `Protocol`", _twistd_alone, ("start",)),
}

"""HAProxy before two daemons, each of which may go while the other one serves."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.clients import connect_unix, read_all
from tests.end_to_end.waiting import eventually

CONFIGURATION = """
global
    stats socket {stats} mode 600 level user

defaults
    mode tcp
    timeout connect 2s
    timeout client 20s
    timeout server 20s
    timeout check 5s
    retries 3
    option redispatch 1

frontend front
    bind fd@{listener}
    default_backend back

backend back
    {check}
    default-server check inter 100ms fall 1 rise 1
"""
"""A connection that a server refuses is tried again with the other one; one that it took is not."""


@dataclass(frozen=True)
class Place:
    """Where a daemon listens.

    Args:
        name: HAProxy's for it.
        port: On 127.0.0.1.
        checked: The port on which it tells whether it is ready; None: being there is enough.
    """

    name: str
    port: int
    checked: int | None = None


class Balancer:
    """HAProxy that runs.

    Args:
        port: Where it listens.
        stats: Its socket for questions.
    """

    def __init__(self, port: int, stats: Path) -> None:
        self.port = port
        self._stats = stats

    def wait_until(self, name: str, status: str) -> None:
        """Wait until HAProxy takes a server for UP or DOWN."""
        eventually(lambda: self._status(name) == status, lambda: self._status(name))

    def _status(self, name: str) -> str:
        with connect_unix(str(self._stats)) as client:
            client.sendall(b"show stat\n")
            heads, *rows = read_all(client).decode().removeprefix("# ").splitlines()
        column = heads.split(",").index("status")
        found = [row.split(",")[column] for row in rows if row.startswith(f"back,{name},")]
        return found[0].split()[0] if found else "nothing"


@contextmanager
def balancer(directory: Path, places: Sequence[Place]) -> Iterator[Balancer]:
    """Let HAProxy run before some daemons."""
    stats, file = directory / "haproxy.sock", directory / "haproxy.cfg"
    check = "option httpchk GET /readyz" if places[0].checked else ""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        number = listener.fileno()
        text = CONFIGURATION.format(stats=stats, listener=number, check=check)
        for place in places:
            port = f" port {place.checked}" if place.checked else ""
            text += f"    server {place.name} 127.0.0.1:{place.port}{port}\n"
        file.write_text(text)
        process = subprocess.Popen(["haproxy", "-db", "-f", str(file)], pass_fds=[number])
        try:
            eventually(stats.exists)
            yield Balancer(listener.getsockname()[1], stats)
        finally:
            process.kill()
            process.wait()

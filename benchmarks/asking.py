"""A client of the harness's own: are the replies of a server the right ones?"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.errors import BenchmarkError

REQUEST = b"PING\r\n"
PIPELINED = 64
CUT = (b"P", b"ING\r", b"\nPING\r\nPIN", b"G\r\n")
"""Three requests, cut in a word and in a line's end."""
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.01
"""Long enough for pieces to be read one by one, and for what should not come to come."""


class Connection(Protocol):
    """What is needed of a socket."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""

    def recv(self, most: int, /) -> bytes:
        """Some bytes, or none when the peer has closed."""


@dataclass(frozen=True)
class Asker:
    """Asks a server on a port of 127.0.0.1.

    Args:
        port: Where it is.
        reply: What it has to answer to `PING`, with the line's end.
        certificate: Whom to trust, where it speaks TLS.
    """

    port: int
    reply: bytes
    certificate: Path | None = None

    def answers(self) -> bool:
        """Is it there?

        Raises:
            BenchmarkError: It is, and answers something else.
        """
        try:
            connection = self._connect()
        except OSError:
            return False
        with closing(connection):
            exchange(connection, [REQUEST], self.reply)
        return True

    def check(self) -> None:
        """See that pipelined and cut requests get their replies, and nothing else.

        Raises:
            BenchmarkError: They do not.
        """
        try:
            with closing(self._connect()) as connection:
                exchange(connection, [REQUEST * PIPELINED], self.reply * PIPELINED)
                exchange(connection, CUT, self.reply * b"".join(CUT).count(REQUEST))
                connection.settimeout(PAUSE_SECONDS)
                _expect_nothing(connection)
        except OSError as error:
            raise BenchmarkError(f"does not answer: {error}") from error

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.certificate is None:
            return connection
        context = ssl.create_default_context(cafile=str(self.certificate))
        return context.wrap_socket(connection, server_hostname="localhost")


def exchange(connection: Connection, pieces: Sequence[bytes], expected: bytes) -> None:
    """Send requests, and see that these replies come.

    Raises:
        BenchmarkError: Others do, or too few.
    """
    for piece in pieces[:-1]:
        connection.sendall(piece)
        time.sleep(PAUSE_SECONDS)
    connection.sendall(pieces[-1])
    received = b""
    while len(received) < len(expected):
        more = connection.recv(len(expected) - len(received))
        if not more:
            break
        received += more
    if received != expected:
        raise BenchmarkError(f"answers {received[:200]!r}, not {expected[:200]!r}")


def _expect_nothing(connection: Connection) -> None:
    try:
        more = connection.recv(1)
    except TimeoutError:
        return
    raise BenchmarkError(f"answers {more!r} without being asked" if more else "closes unasked")

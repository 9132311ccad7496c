"""A client of the harness's own: are the replies of a server the right ones?"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError

REQUEST = b"PING\r\n"
PIECES = (b"P", b"ING\r", b"\nPING\r\nPIN", b"G\r\n")
"""Three requests, cut in the middle of a word, of a line end, and of neither."""
PIPELINED = 64
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.01
"""Long enough for pieces to be read one by one, and for what should not come to come."""


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
        """Is it there, and answers the first request rightly?

        Raises:
            BenchmarkError: Something else came.
        """
        try:
            connection = self._connect()
        except OSError:
            return False
        with closing(connection):
            self._exchange(connection, [REQUEST], 1)
        return True

    def check(self) -> None:
        """See that pipelined and cut requests get as many replies, and these bytes only.

        Raises:
            BenchmarkError: They do not.
        """
        try:
            with closing(self._connect()) as connection:
                self._exchange(connection, [REQUEST], 1)
                self._exchange(connection, [REQUEST * PIPELINED], PIPELINED)
                self._exchange(connection, PIECES, b"".join(PIECES).count(REQUEST))
                connection.settimeout(PAUSE_SECONDS)
                try:
                    more = connection.recv(1)
                except TimeoutError:
                    return
                raise BenchmarkError(f"{more!r} came unasked" if more else "closed unasked")
        except OSError as error:
            raise BenchmarkError(f"does not answer: {error}") from error

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.certificate is None:
            return connection
        context = ssl.create_default_context(cafile=str(self.certificate))
        return context.wrap_socket(connection, server_hostname="localhost")

    def _exchange(
        self, connection: socket.socket, pieces: list[bytes] | tuple[bytes, ...], replies: int
    ) -> None:
        for piece in pieces:
            connection.sendall(piece)
            if len(pieces) > 1:
                time.sleep(PAUSE_SECONDS)
        expected = self.reply * replies
        received = b""
        while len(received) < len(expected):
            more = connection.recv(len(expected) - len(received))
            if not more:
                break
            received += more
        if received != expected:
            raise BenchmarkError(f"{replies} requests were answered with {received[:200]!r}")

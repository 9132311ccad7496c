"""The client that checks replies."""

from __future__ import annotations

import pytest

from benchmarks.asking import CUT, REQUEST, exchange
from benchmarks.errors import BenchmarkError


class Script:
    """A connection whose peer says this, some bytes a read."""

    def __init__(self, says: bytes, at_a_time: int = 3) -> None:
        self.sent = b""
        self._says = says
        self._at_a_time = at_a_time

    def sendall(self, data: bytes, /) -> None:
        self.sent += data

    def recv(self, most: int, /) -> bytes:
        size = min(most, self._at_a_time)
        told, self._says = self._says[:size], self._says[size:]
        return told


def test_right_replies_are_taken_however_they_come() -> None:
    """All pieces are sent, and all replies put together."""
    connection = Script(b"+PONG\r\n" * 3)
    exchange(connection, CUT, b"+PONG\r\n" * 3)
    assert connection.sent == REQUEST * 3


@pytest.mark.parametrize(
    "says", [b"+PONG\r\n", b"", b"+PONG\n+PONG\n..", b"+PONG\r\n+PANG\r\n", b"-ERR\r\n-ERR\r\n.."]
)
def test_wrong_replies_are_an_error(says: bytes) -> None:
    """Too few, none, other bytes."""
    with pytest.raises(BenchmarkError, match="answers b"):
        exchange(Script(says), [REQUEST * 2], b"+PONG\r\n" * 2)

"""Responders that await what is asyncio's."""

from __future__ import annotations

import pytest

from tests.end_to_end.clients import ask, connect, reset
from tests.end_to_end.daemons import RESPONDERS, Start

ON_ASYNCIO = ("twistd", "--reactor=asyncio", "-n", "--pidfile=", "sockreply")


@pytest.mark.parametrize("name", ["with_asyncio", "sleeping", "with_twisted"])
def test_under_the_asyncio_reactor(start_daemon: Start, name: str) -> None:
    """There a coroutine may await Deferreds and what is asyncio's, in any order."""
    daemon = start_daemon("--responder", f"{RESPONDERS}:{name}", runner=ON_ASYNCIO)
    assert ask(daemon.port, b"hello") == b"hello"
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


def test_what_fails_under_the_asyncio_reactor(start_daemon: Start) -> None:
    """An error costs the connection, and is logged with the line that raised it."""
    daemon = start_daemon("--responder", f"{RESPONDERS}:failing_later", runner=ON_ASYNCIO)
    assert ask(daemon.port) == b""
    daemon.wait_for("LookupError: no such thing")
    assert daemon.stop() == 0


def test_what_a_peer_waits_for_that_leaves(start_daemon: Start) -> None:
    """A peer that leaves cancels what its reply awaits, as it does with a Deferred."""
    daemon = start_daemon("--responder", f"{RESPONDERS}:for_ever", runner=ON_ASYNCIO)
    with connect(daemon.port) as client:
        client.sendall(b"hello")
        daemon.wait_for("received")
        reset(client)
    daemon.wait_for("cancelled")
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


def test_under_another_reactor(start_daemon: Start) -> None:
    """Elsewhere one line says what it takes, without a traceback."""
    daemon = start_daemon("--responder", f"{RESPONDERS}:sleeping")
    assert ask(daemon.port) == b""
    daemon.wait_for(
        "gets no reply: the responder awaits something from asyncio, which only works under "
        "`twistd --reactor asyncio` or `twist --reactor asyncio`"
    )
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.log

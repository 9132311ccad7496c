"""What a daemon does where there are few file descriptors."""

from __future__ import annotations

from tests.end_to_end.clients import TEXTBOOK_REPLY, ask, connect
from tests.end_to_end.daemons import RESPONDERS, Start, with_open_files


def test_default_limit_is_lowered_to_what_fits(start_daemon: Start) -> None:
    """A default of connections that does not fit the limit on open files is lowered, and said."""
    daemon = start_daemon(under=with_open_files(100, 100))
    assert ask(daemon.port) == TEXTBOOK_REPLY
    assert "at most 36 connections: the limit on open files allows no more\n" in daemon.log


def test_clients_beyond_the_lowered_limit_wait(start_daemon: Start) -> None:
    """Where 36 connections fit, 60 clients at once are served all the same."""
    daemon = start_daemon("--responder", f"{RESPONDERS}:Crowd", under=with_open_files(100, 100))
    clients = [connect(daemon.port) for _ in range(60)]
    try:
        for client in clients:
            client.sendall(b"hello")
        most = [int(client.recv(10)) for client in clients]
    finally:
        for client in clients:
            client.close()
    assert len(most) == 60
    assert max(most) <= 36
    assert "cannot accept" not in daemon.log


def test_soft_limit_is_raised_to_the_hard_one(start_daemon: Start) -> None:
    """What fits the hard limit only is possible: the soft one is raised."""
    daemon = start_daemon("--max-connections", "200", under=with_open_files(100, 500))
    assert ask(daemon.port) == TEXTBOOK_REPLY

"""SIGTERM: what has come is answered, nothing more is taken, and the exit status is 0."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from tests.end_to_end.clients import TEXTBOOK_REPLY, ask, connect, read_all, read_bytes
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start, in_each_foreground
from tests.end_to_end.responders import ARRIVED, GATE
from tests.end_to_end.waiting import eventually

LINES = ("-f", "line", "-k")


def refuses(port: int) -> bool:
    """Does nobody listen there?"""
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True
    return False


def begin_stop(daemon: Daemon) -> None:
    """Send SIGTERM, and wait until the daemon knows."""
    daemon.signal(signal.SIGTERM)
    daemon.wait_for("SIGTERM: stopping")


def test_socket_that_somebody_has_removed(start_daemon: Start, tmp_path: Path) -> None:
    """Replies that are owed are sent though a listener cannot remove its file any more."""
    where = ("--listen", "unix:socket", "--listen", "tcp:0:interface=127.0.0.1")
    daemon = start_daemon(*where, "--responder", f"{RESPONDERS}:gated")
    with connect(daemon.port) as client:
        client.sendall(b"hello")
        daemon.wait_for("received from")
        (tmp_path / "socket").unlink()
        begin_stop(daemon)
        eventually(lambda: refuses(daemon.port))
        (tmp_path / GATE).touch()
        assert read_all(client) == b"hello"
    assert daemon.wait() == 0
    assert "Traceback" not in daemon.log
    assert not (tmp_path / "socket.lock").is_symlink()


@in_each_foreground
def test_requests_that_wait_for_their_replies_get_them(
    start_daemon: Start, tmp_path: Path, runner: str
) -> None:
    """Fifty requests are being answered when SIGTERM comes: all are, and the exit status is 0."""
    daemon = start_daemon("--responder", f"{RESPONDERS}:gated", runner=runner)
    port = daemon.port
    clients = [connect(port) for _ in range(50)]
    for number, client in enumerate(clients):
        client.sendall(b"%d" % number)
    eventually(lambda: daemon.log.count("received from") == 50)
    begin_stop(daemon)
    eventually(lambda: refuses(port))
    (tmp_path / GATE).touch()
    assert [read_all(client) for client in clients] == [b"%d" % n for n in range(50)]
    assert daemon.wait() == 0
    for client in clients:
        client.close()


def test_pipelined_requests_that_were_read_are_answered(
    start_daemon: Start, tmp_path: Path
) -> None:
    """What a connection had sent before SIGTERM, behind the request that waits, is answered too."""
    daemon = start_daemon(*LINES, "--responder", f"{RESPONDERS}:gated")
    with connect(daemon.port) as client:
        client.sendall(b"one\ntwo\nthree\n")
        daemon.wait_for(": 'one'")
        begin_stop(daemon)
        (tmp_path / GATE).touch()
        assert read_all(client) == b"one\ntwo\nthree\n"
    assert daemon.wait() == 0


def test_requests_in_the_kernels_queues_are_answered(start_daemon: Start, tmp_path: Path) -> None:
    """Clients that connected and asked while the loop stood still are answered after SIGTERM."""
    daemon = start_daemon(*LINES, "--responder", f"{RESPONDERS}:blocking")
    port = daemon.port
    known = connect(port)
    known.sendall(b"first\n")
    assert read_bytes(known, 6) == b"first\n"
    blocker = connect(port)
    blocker.sendall(b"block\n")
    eventually((tmp_path / ARRIVED).exists)
    clients = [connect(port) for _ in range(50)]
    for number, client in enumerate(clients):
        client.sendall(b"%d\n" % number)
    known.sendall(b"second\n")
    daemon.signal(signal.SIGTERM)
    (tmp_path / GATE).touch()
    assert [read_all(client) for client in clients] == [b"%d\n" % n for n in range(50)]
    assert read_all(known) == b"second\n"
    assert read_all(blocker) == b"block\n"
    assert daemon.wait() == 0
    for client in (*clients, known, blocker):
        client.close()


def test_clients_beyond_the_limit_that_wait_in_the_kernel(start_daemon: Start) -> None:
    """Clients for whom there was no place are answered as places come free, one after the other."""
    daemon = start_daemon(*LINES, "--echo", "--max-connections", "1")
    with connect(daemon.port) as inside:
        inside.sendall(b"hello\n")
        assert read_bytes(inside, 6) == b"hello\n"
        outside = [connect(daemon.port) for _ in range(20)]
        for client in outside:
            client.sendall(b"hello\n")
        daemon.signal(signal.SIGTERM)
        assert read_all(inside) == b""
        assert [read_all(client) for client in outside] == [b"hello\n"] * len(outside)
        for client in outside:
            client.close()
    assert daemon.wait() == 0


def test_idle_and_stalled_clients_see_the_end(start_daemon: Start) -> None:
    """Connections on which nothing is owed are closed at once, in good order."""
    daemon = start_daemon(*LINES, "--responder", f"{RESPONDERS}:stalling")
    port = daemon.port
    with connect(port) as idle, connect(port) as half, connect(port) as stalled:
        half.sendall(b"a message that is not comple")
        stalled.sendall(b"hello\n")
        assert read_bytes(stalled, 6) == b"hello\n"
        daemon.signal(signal.SIGTERM)
        assert [read_all(client) for client in (idle, half, stalled)] == [b"", b"", b""]
    assert daemon.wait() == 0


def test_drain_timeout_aborts_what_is_stuck(start_daemon: Start) -> None:
    """A request without an answer is aborted at `--drain-timeout`, and the exit status is 0."""
    daemon = start_daemon("--responder", f"{RESPONDERS}:never", "--drain-timeout", "0.3")
    with connect(daemon.port) as client:
        client.sendall(b"hello")
        daemon.wait_for(": 'hello'")
        daemon.signal(signal.SIGTERM)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert daemon.wait() == 0


@in_each_foreground
def test_second_signal_ends_it_at_once(start_daemon: Start, runner: str) -> None:
    """A second SIGTERM does not wait for what the first one waits for; the status is 0."""
    responder = ("--responder", f"{RESPONDERS}:never")
    daemon = start_daemon(*responder, "--drain-timeout", "600", runner=runner)
    with connect(daemon.port) as client:
        client.sendall(b"hello")
        daemon.wait_for(": 'hello'")
        begin_stop(daemon)
        daemon.signal(signal.SIGTERM)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert daemon.wait() == 0


def test_drain_delay_serves_on(start_daemon: Start) -> None:
    """For `--drain-delay` seconds after SIGTERM new clients are still served."""
    daemon = start_daemon("--drain-delay", "1")
    port = daemon.port
    begin_stop(daemon)
    assert ask(port) == TEXTBOOK_REPLY
    assert daemon.wait() == 0
    assert refuses(port)


def test_second_signal_ends_the_drain_delay(start_daemon: Start) -> None:
    """A second SIGTERM cuts the drain delay short."""
    daemon = start_daemon("--drain-delay", "600")
    assert ask(daemon.port) == TEXTBOOK_REPLY
    begin_stop(daemon)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0


def test_client_that_does_not_read_does_not_hold_up_the_end(start_daemon: Start) -> None:
    """A peer that never takes its replies is aborted at `--drain-timeout`."""
    responder = ("--responder", f"{RESPONDERS}:big")
    daemon = start_daemon(*responder, "--drain-timeout", "0.3")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", daemon.port))
        client.sendall(b"hello")
        daemon.wait_for("answered")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0

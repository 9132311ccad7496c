"""What a daemon does where there are few file descriptors."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.end_to_end.clients import TEXTBOOK_REPLY, ask, connect, read_bytes
from tests.end_to_end.daemons import RESPONDERS, Start, command, needs_proc, start_to_end


def with_open_files(soft: int, hard: int) -> tuple[str, ...]:
    """The words that start a program under limits of open files."""
    return ("sh", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"', "sh")


def test_default_limit_is_lowered_to_what_fits(start_daemon: Start) -> None:
    """A default of connections that does not fit the limit of open files is lowered, and said."""
    daemon = start_daemon(under=with_open_files(100, 100))
    assert ask(daemon.port) == TEXTBOOK_REPLY
    assert "max-connections 10000 does not fit" in daemon.log
    assert "so it is 36\n" in daemon.log


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


@pytest.mark.parametrize("runner", ["twistd -n", "twist", "sockreply serve"])
def test_limit_that_was_asked_for_and_does_not_fit_is_an_error(tmp_path: Path, runner: str) -> None:
    """`--max-connections 200` under 100 open files ends the start with one line of the numbers."""
    words = command(runner, "--port", "0", "--max-connections", "200")
    done = start_to_end(*with_open_files(100, 100), *words, directory=tmp_path)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "#info]" not in line]
    assert done.returncode == 1
    assert len(said) == 1, done
    assert "max-connections 200" in said[0]
    assert "36" in said[0]


def test_soft_limit_is_raised_to_the_hard_one(start_daemon: Start) -> None:
    """What fits the hard limit only is possible: the soft one is raised."""
    daemon = start_daemon("--max-connections", "200", under=with_open_files(100, 500))
    assert ask(daemon.port) == TEXTBOOK_REPLY


@needs_proc
def test_running_out_of_descriptors_is_survived_without_a_busy_loop(start_daemon: Start) -> None:
    """Without descriptors the daemon waits, quietly; connections in hand work; then it goes on."""
    responder = ("-f", "line", "-k", "--responder", f"{RESPONDERS}:Hoarder")
    daemon = start_daemon(*responder, under=with_open_files(100, 100))
    with connect(daemon.port) as inside:
        inside.sendall(b"take\n")
        assert read_bytes(inside, 5) == b"take\n"
        with connect(daemon.port) as outside:
            outside.sendall(b"hello\n")
            daemon.wait_for("cannot accept: Too many open files")
            used = daemon.cpu()
            time.sleep(0.5)  # the time in which a busy loop would have used as much
            assert daemon.cpu() - used < 0.2
            inside.sendall(b"still here\n")
            assert read_bytes(inside, 11) == b"still here\n"
            inside.sendall(b"free\n")
            assert read_bytes(inside, 5) == b"free\n"
            assert read_bytes(outside, 6) == b"hello\n"
    assert daemon.log.count("cannot accept") == 1

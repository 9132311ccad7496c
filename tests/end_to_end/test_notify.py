"""What a service of Type=notify tells systemd, and what of its log reaches the journal."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sockreply.daemon.systemd import EXTENSION_SECONDS
from tests.end_to_end.activation import tcp_listener
from tests.end_to_end.clients import TEXTBOOK_REPLY, ask, connect, read_all, read_bytes
from tests.end_to_end.daemons import RESPONDERS, Start, in_each_foreground, needs_proc
from tests.end_to_end.manager import Manager, manager_in, microseconds, now
from tests.end_to_end.responders import ARRIVED, GATE
from tests.end_to_end.waiting import eventually

EXTENSION = f"EXTEND_TIMEOUT_USEC={int(EXTENSION_SECONDS * 1_000_000)}"
FAILED = "the last reload failed, see the log; "

FILE = """
[services.example]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
idle_timeout = 0
rules = [{ reply = "good" }]
"""


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Is told."""
    with manager_in(tmp_path) as manager:
        yield manager


@in_each_foreground
def test_start_reloads_and_stop(
    start_daemon: Start, tmp_path: Path, manager: Manager, runner: str
) -> None:
    """Ready; reloading and ready, also when the file is wrong; stopping: in this order."""
    file = tmp_path / "example.toml"
    file.write_text(FILE)
    daemon = start_daemon("--config", str(file), runner=runner, under=manager.starting())
    assert manager.next() == ["READY=1", "STATUS=0 connections"]
    with connect(daemon.port) as client:
        client.sendall(b"hello\n")
        assert read_bytes(client, 5) == b"good\n"
        for text, remark in ((FILE, ""), (f"{FILE}nonsense = 1\n", FAILED), (FILE, "")):
            file.write_text(text)
            before = now()
            daemon.signal(signal.SIGHUP)
            reloading, monotonic = manager.next_but(f"STATUS={remark}1 connection")
            assert reloading == "RELOADING=1"
            assert before <= microseconds(monotonic, "MONOTONIC_USEC") <= now()
            assert manager.next() == ["READY=1", f"STATUS={remark}1 connection"]
        daemon.signal(signal.SIGTERM)
        assert manager.next()[:2] == ["STOPPING=1", "STATUS=stopping; 1 connection"]
    assert daemon.wait() == 0
    assert manager.next() == ["STATUS=stopped"]


def test_ready_means_that_it_answers(start_daemon: Start, manager: Manager) -> None:
    """Who is told that it is ready may connect to each listener and is answered."""
    with tcp_listener() as one, tcp_listener() as two:
        ports = [each.getsockname()[1] for each in (one, two)]
    listen = [word for port in ports for word in ("--listen", f"tcp:{port}:interface=127.0.0.1")]
    start_daemon(*listen, under=manager.starting())
    assert manager.next()[0] == "READY=1"
    assert [ask(port) for port in ports] == [TEXTBOOK_REPLY] * 2


def test_start_that_fails(start_daemon: Start, manager: Manager) -> None:
    """When the second of two ports is taken, it was never ready."""
    with tcp_listener() as taken:
        port = taken.getsockname()[1]
        listen = ("--listen", "tcp:0:interface=127.0.0.1", "--listen", f"tcp:{port}")
        assert start_daemon(*listen, under=manager.starting()).wait() != 0
    assert manager.silent_for(0.001)


def test_hangup_without_a_file(start_daemon: Start, manager: Manager) -> None:
    """SIGHUP is a reload for systemd even if there is nothing to read."""
    daemon = start_daemon(under=manager.starting())
    assert manager.next()[0] == "READY=1"
    daemon.signal(signal.SIGHUP)
    assert [manager.next()[0], manager.next()[0]] == ["RELOADING=1", "READY=1"]


def test_status(start_daemon: Start, manager: Manager) -> None:
    """The status follows the number of open connections."""
    daemon = start_daemon("--idle-timeout", "0", under=manager.starting())
    assert manager.next() == ["READY=1", "STATUS=0 connections"]
    with connect(daemon.port), connect(daemon.port):
        assert manager.next_but("STATUS=1 connection") == ["STATUS=2 connections"]


def test_long_drain(start_daemon: Start, tmp_path: Path, manager: Manager) -> None:
    """While a reply is owed more time is asked for again; then it ends with 0."""
    responder = ("--responder", f"{RESPONDERS}:gated", "--drain-timeout", "3600")
    daemon = start_daemon(*responder, under=manager.starting())
    assert manager.next()[0] == "READY=1"
    with connect(daemon.port) as client:
        client.sendall(b"hello")
        daemon.wait_for(": 'hello'")
        daemon.signal(signal.SIGTERM)
        stopping = ["STOPPING=1", "STATUS=stopping; 1 connection", EXTENSION]
        assert manager.next_but("STATUS=1 connection") == stopping
        assert manager.next() == [EXTENSION]
        (tmp_path / GATE).touch()
        assert read_all(client) == b"hello"
    assert daemon.wait() == 0


def test_watchdog_of_another_process(start_daemon: Start, manager: Manager) -> None:
    """A watchdog that is meant for another process gets no pings."""
    variables = manager.starting(WATCHDOG_USEC=100_000, WATCHDOG_PID=1)
    start_daemon(under=variables)
    assert manager.next()[0] == "READY=1"
    assert manager.silent_for(0.5)


def test_stuck_responder_is_told(start_daemon: Start, tmp_path: Path) -> None:
    """As the unit starts it, a daemon that the watchdog aborts says which code it was stuck in."""
    responder = ("--responder", f"{RESPONDERS}:blocking")
    daemon = start_daemon(*responder, under=["env", "PYTHONFAULTHANDLER=1"])
    with connect(daemon.port) as client:
        client.sendall(b"block")
        eventually((tmp_path / ARRIVED).exists)
        daemon.signal(signal.SIGABRT)
        assert daemon.wait() == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in daemon.log
    assert "responders.py" in daemon.log
    assert "in blocking" in daemon.log


# The journal.


def to_journal(descriptor: int) -> Sequence[str]:
    """The words of a program that starts a command with an output that is the journal's."""
    stream = f"$(stat -L -c %d:%i /proc/$$/fd/{descriptor})"
    return ["sh", "-c", f'JOURNAL_STREAM={stream} exec "$@"', "sh"]


@needs_proc
@pytest.mark.parametrize(
    "runner",
    [
        ("sockreply", "serve"),
        (
            *(
                "twistd",
                "-n",
                "--pidfile=",
                "--logger",
                "sockreply.observing.journal.standard_output",
            ),
            "sockreply",
        ),
    ],
    ids=["serve", "twistd"],
)
def test_levels(start_daemon: Start, runner: Sequence[str]) -> None:
    """Each line for the journal has its level; the time is the journal's own business."""
    responder = ("--responder", f"{RESPONDERS}:parity")
    daemon = start_daemon(*responder, runner=runner, under=to_journal(1))
    assert ask(daemon.port, b"1") == b"odd"
    assert ask(daemon.port, b"x") == b""
    assert daemon.stop() == 0
    lines = daemon.log.splitlines()
    assert [line for line in lines if line[:3] not in ("<2>", "<3>", "<4>", "<6>")] == []
    assert "<6>SIGTERM: stopping" in lines
    assert f"<6>listening on 127.0.0.1:{daemon.port}" in lines
    assert any("ValueError" in line and line[:3] in ("<2>", "<3>") for line in lines)


@needs_proc
def test_level_of_a_failed_start(start_daemon: Start) -> None:
    """The one line that says why it does not start is an error in the journal."""
    daemon = start_daemon("--port", "x", runner="sockreply serve", under=to_journal(2))
    assert daemon.wait() == 2
    assert daemon.log.startswith("<3>sockreply: ")
    assert daemon.log.count("\n") == 1


def test_other_streams(start_daemon: Start) -> None:
    """A stream that is not the journal's has the time and no level, whatever systemd has set."""
    daemon = start_daemon(runner="sockreply serve", under=["env", "JOURNAL_STREAM=1:1"])
    daemon.wait_for("listening on")
    assert daemon.log.startswith(time.strftime("%Y-"))

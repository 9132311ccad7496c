"""Where the log goes under every runner, and how much of the exchanges it shows."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.clients import (
    TEXTBOOK_REPLY,
    ask,
    connect,
    connect_unix,
    half_close_and_read,
    read_all,
    read_bytes,
)
from tests.end_to_end.daemons import (
    DAEMONIZING,
    Start,
    command,
    in_each_foreground,
    in_turn,
    processes_in,
    start_to_end,
)
from tests.end_to_end.waiting import eventually


def read_json(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON log, each of which is an object."""
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(isinstance(event, dict) for event in events)
    return events


def texts_of(events: list[dict[str, Any]]) -> list[str]:
    """What those events of ours say."""
    return [event["text"] for event in events if event["namespace"].startswith("sockreply")]


def ask_unix(path: Path) -> bytes:
    """What a daemon answers on its UNIX socket, once it listens there."""
    clients: list[socket.socket] = []

    def connected() -> bool:
        with suppress(FileNotFoundError, ConnectionRefusedError):  # the name comes first
            clients.append(connect_unix(str(path)))
        return bool(clients)

    eventually(connected)
    with clients[0] as client:
        client.sendall(b"hello")
        return read_all(client)


@in_each_foreground
def test_json_log_goes_beside_the_text(start_daemon: Start, tmp_path: Path, runner: str) -> None:
    """`--json-log` adds the events as JSON lines, in a file of the directory of the start."""
    daemon = start_daemon("--json-log", "exchanges.json", runner=runner)
    assert ask(daemon.port) == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    texts = texts_of(read_json(tmp_path / "exchanges.json"))
    assert texts[0] == f"listening on 127.0.0.1:{daemon.port}"
    assert texts[2].endswith(": 'hello'")
    assert texts[3].endswith(": '서버로부터 응답 메시지입니다.'")
    assert texts[-1].startswith("served 1 connections")
    assert f"listening on 127.0.0.1:{daemon.port}\n" in daemon.log


def test_json_log_of_a_daemonized_twistd(start_daemon: Start, tmp_path: Path) -> None:
    """`--json-log` writes the same events when twistd goes into the background."""
    options = ("--listen", "unix:s", "--json-log", "exchanges.json")
    start_daemon(*options, runner=DAEMONIZING).wait()
    assert ask_unix(tmp_path / "s") == TEXTBOOK_REPLY
    stop_daemonized(tmp_path)
    texts = texts_of(read_json(tmp_path / "exchanges.json"))
    assert texts[0] == "listening on unix:s"
    assert texts[1:4] == [
        "client unix connected",
        "received from unix: 'hello'",
        "answered unix: '서버로부터 응답 메시지입니다.'",
    ]
    assert texts[-1].startswith("served 1 connections")


def test_service_that_never_answers(start_daemon: Start, tmp_path: Path) -> None:
    """It needs nothing but a place to listen; its log shows what it receives, and no more."""
    (tmp_path / "sink.toml").write_text(
        '[services.sink]\nlisten = "tcp:0:interface=127.0.0.1"\nframing = "line"\n'
        "keep_alive = true\n"
    )
    daemon = start_daemon("--config", "sink.toml")
    assert half_close_and_read(daemon.port, b"<13>one\n<13>two\n") == b""
    assert daemon.stop() == 0
    log = daemon.log.splitlines()
    exchanges = [line.partition("] ")[2] for line in log if "#info] sink: " in line]
    (peer,) = {line.split()[2] for line in exchanges if " connected" in line}
    assert exchanges == [
        f"sink: client {peer} connected",
        f"sink: received from {peer}: '<13>one'",
        f"sink: received from {peer}: '<13>two'",
    ]
    assert "2 messages, 0 replies, 2 silences, 0 errors" in daemon.log


@in_each_foreground
def test_json_log_on_standard_output(start_daemon: Start, runner: str) -> None:
    """`--json-log -` writes the lines on standard output, beside the runner's own log."""
    daemon = start_daemon("--json-log", "-", runner=runner)
    assert ask(daemon.port) == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    lines = [line for line in daemon.log.splitlines() if line.startswith("{")]
    texts = texts_of([json.loads(line) for line in lines])
    assert texts[2].endswith(": 'hello'")


def test_json_log_on_the_standard_output_of_a_daemon_is_refused(tmp_path: Path) -> None:
    """What goes into the background has no standard output: `--json-log -` is an error."""
    done = start_to_end(*command(DAEMONIZING, "--port", "0", "--json-log", "-"), directory=tmp_path)
    assert done.returncode == 78
    assert done.stderr.startswith("--json-log: a daemon has no standard output")
    assert len(done.stderr.splitlines()) == 1
    assert processes_in(tmp_path) == []


@in_turn("encoding", ["ascii", "latin-1", "utf-8"], every=1)
def test_no_line_vanishes_in_any_encoding(
    start_daemon: Start, monkeypatch: pytest.MonkeyPatch, runner: str, encoding: str
) -> None:
    """What standard output has no character for is escaped there, and JSON lines are UTF-8."""
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    daemon = start_daemon("--json-log", "-", runner=runner)
    assert ask(daemon.port, "안녕".encode()) == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    text = [line for line in daemon.log.splitlines() if line[:2] == "20" and "received" in line]
    shown = "안녕" if encoding == "utf-8" else r"\uc548\ub155"
    assert [line.rpartition(": ")[2] for line in text] == [f"'{shown}'"]
    lines = [json.loads(line) for line in daemon.log.splitlines() if line[0] == "{"]
    assert [line["message"] for line in lines if "message" in line] == ["'안녕'"]


@in_each_foreground
def test_json_log_on_a_standard_output_that_is_closed(tmp_path: Path, runner: str) -> None:
    """It is one clear line, and a failure."""
    words = command(runner, "--port", "0", "--json-log", "-")
    done = start_to_end("sh", "-c", 'exec "$@" >&-', "sh", *words, directory=tmp_path)
    assert done.stderr.removeprefix("sockreply: ") == "--json-log: standard output is closed\n"
    assert done.returncode == 78


@in_turn("closed", ["<&- >&- 2>&-", ">&-", "2>&-", "<&-"], every=1)
def test_closed_streams(start_daemon: Start, tmp_path: Path, runner: str, closed: str) -> None:
    """A daemon without standard streams answers, and logs to its file."""
    options = ("--listen", "unix:s", "--json-log", "log.json")
    daemon = start_daemon(*options, runner=runner, under=["sh", "-c", f'exec "$@" {closed}', "sh"])
    assert ask_unix(tmp_path / "s") == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    assert texts_of(read_json(tmp_path / "log.json"))[-1].startswith("served 1 connections")
    assert "Traceback" not in daemon.log


def test_logfile_of_twistd(start_daemon: Start, tmp_path: Path) -> None:
    """`twistd -n --logfile` logs to that file and prints nothing."""
    runner = ("twistd", "-n", "--pidfile=", "--logfile=here.log", "sockreply")
    daemon = start_daemon("--listen", "unix:s", runner=runner)
    assert ask_unix(tmp_path / "s") == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    assert daemon.log == ""
    assert "received from unix: 'hello'\n" in (tmp_path / "here.log").read_text()


def test_log_file_of_twist(start_daemon: Start, tmp_path: Path) -> None:
    """`twist --log-file` logs to that file and prints nothing."""
    runner = ("twist", "--log-file=here.log", "--log-format=text", "sockreply")
    daemon = start_daemon("--listen", "unix:s", runner=runner)
    assert ask_unix(tmp_path / "s") == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    assert daemon.log == ""
    assert "received from unix: 'hello'\n" in (tmp_path / "here.log").read_text()


def test_syslog_of_twistd(start_daemon: Start, tmp_path: Path) -> None:
    """`twistd --syslog` logs to the system's log, if there is one, and the daemon runs."""
    runner = ("twistd", "--pidfile=twistd.pid", "--syslog", "--prefix=sockreply-test", "sockreply")
    assert start_daemon("--listen", "unix:s", runner=runner).wait() == 0
    assert ask_unix(tmp_path / "s") == TEXTBOOK_REPLY
    stop_daemonized(tmp_path)
    assert not (tmp_path / "twistd.log").exists()


@in_each_foreground
def test_level_warn_shows_no_exchange(start_daemon: Start, tmp_path: Path, runner: str) -> None:
    """`--log-level warn` shows neither listeners nor clients nor what is said."""
    daemon = start_daemon("--log-level", "warn", "--listen", "unix:s", runner=runner)
    assert ask_unix(tmp_path / "s") == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    assert not re.search(r"listening on|client|received|answered|hello", daemon.log)
    assert "served 1 connections: 1 messages, 1 replies" in daemon.log


def test_level_debug_shows_how_connections_end(start_daemon: Start) -> None:
    """`--log-level debug` shows, too, that a client is gone and why."""
    daemon = start_daemon("--log-level", "debug")
    assert ask(daemon.port) == TEXTBOOK_REPLY
    daemon.wait_for(" disconnected: answered")


def test_shown_exchanges_are_capped(start_daemon: Start) -> None:
    """Of a thousand exchanges in a second, 50 are shown, each whole; one line counts the rest."""
    daemon = start_daemon("-f", "line", "-k", "--echo")
    with connect(daemon.port) as client:
        client.sendall(b"hello\n" * 1000)
        assert read_bytes(client, 6000) == b"hello\n" * 1000
    daemon.wait_for("not shown in this second: 950 more exchanges, 0 more clients")
    assert daemon.log.count("received from") == daemon.log.count("answered") == 50


def test_shown_clients_are_capped(start_daemon: Start) -> None:
    """Of many clients in a second, 50 are shown; one line counts the rest."""
    daemon = start_daemon("-f", "line", "-k")
    clients = [connect(daemon.port) for _ in range(80)]
    for client in clients:
        client.close()
    daemon.wait_for("not shown in this second: 0 more exchanges, 30 more clients")
    assert daemon.log.count(" connected\n") == 50


def stop_daemonized(directory: Path) -> None:
    """End the daemon whose pid file is there."""
    pid_file = directory / "twistd.pid"
    os.kill(int(pid_file.read_text()), signal.SIGTERM)
    eventually(lambda: not pid_file.exists())
    eventually(lambda: processes_in(directory) == [])

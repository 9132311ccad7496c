"""The clock of the machine may be set while the daemon runs."""

from __future__ import annotations

import json
import select
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, read_bytes
from tests.end_to_end.daemons import Daemon, Start
from tests.hostile.altered import altered
from tests.hostile.figures import Figure, Promise

BEFORE = 0.3
"""Seconds from the beginning of what takes its time to the step of the clock."""

SLACK = 1.5
"""Seconds by which something may be late, on a machine that has other work."""

CONFIG = """
[log]
record = "record"

[services.default]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
idle_timeout = 2.0
message_timeout = 2.0
rules = [
  { when = { equals = "command" }, reply = { command = ["sh", "-c", "sleep 1; echo done"] } },
  { when = { equals = "delay" }, reply = [{ delay = 1.0 }, "done"] },
  { when = { equals = "now" }, reply = { template = "{{ utcnow.timestamp() | int }}" } },
]
"""
SAID = {"command": b"command\n", "delay": b"delay\n", "idle": b"", "message": b"mess"}
"""By what it is about: what a client says."""

DUE = {
    "command": (1.0, b"done\n"),
    "delay": (1.0, b"done\n"),
    "idle": (2.0, b""),
    "message": (2.0, b""),
}
"""The seconds after which it hears something, and what: the end, unless it asked for a reply."""

STEPS = {"forward": signal.SIGUSR1, "back": signal.SIGUSR2}
"""The signals that set the clock of an altered daemon."""

AN_HOUR = {"forward": 3600, "back": -3600}
"""The seconds by which they do."""

STEADY = altered("with steps")
"""The runner of a daemon whose clock may be set."""

BY_THE_CLOCK = altered("with steps", "by the clock")
"""That of one whose timers go by that clock, as Twisted's do."""

Heard = Mapping[str, tuple[float, bytes]]
"""By what it is about: after how many seconds a client heard something, and what."""


def serve(start_daemon: Start, path: Path, runner: Sequence[str]) -> Daemon:
    """A daemon whose clock may be set."""
    (path / "example.toml").write_text(CONFIG)
    return start_daemon("--config", "example.toml", runner=runner)


def heard(clients: Mapping[str, socket.socket], begun: float) -> Heard:
    """What each of them hears first, if that is in time."""
    found: dict[str, tuple[float, bytes]] = {}
    look = select.poll()
    names = {client.fileno(): name for name, client in clients.items()}
    for number in names:
        look.register(number, select.POLLIN)
    last = begun + max(due for due, _ in DUE.values()) + SLACK
    while len(found) < len(clients) and (left := last - time.monotonic()) > 0:
        for number, _ in look.poll(left * 1000):
            look.unregister(number)
            name = names[number]
            try:
                what = clients[name].recv(5)
            except ConnectionError:
                what = b""
            found[name] = round(time.monotonic() - begun, 1), what
    return found


def told(what: Heard) -> str:
    """What is printed of it."""
    words = {name: f"after {what[name][0]:.1f} s" if name in what else "never" for name in DUE}
    wrong = {name for name, (_, said) in what.items() if said != DUE[name][1]}
    return ", ".join(f"{name} {word}{' wrongly' * (name in wrong)}" for name, word in words.items())


def assert_in_time(what: Heard) -> None:
    """Everything was heard when it was due."""
    for name, (due, said) in DUE.items():
        assert name in what, what
        assert what[name][1] == said, what
        assert due - 0.1 < what[name][0] < due + SLACK, what


def step_under_way(daemon: Daemon, step: str) -> Heard:
    """Set the clock while everything takes its time."""
    with ExitStack() as stack:
        clients = {name: stack.enter_context(connect(daemon.port)) for name in SAID}
        begun = time.monotonic()
        for name, client in clients.items():
            client.sendall(SAID[name])
        time.sleep(BEFORE)
        daemon.signal(STEPS[step])
        return heard(clients, begun)


def step_while_draining(daemon: Daemon, step: str) -> tuple[Heard, float | None]:
    """Set the clock while the daemon finishes, and say after how many seconds it has."""
    with connect(daemon.port) as client:
        begun = time.monotonic()
        client.sendall(SAID["delay"])
        time.sleep(BEFORE)
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("stopping")
        daemon.signal(STEPS[step])
        what = heard({"delay": client}, begun)
    return what, time.monotonic() - begun if daemon.ends_within(SLACK) else None


@pytest.mark.parametrize("step", STEPS)
def test_clock_that_is_set_changes_no_time(
    start_daemon: Start, figure: Figure, tmp_path: Path, step: str
) -> None:
    """Replies, time-outs and the drain come when they are due; what is shown is the new time."""
    daemon = serve(start_daemon, tmp_path, STEADY)
    what = step_under_way(daemon, step)
    figure(Promise.CLOCK, f"an hour {step}: {told(what)}")
    assert_in_time(what)
    with connect(daemon.port) as client:
        client.sendall(b"now\n")
        shown = int(read_bytes(client, 11)) - time.time()
    drained, ended = step_while_draining(daemon, step)
    assert drained["delay"][1] == b"done\n"
    assert ended is not None
    events = [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]
    first, last = (
        datetime.fromisoformat(event["time"]).timestamp() for event in events[:: len(events) - 1]
    )
    assert abs(shown - AN_HOUR[step]) < 10
    assert abs(last - first - 2 * AN_HOUR[step]) < 10


@pytest.mark.parametrize("step", STEPS)
def test_clock_that_is_set_changes_times(
    start_daemon: Start, figure: Figure, tmp_path: Path, step: str
) -> None:
    """The control: timers that go by the clock."""
    what = step_under_way(serve(start_daemon, tmp_path, BY_THE_CLOCK), step)
    figure(Promise.CLOCK, f"timers by the clock, an hour {step}: {told(what)}", control=True)
    with pytest.raises(AssertionError):
        assert_in_time(what)

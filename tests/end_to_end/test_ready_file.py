"""Programs learn from a file that a daemon listens, and where."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.clients import TEXTBOOK_REPLY, ask
from tests.end_to_end.daemons import (
    DAEMONIZING,
    Start,
    command,
    in_each_foreground,
    processes_in,
    start_to_end,
)
from tests.end_to_end.test_runners import has_ended
from tests.end_to_end.waiting import eventually


def ready(file: Path) -> Any:
    """What the file says, once it is there: it is whole as soon as it is."""
    eventually(file.exists)
    return json.loads(file.read_text())


@in_each_foreground
def test_port_from_the_file(start_daemon: Start, tmp_path: Path, runner: str) -> None:
    """The port is one that answers at once; the file goes with the daemon."""
    daemon = start_daemon("--ready-file", "ready.json", runner=runner)
    told = ready(tmp_path / "ready.json")
    assert told["pid"] == daemon.pid
    ((listener,),) = told["services"].values()
    assert ask(listener["port"]) == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    assert not (tmp_path / "ready.json").exists()


@pytest.mark.usefixtures("start_daemon")
def test_daemon_in_the_background(tmp_path: Path) -> None:
    """The file is there when twistd returns: where it was started, wherever it works."""
    (tmp_path / "run").mkdir()
    program, *words = DAEMONIZING
    runner = (program, "--rundir=run", "--umask=022", *words)
    options = ("--port", "0", "--ready-file", "ready.json")
    done = start_to_end(*command(runner, *options), directory=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads((tmp_path / "ready.json").read_text())
    assert told["pid"] in processes_in(tmp_path / "run") or not Path("/proc").exists()
    assert ask(told["services"]["default"][0]["port"]) == TEXTBOOK_REPLY
    assert (tmp_path / "ready.json").stat().st_mode & 0o777 == 0o644
    os.kill(told["pid"], signal.SIGTERM)
    eventually(lambda: has_ended(told["pid"]))
    assert not (tmp_path / "ready.json").exists()


def test_file_in_the_background_that_cannot_be(tmp_path: Path) -> None:
    """It is told in the line of twistd that says why it did not start."""
    words = command(DAEMONIZING, "--port", "0", "--ready-file", "no/ready")
    done = start_to_end(*words, directory=tmp_path)
    assert done.returncode == 1
    assert "ready-file: " in done.stderr.splitlines()[0]
    eventually(lambda: not (tmp_path / "twistd.pid").exists())  # the child removes it


FILE = """
[log]
level = "{level}"
[metrics]
listen = "tcp:0"
[services.scale]
listen = "tcp:1:interface=127.0.0.1"
otherwise = "{reply}"
"""


def test_options_beside_a_file(start_daemon: Start, tmp_path: Path) -> None:
    """Options override the file, also when it is read again; all else of the file is taken on."""
    file = tmp_path / "f.toml"
    file.write_text(FILE.format(level="info", reply="old"))
    options = ("--config", "f.toml", "--port", "0", "--ready-file", "ready.json")
    daemon = start_daemon(*options, runner="sockreply serve")
    before = ready(tmp_path / "ready.json")
    ((listener,),) = before["services"].values()
    assert ask(listener["port"]) == b"old"
    file.write_text(FILE.format(level="warn", reply="new"))
    daemon.signal(signal.SIGHUP)
    daemon.wait_for("f.toml reloaded")
    assert ask(listener["port"]) == b"new"
    assert "'old'" in daemon.log
    assert "'new'" not in daemon.log
    assert ready(tmp_path / "ready.json") == before
    assert daemon.stop() == 0


def test_other_listeners(start_daemon: Start, tmp_path: Path) -> None:
    """A reload writes where it listens now, before it says that it is done."""
    file = tmp_path / "f.toml"
    file.write_text('[ready]\nfile = "ready.json"' + FILE.format(level="info", reply="old"))
    file.write_text(file.read_text().replace("tcp:1:", "tcp:0:"))
    daemon = start_daemon("--config", "f.toml", runner="sockreply serve")
    before = ready(tmp_path / "ready.json")
    file.write_text(file.read_text().replace("tcp:0:", "tcp:0:backlog=9:"))
    daemon.signal(signal.SIGHUP)
    daemon.wait_for("f.toml reloaded")
    after = ready(tmp_path / "ready.json")
    assert after["metrics"] == before["metrics"]
    assert after["services"] != before["services"]
    assert ask(after["services"]["scale"][0]["port"]) == b"old"
    assert daemon.stop() == 0

"""What keeps a daemon from starting: one line that names it, a status, and nothing left behind."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.end_to_end.daemons import (
    DAEMONIZING,
    command,
    in_each_foreground,
    in_turn,
    processes_in,
    start_to_end,
)
from tests.end_to_end.waiting import eventually


@pytest.fixture(scope="module")
def taken_port() -> Iterator[str]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


def assert_failed_with_one_line(
    done: CompletedProcess[str], named: str, directory: Path, status: int
) -> None:
    """It says what is wrong, says it once, and is gone with that status."""
    said = done.stderr.splitlines()
    if not said:  # twistd -n has its standard error in its log once it starts its services
        said = [line for line in done.stdout.splitlines() if " [stderr#error] " in line]
    assert done.returncode == status
    assert len(said) == 1, done
    assert named in said[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert processes_in(directory) == []
    assert not list(directory.glob("*.pid"))


@in_turn(
    "options, named",
    [
        pytest.param(["--framing", "bogus"], "'bogus'", id="unknown framing"),
        pytest.param(["--bogus"], "--bogus", id="unknown option"),
        pytest.param(["--framing", "line:size=3"], "'size'", id="unknown key of a framing"),
        pytest.param(["--port", "70000"], "'70000'", id="port out of range"),
        pytest.param(["--interface", ""], "--interface", id="no interface"),
        pytest.param(["--framing", "fixed:size=70000"], "--max-message", id="too small a limit"),
        pytest.param(
            ["--framing", "length:digits=1", "--reply", "x" * 10], "--reply", id="too long a reply"
        ),
        pytest.param(["--responder", "no_such_module:it"], "no_such_module", id="no such module"),
        pytest.param(["--responder", "no_such_name"], "no_such_name", id="no such entry point"),
        pytest.param(["bogus"], "bogus", id="a word too many"),
        pytest.param(["--idle-timeout", "soon"], "'soon'", id="no number of seconds"),
        pytest.param(["--echo", "--reply", "x"], "--echo", id="two replies"),
    ],
    every=2,
)
def test_wrong_option_is_told_in_one_line(
    tmp_path: Path, runner: str, options: list[str], named: str
) -> None:
    """An option that cannot be is wrong usage of serve, and a wrong setting of the others."""
    where = () if "--port" in options else ("--port", "0")
    done = start_to_end(*command(runner, *where, *options), directory=tmp_path)
    assert_failed_with_one_line(done, named, tmp_path, 2 if runner == "sockreply serve" else 78)


@in_turn(
    "options, named",
    [
        pytest.param(["--config", "bad.toml"], "bad.toml: colour: unknown key", id="bad file"),
        pytest.param(["--listen", "tcp:1:y=z"], "tcp:1:y=z", id="bad endpoint"),
        pytest.param(["--listen", "bogus:1"], "bogus:1", id="unknown endpoint"),
        pytest.param(
            ["--listen", "ssl:0:privateKey=no-such.pem"], "no-such.pem", id="no certificate"
        ),
        pytest.param(["--config", "no.toml"], "no.toml: No such file", id="no file"),
    ],
    every=1,
)
def test_wrong_settings_are_told_in_one_line(
    tmp_path: Path, runner: str, options: list[str], named: str
) -> None:
    """Settings that cannot be have a status of their own: to try again makes no sense."""
    (tmp_path / "bad.toml").write_text("colour = 1\n")
    done = start_to_end(*command(runner, *options), directory=tmp_path)
    assert_failed_with_one_line(done, named, tmp_path, 78)


@in_turn(
    "options, named",
    [
        pytest.param(["--listen", "unix:no/such/socket"], "no/such/socket", id="no such directory"),
        pytest.param(["--ready-file", "no/ready"], "no/ready: No such file", id="no ready file"),
        pytest.param(["--json-log", "no/such.json"], "no/such.json", id="no such JSON log"),
        pytest.param(
            ["--listen", "tcp:0:interface=192.0.2.1"], "192.0.2.1", id="an address of others"
        ),
    ],
    every=2,
)
def test_what_is_not_there_yet_is_told_in_one_line(
    tmp_path: Path, runner: str, options: list[str], named: str
) -> None:
    """What may be there at another try ends the start with the usual status."""
    where = () if "--listen" in options else ("--port", "0")
    done = start_to_end(*command(runner, *where, *options), directory=tmp_path)
    assert_failed_with_one_line(done, named, tmp_path, 1)


@in_each_foreground
def test_taken_port_is_told_in_one_line(tmp_path: Path, runner: str, taken_port: str) -> None:
    """A port that somebody has ends the start with one line that names it.

    Listeners that were open are closed.
    """
    options = ("--listen", "unix:s", "--listen", f"tcp:{taken_port}:interface=127.0.0.1")
    done = start_to_end(*command(runner, *options), directory=tmp_path)
    assert_failed_with_one_line(done, f"port {taken_port} on 127.0.0.1", tmp_path, 1)
    assert not (tmp_path / "s").exists()


def test_taken_port_under_daemonizing_twistd(tmp_path: Path, taken_port: str) -> None:
    """The two lines that twistd itself says have the port in them; it leaves no pid file."""
    done = start_to_end(*command(DAEMONIZING, "--port", taken_port), directory=tmp_path)
    assert done.returncode == 1
    reason, hint = done.stderr.splitlines()
    assert f"port {taken_port} on 127.0.0.1: Address already in use" in reason
    assert hint == "Please look at log file for more information."
    eventually(lambda: processes_in(tmp_path) == [])
    eventually(lambda: not (tmp_path / "twistd.pid").exists())
    assert "Traceback" not in done.stderr + (tmp_path / "twistd.log").read_text()


def test_wrong_option_under_daemonizing_twistd(tmp_path: Path) -> None:
    """What is wrong with an option is told before twistd goes into the background."""
    done = start_to_end(*command(DAEMONIZING, "--framing", "bogus"), directory=tmp_path)
    assert_failed_with_one_line(done, "'bogus'", tmp_path, 78)
    assert not (tmp_path / "twistd.log").exists()

"""Where twistd and twist write their text logs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from sockreply.commands import runners
from sockreply.commands.runners import log_without_waiting, refusal, why_no_output
from sockreply.observing.log_stream import LogStream

OURS = "sockreply.observing.journal.standard_output"


@pytest.mark.parametrize(
    ("options", "logger"),
    [
        ({"nodaemon": 1, "logfile": None}, OURS),
        ({"nodaemon": 1, "logfile": ""}, OURS),
        ({"nodaemon": 1, "logfile": "-"}, OURS),
        ({"nodaemon": 1, "logfile": "here.log"}, None),
        ({"nodaemon": 0, "logfile": None}, None),
        ({"nodaemon": 1, "logfile": None, "syslog": 1}, None),
        ({"nodaemon": 1, "logfile": None, "logger": "some.other"}, "some.other"),
    ],
)
def test_twistd(options: dict[str, Any], logger: str | None) -> None:
    """Only what it writes to standard output goes through our stream."""
    log_without_waiting(options)
    assert options.get("logger") == logger


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_twist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """So does what twist writes to standard output or standard error."""
    with (tmp_path / "log").open("w") as stream:
        monkeypatch.setattr(sys, name, stream)
        options = {"logFile": stream}
        log_without_waiting(options)
    assert isinstance(options["logFile"], LogStream)


def test_log_file_of_twist(tmp_path: Path) -> None:
    """A file of its own stays as it is."""
    with (tmp_path / "log").open("w") as file:
        options = {"logFile": file}
        log_without_waiting(options)
        assert options == {"logFile": file}


def test_log_file_of_twist_lacks_no_character(tmp_path: Path) -> None:
    """What its encoding has no form for is escaped, instead of costing the line."""
    path = tmp_path / "log"
    with path.open("w", encoding="latin-1") as file:
        log_without_waiting({"logFile": file})
        file.write("ä안녕\udcff\n")
    assert path.read_text(encoding="latin-1") == "ä\\uc548\\ub155\\udcff\n"


def test_serve() -> None:
    """`sockreply serve` has no such options."""
    options: dict[str, Any] = {}
    log_without_waiting(options)
    assert options == {}


def test_why_no_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the background there is no standard output, and it may be closed elsewhere."""
    assert why_no_output({"nodaemon": 0}) == "a daemon has no standard output"
    assert why_no_output({"nodaemon": 1}) == why_no_output({}) == ""
    monkeypatch.setattr(sys, "__stdout__", None)
    assert why_no_output({}) == "standard output is closed"


@pytest.mark.parametrize("runner", [{"nodaemon": 1}, {"logFile": None}])
def test_refusal_under_twisted(capsys: pytest.CaptureFixture[str], runner: dict[str, Any]) -> None:
    """Its text is printed, and the process ends with its status."""
    error = refusal("port: no", runner)
    assert (error.code, str(error)) == (78, "port: no")
    assert capsys.readouterr() == ("", "port: no\n")


def test_refusal_of_serve(capsys: pytest.CaptureFixture[str]) -> None:
    """It is left to `sockreply` to print it."""
    assert refusal("port: no", {}).status == 78
    assert capsys.readouterr() == ("", "")


def test_refusal_in_the_journal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it is an error."""
    monkeypatch.setattr(runners, "reaches_journal", lambda _: True)
    refusal("port: no", {"nodaemon": 1})
    assert capsys.readouterr().err == "<3>port: no\n"

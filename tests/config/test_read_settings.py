"""Settings that are not those of a service: logs, metrics, warnings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.refusals import FILES
from tests.config.texts import SERVICE, begins, problems_of, settings_of, short


@pytest.mark.parametrize(("text", "problem"), FILES, ids=short)
def test_refused_files(text: str, problem: str) -> None:
    """What is wrong outside of services has its place."""
    assert begins(problems_of(text), problem)


def test_warnings() -> None:
    """Warnings have their places, in the order in which they were found."""
    text = "'{{ x }}'"
    settings = settings_of(f"{SERVICE}otherwise = [{text}, {text}]\ngreeting = {text}")
    assert [each.partition(": ")[0] for each in settings.warnings] == [
        "services.s.otherwise[1]",
        "services.s.otherwise[2]",
        "services.s.greeting",
    ]


def test_templates_where_there_are_none(tmp_path: Path) -> None:
    """Text that looks like a template is warned of wherever it is taken as it is written."""
    (tmp_path / "{{ x }}").write_bytes(b"")
    settings = settings_of(
        """
        [log]
        json = "{{ x }}.json"
        record = "{{ x }}.jsonl"
        [metrics]
        listen = "unix:{{ x }}.metrics"
        [services.s]
        listen = ["tcp:0", "unix:{{ x }}.sock"]
        framing = "delimited:end={{ x }}"
        keep_alive = true
        initial_state = "{{ x }}"
        otherwise = { file = "{{ x }}" }
        [[services.s.rules]]
        name = "{{ x }}"
        state = ["{{ x }}", "plain"]
        next_state = "plain"
        reply = "x"
        """,
        tmp_path,
    )
    assert all(" is taken literally; " in warning for warning in settings.warnings)
    assert [each.partition(": ")[0] for each in settings.warnings] == [
        "services.s.listen[2]",
        "services.s.initial_state",
        "services.s.framing",
        "services.s.rules.'{{ x }}'.name",
        "services.s.rules.'{{ x }}'.state[1]",
        "services.s.otherwise.file",
        "log.json",
        "log.record",
        "metrics.listen",
    ]


def test_log_and_metrics(tmp_path: Path) -> None:
    """Logs are files beside the configuration, or standard output; metrics are local."""


def test_outlets(tmp_path: Path) -> None:
    """Files are beside the configuration, or standard output; metrics are local."""
    text = f"{SERVICE}otherwise = 'x'\n"
    settings = settings_of(f"{text}[log]\njson = '-'\nrecord = '-'\n", tmp_path)
    assert settings.log.json == "-"
    assert settings.log.record == str(tmp_path / "-")
    assert settings.metrics is settings.ready_file is None
    settings = settings_of(f"{text}[metrics]\nlisten = 'tcp6:1'\n", tmp_path)
    assert settings.metrics == r"tcp6:1:interface=\:\:1"
    settings = settings_of(f"{text}[ready]\nfile = 'run/ready'\n", tmp_path)
    assert settings.ready_file == str(tmp_path / "run" / "ready")

"""A daemon with a file, and the commands that read it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.test_reload import PATIENCE, SOCKREPLY, Running, service
from tests.end_to_end.waiting import eventually

SCRIPTS = Path(sysconfig.get_path("scripts"))
WRONG = service("x").replace('listen = "tcp:0', 'lisen = "tcp:0')


def sockreply(*words: str) -> tuple[int, str, str]:
    """Run a command: its status, and what it prints."""
    done = subprocess.run(
        [SOCKREPLY, *words], capture_output=True, timeout=PATIENCE, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("missing", [True, False])
def test_file_that_is_wrong_in_the_background(missing: bool, tmp_path: Path) -> None:
    """One line names the file as it was written, the place and the reason; nothing is left."""
    file = tmp_path / "x.toml"
    if not missing:
        file.write_text(WRONG)
    done = subprocess.run(
        [str(SCRIPTS / "twistd"), "sockreply", "--config", "x.toml"],
        capture_output=True,
        timeout=PATIENCE,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 78
    assert "x.toml: " in said
    assert str(file) not in said
    assert ("No such file" if missing else "services.example.lisen: unknown key") in said
    assert "Traceback" not in said
    eventually(lambda: not (tmp_path / "twistd.pid").exists())


def test_config_excludes_other_options(tmp_path: Path) -> None:
    """What the file replaces cannot be said beside it."""
    (tmp_path / "x.toml").write_text(service("x"))
    status, _, said = sockreply("serve", "--config", str(tmp_path / "x.toml"), "--listen=tcp:0")
    assert status == 2
    assert "--config and --listen cannot be combined" in said


def test_check_tells_all_problems(tmp_path: Path) -> None:
    """A line each, with the place, and status 1."""
    (tmp_path / "x.toml").write_text(WRONG.replace('"turn" }', "5 }"))
    status, told, _ = sockreply("check", str(tmp_path / "x.toml"))
    assert status == 1
    assert "services.example.lisen: unknown key" in told
    assert "services.example.rules.rule-4.when.equals: " in told
    assert all(line.startswith(f"{tmp_path}/x.toml: ") for line in told.splitlines())


def test_check_tells_what_is_set_up(tmp_path: Path) -> None:
    """Of a file that is right, with warnings, and status 0."""
    (tmp_path / "x.toml").write_text(
        service("x").replace('{ equals = "go" }', "{ regex = '(a+)+' }")
    )
    status, told, _ = sockreply("check", str(tmp_path / "x.toml"))
    assert status == 0
    assert "warning: services.example.rules.rule-2.when.regex" in told
    assert "service example: framing line, keep-alive, 4 rules" in told


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--state", "gone", "--hex", "7374617465"], 0, "rule-3: answers"),
        (["state"], 1, "not in state gone"),
        (["--service", "none", "slow"], 2, "'none' is not one of example"),
        (["--hex", "xy"], 2, "not hexadecimal"),
    ],
)
def test_explain(words: list[str], status: int, told: str, tmp_path: Path) -> None:
    """Which rule answers, or why none does; the status tells which of the two."""
    file = tmp_path / "x.toml"
    file.write_text(service("x"))
    *options, message = words
    done = sockreply("explain", *options, str(file), message)
    assert done[0] == status
    assert told in done[1] + done[2]


def test_explain_of_a_wrong_file(tmp_path: Path) -> None:
    """One line, and status 1."""
    (tmp_path / "x.toml").write_text(WRONG)
    status, _, said = sockreply("explain", str(tmp_path / "x.toml"), "x")
    assert (status, said.count("\n")) == (1, 1)


def get(path: str, to: Path) -> tuple[int, str]:
    """Ask over HTTP on a UNIX socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(to))
        client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), body


def test_counts_add_up(tmp_path: Path) -> None:
    """Opened is closed and open; messages are replies, silences and errors."""
    text = service("x").replace(
        "rules = [",
        'rules = [{ when = { equals = "quiet" }, reply = [] }, '
        '{ when = { equals = "bad" }, reply = { template = "{{ 1 // (count - count) }}" } },',
    )
    text = text.replace("keep_alive", "drain_delay = 1.0\nkeep_alive")
    sock = tmp_path / "metrics.sock"
    daemon = Running(tmp_path, f'{text}\n[metrics]\nlisten = "unix:{sock}"\n')
    try:
        client, bad = daemon.client(), daemon.client()
        assert client.ask("x") == "x"
        assert client.ask("slow") == "x1"
        assert bad.ask("bad") == ""
        client.ask("quiet\nx")
        status, body = get("/metrics", sock)
        assert (status, get("/healthz", sock)[0], get("/readyz", sock)[0]) == (200, 200, 200)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.until(lambda: get("/readyz", sock)[0] == 503)
        client.close()
        bad.close()
    finally:
        daemon.process.terminate()
        assert daemon.process.wait(PATIENCE) == 0
    count = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }

    def total(name: str) -> float:
        return sum(value for key, value in count.items() if key[0] == f"sockreply_{name}")

    assert total("connections_total") == total("connections") + total("closed_total") == 2
    assert total("messages_total") == 5
    assert total("replies_total") + total("silences_total") + total("errors_total") == 5
    assert total("reply_seconds_count") == total("replies_total")
    assert total("rule_matches_total") == 5
    assert total("errors_total") == 1


def told(line: dict[str, Any]) -> tuple[str, str]:
    """The message and its reply in a line of a record."""
    (reply,) = line["replies"]
    return line["request"]["text"], reply["text"]


@pytest.mark.parametrize("full", [True, False])
def test_record(full: bool, tmp_path: Path) -> None:
    """Every exchange is a JSON line, also after rotation; a full disk costs the record only."""
    record = Path("/dev/full") if full else tmp_path / "record.jsonl"
    daemon = Running(tmp_path, f'{service("x")}\n[log]\nrecord = "{record}"\n')
    try:
        client = daemon.client()
        assert client.ask("hello") == "x"
        if full:
            daemon.until(lambda: re.search("record.*space", daemon.log, re.IGNORECASE) is not None)
        else:
            daemon.until(lambda: "exchange" in record.read_text())
            record.rename(tmp_path / "old.jsonl")
            daemon.change(daemon.file.read_text())
        assert client.ask("go") == "going"
        client.close()
    finally:
        time.sleep(0.1)
        daemon.process.terminate()
        assert daemon.process.wait(PATIENCE) == 0
    if not full:
        opened, old = map(json.loads, (tmp_path / "old.jsonl").read_text().splitlines())
        new, closed = map(json.loads, record.read_text().splitlines())
        assert [line["event"] for line in (opened, closed)] == ["connected", "disconnected"]
        assert (told(old), old["rule"]) == (("hello", "x"), "otherwise")
        assert (told(new), new["rule"]) == (("go", "going"), "rule-2")
        assert (new["service"], new["connection"], new["outcome"]) == ("example", 1, "reply")


@pytest.mark.parametrize("command", [["check"], ["explain", "--state", "start"]])
def test_output_that_cannot_be_written(command: list[str], tmp_path: Path) -> None:
    """A reader that has enough is worth no line, a full disk is one; neither has a traceback."""
    file = tmp_path / "한.toml"
    file.write_text(service("한"))
    words = [SOCKREPLY, *command, str(file), *(["한"] if command != ["check"] else [])]
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    ascii_only = subprocess.run(words, capture_output=True, timeout=PATIENCE, env=env, check=False)
    assert ascii_only.stderr == b""
    reader, writer = os.pipe()
    os.close(reader)
    for output, said in ((writer, b""), (os.open("/dev/full", os.O_WRONLY), b"No space left")):
        done = subprocess.run(
            words, stdout=output, stderr=subprocess.PIPE, timeout=PATIENCE, check=False
        )
        os.close(output)
        assert done.returncode == 1
        assert said in done.stderr
        assert b"Traceback" not in done.stderr

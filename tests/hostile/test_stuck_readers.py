"""Who reads a log and stands still holds up neither a reply nor the end."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect_unix, read_bytes
from tests.end_to_end.daemons import command, environment, in_each_foreground
from tests.end_to_end.waiting import PATIENCE, eventually
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import NAIVE

HUNDREDS = 6
"""How many hundred messages have lines in the log that take several times what a pipe holds."""
MANY_TIMES = 5
"""How many times that there has to be, so that no more may wait either."""
SHORT = 3.0
"""Seconds after which the control has failed."""
LINE = b"x" * 150 + b"\n"

CHATTY = """
[log]
exchanges_per_second = 100000
{json}

[services.default]
listen = "unix:s"
framing = "line"
keep_alive = true
rules = [{{ reply = {{ echo = true }} }}]
"""
"""A file for a daemon that logs every exchange."""


class Pipe:
    """One that nobody reads until somebody does.

    Args:
        reader: The end to read from.
        writer: The other one.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self.reader = reader
        self.writer = writer

    def let_go(self) -> None:
        """Leave the writer to the daemon."""
        os.close(self.writer)

    def read(self) -> bytes:
        """What is in it now."""
        os.set_blocking(self.reader, False)
        data = b""
        with suppress(BlockingIOError):
            while more := os.read(self.reader, 1 << 20):
                data += more
        return data


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe that nobody reads."""
    pipe = Pipe(*os.pipe())
    yield pipe
    os.close(pipe.reader)


@contextmanager
def running(words: Sequence[str], directory: Path, out: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a daemon with that standard output."""
    log = (directory / "err").open("wb")
    with (
        log,
        subprocess.Popen(words, cwd=directory, env=environment(), stdout=out, stderr=log) as p,
    ):
        try:
            yield p
        finally:
            p.kill()


def configure(directory: Path, json_log: str = "") -> str:
    """Write a file for a daemon that logs a lot; its path."""
    path = directory / "chatty.toml"
    path.write_text(CHATTY.format(json=json_log and f'json = "{json_log}"'))
    return str(path)


def ask_much(directory: Path, hundreds: int = HUNDREDS, patience: float = PATIENCE) -> None:
    """Get the reply to every message, a hundred at a time."""
    clients = []

    def connected() -> bool:
        with suppress(FileNotFoundError, ConnectionRefusedError):  # it is still starting
            clients.append(connect_unix(str(directory / "s")))
        return bool(clients)

    eventually(connected)
    with clients[0] as client:
        client.settimeout(patience)
        for _ in range(hundreds):
            client.sendall(LINE * 100)
            assert read_bytes(client, len(LINE) * 100) == LINE * 100


@in_each_foreground
def test_text_log_that_nobody_reads(
    tmp_path: Path, pipe: Pipe, runner: str, figure: Figure
) -> None:
    """With standard output on a pipe that is full, everybody is answered and SIGTERM works."""
    words = command(runner, "--config", configure(tmp_path))
    with running(words, tmp_path, pipe.writer) as daemon:
        pipe.let_go()
        for _ in range(MANY_TIMES):
            ask_much(tmp_path)
        daemon.terminate()
        begun = time.monotonic()
        assert daemon.wait(PATIENCE) == 0
    took = time.monotonic() - begun
    count = MANY_TIMES * HUNDREDS * 100
    figure(
        Promise.STUCK_READER,
        f"{runner}, text to a full pipe: {count} of {count} answered; stopped after {took:.1f} s",
    )


@in_each_foreground
def test_json_log_that_nobody_reads(tmp_path: Path, runner: str, figure: Figure) -> None:
    """The same with a named pipe for the JSON lines; the text log says that some are lost."""
    os.mkfifo(tmp_path / "json")
    reader = os.open(tmp_path / "json", os.O_RDONLY | os.O_NONBLOCK)
    words = command(runner, "--config", configure(tmp_path, "json"))
    with (tmp_path / "out").open("wb") as out, running(words, tmp_path, out.fileno()) as daemon:
        for _ in range(MANY_TIMES):
            ask_much(tmp_path)
        daemon.terminate()
        assert daemon.wait(PATIENCE) == 0
    kept = os.read(reader, 1 << 20).count(b"\n")
    os.close(reader)
    lines = (tmp_path / "out").read_text().splitlines()
    (first,) = [i for i, line in enumerate(lines) if " starting on " in line]
    (last,) = [i for i, line in enumerate(lines) if " no longer writing JSON lines " in line]
    told = f"cannot write JSON lines to {tmp_path}/json: its reader takes no more lines"
    assert len([line for line in lines if told in line]) == 1
    assert kept > 0
    assert lines[last].endswith(f"json; {last - first - kept} lines lost")
    text = f"{runner}, JSON to a full pipe: {kept} lines in it, {last - first - kept} told as lost"
    figure(Promise.STUCK_READER, text)


@in_each_foreground
def test_json_log_on_standard_output_that_nobody_reads(
    tmp_path: Path, pipe: Pipe, runner: str
) -> None:
    """The same with the JSON lines on a standard output that is full."""
    words = command(runner, "--config", configure(tmp_path, "-"))
    with running(words, tmp_path, pipe.writer) as daemon:
        pipe.let_go()
        ask_much(tmp_path)
        daemon.terminate()
        assert daemon.wait(PATIENCE) == 0


def test_twisteds_log_waits_for_its_reader(tmp_path: Path, pipe: Pipe, figure: Figure) -> None:
    """The control: with Twisted's own observer nobody is answered, and SIGTERM does nothing."""
    words = [*NAIVE, "--listen", "unix:s", "--tell"]
    with running(words, tmp_path, pipe.writer) as daemon:
        pipe.let_go()
        with pytest.raises(TimeoutError):
            ask_much(tmp_path, MANY_TIMES * HUNDREDS * 100, SHORT)  # it logs once for each read
        daemon.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            daemon.wait(SHORT)
    text = "nobody is answered once the pipe is full, and SIGTERM does nothing"
    figure(Promise.STUCK_READER, text, control=True)


def test_reader_that_goes_on(tmp_path: Path, pipe: Pipe) -> None:
    """It gets what has waited, then new lines, each of them whole, and how many it missed."""
    words = command("sockreply serve", "--config", configure(tmp_path))
    with running(words, tmp_path, pipe.writer) as daemon:
        pipe.let_go()
        for _ in range(MANY_TIMES):
            ask_much(tmp_path)
        heard = b""

        def told() -> bool:
            nonlocal heard
            heard += pipe.read()
            ask_much(tmp_path, 1)
            return b" lines lost\n" in heard

        eventually(told)
        daemon.terminate()
        while daemon.poll() is None:
            heard += pipe.read()
    lines = (heard + pipe.read()).decode().splitlines()
    assert all(line.startswith("20") for line in lines)
    (again,) = [line for line in lines if line.endswith(" lines lost")]
    assert "writing the log to standard output again; " in again
    assert " served " in lines[-2]

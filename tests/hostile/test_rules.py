"""What rules may cost: templates that ask for much, and files with many rules."""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.end_to_end.clients import connect, read_bytes
from tests.end_to_end.daemons import Daemon, Start
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import ANYWHERE, NAIVE

PATIENT = 60
"""Seconds for what takes much longer on a machine that has other work."""

SERVICE = """
[services.a]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
otherwise = { echo = true }
"""

MULTIPLIES = "{{ message | replace('a', message) }}"
LOOPS = "{% for i in range(100000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}x"

# Whoever asks beside them waits for a tenth of a second and what one step takes; the rest of this
# is for machines that have other work.
LONGEST_WAIT = 1.0
MORE_MEMORY = 100_000_000
"""Bytes; without bounds, 65,000 bytes by themselves are 2 GB."""


class Pings:
    """Asks again and again, and remembers the longest wait."""

    def __init__(self, client: socket.socket) -> None:
        self.longest = 0.0
        self._client = client
        self._over = Event()

    @contextmanager
    def while_this(self) -> Iterator[None]:
        """Ask during this."""
        thread = Thread(target=self._ask)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.002):
            begun = time.monotonic()
            self._client.sendall(b"x\n")
            assert read_bytes(self._client, 2) == b"x\n"
            self.longest = max(self.longest, time.monotonic() - begun)


def longest_wait(port: int, work: Callable[[], object]) -> float:
    """The longest that a client waits beside some work."""
    with connect(port) as client:
        client.settimeout(PATIENT)
        pings = Pings(client)
        with pings.while_this():
            work()
    return pings.longest


def send(port: int, message: bytes) -> None:
    """Ask once, and wait for what comes of it: a reply, or the end."""
    with connect(port) as client:
        client.settimeout(PATIENT)
        client.sendall(message + b"\n")
        client.recv(10)


def ask_for_much(daemon: Daemon, message: bytes) -> tuple[float, int]:
    """The longest wait of others while a long message is answered, and the memory that it took."""
    port, before = daemon.port, daemon.memory()
    most = before

    def work() -> None:
        nonlocal most
        thread = Thread(target=send, args=(port, message))
        thread.start()
        while thread.is_alive():
            most = max(most, daemon.memory())
            time.sleep(0.002)
        thread.join()

    wait = longest_wait(port, work)
    return wait, most - before


def test_templates_that_ask_for_much(start_daemon: Start, tmp_path: Path, figure: Figure) -> None:
    """Messages of 65,000 bytes and templates that multiply or loop: others wait little."""
    rules = "".join(
        f'[[services.a.rules]]\nwhen = {{ starts_with = "{each}" }}\n'
        f'reply = {{ template = "{template}" }}\n'
        for each, template in (("m", MULTIPLIES), ("l", LOOPS))
    )
    file = tmp_path / "rules.toml"
    file.write_text(SERVICE + rules)
    daemon = start_daemon("--config", str(file))
    for first in (b"m", b"l"):
        wait, memory = ask_for_much(daemon, first + b"a," * 32_500)
        figure(Promise.TEMPLATES, f"{first.decode()}: others waited {wait:.2f} s, {memory} bytes")
        assert wait < LONGEST_WAIT
        assert memory < MORE_MEMORY
    assert "it takes more than 0.1 s" in daemon.log


@pytest.mark.parametrize(
    ("template", "message"), [(MULTIPLIES, b"a," * 10_000), (LOOPS, b"a" * 1_000)]
)
def test_templates_of_a_plain_sandbox(
    start_daemon: Start, figure: Figure, template: str, message: bytes
) -> None:
    """The control: Jinja2's sandbox, and messages that are shorter."""
    daemon = start_daemon(*ANYWHERE, "--template", template, runner=NAIVE)
    wait, memory = ask_for_much(daemon, message)
    figure(Promise.TEMPLATES, f"others waited {wait:.2f} s, {memory} bytes", control=True)
    assert wait >= LONGEST_WAIT or memory >= MORE_MEMORY


RULES = 3_000
IN_THE_LOOP = (sys.executable, "-m", "tests.hostile.reading_in_the_loop", "serve")


def wait_beside_a_reload(daemon: Daemon) -> tuple[float, float]:
    """The longest wait of a client while the file is read again, and how long that took."""
    port = daemon.port
    took = 0.0

    def work() -> None:
        nonlocal took
        begun = time.monotonic()
        daemon.signal(signal.SIGHUP)
        while "reloaded" not in daemon.log:
            assert time.monotonic() < begun + PATIENT
            time.sleep(0.01)
        took = time.monotonic() - begun
        time.sleep(0.5)  # what was there before is let go of

    return longest_wait(port, work), took


def long_file(directory: Path) -> str:
    """A file with many templates, none of which is a simple one."""
    rules = "".join(
        f'[[services.a.rules]]\nwhen = {{ equals = "q{number}" }}\n'
        f'reply = {{ template = "{number} {{{{ message | upper }}}}" }}\n'
        for number in range(RULES)
    )
    file = directory / "long.toml"
    file.write_text(SERVICE + rules)
    return str(file)


def test_long_file_is_read_beside_the_loop(
    start_daemon: Start, tmp_path: Path, figure: Figure
) -> None:
    """A reload of 3,000 templates lets others wait for a small part of the time that it takes."""
    daemon = start_daemon("--config", long_file(tmp_path), runner="sockreply serve")
    wait, took = wait_beside_a_reload(daemon)
    figure(Promise.LONG_FILE, f"a reload of {took:.1f} s, others waited {wait:.3f} s at most")
    assert wait < took / 5


def test_long_file_that_is_read_in_the_loop(
    start_daemon: Start, tmp_path: Path, figure: Figure
) -> None:
    """The control: the same daemon, but it reads the file in the loop."""
    daemon = start_daemon("--config", long_file(tmp_path), runner=IN_THE_LOOP)
    wait, took = wait_beside_a_reload(daemon)
    figure(Promise.LONG_FILE, f"a reload of {took:.1f} s, others waited {wait:.3f} s", control=True)
    assert wait > took / 2

"""Datagrams in the names of others take nobody's place, and flood nobody."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.daemons import ROOT, Daemon, Start
from tests.end_to_end.waiting import PATIENCE
from tests.hostile.figures import Figure, Promise
from tests.hostile.namespace import ALONE, beside, needs_namespace

NAIVE = (sys.executable, "-m", "tests.hostile.naive_datagrams")
LOCAL = "127.0.0.1"

ADDRESSES = 50_000
"""As many peers that are never heard of again."""

AT_ONCE = 100
"""Of them between two questions of honest clients; the kernel keeps more than that."""

PLACES = 1_000
WAITS = 1.0
"""Seconds that an honest client waits for its answer."""

MOST_MEMORY = 4 * 2**20
"""Bytes that the daemon may take more, once there are as many sessions as there may be."""

FORGED = f"""
[services.s]
listen = "udp:0:interface={LOCAL}"
keep_alive = true
idle_timeout = 600
max_connections = {PLACES}
otherwise = {{ echo = true }}

[log]
exchanges_per_second = 0
"""


@dataclass
class Flooded:
    """How it went.

    Args:
        answered: How many honest clients got their answer.
        asked: How many there were.
        longest: The longest that one of them waited, in seconds.
        memory: How many bytes more the server has.
    """

    answered: int = 0
    asked: int = 0
    longest: float = 0.0
    memory: int = 0

    def __str__(self) -> str:
        waited = f", longest wait {self.longest:.2f} s" if self.answered else ""
        memory = f"{self.memory / 2**20:.1f} MiB more"
        return f"{self.answered} of {self.asked} honest clients answered{waited}; {memory}"


def forge(port: int, first: int, count: int) -> None:
    """Send datagrams from as many addresses as nobody has."""
    for number in range(first, first + count):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind((f"127.{1 + number // 65_536}.{number // 256 % 256}.{number % 256}", 0))
            peer.sendto(b"forged", (LOCAL, port))


def ask_honestly(port: int, how: Flooded) -> None:
    """Ask as a client that has just come."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(WAITS)
        client.connect((LOCAL, port))
        began = time.monotonic()
        how.asked += 1
        client.send(b"honest")
        try:
            how.answered += client.recv(100) == b"honest"
        except TimeoutError:
            return
        how.longest = max(how.longest, time.monotonic() - began)


def flood(daemon: Daemon, addresses: int, *, until: int = 0) -> Flooded:
    """Let peers come that nobody has heard of, and honest clients between them.

    Args:
        daemon: Is asked.
        addresses: How many come.
        until: So many honest clients that get no answer are enough; 0: all.
    """
    port, how, before = daemon.port, Flooded(), 0
    for first in range(0, addresses, AT_ONCE):
        forge(port, first, AT_ONCE)
        ask_honestly(port, how)
        if first + AT_ONCE == 2 * PLACES:
            before = daemon.memory()
        if until and how.asked - how.answered >= until:
            break
    how.memory = daemon.memory() - before if before else 0
    return how


def assert_unharmed(how: Flooded) -> None:
    """Every honest client was answered, at little cost."""
    assert how.answered == how.asked, how
    assert how.memory <= MOST_MEMORY, how


def test_forged_peers_take_nobodys_place(
    start_daemon: Start, figure: Figure, tmp_path: Path
) -> None:
    """50,000 peers that are never heard of again stop no honest client, and cost no memory."""
    (tmp_path / "forged.toml").write_text(FORGED)
    how = flood(start_daemon("--config", "forged.toml"), ADDRESSES)
    figure(Promise.FORGED, f"{ADDRESSES:,} addresses, {PLACES:,} places: {how}")
    assert how.asked == ADDRESSES // AT_ONCE
    assert_unharmed(how)


@pytest.mark.parametrize("most", [0, PLACES], ids=["unbounded", "full"])
def test_forged_peers_that_are_all_remembered(
    start_daemon: Start, figure: Figure, most: int
) -> None:
    """The control: who remembers every peer needs the memory, or has no place for the next one."""
    daemon = start_daemon("--listen", LOCAL, "--most", str(most), runner=NAIVE)
    how = flood(daemon, ADDRESSES, until=3)
    kind = f"no more than {most:,} peers" if most else "every peer is remembered"
    figure(Promise.FORGED, f"{kind}: {how}", control=True)
    with pytest.raises(AssertionError):
        assert_unharmed(how)


OUTSIDE = "192.0.2.1"
PORT = 5353  # in a network of its own
ELSEWHERE = (
    *ALONE,
    *("sh", "-c", f'ip link set lo up && ip addr add {OUTSIDE}/32 dev lo && exec "$@"', "sh"),
)
"""The words that start a program where there is one address more, which is no loopback address."""

QUESTIONS, SIZE, REPLY = 20, 30, 2_000
TIMES = 3

AMPLIFYING = """
[services.s]
listen = ["udp:{port}:interface={local}", "udp:{port}:interface={outside}"]
keep_alive = {keep_alive}
rules = [{{ reply = [{{ echo = true }}, "{reply}"] }}]
"""


def asked_from(daemon: Daemon, source: str, port: int) -> tuple[int, int]:
    """How many bytes a peer at an address sent, and how many it got."""
    words = (source, str(port), str(QUESTIONS), str(SIZE))
    done = subprocess.run(
        [*beside(daemon), sys.executable, "-m", "tests.hostile.asking_datagrams", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 4,
        check=True,
    )
    sent, got = map(int, done.stdout.split())
    return sent, got


def assert_not_amplified(sent: int, got: int) -> None:
    """A peer got something, but not much more than it sent."""
    assert 0 < got <= TIMES * sent


@needs_namespace
@pytest.mark.parametrize("keep_alive", [False, True], ids=["each alone", "in a session"])
def test_nobody_is_flooded(
    start_daemon: Start, figure: Figure, tmp_path: Path, keep_alive: bool
) -> None:
    """A peer elsewhere gets no more than three times what it sent; one on this machine gets all."""
    (tmp_path / "amplifying.toml").write_text(
        AMPLIFYING.format(
            port=PORT,
            local=LOCAL,
            outside=OUTSIDE,
            keep_alive=str(keep_alive).lower(),
            reply="x" * REPLY,
        )
    )
    daemon = start_daemon("--config", "amplifying.toml", under=ELSEWHERE)
    daemon.wait_for(f"listening on {OUTSIDE}:{PORT}")
    sent, got = asked_from(daemon, OUTSIDE, PORT)
    figure(Promise.AMPLIFICATION, f"{sent:,} bytes sent, {got:,} bytes received")
    assert_not_amplified(sent, got)
    assert "too much for what it has sent (amplification)" in daemon.log
    assert asked_from(daemon, LOCAL, PORT) == (sent, QUESTIONS * (SIZE + REPLY))


@needs_namespace
def test_who_sends_whatever_is_asked_for(start_daemon: Start, figure: Figure) -> None:
    """The control: the same without a limit."""
    options = ("--listen", "0.0.0.0", "--reply", str(REPLY))
    daemon = start_daemon(*options, runner=NAIVE, under=ELSEWHERE)
    sent, got = asked_from(daemon, OUTSIDE, daemon.port)
    figure(Promise.AMPLIFICATION, f"{sent:,} bytes sent, {got:,} bytes received", control=True)
    with pytest.raises(AssertionError):
        assert_not_amplified(sent, got)

"""Everything at once, for a while: all framings, TLS, PROXY, rude peers, reloads and rotations."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.daemons import Daemon, Start, needs_proc
from tests.end_to_end.waiting import eventually
from tests.hostile.figures import Figure, Promise
from tests.hostile.metrics import count
from tests.hostile.naive import ANYWHERE, NAIVE
from tests.hostile.soak import FRAMINGS, Peer, Place, peers, places

pytestmark = needs_proc

WARM, SOAK = 15.0, 45.0
"""Seconds for which peers talk before the memory is first looked at, and after that."""

PEERS = 6

FLAT = 1.02
"""By how much the memory may be larger at the end."""

SERVICE = """
[services.{name}]
listen = {listen}
framing = '{framing}'
keep_alive = true
max_connections = {most}
write_timeout = 2
rules = [{{ when = {{ contains = "slow" }}, reply = [{{ delay = 0.02 }}, {{ echo = true }}] }}]
otherwise = {{ echo = true }}
"""

REST = """
[log]
json = "json"
record = "record"
exchanges_per_second = 10

[metrics]
listen = "unix:metrics"

[ready]
file = "ready.json"
"""


def configuration(certificate: Path, most: int) -> str:
    """A file with a service for each framing, one over TLS and one for a balancer."""
    plain = '"tcp:0:interface=127.0.0.1"'
    listens = dict.fromkeys(FRAMINGS, plain)
    listens["tls"] = f'"ssl:0:interface=127.0.0.1:privateKey={certificate}"'
    listens["proxy"] = f'{{ endpoint = {plain}, proxy_from = "127.0.0.0/8" }}'
    services = [
        SERVICE.format(name=name, listen=listen, framing=FRAMINGS.get(name, "line"), most=most)
        for name, listen in listens.items()
    ]
    return "\n".join([*services, REST])


class Soaked:
    """A daemon under all of it.

    Args:
        daemon: Works in the directory.
        directory: Has its file.
        certificate: Its own.
    """

    def __init__(self, daemon: Daemon, directory: Path, certificate: Path) -> None:
        self.daemon = daemon
        self.reloads = 0
        self._directory = directory
        self._certificate = certificate

    def where(self) -> list[Place]:
        """The places where it can be talked to."""
        ready = self._directory / "ready.json"
        eventually(ready.exists)
        told = json.loads(ready.read_text())["services"]
        return places({name: listeners[0]["port"] for name, listeners in told.items()})

    def soak(self, seconds: float, seed: int) -> list[Peer]:
        """Let peers talk, and reload and rotate meanwhile."""
        until = time.monotonic() + seconds
        with peers(self.where(), PEERS, seed) as talking:
            while time.monotonic() < until:
                self._change()
                time.sleep(0.5)
        eventually(lambda: self.count("connections") == 0)
        return talking

    def _change(self) -> None:
        """Other settings, a file that is wrong now and then, and other files for the logs."""
        self.reloads += 1
        text = configuration(self._certificate, 100 + self.reloads % 2)
        if self.reloads % 5 == 0:
            text = text[:-10]
        if self.reloads % 3 == 0:
            for name in ("json", "record"):
                (self._directory / name).rename(self._directory / f"{name}.{self.reloads}")
        (self._directory / "soak.toml").write_text(text)
        before = self.count("reloads_total")
        self.daemon.signal(signal.SIGHUP)
        eventually(lambda: self.count("reloads_total") > before)

    def count(self, name: str, *labels: str) -> int:
        return count(self._directory / "metrics", name, *labels)

    def recorded(self) -> Counter[str]:
        """The events of all records, each of whose lines is whole."""
        return Counter(event for file in self._directory.glob("record*") for event in events(file))


def events(file: Path) -> Iterator[str]:
    """The events of a record."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["event"]


def assert_all_were_answered(talking: list[Peer]) -> int:
    """Nobody who behaved got anything but the right answer; how many there were."""
    assert [wrong for each in talking for wrong in each.said.wrong] == []
    return sum(each.said.right for each in talking)


def test_everything_at_once(
    start_daemon: Start, certificate: Path, figure: Figure, tmp_path: Path
) -> None:
    """Sums add up, the memory is as it was, all of it was recorded, and nothing was raised."""
    (tmp_path / "soak.toml").write_text(configuration(certificate, 100))
    soaked = Soaked(start_daemon("--config", "soak.toml"), tmp_path, certificate)
    right = assert_all_were_answered(soaked.soak(WARM, 1000))
    before = soaked.daemon.memory()
    talking = soaked.soak(SOAK, 2000)
    right += assert_all_were_answered(talking)
    after, seen = soaked.daemon.memory(), soaked.count
    connections, messages = seen("connections_total"), seen("messages_total")
    unanswered = sum(seen("errors_total", kind) for kind in ("reply", "reply_timeout", "abandoned"))
    figure(
        Promise.SOAK,
        f"{WARM + SOAK:g} s, {len(FRAMINGS) + 2} services, {soaked.reloads} reloads: {right:,} "
        f"clients answered, {connections:,} connections, {messages:,} messages, "
        f"memory {after / before - 1:+.1%}",
    )
    assert seen("closed_total") == connections
    assert seen("replies_total") + seen("silences_total") + unanswered == messages
    assert seen("record_lost_total") == 0
    assert after < before * FLAT
    assert soaked.daemon.stop() == 0
    recorded = soaked.recorded()
    assert recorded["connected"] == recorded["disconnected"] == connections
    assert recorded["exchange"] == messages
    assert "Traceback" not in soaked.daemon.log


def test_everything_at_once_without_what_it_takes(start_daemon: Start, figure: Figure) -> None:
    """The control: a server that takes reads for messages loses what clients half-close behind."""
    where = places({"line": start_daemon(*ANYWHERE, "--lines", runner=NAIVE).port})
    with peers(where, PEERS, 1000) as talking:
        time.sleep(3)
    wrong = sum(len(each.said.wrong) for each in talking)
    figure(Promise.SOAK, f"a naive server: {wrong:,} clients had wrong answers", control=True)
    with pytest.raises(AssertionError):
        assert_all_were_answered(talking)

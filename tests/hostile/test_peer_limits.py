"""One peer cannot have it all, and a crowd of peers costs no memory."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.clients import read_bytes
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start
from tests.hostile.figures import Figure, Promise
from tests.hostile.flood import FLOODER, MESSAGE, come_from, flooding, visit
from tests.hostile.metrics import count

SECONDS = 3.0
"""How long a flood lasts."""

RATE, BURST = 50, 10
"""Messages a second that the flooder may send, or connections that it may make."""

GOOD = "127.0.0.3"
"""Where the other peer comes from."""

EVERY = 0.05
"""Seconds after which it asks again."""

PATIENCE = 1.0
"""Seconds that it is ready to wait for a reply, on a machine that has other work."""

FLOODED = """
[services.default]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = {keep_alive}
responder = "{responders}:costly"
{per_peer}

[metrics]
listen = "unix:{metrics}"
"""


@dataclass(frozen=True)
class Flooding:
    """One way to flood, and what is done about it.

    Args:
        limits: The keys of `per_peer`.
        limited: What they limit.
        allowed: How many replies the flooder may get.
        once: Does it make a connection for every message?
    """

    limits: str
    limited: str
    allowed: float
    once: bool = False

    @property
    def connections(self) -> int:
        """That the flooder has at a time."""
        return 300 if self.once else 20

    def file(self, directory: Path, *, limited: bool) -> Path:
        """The configuration, with the limits or without."""
        file = directory / "flooded.toml"
        per_peer = f"[services.default.per_peer]\n{self.limits}" if limited else ""
        file.write_text(
            FLOODED.format(
                keep_alive="false" if self.once else "true",
                responders=RESPONDERS,
                per_peer=per_peer,
                metrics=directory / "metrics",
            )
        )
        return file


PACED = BURST + RATE * (SECONDS + 1)  # a second more, for its start and its end
MESSAGES = f"messages_per_second = {RATE}\nmessages_burst = {BURST}\n"
CONNECTIONS = f"connections_per_second = {RATE}\nconnections_burst = {BURST}\n"
BYTES = f"bytes_per_second = {RATE * len(MESSAGE)}\n"
WAIT, REFUSE = 'over = "wait"', 'over = "refuse"'
FLOODS = {
    "messages wait": Flooding(MESSAGES + WAIT, "messages", PACED),
    "messages are refused": Flooding(MESSAGES + REFUSE, "messages", PACED),
    "connections wait": Flooding(CONNECTIONS + WAIT, "connections", PACED, once=True),
    "connections are refused": Flooding(CONNECTIONS + REFUSE, "connections", PACED, once=True),
    "bytes wait": Flooding(BYTES + WAIT, "bytes", 65_536 // len(MESSAGE) + PACED),
    "bytes are refused": Flooding(BYTES + REFUSE, "bytes", PACED + RATE),
}


@dataclass(frozen=True)
class Outcome:
    """How two peers fared, one of whom floods."""

    asked: int
    answered: int
    worst: float
    """Seconds: the longest that the good one waited."""
    flooder: int
    """Replies that the flooder got."""

    def __str__(self) -> str:
        return (
            f"{self.answered} of {self.asked} questions of the other peer answered, longest wait "
            f"{self.worst * 1000:.0f} ms; the flooder got {self.flooder:,} replies"
        )


def ask_beside(port: int, flood: Flooding) -> Outcome:
    """Ask now and then while another peer floods."""
    waits: list[float] = []
    asked = 0
    with flooding(port, SECONDS, flood.connections, once=flood.once) as other:
        client = come_from(GOOD, port)
        until = time.monotonic() + SECONDS - 0.5
        while (begun := time.monotonic()) < until:
            asked += 1
            with suppress(OSError):
                client.sendall(MESSAGE)
                if read_bytes(client, 3) == b"ok\n":
                    waits.append(time.monotonic() - begun)
            if flood.once:
                client.close()
                client = come_from(GOOD, port)
            time.sleep(EVERY)
        client.close()
        replies = other.replies()
    return Outcome(asked, len(waits), max(waits, default=SECONDS), replies)


def assert_both_have_their_share(outcome: Outcome, allowed: float) -> None:
    """The good one was answered soon, and the flooder got no more than it may."""
    assert outcome.answered == outcome.asked
    assert outcome.worst < PATIENCE
    assert outcome.flooder <= allowed


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_is_held_back(
    start_daemon: Start, figure: Figure, tmp_path: Path, kind: str
) -> None:
    """A peer that asks as much as it can gets its share; another one hardly notices."""
    flood = FLOODS[kind]
    daemon = start_daemon("--config", str(flood.file(tmp_path, limited=True)))
    outcome = ask_beside(daemon.port, flood)
    limited = count(tmp_path / "metrics", "limited_total", flood.limited)
    figure(Promise.FLOOD, f"{kind}: {outcome}; over the limit {limited:,} times")
    assert_both_have_their_share(outcome, flood.allowed)
    assert limited > 0


@pytest.mark.parametrize("once", [False, True], ids=["messages", "connections"])
def test_a_flood_that_nothing_holds_back(
    start_daemon: Start, figure: Figure, tmp_path: Path, once: bool
) -> None:
    """The control: without limits, the flooder gets nearly all there is."""
    flood = FLOODS["connections wait" if once else "messages wait"]
    daemon = start_daemon("--config", str(flood.file(tmp_path, limited=False)))
    outcome = ask_beside(daemon.port, flood)
    figure(
        Promise.FLOOD,
        f"no limit, a flood of {'connections' if once else 'messages'}: {outcome}",
        control=True,
    )
    with pytest.raises(AssertionError):
        assert_both_have_their_share(outcome, flood.allowed)


ADDRESSES = 100_000
"""From which peers come; each asks once."""

FEWER = 50_000
"""Enough for the control."""

WARM_UP = 2_000
"""Of them, after which the daemon has all that it needs for itself."""

MOST_MEMORY = 16 * 2**20
"""Bytes that remembering them may cost."""

CROWDED = """
[services.default]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
max_message = 100
otherwise = { echo = true }

[services.default.per_peer]
connections_per_second = 0.001 # so slow that hardly any bucket is full again
connections_burst = 3
messages_per_second = 0.001
messages_burst = 3
bytes_per_second = 0.01
bytes_burst = 100
over = "refuse"

[log]
exchanges_per_second = 0
"""

FORGETS_NOBODY = """
from sockreply.conversation import buckets
buckets.MOST_PEERS = 10**9
from sockreply.commands.cli import main
raise SystemExit(main())
"""


def is_refused(daemon: Daemon) -> bool:
    """Is the flooder refused at once?"""
    with come_from(FLOODER, daemon.port) as client:
        try:
            client.sendall(b"hello\n")
            return client.recv(64) == b""
        except ConnectionError:
            return True


def costs(daemon: Daemon, addresses: int) -> int:
    """Bytes that it takes to have been visited from so many addresses; all are served."""
    port = daemon.port
    assert visit(port, WARM_UP) == WARM_UP
    before = daemon.memory()
    asked = addresses + WARM_UP
    # The first ones come for the second time, which they may.
    assert visit(port, asked) == asked
    return daemon.memory() - before


def test_many_addresses_cost_little(start_daemon: Start, figure: Figure, tmp_path: Path) -> None:
    """Peers from 100,000 addresses are served in bounded memory; the flooder is not forgotten."""
    (tmp_path / "crowded.toml").write_text(CROWDED)
    daemon = start_daemon("--config", str(tmp_path / "crowded.toml"))
    while not is_refused(daemon):
        pass
    cost = costs(daemon, ADDRESSES)
    refused = is_refused(daemon)
    figure(
        Promise.MANY_PEERS,
        f"{ADDRESSES:,} addresses, all served: {cost / 2**20:.1f} MiB more; a flooder from before "
        f"is {'still' if refused else 'no longer'} refused",
    )
    assert cost <= MOST_MEMORY
    assert refused


def test_many_addresses_that_are_all_remembered(
    start_daemon: Start, figure: Figure, tmp_path: Path
) -> None:
    """The control: the same without forgetting."""
    (tmp_path / "crowded.toml").write_text(CROWDED)
    runner = (sys.executable, "-c", FORGETS_NOBODY, "serve")
    daemon = start_daemon("--config", str(tmp_path / "crowded.toml"), runner=runner)
    cost = costs(daemon, FEWER)
    figure(
        Promise.MANY_PEERS,
        f"{FEWER:,} addresses, all remembered: {cost / 2**20:.1f} MiB more",
        control=True,
    )
    with pytest.raises(AssertionError):
        assert cost <= MOST_MEMORY

"""SIGHUP changes what is answered, and costs nobody a connection."""

from __future__ import annotations

import signal
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.end_to_end.certificates import make_certificate
from tests.end_to_end.clients import connect, read_bytes
from tests.end_to_end.daemons import Daemon, Start
from tests.end_to_end.manager import Manager, manager_in, microseconds, now
from tests.hostile.figures import Figure, Promise
from tests.hostile.load import Load, Tally
from tests.hostile.metrics import count
from tests.hostile.naive import ANYWHERE, NAIVE
from tests.hostile.supervisor import kept_port

RELOADS = 30
EVERY = 1_000
"""Connections between two of them."""

WORKERS = 32
OLD_CLIENTS = 50
"""Who stay connected all the time."""

TWO_SECONDS = 2_000_000
"""Microseconds in which a reload is over: a hundredth, on a machine that has other work."""

FILE = """
[metrics]
listen = "unix:metrics"

[services.crowds]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
otherwise = {{ echo = true }}
idle_timeout = {seconds}

[services.kept]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
otherwise = "{reply}"
"""
WRONG = "\n[services.wrong]\nnonsense = true\n"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Stands for systemd."""
    with manager_in(tmp_path) as manager:
        yield manager


def reload(daemon: Daemon, manager: Manager) -> tuple[int, str]:
    """Send SIGHUP.

    Returns:
        The microseconds until systemd is told that the daemon is ready again, and its status.
    """
    begun = now()
    daemon.signal(signal.SIGHUP)
    reloading, monotonic = next_but_status(manager)
    assert reloading == "RELOADING=1"
    assert begun <= microseconds(monotonic, "MONOTONIC_USEC") <= now()
    ready, status = next_but_status(manager)
    assert ready == "READY=1"
    return now() - begun, status


def next_but_status(manager: Manager) -> list[str]:
    """The next message that tells more than how many connections there are."""
    while (lines := manager.next())[0].startswith("STATUS="):
        pass
    return lines


def assert_nothing_lost(tally: Tally) -> None:
    """Every connection was answered."""
    assert tally.lost == 0, tally


def test_reload_loses_no_connection(
    load: Load, start_daemon: Start, figure: Figure, tmp_path: Path, manager: Manager
) -> None:
    """Good files hold at once, bad ones change nothing, and 30 of them cost no connection."""
    file = tmp_path / "example.toml"
    file.write_text(FILE.format(seconds=10, reply="0"))
    daemon = start_daemon("--config", str(file), under=manager.starting())
    crowds, kept = daemon.ports(2)
    assert manager.next()[0] == "READY=1"
    old, slowest, answers = [connect(kept) for _ in range(OLD_CLIENTS)], 0, 0
    with load.crowd(crowds, workers=WORKERS, count=(RELOADS + 1) * EVERY) as crowd:
        for number in range(1, RELOADS + 1):
            crowd.reach(number * EVERY)
            bad = number % 3 == 0
            reply = str(number % 10)
            text = FILE.format(seconds=10 + number, reply=reply)
            file.write_text(text + WRONG * bad)
            took, status = reload(daemon, manager)
            slowest = max(slowest, took)
            assert ("failed" in status) == bad
            expected = str((number - bad) % 10).encode() + b"\n"
            for client in old:
                client.sendall(b"hello\n")
            answers += [read_bytes(client, 2) for client in old].count(expected)
        tally = crowd.tally()
    for client in old:
        client.close()
    figure(
        Promise.RELOAD,
        f"{RELOADS} reloads, every third of a bad file: {tally}; {answers:,} of "
        f"{RELOADS * OLD_CLIENTS:,} replies to old clients right; ready again after at most "
        f"{slowest / 1000:.0f} ms",
    )
    assert_nothing_lost(tally)
    assert answers == RELOADS * OLD_CLIENTS
    assert slowest < TWO_SECONDS
    assert count(tmp_path / "metrics", "reloads_total", "good") == 20
    assert count(tmp_path / "metrics", "reloads_total", "bad") == 10


def test_hangup_that_ends_it(load: Load, start_daemon: Start, figure: Figure) -> None:
    """The control: SIGHUP is the end of a plain Twisted server."""
    daemon = start_daemon(*ANYWHERE, "--close", runner=NAIVE)
    with load.crowd(daemon.port, workers=WORKERS, count=3 * EVERY) as crowd:
        crowd.reach(EVERY)
        daemon.signal(signal.SIGHUP)
        tally = crowd.tally()
    figure(Promise.RELOAD, f"one SIGHUP: {tally}", control=True)
    with pytest.raises(AssertionError):
        assert_nothing_lost(tally)


TLS = """
[services.example]
listen = "ssl:{port}:privateKey={certificate}:interface=127.0.0.1"
framing = "line"
keep_alive = true
otherwise = {{ echo = true }}
"""


def connect_tls(port: int) -> ssl.SSLSocket:
    """A connection over TLS, to whoever it is."""
    context = ssl._create_unverified_context()
    return context.wrap_socket(connect(port))


def serial(client: ssl.SSLSocket) -> int:
    """The number of the certificate that a client was shown."""
    shown = client.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def serial_in(certificate: Path) -> int:
    """The number of a certificate in a file."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number


@pytest.mark.parametrize("name", ["another", "its own"])
def test_reload_changes_the_certificate(
    start_daemon: Start, figure: Figure, tmp_path: Path, manager: Manager, name: str
) -> None:
    """New connections are shown another certificate, or a renewed one, and the old ones live on."""
    before = make_certificate(tmp_path / "before.pem")
    numbers = [serial_in(before)]
    file = tmp_path / "example.toml"
    with kept_port() as port:
        file.write_text(TLS.format(port=port, certificate=before))
        daemon = start_daemon("--config", str(file), under=manager.starting())
        assert manager.next()[0] == "READY=1"
        with connect_tls(port) as old:
            assert serial(old) == numbers[0]
            after = make_certificate(tmp_path / "after.pem" if name == "another" else before)
            numbers.append(serial_in(after))
            file.write_text(TLS.format(port=port, certificate=after))
            took, _ = reload(daemon, manager)
            with connect_tls(port) as new:
                assert serial(new) == numbers[1] != numbers[0]
            old.sendall(b"hello\n")
            assert old.recv(6) == b"hello\n"
    figure(Promise.RELOAD, f"a certificate of {name} name: {took / 1000:.0f} ms")

"""What systemd is told, message by message, on a clock that is driven by hand."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from sockreply.daemon.systemd import EXTENSION_SECONDS, STATUS_SECONDS, Notifier

EXTENSION = f"EXTEND_TIMEOUT_USEC={int(EXTENSION_SECONDS * 1_000_000)}"


class Manager:
    """What systemd would be."""

    def __init__(self, address: str | bytes) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def told(self) -> list[list[str]]:
        """The lines of each message that has come since this was asked last."""
        messages = []
        try:
            while True:
                messages.append(self.socket.recv(65536).decode().split("\n"))
        except BlockingIOError:
            return messages


class Site:
    """A daemon's side."""

    def __init__(self, address: str, **variables: str) -> None:
        self.clock = Clock()
        self.connections = 0
        self.environment = {"NOTIFY_SOCKET": address, "HOME": "/"} | variables
        self.notifier = Notifier(
            self.clock, self.environment, lambda: self.connections, lambda: 12.5
        )

    def wait(self, seconds: float) -> None:
        """Let time pass, a quarter of a second in each turn of the loop."""
        self.clock.pump([0.25] * round(seconds * 4))


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where systemd listens."""
    return str(tmp_path / "notify")


@pytest.fixture
def manager(path: str) -> Iterator[Manager]:
    """Listens there."""
    manager = Manager(path)
    yield manager
    manager.socket.close()


@pytest.fixture
def site(path: str) -> Iterator[Site]:
    """A daemon that has not begun."""
    site = Site(path)
    yield site
    site.notifier.stopped()


def test_ready(site: Site, manager: Manager) -> None:
    """Nothing is told before it is ready; then that, and how many connections are open."""
    site.notifier.reloading()
    assert manager.told() == []
    site.notifier.ready()
    assert manager.told() == [["READY=1", "STATUS=0 connections"]]


def test_status(site: Site, manager: Manager) -> None:
    """The number of connections is told when it has changed, and not oftener than that."""
    site.notifier.ready()
    manager.told()
    site.wait(10 * STATUS_SECONDS)
    assert manager.told() == []
    for site.connections in (5, 3, 1):
        site.wait(STATUS_SECONDS / 5)
    assert manager.told() == []
    site.wait(STATUS_SECONDS)
    assert manager.told() == [["STATUS=1 connection"]]


def test_reload(site: Site, manager: Manager) -> None:
    """A reload is told with the time at which it began, and ends with READY."""
    site.notifier.ready()
    manager.told()
    site.notifier.reloading()
    assert manager.told() == [["RELOADING=1", "MONOTONIC_USEC=12500000"]]
    site.notifier.reloaded(good=True)
    assert manager.told() == [["READY=1", "STATUS=0 connections"]]


def test_reload_that_failed(site: Site, manager: Manager) -> None:
    """It ends with READY too; the status says that it failed until a reload is good."""
    site.notifier.ready()
    site.notifier.reloading()
    manager.told()
    site.notifier.reloaded(good=False)
    failed = "STATUS=the last reload failed, see the log; "
    assert manager.told() == [["READY=1", f"{failed}0 connections"]]
    site.connections = 2
    site.wait(STATUS_SECONDS)
    assert manager.told() == [[f"{failed}2 connections"]]
    site.notifier.reloading()
    site.notifier.reloaded(good=True)
    assert manager.told()[-1] == ["READY=1", "STATUS=2 connections"]


def test_stop(site: Site, manager: Manager) -> None:
    """While it drains, more time is asked for again and again, as long as draining may take."""
    site.connections = 2
    site.notifier.ready()
    manager.told()
    site.notifier.stopping(4 * STATUS_SECONDS)
    assert manager.told() == [["STOPPING=1", "STATUS=stopping; 2 connections", EXTENSION]]
    site.wait(STATUS_SECONDS)
    assert manager.told() == [[EXTENSION]]
    site.connections = 1
    site.wait(STATUS_SECONDS)
    assert manager.told() == [["STATUS=stopping; 1 connection", EXTENSION]]
    site.wait(10 * STATUS_SECONDS)
    assert len(manager.told()) <= 2
    site.notifier.stopped()
    assert manager.told() == [["STATUS=stopped"]]
    site.wait(10 * STATUS_SECONDS)
    assert manager.told() == []
    assert not site.clock.getDelayedCalls()


def test_extensions_follow_each_other_before_they_end() -> None:
    """One extension may be lost, and the next one still comes in time."""
    assert EXTENSION_SECONDS > 2 * STATUS_SECONDS


def test_reload_that_ends_while_it_stops(site: Site, manager: Manager) -> None:
    """Once it stops it is not ready any more."""
    site.notifier.ready()
    site.notifier.reloading()
    site.notifier.stopping(0)
    manager.told()
    site.notifier.reloaded(good=True)
    assert manager.told() == []


def test_start_after_a_stop(site: Site, manager: Manager) -> None:
    """A daemon that is started again in the same process is ready as the first time."""
    site.notifier.ready()
    site.notifier.stopping(100)
    site.notifier.stopped()
    manager.told()
    site.notifier.ready()
    site.wait(10 * STATUS_SECONDS)
    assert manager.told() == [["READY=1", "STATUS=0 connections"]]


@pytest.mark.parametrize("pid", ["", str(os.getpid())], ids=["of nobody", "ours"])
def test_watchdog(path: str, manager: Manager, pid: str) -> None:
    """It pings when half of the watchdog's time is over, from the loop."""
    variables = {"WATCHDOG_PID": pid} if pid else {}
    site = Site(path, WATCHDOG_USEC="3000000", **variables)
    site.notifier.ready()
    manager.told()
    site.wait(1.25)
    assert manager.told() == []
    site.wait(3.25)
    assert manager.told() == [["WATCHDOG=1"]] * 3
    site.notifier.stopped()


def test_watchdog_of_a_stuck_loop(path: str, manager: Manager) -> None:
    """Pings that a stuck loop has missed are not made up for."""
    site = Site(path, WATCHDOG_USEC="3000000")
    site.notifier.ready()
    manager.told()
    site.clock.advance(30)
    assert manager.told().count(["WATCHDOG=1"]) == 1
    site.notifier.stopped()


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "x"},
    ],
)
def test_no_watchdog(path: str, manager: Manager, variables: dict[str, str]) -> None:
    """Without a time, or when it is meant for another process, there are no pings."""
    site = Site(path, **variables)
    site.notifier.ready()
    manager.told()
    site.wait(30)
    assert manager.told() == []
    site.notifier.stopped()


def test_children_are_not_meant(path: str) -> None:
    """The variables are taken out of the environment that programs of rules get."""
    site = Site(path, WATCHDOG_USEC="3000000", WATCHDOG_PID="1")
    assert site.environment == {"HOME": "/"}


@pytest.mark.skipif(not Path("/proc/net/unix").exists(), reason="only Linux has abstract sockets")
def test_abstract_socket() -> None:
    """An address that begins with @ is one in the abstract namespace."""
    manager = Manager("")  # the kernel finds a free one
    name = bytes(manager.socket.getsockname())
    site = Site("@" + name[1:].decode())
    site.notifier.ready()
    assert manager.told() == [["READY=1", "STATUS=0 connections"]]
    site.notifier.stopped()
    manager.socket.close()


@pytest.mark.parametrize("address", ["", "notify", "vsock:2:1234"])
def test_no_socket(address: str) -> None:
    """Without an address, or with one that is unknown, nothing is told and nothing fails."""
    site = Site(address, WATCHDOG_USEC="3000000")
    site.notifier.ready()
    site.notifier.reloading()
    site.notifier.reloaded(good=True)
    assert not site.clock.getDelayedCalls()
    site.notifier.stopping(10)
    site.notifier.stopped()


@pytest.mark.parametrize("address", ["/nowhere/notify", "/" + "x" * 200])
def test_nobody_is_there(address: str) -> None:
    """A socket that is gone, or cannot be, fails nothing."""
    site = Site(address)
    site.notifier.ready()
    site.notifier.stopping(10)
    site.notifier.stopped()


def test_manager_that_comes_back(site: Site, manager: Manager, path: str) -> None:
    """When systemd has opened its socket anew, it is told what comes next."""
    site.notifier.ready()
    manager.socket.close()
    Path(path).unlink()
    site.notifier.reloading()
    again = Manager(path)
    site.notifier.reloaded(good=True)
    assert again.told() == [["READY=1", "STATUS=0 connections"]]
    again.socket.close()


def test_manager_that_does_not_read(site: Site, manager: Manager, path: str) -> None:
    """What systemd has no room for is told later, in its order; the daemon does not wait."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                other.sendto(b"X=1", path)
    site.notifier.ready()
    site.notifier.reloading()
    assert {"X=1"} == {line for lines in manager.told() for line in lines}
    site.wait(STATUS_SECONDS)
    assert [lines[0] for lines in manager.told()] == ["READY=1", "RELOADING=1"]


def test_manager_that_reads_no_more(site: Site, manager: Manager) -> None:
    """What waits to be told is bounded."""
    site.notifier.ready()
    for _ in range(10_000):
        site.notifier.reloading()
    before = len(manager.told())
    site.wait(STATUS_SECONDS)
    assert before < 10_000
    assert 0 < len(manager.told()) <= 10


def test_descriptor(site: Site, manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells on when the process has run out of descriptors."""
    site.notifier.ready()
    manager.told()

    def no_more(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socket", no_more)
    site.notifier.reloaded(good=True)
    assert manager.told() == [["READY=1", "STATUS=0 connections"]]

"""What holds for every test, and what tests of several parts share."""

from __future__ import annotations

import importlib.metadata
import signal
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, EntryPoints

import pytest
import pytest_twisted  # type: ignore[import-untyped]  # it has no types
from hypothesis import settings
from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests import hangs

# The same examples on every run and machine, however slow it is.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

# A shell that runs a job in the background has it ignore SIGINT, and every program that the tests
# start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# nohup does the same with SIGHUP.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


_WATCH = pytest.StashKey[hangs.Watch]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep standard error, before it is captured."""
    config.stash[_WATCH] = hangs.Watch(hangs.uncaptured_stderr())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End the process if a test hangs."""
    watch = item.config.stash[_WATCH]
    watch.begin(hangs.seconds_for(item.path), item.nodeid)
    try:
        return (yield)
    finally:
        watch.end(last=nextitem is None)


@pytest.fixture(scope="session", autouse=True)
def reactor_runs() -> None:
    """Starts the reactor before a test can stand in for `signal.signal`.

    It installs its handler of SIGCHLD as it starts, and sees no child end without that.
    """
    pytest_twisted.blockon(deferLater(reactor, 0))


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes it look as if distributions with these entry points were installed, and others."""

    def install(group: str, **values: str) -> None:
        points = [EntryPoint(name, value, group) for name, value in values.items()]
        others = [EntryPoint("elsewhere", "somewhere:else", "some.other.group")]
        monkeypatch.setattr(importlib.metadata, "entry_points", EntryPoints(points + others).select)

    return install

"""The file is read again, aside, while other things happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.daemon.test_apply import FILE, Site, saying, site
from tests.server.stand_ins import texts

__all__ = ["site"]


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What is being read; each is done when it is called."""
    begun: list[Callable[[], None]] = []

    def later(_: object, work: Callable[..., Any]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        begun.append(lambda: done.callback(work(lambda call: call())))
        return done

    monkeypatch.setattr("sockreply.daemon.rereading.aside", later)
    return begun


def test_replies_go_on_meanwhile(site: Site, readings: list[Callable[[], None]]) -> None:
    """Until the file is read, everything is as it was."""
    site.daemon.reload()
    assert site.ask() == b"old\n"
    readings[0]()
    assert site.ask() == b"from the file\n"


def test_another_hangup_meanwhile(site: Site, readings: list[Callable[[], None]]) -> None:
    """The file may have changed since: it is read once more, however many signals came."""
    for _ in range(3):
        site.daemon.reload()
    assert len(readings) == 1
    readings[0]()
    assert len(readings) == 2
    site.file.write_text(FILE.replace("from the file", "changed"))
    readings[1]()
    assert len(readings) == 2
    assert site.ask() == b"changed\n"
    assert site.daemon.reloads == {"good": 2}


def test_stop_meanwhile(site: Site, readings: list[Callable[[], None]]) -> None:
    """A daemon that was told to stop takes nothing on, and reads nothing more."""
    site.daemon.reload()
    site.daemon.reload()
    site.daemon.stopService()
    with capturedLogs() as events:
        readings[0]()
    assert len(readings) == 1
    assert texts(events) == [f"{site.file} not reloaded: the daemon is stopping"]


def test_another_change_meanwhile(site: Site, readings: list[Callable[[], None]]) -> None:
    """What is applied while the file is read is replaced by it."""
    site.daemon.reload()
    assert site.apply(saying("applied")) == [None]
    assert site.ask() == b"applied\n"
    readings[0]()
    assert site.ask() == b"from the file\n"

"""Where a daemon writes what is seen of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import Logger, capturedLogs

from sockreply.conversation.arrival import NOW
from sockreply.conversation.exchanges import Exchanges, Said
from sockreply.daemon import outlets
from sockreply.daemon.outlets import Outlets
from sockreply.errors import CannotStart
from sockreply.replies import Session
from sockreply.settings import LogSettings
from tests.replies.stand_ins import StandInConnection
from tests.server.stand_ins import texts


class ThreadlessReactor(MemoryReactorClock):
    """A reactor whose threads are not asked."""

    def getThreadPool(self) -> None:  # noqa: N802 - Twisted's
        """There is none."""


@pytest.fixture(autouse=True)
def threadless(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be done in a thread is done at once."""

    def at_once(_: object, __: object, work: Callable[[], Any]) -> Deferred[Any]:
        return maybeDeferred(work)

    monkeypatch.setattr(outlets, "deferToThreadPool", at_once)


def said(reply: bytes) -> Said:
    """A reply that was sent."""
    all_of_it = Said(99)
    all_of_it.add(reply, reply)
    return all_of_it


class Site:
    """Outlets of a daemon that runs."""

    def __init__(self, **settings: Any) -> None:
        self.reactor: Any = ThreadlessReactor()
        self.outlets = Outlets(self.reactor, LogSettings(**settings))

    def exchange(self, message: bytes = b"x", to: Exchanges | None = None) -> None:
        """A message that is answered."""
        session = Session(StandInConnection())
        log = self.outlets.exchanges if to is None else to
        log.received(session, message, NOW)
        log.answered(session, said(b"y"))

    def write(self) -> None:
        """Let the time come in which what was gathered is written."""
        self.reactor.advance(1)


@pytest.fixture
def make() -> Iterator[Callable[..., Site]]:
    """Makes outlets, and closes them."""
    sites: list[Site] = []

    def made(**settings: Any) -> Site:
        sites.append(Site(**settings))
        return sites[-1]

    yield made
    for site in sites:
        site.outlets.close()


def lines(path: Path) -> list[Any]:
    """The JSON lines of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_opens_what_is_named(make: Callable[..., Site], tmp_path: Path) -> None:
    """Both files get what they are for, until the end."""
    site = make(json=str(tmp_path / "json"), record=str(tmp_path / "record"))
    site.outlets.open()
    assert site.outlets.any_files
    site.exchange()
    site.outlets.close()
    assert lines(tmp_path / "record")[0]["request"]["text"] == "x"
    assert lines(tmp_path / "json")[0]["text"].startswith("scale: received")
    Logger().info("after the end")
    assert "after the end" not in (tmp_path / "json").read_text()


@pytest.mark.parametrize("name", ["json", "record"])
def test_what_cannot_be_opened(make: Callable[..., Site], tmp_path: Path, name: str) -> None:
    """One line names the file and the reason; what was opened before it is closed again."""
    other = {"json": "record", "record": "json"}[name]
    site = make(**{name: str(tmp_path), other: str(tmp_path / "good")})
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only their number
    with pytest.raises(CannotStart, match=f": {tmp_path}: Is a directory$"):
        site.outlets.open()
    assert not site.outlets.any_files
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - only their number


@pytest.mark.parametrize("name", ["json", "record"])
def test_pipe_that_nobody_reads(make: Callable[..., Site], tmp_path: Path, name: str) -> None:
    """It is an error, for opening it would wait for a reader for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CannotStart, match="pipe: "):
        make(**{name: str(tmp_path / "pipe")}).outlets.open()


def test_other_settings(make: Callable[..., Site], tmp_path: Path) -> None:
    """Files are changed, level and cap too, and what is unchanged goes on as it is."""
    site = make(record=str(tmp_path / "one"), level="warn")
    site.outlets.open()
    site.exchange(b"first")
    change = site.outlets.prepare(
        LogSettings(record=str(tmp_path / "two"), json=str(tmp_path / "json"))
    )
    site.exchange(b"second")
    change.carry_out()
    with capturedLogs() as events:
        site.exchange(b"third")
    site.write()
    site.outlets.close()
    assert [line["request"]["text"] for line in lines(tmp_path / "one")] == ["first", "second"]
    assert [line["request"]["text"] for line in lines(tmp_path / "two")] == ["third"]
    assert len(texts(events)) == 2
    assert len(lines(tmp_path / "json")) == 2


def test_change_from_a_full_disk(make: Callable[..., Site], tmp_path: Path) -> None:
    """What the file before could not take holds up nothing."""
    site = make(json="/dev/full")
    site.outlets.open()
    with capturedLogs():
        site.exchange()
        after = LogSettings(json=str(tmp_path / "json"), record=str(tmp_path / "record"))
        site.outlets.prepare(after).carry_out()
    site.exchange()
    site.write()
    site.outlets.close()
    assert lines(tmp_path / "json")
    assert lines(tmp_path / "record")


def test_exchanges_that_go_on_are_recorded(make: Callable[..., Site], tmp_path: Path) -> None:
    """An exchange that is under way when the record changes is in the new one."""
    site = make(record=str(tmp_path / "one"))
    site.outlets.open()
    session, log = Session(StandInConnection()), site.outlets.exchanges
    log.received(session, b"slow", NOW)
    site.outlets.prepare(LogSettings(record=str(tmp_path / "two"))).carry_out()
    site.outlets.exchanges.answered(session, said(b"late"))
    site.write()
    assert [line["replies"][0]["text"] for line in lines(tmp_path / "two")] == ["late"]


@pytest.mark.parametrize("shown", [0, 1])
@pytest.mark.parametrize("end", ["answered", "silent", "failed", "abandoned"])
def test_exchanges_that_go_on_when_the_record_ends(
    make: Callable[..., Site], tmp_path: Path, shown: int, end: str
) -> None:
    """The log goes on to show those that it has shown, and none whose beginning it has not."""
    site = make(record=str(tmp_path / "record"), exchanges_per_second=shown)
    site.outlets.open()
    session, log = Session(StandInConnection()), site.outlets.exchanges
    log.received(session, b"slow", NOW)
    site.outlets.prepare(LogSettings(exchanges_per_second=9)).carry_out()
    log = site.outlets.exchanges
    with capturedLogs() as events:
        log.remarked(session, lambda: "hm")
        match end:
            case "answered":
                log.answered(session, said(b"late"))
            case "silent":
                log.silent(session, "silence")
            case "failed":
                log.failed(session, "no", said(b"late"))
            case _:
                log.abandoned(session, None)
        assert len(events) == 2 * shown
        log.received(session, b"next", NOW)
        log.answered(session, said(b"soon"))
    assert len(events) == 2 * shown + 2


def test_change_that_is_undone(make: Callable[..., Site], tmp_path: Path) -> None:
    """What was opened for it is closed, and what was there goes on."""
    site = make(record=str(tmp_path / "one"))
    site.outlets.open()
    site.outlets.prepare(LogSettings(record=str(tmp_path / "two"))).undo()
    site.exchange()
    site.write()
    assert len(lines(tmp_path / "one")) == 1
    assert not lines(tmp_path / "two")


def test_no_files_any_more(make: Callable[..., Site], tmp_path: Path) -> None:
    """A record that is no longer wanted is written to its end; nothing is lost of its counts."""
    site = make(record="/dev/full")
    site.outlets.open()
    with capturedLogs():
        site.exchange()
        site.write()
        site.outlets.prepare(LogSettings()).carry_out()
    assert not site.outlets.any_files
    assert site.outlets.record_lost == 1
    assert site.outlets.exchanges.kept < 1000


def test_files_that_were_moved_away(make: Callable[..., Site], tmp_path: Path) -> None:
    """They are opened again under their names."""
    site = make(json=str(tmp_path / "json"), record=str(tmp_path / "record"))
    site.outlets.open()
    site.exchange(b"old")
    site.write()
    for name in ("json", "record"):
        (tmp_path / name).rename(tmp_path / f"old {name}")
    site.outlets.reopen()
    site.exchange(b"new")
    site.write()
    site.outlets.close()
    assert [line["request"]["text"] for line in lines(tmp_path / "record")] == ["new"]
    assert len(lines(tmp_path / "json")) == 2


def test_file_that_cannot_be_opened_again(make: Callable[..., Site], tmp_path: Path) -> None:
    """It goes on as it was, and that is logged."""
    (tmp_path / "logs").mkdir()
    site = make(record=str(tmp_path / "logs" / "record"))
    site.outlets.open()
    (tmp_path / "logs").rename(tmp_path / "gone")
    with capturedLogs() as events:
        site.outlets.reopen()
    site.exchange()
    site.write()
    assert texts(events)[0].startswith("record: still writing to the old file")
    assert events[0]["log_namespace"] == "sockreply"
    assert len(lines(tmp_path / "gone" / "record")) == 1

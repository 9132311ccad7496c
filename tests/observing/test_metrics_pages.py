"""The pages that can be read of a daemon over HTTP, and what making them may cost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.logger import LogEvent, LogLevel, capturedLogs

from sockreply.observing.metrics_pages import LEAST_REST, SHARE
from tests.observing.stand_ins import Daemon, Watching, served


@pytest.fixture
def events() -> Iterator[list[LogEvent]]:
    """What is logged during the test."""
    with capturedLogs() as captured:
        yield captured  # type: ignore[misc]


def test_counts() -> None:
    """The page has them, and says in which format."""
    status, head, body = Watching(Daemon(a=served().factory)).ask("/metrics")
    assert status == 200
    assert "content-type: text/plain; version=0.0.4; charset=utf-8" in head
    assert 'sockreply_connections{service="a"} 1.0\n' in body


@pytest.mark.parametrize(
    ("path", "ready", "status", "body"),
    [
        ("/healthz", True, 200, "ok\n"),
        ("/healthz", False, 200, "ok\n"),
        ("/readyz", True, 200, "ready\n"),
        ("/readyz", False, 503, "draining\n"),
        ("/", True, 200, "/metrics\n/healthz\n/readyz\n"),
        ("/readyz?verbose", True, 200, "ready\n"),
        ("/other", True, 404, "there are /metrics, /healthz and /readyz\n"),
        ("/metrics/", True, 404, "there are /metrics, /healthz and /readyz\n"),
        ("//", True, 404, "there are /metrics, /healthz and /readyz\n"),
    ],
)
def test_pages(path: str, ready: bool, status: int, body: str) -> None:
    """What is found where."""
    daemon = Daemon()
    daemon.ready = ready
    found = Watching(daemon).ask(path)
    assert (found[0], found[2]) == (status, body)
    assert "content-type: text/plain" in found[1]
    assert f"content-length: {len(body)}" in found[1]


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/readyz", "/other"])
def test_head(path: str, events: list[LogEvent]) -> None:
    """HEAD tells what GET would, without the body."""

    def but_the_date(head: str) -> list[str]:
        return [line for line in head.splitlines() if not line.startswith("date:")]

    watching = Watching(Daemon(a=served().factory))
    status, head, body = watching.ask(path)
    told = watching.ask(path, "HEAD")
    assert (told[0], but_the_date(told[1]), told[2]) == (status, but_the_date(head), "")
    assert f"content-length: {len(body)}" in head
    assert not events


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "ODD"])
def test_other_methods(method: str) -> None:
    """Nothing can be changed."""
    status, head, _ = Watching().ask("/metrics", method)
    assert status == 405
    assert "allow: get, head" in head


def test_one_answer_in_a_turn() -> None:
    """However many ask, the loop goes round before the next is answered, in the order of asking."""
    watching = Watching(most=9)
    visitors = [watching.visit() for _ in range(4)]
    for each in visitors:
        each.get("/healthz")
    for turns in range(5):
        assert [each.answers for each in visitors] == [1] * turns + [0] * (4 - turns)
        watching.loop.turn()


def test_lost_request_takes_no_turn() -> None:
    """Whose peer is gone is not answered, and the next gets its turn."""
    watching = Watching(most=9)
    visitors = [watching.visit() for _ in range(3)]
    for each in visitors:
        each.get("/healthz")
    visitors[0].leave()
    visitors[1].leave()
    watching.loop.turn()
    assert [each.answers for each in visitors] == [0, 0, 1]


def test_rendering_has_its_share() -> None:
    """After it has worked for a second, it rests for so long that this was its share."""
    watching = Watching(most=9)
    visitors = [watching.visit() for _ in range(5)]
    visitors[0].get("/metrics")
    assert watching.daemon.looked == 1
    for each in visitors[1:]:
        each.get("/metrics")
    watching.loop.advance(SHARE - 1.1)
    assert watching.daemon.looked == 1
    watching.loop.advance(0.2)
    assert watching.daemon.looked == 2
    assert [each.answers for each in visitors] == [1] * 5


def test_rest_is_never_short() -> None:
    """Work that takes no time is not done all the time, either: an error in it is a line."""
    watching = Watching(most=9)
    watching.daemon.cost = 0
    for _ in range(2):
        watching.visit().get("/metrics")
    watching.loop.advance(LEAST_REST - 0.01)
    assert watching.daemon.looked == 1
    watching.loop.advance(0.02)
    assert watching.daemon.looked == 2


def test_pages_are_as_new_as_their_requests() -> None:
    """A page that was rendered before somebody asked is not what they get."""
    daemon = Daemon()
    watching = Watching(daemon, most=9)
    visitors = [watching.visit() for _ in range(3)]
    for lost, each in enumerate(visitors):
        daemon.record_lost = lost
        each.get("/metrics")
    daemon.record_lost = 7
    watching.loop.advance(SHARE)
    found = [each.body.partition("\nsockreply_record_lost_total ")[2][:3] for each in visitors]
    assert found == ["0.0", "7.0", "7.0"]


def test_rests_only_after_work() -> None:
    """With nobody who waits nothing is rendered; whoever comes later need not wait."""
    watching = Watching(most=9)
    watching.ask("/metrics")
    watching.loop.advance(SHARE)
    assert watching.daemon.looked == 1
    assert not watching.loop.getDelayedCalls()
    watching.ask("/metrics")
    assert watching.daemon.looked == 2


def test_nothing_is_rendered_for_those_who_left() -> None:
    """Whoever is gone before the rest is over leaves nothing behind."""
    watching = Watching(most=9)
    first, second = watching.visit(), watching.visit()
    first.get("/metrics")
    second.get("/metrics")
    second.leave()
    watching.loop.advance(SHARE)
    assert watching.daemon.looked == 1


def test_other_pages_do_not_wait_for_counts() -> None:
    """Probes are answered while the rendering rests."""
    watching = Watching(most=9)
    visitors = [watching.visit() for _ in range(3)]
    for each, path in zip(visitors, ["/metrics", "/metrics", "/readyz"], strict=True):
        each.get(path)
    watching.loop.turn()
    watching.loop.turn()
    assert [each.answers for each in visitors] == [1, 0, 1]


def test_error_of_ours(events: list[LogEvent]) -> None:
    """An error while a page is made is logged, and the peer learns nothing of it."""
    daemon = Daemon()
    daemon.factories = None  # type: ignore[assignment]
    status, _, body = Watching(daemon).ask("/metrics")
    assert status == 500
    assert "Traceback" not in body
    assert "NoneType" not in body
    assert [event["log_level"] for event in events] == [LogLevel.critical]


def test_no_reactor_is_installed() -> None:
    """Making a site, and asking it, leaves the choice of a reactor open."""
    code = """
import sys
from tests.observing.stand_ins import Watching
Watching().ask("/metrics")
assert "twisted.internet.reactor" not in sys.modules
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=root)

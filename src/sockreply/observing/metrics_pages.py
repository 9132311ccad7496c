"""The pages for operators and their monitoring, and how much time they may take.

A request waits for a turn of the loop of its own, so that many of them delay nothing else. All that
ask for `/metrics` at about the same time get the same page.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import (
    INTERNAL_SERVER_ERROR,
    NOT_ALLOWED,
    NOT_FOUND,
    OK,
    SERVICE_UNAVAILABLE,
)
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from sockreply.observing.metrics import Counts, Watched

_log = Logger()

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
"""Of the counts. The newer format forbids a name both with and without `_total`, which ours have
for connections."""

SHARE = 10
"""Rendering `/metrics` takes at most one part in this many of the time, whoever asks for it."""

LEAST_REST = 0.05
"""Seconds; so an error in a rendering is logged no more often than others: 20 times a second."""


class Page(NamedTuple):
    """What a request is answered with."""

    code: int
    body: bytes
    content_type: bytes = b"text/plain; charset=utf-8"


class Pages(Resource):
    """`/metrics`, `/healthz`, `/readyz`, and `/`, which names them.

    Args:
        watched: What they tell of.
        clock: Gives turns.
        spent: Seconds of work so far.
    """

    isLeaf = True  # noqa: N815 - Twisted's: it is asked for all paths

    def __init__(
        self,
        watched: Watched,
        clock: IReactorTime,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        super().__init__()
        self._watched = watched
        self._turns = _Turns(clock)
        self._rendering = _Rendering(watched, clock, spent, self._turns)
        self._pages: dict[bytes, Callable[[], Page]] = {
            b"/": lambda: Page(OK, b"/metrics\n/healthz\n/readyz\n"),
            b"/healthz": lambda: Page(OK, b"ok\n"),
            b"/readyz": self._readiness,
        }

    def render(self, request: Request) -> int:
        request.notifyFinish().addErrback(self._lost, request)
        if request.path != b"/metrics" and request.path not in self._pages:
            page = Page(NOT_FOUND, b"there are /metrics, /healthz and /readyz\n")
        elif request.method not in (b"GET", b"HEAD"):
            page = Page(NOT_ALLOWED, b"GET and HEAD only\n")
            request.setHeader(b"allow", b"GET, HEAD")
        elif request.path == b"/metrics":
            self._rendering.wait(request)
            return NOT_DONE_YET
        else:
            page = self._pages[request.path]()
        self._turns.wait(request, page)
        return NOT_DONE_YET

    def _readiness(self) -> Page:
        # Nobody can ask before the services listen: what is not ready is about to end.
        if self._watched.ready:
            return Page(OK, b"ready\n")
        return Page(SERVICE_UNAVAILABLE, b"draining\n")

    def _lost(self, _: Failure, request: Request) -> None:
        """The peer of a request is gone before its answer."""
        self._rendering.forget(request)
        self._turns.forget(request)


class _Turns:
    """Answers one request in each turn of the loop.

    Args:
        clock: Gives the turns.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: dict[Request, Page] = {}
        self._begun = False

    def wait(self, request: Request, page: Page) -> None:
        """Answer a request when its turn has come."""
        self._waiting[request] = page
        self._go_on()

    def forget(self, request: Request) -> None:
        """Forget a request, if it still waits."""
        self._waiting.pop(request, None)

    def _go_on(self) -> None:
        if self._waiting and not self._begun:
            self._begun = True
            self._clock.callLater(0, self._turn)

    def _turn(self) -> None:
        self._begun = False
        if self._waiting:
            request = next(iter(self._waiting))
            _answer(request, self._waiting.pop(request))
        self._go_on()


def _answer(request: Request, page: Page) -> None:
    request.setResponseCode(page.code)
    request.setHeader(b"content-type", page.content_type)
    request.setHeader(b"content-length", b"%d" % len(page.body))
    request.write(page.body)  # Twisted leaves it out after HEAD
    request.finish()


class _Rendering:
    """Renders `/metrics`, and then rests. No request gets a page that is older than itself.

    Args:
        watched: What it tells of.
        clock: Tells when the rest is over.
        spent: Seconds of work so far.
        turns: Gets the requests whose page is there.
    """

    def __init__(
        self,
        watched: Watched,
        clock: IReactorTime,
        spent: Callable[[], float],
        turns: _Turns,
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(Counts(watched))
        self._clock = clock
        self._spent = spent
        self._turns = turns
        self._waiting: dict[Request, None] = {}
        self._rests = False

    def wait(self, request: Request) -> None:
        """Answer a request with the next page."""
        self._waiting[request] = None
        if not self._rests:
            self._render()

    def forget(self, request: Request) -> None:
        """Forget a request, if it still waits."""
        self._waiting.pop(request, None)

    def _render(self) -> None:
        waiting, self._waiting = self._waiting, {}
        begun = self._spent()
        page = self._page()
        self._rests = True
        rest = max(LEAST_REST, (SHARE - 1) * (self._spent() - begun))
        self._clock.callLater(rest, self._rested)
        for request in waiting:
            self._turns.wait(request, page)

    def _rested(self) -> None:
        self._rests = False
        if self._waiting:
            self._render()

    def _page(self) -> Page:
        try:
            return Page(OK, generate_latest(self._registry), CONTENT_TYPE)
        except Exception:
            _log.failure("/metrics cannot be rendered")
            return Page(INTERNAL_SERVER_ERROR, b"this is a bug in sockreply\n")

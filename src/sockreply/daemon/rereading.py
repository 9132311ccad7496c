"""Reads the settings' file again while the daemon runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sockreply.daemon.aside import aside
from sockreply.daemon.outlets import Outlets
from sockreply.daemon.systemd import Notifier
from sockreply.errors import BadFile, CannotStart, ConfigError, NotRunning
from sockreply.settings import Settings


class Rereading:
    """Reads the file again when it is told to, one time after the other.

    Args:
        reactor: Runs it.
        settings: Those of the start. SIGHUP goes back to their file, whatever came meanwhile.
        outlets: The logs, which are opened again.
        systemd: Is notified of the outcome.
        ready: Whether the daemon goes on; while it stops, nothing is read.
        apply: Changes its settings.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        outlets: Outlets,
        systemd: Notifier,
        ready: Callable[[], bool],
        apply: Callable[[Settings], Awaitable[None]],
    ) -> None:
        self._reactor = reactor
        self._file = settings.file
        self._override = settings.override
        self._outlets = outlets
        self._systemd = systemd
        self._ready = ready
        self._apply = apply
        self.results: Counter[str] = Counter()
        """How often the file was reloaded, by the result: "good" or "bad"."""
        self._under_way: Deferred[bool] | None = None
        self._again = False

    def begin(self) -> None:
        """Open the logs again and read the file again, once what is under way is done."""
        if not self._ready():
            return
        if self._under_way is not None:
            self._again = True
            return
        self._systemd.reloading()
        self._outlets.reopen()
        if self._file is None:
            what = "logs reopened" if self._outlets.any_files else "ignored"
            self._log.info("SIGHUP: {what}; there is no file to reload", what=what)
            self._systemd.reloaded(good=True)
            return
        self._under_way = Deferred.fromCoroutine(self._read_again(self._file))
        self._under_way.addErrback(self._failed)
        self._under_way.addCallback(self._done)

    async def _read_again(self, path: Path) -> bool:
        from sockreply.config import read  # now, because not every daemon has a file

        file = str(path)
        try:
            settings = await aside(self._reactor, partial(read, path))
            if self._override is not None:
                settings = self._override(settings)
            await self._apply(settings)
        except NotRunning:
            self._log.info("{file} not reloaded: the daemon is stopping", file=file)
            return False
        except (ConfigError, CannotStart) as error:
            self.results["bad"] += 1
            problems = error.problems if isinstance(error, BadFile) else (str(error),)
            for problem in problems:
                self._log.error("{file}: {problem}", file=file, problem=problem)
            self._log.error("{file} rejected; still running the previous configuration", file=file)
            return False
        self.results["good"] += 1
        for warning in settings.warnings:
            self._log.warn("{warning}", warning=warning)
        self._log.info("{file} reloaded", file=file)
        return True

    def _failed(self, failure: Any) -> bool:
        self.results["bad"] += 1
        self._log.failure("the reload failed", failure)
        return False

    def _done(self, good: bool) -> None:
        self._systemd.reloaded(good)
        self._under_way = None
        if self._again:
            self._again = False
            self.begin()

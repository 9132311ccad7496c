"""Runs commands that make replies: a message goes in, what they print comes out.

A command runs at the head of a process group of its own, and the group dies with it: by SIGKILL
when it takes too long, prints too much or is no longer wanted, and what it left behind when it
ends. When this process ends, a watcher kills it. Only what leaves the group (setsid) is out of
reach.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessTerminated
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockreply.errors import CommandFailed
from sockreply.rules.replies.environment import kept
from sockreply.rules.replies.process_group import RUN_OUT, ProcessGroup, Spawn
from sockreply.rules.replies.watcher import Watcher
from sockreply.shown import SHOWN_BYTES, show_bytes
from sockreply.turns import Turns

OUTPUT_LIMIT = 1_048_576
"""The most bytes that a command may print: as many as a template may give."""

AT_ONCE = 64
"""How many commands run at the same time: more would only slow each other down."""

SHARE = 16
"""How many of them are reserved for peers that run fewer than this number."""

EXIT_GRACE = 0.1
"""Seconds in which the output should end after the command: something may hold it open longer."""

RETRY = 0.1
"""Seconds after which to retry a command that could not start for lack of resources."""

TOLD_EVERY = 60.0
"""Seconds between two log lines about a lack of resources."""

INHERITED = range(3, 1024)
"""Where descriptors may be that this process was started with; the first three are replaced."""


def run_command(
    reactor: Any,
    argv: Sequence[str],
    message: bytes,
    timeout: float,
    *,
    limit: int = OUTPUT_LIMIT,
    env: Mapping[str, str] | None = None,
    spawn: Spawn = ProcessGroup,
) -> Deferred[bytes]:
    """Run a command on a message, in the next turn of the loop.

    Args:
        reactor: Runs it.
        argv: The program, looked up in PATH, and its arguments; no shell sees them.
        message: Is its standard input.
        timeout: Seconds after which it is killed; 0: never.
        limit: The most bytes that it may print.
        env: Added to the variables that every command gets.
        spawn: Starts it, and gives the protocol a transport like `ProcessGroup`.

    Returns:
        Gives its standard output, or fails with CommandFailed: it could not start, printed or took
        too much, or ended with a status other than 0. Its standard error shows then, and is dropped
        otherwise. As long as there are too few descriptors or processes for it, it is tried again.
        Cancelling kills it.
    """
    return _Run(reactor, argv, message, timeout, limit).start({**kept(), **(env or {})}, spawn)


class Commands:
    """Runs a number of commands at a time; the others wait their turn.

    Whoever makes it says who shares that number: nothing is kept for the whole process.

    Args:
        turns: Says how many run at the same time, and whose.
        spawn: Starts each, as for `run_command`; None: they have a watcher.
    """

    _log = Logger()

    def __init__(self, turns: Turns | None = None, spawn: Spawn | None = None) -> None:
        self.turns = Turns(AT_ONCE, SHARE) if turns is None else turns
        self.spawn = Watcher().start if spawn is None else spawn
        self._keeps_descriptors = False
        self._told = -TOLD_EVERY  # when it was last told that something has run out

    def share(self, other: Commands) -> None:
        """Use the turns and the watcher of an earlier instance from now on."""
        self.turns, self.spawn = other.turns, other.spawn

    def run(
        self,
        reactor: Any,
        argv: Sequence[str],
        message: bytes,
        timeout: float,
        env: Mapping[str, str] | None = None,
        peer: Hashable = None,
    ) -> Deferred[bytes]:
        """Run a command as `run_command` does, when it is that peer's turn."""
        if not self._keeps_descriptors:
            self._keeps_descriptors = True
            _keep_descriptors()
        turns = self.turns

        def run(_: None) -> Deferred[bytes]:
            running = run_command(reactor, argv, message, timeout, env=env, spawn=self._start)
            return running.addBoth(give_back)

        def give_back(result: Any) -> Any:
            turns.give_back(peer)
            return result

        return turns.take(peer).addCallback(run)

    def _start(
        self,
        reactor: Any,
        protocol: ProcessProtocol,
        argv: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        try:
            self.spawn(reactor, protocol, argv, environment)
        except OSError as error:
            now = reactor.seconds()
            if error.errno in RUN_OUT and now - self._told >= TOLD_EVERY:
                self._told = now
                self._log.warn("commands wait: {error}", error=error.strerror)
            raise


class _Run(ProcessProtocol):
    """A command from its start to its end; the arguments are those of `run_command`."""

    transport: Any  # a ProcessGroup; Twisted types it as what has no `end`

    def __init__(
        self, reactor: Any, argv: Sequence[str], message: bytes, timeout: float, limit: int
    ) -> None:
        self._reactor = reactor
        self._argv = argv
        self._message = message
        self._timeout = timeout
        self._limit = limit
        self._answer: Deferred[bytes] = Deferred(lambda _: self._end())
        self._timer: IDelayedCall | None = None  # for what happens if nothing else does
        self._ended = False
        self._output = bytearray()
        self._errors = bytearray()  # the beginning of what it says on standard error
        self._dropped = 0  # how many more bytes it said there

    def start(self, environment: Mapping[str, str], spawn: Spawn) -> Deferred[bytes]:
        # In the next turn, many that are cancelled together never start, and many that cannot
        # start do not fail each inside the failure of the one before it.
        self._next(0, self._spawn, environment, spawn)
        return self._answer

    def _spawn(self, environment: Mapping[str, str], spawn: Spawn) -> None:
        try:
            spawn(self._reactor, self, self._argv, environment)
        except OSError as error:
            if error.errno in RUN_OUT:
                self._next(RETRY, self._spawn, environment, spawn)
            else:
                self._fail(f"cannot start: {error.strerror}")
        except ValueError as error:  # a NUL byte
            self._fail(f"cannot start: {error}")

    def connectionMade(self) -> None:
        if self._timeout:
            self._next(self._timeout, self._fail, f"did not finish within {self._timeout:g} s")
        self.transport.write(self._message)
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        self._output += data
        if len(self._output) > self._limit:
            self._fail(f"printed more than {self._limit} bytes")

    def errReceived(self, data: bytes) -> None:
        kept = data[: SHOWN_BYTES - len(self._errors)]
        self._errors += kept
        self._dropped += len(data) - len(kept)

    def processExited(self, reason: Failure) -> None:
        if not self._ended:
            self._next(EXIT_GRACE, self._read_rest, reason, -1)

    def processEnded(self, reason: Failure) -> None:
        if not self._ended:
            self._finish(reason)

    def _read_rest(self, reason: Failure, before: int) -> None:
        """Go on for as long as each turn reads something; a busy loop reads late."""
        now = len(self._output) + len(self._errors) + self._dropped
        if now > before:
            self._next(0, self._read_rest, reason, now)
        else:
            self._finish(reason)

    def _finish(self, reason: Failure) -> None:
        match reason.value:
            case ProcessTerminated(signal=int(number)):
                self._fail(f"ended by signal {number} ({signal.strsignal(number)})")
            case ProcessTerminated(exitCode=status):
                self._fail(f"ended with status {status}")
            case _:
                self._end()
                self._answer.callback(bytes(self._output))

    def _fail(self, reason: str) -> None:
        self._end()
        said = bytes(self._errors.rstrip() if not self._dropped else self._errors)
        if said:
            reason += f", saying {show_bytes(said, len(said) + self._dropped)}"
        self._answer.errback(CommandFailed(self._argv[0], reason))

    def _end(self) -> None:
        self._ended = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self.transport is not None:
            self.transport.end()

    def _next(self, seconds: float, do: Callable[..., None], *args: object) -> None:
        """Do that then, and not what was to be done before."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._reactor.callLater(seconds, do, *args)


def _keep_descriptors() -> None:
    """Pass none of the descriptors on that we were started with, such as systemd's sockets.

    Python's own are not passed on in any case (PEP 446), and sd_listen_fds(3) does the same.
    """
    for each in INHERITED:
        with suppress(OSError):  # most do not exist
            os.set_inheritable(each, False)

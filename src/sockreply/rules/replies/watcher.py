"""Ends the process groups that outlive this process, however it ends.

A shell beside us, the watcher, knows which groups run. It reads their numbers from a pipe that only
we hold open. When that ends, it kills the groups that are left, and exits. One that is started at
the moment of our end escapes: its number cannot be told before it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.error import ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockreply.rules.replies.process_group import RUN_OUT, ProcessGroup

# Signals to everything here, as from a service manager, would end the watcher before it is needed.
# It keeps nothing open but its input. Each number in `groups` has a space on either side.
SCRIPT = """\
# kills the commands of sockreply if they are left when it is gone
trap '' HUP INT QUIT TERM
exec >&- 2>&-
groups=" $* "
while read -r change group; do
  case $change in
    +) groups="$groups$group " ;;
    -) groups="${groups%% $group *} ${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -9 "-$group"; done
exit 0
"""

WATCHER = ("/bin/sh", "-c", SCRIPT, "sockreply")
"""Its words, before the numbers of groups that run already."""

AGAIN = 1.0
"""Seconds between two starts of a watcher: one that never lives long should not take our time."""

TOLD_EVERY = 60.0
"""Seconds between two lines of the log about this."""


class Watcher(ProcessProtocol):
    """Starts process groups that are killed when this process is gone.

    The watcher is started with the first of them. If it is lost, or reads nothing any more, another
    one takes its place. If it cannot be started, the log says so, and groups run without it.

    Args:
        spawn: Starts both, as `ProcessGroup` does.
    """

    _log = Logger()

    transport: Any = None  # the watcher, a ProcessGroup, as long as it listens

    def __init__(self, spawn: Callable[..., object] = ProcessGroup) -> None:
        self._spawn = spawn
        self._reactor: Any = None
        self._groups: set[int] = set()
        self._resting = False  # for AGAIN after a start
        self._told = -TOLD_EVERY  # when it was last told that something is wrong

    def start(
        self,
        reactor: Any,
        protocol: ProcessProtocol,
        argv: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        """Start a group; the arguments are those of `ProcessGroup`.

        Raises:
            OSError: It cannot be started.
        """
        self._reactor = reactor
        self._spawn(reactor, protocol, argv, environment, self)

    def add(self, group: int) -> None:
        self._groups.add(group)
        if self.transport is None:
            self._watch()
        else:
            self._tell(b"+ %d\n" % group)

    def discard(self, group: int) -> None:
        if group in self._groups:
            self._groups.remove(group)
            self._tell(b"- %d\n" % group)

    def _tell(self, line: bytes) -> None:
        try:
            if self.transport is not None:
                self.transport.tell(line)
        except OSError:
            # It is gone; or it has read none of the last thousands, and never will. It dies before
            # its pipe ends, and so kills nothing.
            self.transport.end()

    def _watch(self) -> None:
        """Start the watcher, if there is none and something to watch."""
        if self.transport is not None or not self._groups or self._resting:
            return
        self._resting = True
        try:
            self._spawn(self._reactor, self, [*WATCHER, *map(str, self._groups)], {})
        except OSError as error:
            self._warn(f"cannot start {WATCHER[0]}: {error.strerror}")
            if error.errno not in RUN_OUT:
                return  # it rests for good
        self._reactor.callLater(AGAIN, self._rested)

    def _rested(self) -> None:
        self._resting = False
        self._watch()

    def inConnectionLost(self) -> None:
        self.transport = None
        # Not at once: this may be the end of the loop, which closes everything.
        self._reactor.callLater(0, self._watch)

    def processEnded(self, reason: Failure) -> None:
        match reason.value:
            case ProcessTerminated(signal=int(number)):
                self._warn(f"the watcher ended by signal {number}")
            case ProcessTerminated(exitCode=status):
                self._warn(f"the watcher ended with status {status}")

    def _warn(self, reason: str) -> None:
        now = self._reactor.seconds()
        if now - self._told >= TOLD_EVERY:
            self._told = now
            self._log.warn("commands might outlive the daemon: {reason}", reason=reason)

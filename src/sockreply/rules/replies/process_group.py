"""Processes at the head of a group of their own.

Twisted starts none, and forks where posix_spawn(3) is many times faster in a large process. This is
the only module that knows of Twisted how it starts a process.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

from twisted.internet.error import ConnectionDone
from twisted.internet.process import Process, _getFileActions
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

RUN_OUT = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM}
"""What a start fails with for want of descriptors, of processes or of memory."""

Spawn: TypeAlias = Callable[[Any, ProcessProtocol, Sequence[str], Mapping[str, str]], object]
"""Starts a process: on this reactor, for this protocol, by these words, in this environment."""


class Groups(Protocol):
    """Is told the numbers of groups; a set keeps them."""

    def add(self, group: int, /) -> None:
        """It runs."""

    def discard(self, group: int, /) -> None:
        """It has been killed: soon, another one may have its number."""


class ProcessGroup(Process):
    """A process at the head of a group of its own.

    Args:
        reactor: Reads from it and writes to it.
        protocol: Is told what it does.
        argv: The program, looked up in PATH, and its arguments.
        environment: All of its environment.
        groups: Is told of it, as soon as it runs and until it is killed.

    Raises:
        OSError: It cannot be started.
    """

    group: int
    """The group's number."""

    def __init__(
        self,
        reactor: Any,
        protocol: ProcessProtocol,
        argv: Sequence[str],
        environment: Mapping[str, str],
        groups: Groups | None = None,
    ) -> None:
        self._groups: Groups = set() if groups is None else groups
        super().__init__(reactor, argv[0], argv, environment, None, protocol)

    def _fork(
        self,
        path: None,  # noqa: ARG002 - it runs where we do
        uid: None,  # noqa: ARG002 - and as whom we do
        gid: None,  # noqa: ARG002 - the same of its group
        executable: str,
        args: Sequence[str],
        environment: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        fdmap: dict[int, int] = kwargs["fdmap"]
        self.pid = self.group = os.posix_spawnp(
            executable,
            tuple(args),
            environment,
            file_actions=_getFileActions(
                [(each, True) for each in fdmap.values()],
                fdmap,
                doClose=os.POSIX_SPAWN_CLOSE,
                doDup2=os.POSIX_SPAWN_DUP2,
            ),
            setpgroup=0,
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),  # Python ignores these
        )
        self.status = -1
        self._groups.add(self.group)

    def tell(self, line: bytes) -> None:
        """Write to its standard input at once, if that is open.

        Args:
            line: At most PIPE_BUF bytes, of which all or none are written.

        Raises:
            OSError: Nobody reads them, or there is no room.
        """
        os.write(self.pipes[0].fileno(), line)

    def end(self) -> None:
        """Kill what is left of the group, and take no more of its output."""
        # Once the process is reaped and the group is empty, another could get its number. Numbers
        # are given out in turn, so that this takes far longer than EXIT_GRACE.
        with suppress(ProcessLookupError, PermissionError):  # macOS: only zombies are left
            os.killpg(self.group, signal.SIGKILL)
        self._groups.discard(self.group)
        for pipe in list(self.pipes.values()):
            pipe.connectionLost(Failure(ConnectionDone()))

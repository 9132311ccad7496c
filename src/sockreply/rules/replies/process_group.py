"""Processes at the head of a group of their own.

Twisted starts none, and forks where posix_spawn(3) is many times faster in a large process. This is
the only module that knows of Twisted how it starts a process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.process import Process, _getFileActions
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure


class ProcessGroup(Process):
    """A process at the head of a group of its own.

    Args:
        reactor: Reads from it and writes to it.
        protocol: Is told what it does.
        argv: The program, looked up in PATH, and its arguments.
        environment: All of its environment.

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
    ) -> None:
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

    def end(self) -> None:
        """Kill what is left of the group, and take no more of its output."""
        # Once the process is reaped and the group is empty, another could get its number. Numbers
        # are given out in turn, so that this takes far longer than EXIT_GRACE.
        with suppress(ProcessLookupError, PermissionError):  # macOS: only zombies are left
            os.killpg(self.group, signal.SIGKILL)
        for pipe in list(self.pipes.values()):
            pipe.connectionLost(Failure(ConnectionDone()))

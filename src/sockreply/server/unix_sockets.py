"""UNIX sockets to listen on: they take the place of what a killed daemon left, and have a mode.

Twisted notes in a lock beside the socket which process listens. That number says little: in a
container, it is 1 for every daemon, and elsewhere it may be somebody else's by now. The kernel
knows whether somebody listens.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EADDRINUSE
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

PATIENCE = 2.0
"""Seconds to wait for another daemon that is about to listen in the same directory. Anybody who may
read it can lock it as well, and must not keep us from starting."""

_log = Logger()

_TELLS_MODE = re.compile(r"unix:(?:\\.|[^:\\])*:(?:\d|(?:.*:)?mode=)")  # after the path


class UNIXListening:
    """Stands between an endpoint and the reactor that it listens with.

    Args:
        reactor: Listens.
        description: The endpoint's string. If it has no mode, the socket gets what the umask
            leaves of 0666.
    """

    def __init__(self, reactor: Any, description: str) -> None:
        self._reactor = reactor
        self._tells_mode = _TELLS_MODE.match(description) is not None

    def listenUNIX(  # noqa: N802 - Twisted's name
        self, address: str, factory: IProtocolFactory, mode: int = 0o666, **how: Any
    ) -> IListeningPort:
        listen: Callable[..., IListeningPort] = self._reactor.listenUNIX
        if address.startswith("\0"):  # the kernel removes it itself, with the last who has it
            return listen(address, factory, mode=mode, **how)
        if not self._tells_mode:
            mode &= ~_umask()
        path = Path(address).absolute()
        with _alone_in(path.parent):
            _remove_what_is_left(path)
            port = listen(address, factory, mode=mode, **how)
            if isinstance(port, unix.Port):
                port.connectionLost = partial(_close, port, path, _identity(path))  # type: ignore[method-assign] # as Twisted does with others
        return port


def _identity(path: Path) -> tuple[int, int] | None:
    """The identity of a file, beyond its name; None: there is no such file."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _close(port: unix.Port, path: Path, ours: tuple[int, int] | None, reason: Failure) -> None:
    """Close a port, as its own `connectionLost` does where the socket is still there and ours."""
    if _identity(path) == ours:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.warn("cannot remove {path}: {why}", path=str(path), why=error.strerror)
    if port.lockFile is not None:
        with suppress(OSError, ValueError):  # it is gone, or another's
            port.lockFile.unlock()
    tcp.Port.connectionLost(port, reason)


def _umask() -> int:
    umask = os.umask(0o077)  # there is no other way to ask
    os.umask(umask)
    return umask


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Let no other daemon of ours begin to listen in a directory at the same time.

    Of two that find what a killed one left, the second would remove the socket of the first.
    """
    try:
        number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # it is not there, which binding will say; or we may not read it
        yield
        return
    try:
        _lock(number)
        yield
    finally:
        os.close(number)


def _lock(number: int) -> None:
    until = time.monotonic() + PATIENCE
    with suppress(OSError):  # some file systems have no locks
        while time.monotonic() < until:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.01)
            else:
                return


def _remove_what_is_left(path: Path) -> None:
    """Remove a socket on which no process listens, and its lock.

    Raises:
        CannotListenError: Somebody listens, or there is something else than a socket.
        OSError: It cannot be removed.
    """
    lock = path.with_name(f"{path.name}.lock")
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except OSError:  # there is nothing
        with suppress(OSError):
            if str(lock.readlink()) == str(os.getpid()):  # another's, who had our number
                lock.unlink()
        return
    if not is_socket or _somebody_listens(path):
        raise CannotListenError(None, str(path), OSError(EADDRINUSE, os.strerror(EADDRINUSE)))
    path.unlink()
    lock.unlink(missing_ok=True)


def _somebody_listens(path: Path) -> bool:
    """Whether a process listens on a socket; also true if we may not find out."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)  # a queue that is full is somebody's
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True

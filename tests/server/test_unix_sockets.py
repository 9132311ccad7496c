"""UNIX sockets that a killed daemon left, that somebody listens on, and their mode."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.selectreactor import SelectReactor
from twisted.logger import capturedLogs

from sockreply.errors import CannotStart
from sockreply.server import unix_sockets
from sockreply.server.endpoints import endpoint_from, listen_now
from tests.server.stand_ins import texts

Listen = Callable[..., Any]
OURS, SOMEBODY, NOBODY = str(os.getpid()), str(os.getppid()), "4194305"
"""The processes that a lock may name: this one, one that runs, and a number that none can have."""


@pytest.fixture
def listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listen]:
    """Listens on a socket of the directory, with a real port on a reactor that does not run."""
    monkeypatch.chdir(tmp_path)
    reactor, ports = SelectReactor(), []

    def listen(description: str = "unix:socket") -> Any:
        endpoint = endpoint_from(reactor, description)
        ports.append(listen_now(endpoint, Factory(), description))
        return ports[-1]

    yield listen
    for port in ports:
        if port.connected:
            port.connectionLost(connectionDone)
    for each in tuple(reactor._internalReaders):
        each.connectionLost(None)


def leave(lock: str | None = None, path: str = "socket") -> None:
    """Leave a socket on which nobody listens, as SIGKILL does."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
        left.listen()
    if lock is not None:
        Path(f"{path}.lock").symlink_to(lock)


def reaches(path: str = "socket") -> bool:
    """Does somebody listen there?"""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


@pytest.mark.parametrize(
    "lock",
    [None, OURS, SOMEBODY, "1", NOBODY],
    ids=["no lock", "ours", "somebody", "process 1", "nobody"],
)
def test_socket_that_was_left(listen: Listen, lock: str | None) -> None:
    """A socket on which nobody listens is replaced, whoever has the number in its lock by now."""
    leave(lock)
    listen()
    assert reaches()
    assert str(Path("socket.lock").readlink()) == OURS


@pytest.mark.parametrize("lock", [OURS, NOBODY], ids=["ours", "nobody"])
def test_lock_that_was_left(listen: Listen, lock: str) -> None:
    """So is a lock without a socket, if its process has gone or is ourselves."""
    Path("socket.lock").symlink_to(lock)
    listen()
    assert reaches()


def test_lock_of_somebody(listen: Listen) -> None:
    """The lock of a process that runs is left alone where it has no socket to tell more."""
    Path("socket.lock").symlink_to(SOMEBODY)
    with pytest.raises(CannotStart, match=r"^unix:socket: Cannot acquire lock$"):
        listen()


@pytest.mark.parametrize("lock", [None, NOBODY])
@pytest.mark.parametrize("full", [False, True])
def test_somebody_listens(listen: Listen, lock: str | None, full: bool) -> None:
    """A socket is left to whoever listens on it, even if the lock tells of nobody."""
    with ExitStack() as stack:
        theirs = stack.enter_context(socket.socket(socket.AF_UNIX))
        theirs.bind("socket")
        theirs.listen(0)
        if lock is not None:
            Path("socket.lock").symlink_to(lock)
        while full:
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            full = client.connect_ex("socket") == 0
        with pytest.raises(CannotStart, match=r"^unix:socket: Address already in use$"):
            listen()
        theirs.setblocking(False)
        theirs.accept()[0].close()
    assert Path("socket.lock").is_symlink() is (lock is not None)


def test_second_of_ours(listen: Listen) -> None:
    """A second one is refused, and the first goes on."""
    listen()
    with pytest.raises(CannotStart, match=r"^unix:socket: Address already in use$"):
        listen()
    assert reaches()


@pytest.mark.parametrize("kind", ["file", "directory", "link to a socket"])
def test_something_else(listen: Listen, kind: str) -> None:
    """What is no socket is left alone, and no lock is left beside it."""
    path = Path("socket")
    match kind:
        case "file":
            path.write_text("precious")
        case "directory":
            path.mkdir()
        case _:
            leave(path="other")
            path.symlink_to("other")
    with pytest.raises(CannotStart, match=r"^unix:socket: Address already in use$"):
        listen()
    assert path.exists()
    assert not os.path.lexists("socket.lock")


def test_socket_of_another_type(listen: Listen) -> None:
    """A socket that takes no connections is somebody's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
        theirs.bind("socket")
        with pytest.raises(CannotStart, match="Address already in use"):
            listen()


def test_no_such_directory(listen: Listen) -> None:
    """It is said as always."""
    with pytest.raises(CannotStart, match=r"^unix:no/socket: No such file or directory$"):
        listen("unix:no/socket")


def test_without_a_lock(listen: Listen) -> None:
    """Without Twisted's lock, too, what was left is replaced."""
    leave()
    listen("unix:socket:lockfile=0")
    assert reaches()
    assert not os.path.lexists("socket.lock")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract sockets")
def test_abstract_socket(listen: Listen, tmp_path: Path) -> None:
    """A name that is no path has neither a file nor a mode."""
    name = f"\0{tmp_path}"
    listen(f"unix:{name}:lockfile=0")
    assert reaches(name)
    assert list(tmp_path.iterdir()) == []


def test_end(listen: Listen) -> None:
    """A port that is closed takes its socket and its lock with it."""
    listen().connectionLost(connectionDone)
    assert list(Path().iterdir()) == []


def test_end_of_a_socket_that_is_gone(listen: Listen) -> None:
    """A port is closed in order though somebody has removed its socket, or its lock."""
    port = listen()
    Path("socket").unlink()
    Path("socket.lock").unlink()
    port.connectionLost(connectionDone)
    assert not port.connected


@pytest.mark.parametrize("lock", [None, NOBODY])
def test_end_of_a_socket_that_was_replaced(listen: Listen, lock: str | None) -> None:
    """A socket that somebody else has put there meanwhile, and its lock, stay."""
    port = listen()
    Path("socket").unlink()
    Path("socket.lock").unlink()
    leave(lock)
    port.connectionLost(connectionDone)
    assert Path("socket").exists()
    assert os.path.lexists("socket.lock") is (lock is not None)


def test_end_of_a_socket_that_cannot_be_removed(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a user that may listen, but not remove: one line, and the port is closed in order."""
    port = listen()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with capturedLogs() as events:
        port.connectionLost(connectionDone)
    path = Path("socket").absolute()
    assert texts(events, "warn") == [f"cannot remove {path}: Permission denied"]
    assert not port.connected


@contextmanager
def opened(directory: Path) -> Iterator[int]:
    """A directory, to be locked."""
    number = os.open(directory, os.O_RDONLY)
    try:
        yield number
    finally:
        os.close(number)


def is_locked(directory: Path) -> bool:
    """Does somebody else have the lock of a directory?"""
    with opened(directory) as number:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_one_at_a_time(listen: Listen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one looks whether somebody listens, and begins to listen, no other one does."""
    locked: list[bool] = []
    real: Any = SelectReactor.listenUNIX

    def noting(*args: Any, **how: Any) -> Any:
        locked.append(is_locked(tmp_path))
        return real(*args, **how)

    monkeypatch.setattr(SelectReactor, "listenUNIX", noting)
    listen()
    assert locked == [True]
    assert not is_locked(tmp_path)


def test_lock_that_nobody_lets_go_of(
    listen: Listen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may read the directory can lock it, and yet does not keep a daemon from starting."""
    monkeypatch.setattr(unix_sockets, "PATIENCE", 0.02)
    with opened(tmp_path) as number:
        fcntl.flock(number, fcntl.LOCK_EX)
        listen()
    assert reaches()


@pytest.mark.parametrize(
    ("more", "umask", "mode"),
    [
        ("", 0o022, 0o644),
        ("", 0o077, 0o600),
        ("", 0, 0o666),
        (":lockfile=0", 0o027, 0o640),
        (":mode=660", 0o077, 0o660),
        (":mode=666", 0o077, 0o666),
        (":666", 0o077, 0o666),
        (":backlog=9:mode=600", 0, 0o600),
    ],
)
def test_mode(listen: Listen, more: str, umask: int, mode: int) -> None:
    """A socket has the mode that its string says, or else what the umask leaves."""
    before = os.umask(umask)
    try:
        listen(f"unix:socket{more}")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path("socket").stat().st_mode) == mode


@pytest.mark.parametrize("path", ["a:mode=666", "666", "mode=666"])
def test_path_that_looks_like_a_mode(listen: Listen, path: str) -> None:
    """What belongs to the path says nothing about the mode."""
    before = os.umask(0o077)
    try:
        quoted = quoteStringArgument(path).replace("=", r"\=")
        listen(f"unix:{quoted}")
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600

"""A file that tells programs that a daemon listens, and where: addresses as JSON."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.logger import Logger

from sockreply.daemon.change import Change
from sockreply.daemon.serving import Serving
from sockreply.daemon.watch import Watch
from sockreply.errors import CannotStart
from sockreply.server.endpoints import has_certificate
from sockreply.settings import ListenerSettings

_BEGINNING = b'{"pid": '


class ReadyFile:
    """The file, if one is asked for; a reader finds all of it or none.

    A complete new file takes over its name each time, with the mode that the umask allows. A file
    that is not one of these is never replaced.
    """

    _log = Logger()

    def __init__(self) -> None:
        self._path: str | None = None
        self._written: tuple[int, int] | None = None  # our own, by device and inode

    def prepare(self, path: str | None) -> Change:
        """Get ready to write another file.

        Args:
            path: Its absolute path; None: none is to be written.

        Raises:
            CannotStart: It could not be written.
        """
        if path not in (None, self._path):
            try:
                _new_file_beside(_replaceable(path)).unlink()
            except OSError as error:
                raise _cannot(path, error) from None

        def carry_out() -> None:
            if path != self._path:
                self.remove()
                self._path = path

        return Change(carry_out, undo=lambda: None)

    def write(self, serving: Mapping[str, Serving], watch: Watch) -> None:
        """Write where the daemon listens now.

        Args:
            serving: Its services, by name.
            watch: Where its counts can be read.

        Raises:
            CannotStart: The file cannot be written; one that is there stays as it is.
        """
        if self._path is None:
            return
        told = json.dumps({"pid": os.getpid(), **_places(serving, watch)}) + "\n"
        try:
            path = _replaceable(self._path)
            new = _new_file_beside(path)
            try:
                new.write_text(told, encoding="ascii")
                found = new.stat()
                new.replace(path)
            except OSError:
                new.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _cannot(self._path, error) from None
        self._written = found.st_dev, found.st_ino

    def update(self, serving: Mapping[str, Serving], watch: Watch) -> None:
        """Do the same after a change; if the file cannot be written, that is logged.

        Args:
            serving: As for `write`.
            watch: As for `write`.
        """
        try:
            self.write(serving, watch)
        except CannotStart as error:
            self._log.error("{error}", error=str(error))

    def remove(self) -> None:
        """Remove it, unless another daemon has written its own there meanwhile."""
        if self._path is None or self._written is None:
            return
        written, self._written = self._written, None
        with suppress(OSError):  # somebody else has removed it
            path = _real(self._path)
            found = path.stat()
            if (found.st_dev, found.st_ino) == written:
                path.unlink()


def _replaceable(name: str) -> Path:
    """The file that a path leads to, if it is ours to replace.

    Raises:
        OSError: It is not.
    """
    path = _real(name)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path
    if not stat.S_ISREG(mode):
        raise OSError(0, "Is not a regular file")
    with path.open("rb") as file:
        if file.read(len(_BEGINNING)) not in (b"", _BEGINNING):
            raise OSError(0, "Already exists, and is not a ready file")
    return path


def _real(name: str) -> Path:
    """Where a path leads, because a rename onto a link would replace the link: /dev/stdout, say."""
    return Path(os.path.realpath(name))


def _new_file_beside(path: Path) -> Path:
    new = path.with_name(f".sockreply-{os.urandom(8).hex()}")
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    return new


def _cannot(path: str | None, error: OSError) -> CannotStart:
    return CannotStart(f"ready-file: {path}: {error.strerror}")


def _places(serving: Mapping[str, Serving], watch: Watch) -> dict[str, Any]:
    """Where services can be asked, and counts read."""
    places: dict[str, Any] = {
        "services": {name: _listeners(each) for name, each in serving.items()}
    }
    if watch.listening is not None:
        string, address = watch.listening
        places["metrics"] = _listener(ListenerSettings(string), address)
    return places


def _listeners(serving: Serving) -> list[dict[str, Any]]:
    """The listeners of a service, in the order of its settings."""
    settings = {each.endpoint: each for each in serving.settings.listen}
    order = {endpoint: place for place, endpoint in enumerate(settings)}
    listening = sorted(serving.service.listening(), key=lambda each: order[each[0]])
    return [_listener(settings[string], address) for string, address in listening]


def _listener(settings: ListenerSettings, address: IAddress) -> dict[str, Any]:
    where: dict[str, Any]
    match address:
        case IPv4Address() | IPv6Address():
            where = {"host": address.host, "port": address.port}
            where |= {"udp": True} if address.type == "UDP" else {}
        case UNIXAddress():
            where = {"path": _path(os.fsdecode(address.name or b""))}
        case _:
            where = {}
    at_once = settings.tls is not None and not settings.tls.starttls
    return {**where, "tls": at_once or has_certificate(settings.endpoint)}


def _path(name: str) -> str:
    """The absolute path of a UNIX socket; @ stands for the abstract namespace."""
    return f"@{name[1:]}" if name.startswith("\0") else str(Path(name).absolute())

"""The files that a configuration names, and the configuration file itself."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path

from sockreply.config.wording import excerpt
from sockreply.errors import ConfigError

FILE_LIMIT = 16 * 1024 * 1024
"""Bytes of a file: it is kept in memory, and every peer may be sent all of it."""


@dataclass
class NamedFiles:
    """The files that a configuration names; each is read once.

    Args:
        directory: What their names are relative to.
    """

    directory: Path
    _read: dict[Path, bytes] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Where a file is.

        Raises:
            ConfigError: It cannot have that name.
        """
        if not name or "\0" in name:
            raise ConfigError(f"{excerpt(name)} is not a file name")
        return self.directory / name

    def contents(self, name: str) -> bytes:
        """What a file holds.

        Raises:
            ConfigError: It cannot be read; says why.
        """
        path = self.path(name)
        if path not in self._read:
            self._read[path] = contents_of(path)
        return self._read[path]


def contents_of(path: Path, *, only_regular: bool = True) -> bytes:
    """What a file holds, up to `FILE_LIMIT`.

    Args:
        path: The file.
        only_regular: Is it an error if reading it could wait for somebody, as with a pipe?

    Raises:
        ConfigError: It cannot be read; says why.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode) or (only_regular and not stat.S_ISREG(mode)):
            raise ConfigError(f"{path} is {'a directory' if stat.S_ISDIR(mode) else 'not a file'}")
        with path.open("rb") as opened:
            data = opened.read(FILE_LIMIT + 1)
    except (OSError, ValueError) as error:  # ValueError: no file can have that name
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot read {path}: {reason}") from None
    if len(data) > FILE_LIMIT:
        raise ConfigError(f"{path} is larger than {FILE_LIMIT} bytes")
    return data

"""The files that a configuration names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sockreply.config.named_files import FILE_LIMIT, NamedFiles, contents_of
from sockreply.errors import ConfigError


def test_names_are_relative(tmp_path: Path) -> None:
    """A name is relative to the directory, unless it is absolute."""
    files = NamedFiles(tmp_path)
    assert files.path("a/b") == tmp_path / "a" / "b"
    assert files.path("/a") == Path("/a")


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_names_that_no_file_has(name: str, tmp_path: Path) -> None:
    """A name that no file can have is an error before the system is asked."""
    with pytest.raises(ConfigError, match="is not a file name"):
        NamedFiles(tmp_path).path(name)


def test_read_once(tmp_path: Path) -> None:
    """A file that is named twice is read once, so that both get the same."""
    files = NamedFiles(tmp_path)
    (tmp_path / "a").write_bytes(b"first")
    assert files.contents("a") == b"first"
    (tmp_path / "a").write_bytes(b"second")
    assert files.contents("a") == b"first"
    assert NamedFiles(tmp_path).contents("a") == b"second"


def test_pipes_and_directories(tmp_path: Path) -> None:
    """What could wait for somebody is refused, except for a configuration itself."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="pipe is not a file"):
        contents_of(tmp_path / "pipe")
    for only_regular in (True, False):
        with pytest.raises(ConfigError, match="is a directory"):
            contents_of(tmp_path, only_regular=only_regular)


def test_large_files(tmp_path: Path) -> None:
    """A file may have as much as the limit."""
    large = tmp_path / "large"
    large.touch()
    os.truncate(large, FILE_LIMIT)
    assert len(contents_of(large)) == FILE_LIMIT
    os.truncate(large, FILE_LIMIT + 1)
    with pytest.raises(ConfigError, match=f"is larger than {FILE_LIMIT} bytes"):
        contents_of(large)

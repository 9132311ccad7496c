"""A configuration becomes settings, or an error that names everything that is wrong with it.

It comes as a file, or as a document that somebody else has parsed::

    bytes -> document           toml           only for a file
    document -> plain document  document       nothing but what TOML could hold
    plain document -> form      read_form      the dataclasses of `form`, made by `structuring`
    form -> settings            read_settings  and a read_*.py for each part of the form

`reading` says how the readers work, `problems` collects what they find wrong.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sockreply.config.document import plain
from sockreply.config.named_files import NamedFiles, contents_of
from sockreply.config.read_form import read_form
from sockreply.config.read_settings import read_settings
from sockreply.config.reading import Call, Reading, at_once
from sockreply.config.toml import parse_toml
from sockreply.errors import BadFile, BadSettings, ConfigError, UnreadableFile
from sockreply.settings import Settings


def read(path: Path, in_loop: Call = at_once) -> Settings:
    """The settings that a configuration file asks for.

    Paths in it are relative to the file itself.

    Args:
        path: The file; the settings have it made absolute, because twistd changes the directory.
        in_loop: Calls responders' code. If this runs in a thread, that code may need the loop's.

    Raises:
        BadFile: It cannot be read, or asks for what cannot be; has everything that is wrong.
    """
    try:
        file = path.absolute()
        contents = contents_of(file, only_regular=False)
    except (ConfigError, OSError) as error:  # OSError: there is no current directory
        raise UnreadableFile(path, (_reason(error, path),)) from None
    try:
        return settings_from(parse_toml(contents), file.parent, file, in_loop)
    except BadSettings as error:
        raise BadFile(path, error.problems) from None
    except ConfigError as error:
        raise BadFile(path, (str(error),)) from None


def _reason(error: Exception, path: Path) -> str:
    """Why a file cannot be read, without its name."""
    file = path.absolute() if isinstance(error, ConfigError) else path
    return str(error).removeprefix(f"cannot read {file}: ").removeprefix(f"{file} ")


def settings_from(
    document: object, directory: Path, file: Path | None = None, in_loop: Call = at_once
) -> Settings:
    """The settings that a parsed document asks for, wherever it came from.

    Args:
        document: A table with the keys of a configuration file; it is not kept.
        directory: What the paths in it are relative to.
        file: Where it was read, to be read again on SIGHUP; None: nowhere.
        in_loop: As for `read`.

    Raises:
        BadSettings: It asks for what cannot be; has everything that is wrong.
    """
    reading = Reading(NamedFiles(directory.absolute()), in_loop=in_loop)
    settings: Settings | None = None
    with reading.problems.at():
        written = read_form(plain(document, reading.problems), reading)
        settings = read_settings(written, reading)
    if settings is None:
        raise BadSettings(reading.problems.lines())
    return replace(settings, file=file)

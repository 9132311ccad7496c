"""How the words of a command line are read."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn, TypeVar

from twisted.python import usage

from sockreply.errors import CannotFrame, ConfigError
from sockreply.extensions import crashes_of
from sockreply.framing.interfaces import Framing
from sockreply.notation import quoted, whole
from sockreply.server.port_ranges import MOST_PORT, port_range

DEFAULT_PORT = 12345
DEFAULT_INTERFACE = "127.0.0.1"

_T = TypeVar("_T")


class CommandOptions(usage.Options):
    """What every command understands, whatever else it does."""

    arguments: ClassVar[Sequence[str]] = ()
    """The names of what has to follow the options, one word each."""

    opt_h = usage.Options.opt_help

    def parseArgs(self, *words: str) -> None:
        missing = self.arguments[len(words) :]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            raise usage.UsageError(f"{' and '.join(missing)} {verb} missing")
        if surplus := words[len(self.arguments) :]:
            raise usage.UsageError(f"unexpected argument {quoted(surplus[0])}")

    def opt_version(self) -> NoReturn:
        """Print the version of sockreply."""
        from importlib.metadata import version  # now, because it takes its time

        print(f"sockreply {version('sockreply')}")
        raise SystemExit(0)


def ports(text: str) -> str:
    """Reads a port to listen on, or a range of ports; both stand like this in endpoint strings."""
    if "-" in text[1:]:
        port_range(text)
        return text
    return str(whole(0, MOST_PORT)(text))


def seconds(text: str) -> float:
    """Reads a number of seconds, 0 or more."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ConfigError(f"{quoted(text)} is not a number of seconds")
    return number


def address(text: str) -> str:
    """Reads an address to listen on."""
    if not text:
        raise ConfigError("'' is not an address; 0.0.0.0 stands for all of them")
    return text


def file_path(text: str) -> str:
    """Reads the path of a file."""
    if not text or "\0" in text:
        raise ConfigError(f"{quoted(text)} is not a file")
    return text


def hexadecimal(written: str) -> bytes:
    """Reads a message that is written as hexadecimal digits.

    Raises:
        UsageError: It has other characters, or half a byte.
    """
    try:
        return bytes.fromhex(written)
    except ValueError:
        raise usage.UsageError(f"{reprlib.repr(written)} is not hexadecimal") from None


def taken_as_it_is(escape: str) -> str:
    """What to say about an escape in a message, because messages are taken literally."""
    return f"{escape} is taken literally; $'...' in a shell, or --hex, writes any byte"


def option(name: str, read: Callable[[str], _T]) -> Callable[[str], _T]:
    """Lets an option's errors begin with its name."""

    def read_option(text: str) -> _T:
        try:
            return read(text)
        except ConfigError as error:
            raise ConfigError(f"--{name}: {error}") from None

    return read_option


def fitting(name: str, text: bytes, framing: Framing) -> bytes:
    """What an option sends to all peers, once it is known that the framing can carry it."""
    try:
        with crashes_of(f"--{name}: framing {framing.name}"):
            framing.frame(text)
    except CannotFrame as error:
        raise ConfigError(f"--{name}: {error}") from None
    return text


def parameter(name: str, short: str | None, default: object, text: str, read: Any) -> list[Any]:
    """A row of `optParameters`."""
    return [name, short, default, text, option(name, read)]

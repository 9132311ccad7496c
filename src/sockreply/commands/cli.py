"""The `sockreply` command: its subcommands, and its exit statuses.

Exit status: 0 done, 1 failed with one line on standard error, 2 wrong usage, 78 when `serve` cannot
start with such settings, 128 + N when `send` was ended by signal N.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

from twisted.python import usage

from sockreply.commands.options import CommandOptions
from sockreply.errors import (
    BadFile,
    CannotPrint,
    CannotStart,
    ConfigError,
    EndedBySignal,
    SockreplyError,
)
from sockreply.observing.journal import in_journal, reaches_journal


@dataclass(frozen=True)
class Subcommand:
    """A subcommand, whose module is imported when it is called: it waits for no other's imports.

    Args:
        name: As it is typed.
        module: The module in this package. It has a class `Options`, and a function
            `run(options: Options) -> int` that returns the exit status or raises why it failed.
        summary: The line that --help has for it.
    """

    name: str
    module: str
    summary: str

    def options(self) -> usage.Options:
        """What it understands, with nothing read yet."""
        options: usage.Options = self._imported().Options()
        return options

    def run(self, options: usage.Options) -> int:
        """Do it; the exit status."""
        status: int = self._imported().run(options)
        return status

    def _imported(self) -> Any:
        return import_module(f"sockreply.commands.{self.module}")


SUBCOMMANDS = (
    Subcommand("send", "send", "Send messages and print the replies."),
    Subcommand("serve", "serve", "Answer messages, in the foreground and without a pid file."),
    Subcommand("check", "check", "Check a configuration file."),
    Subcommand("explain", "explain", "Explain which rule of a file answers a message, and why."),
)


class Options(CommandOptions):
    """What `sockreply` understands."""

    synopsis = "COMMAND [options]"
    longdesc = "Receives messages on a socket and answers them; also sends messages to a server."
    subCommands: ClassVar[Sequence[Sequence[Any]]] = [
        [subcommand.name, None, subcommand.options, subcommand.summary]
        for subcommand in SUBCOMMANDS
    ]

    def getSynopsis(self) -> str:
        return "Usage: sockreply" if self.subCommand else f"Usage: sockreply {self.synopsis}"


def main(words: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        words: The command line after the command's name; None: the process's.

    Returns:
        The exit status.
    """
    options = Options()
    try:
        options.parseOptions(sys.argv[1:] if words is None else words)
    except usage.UsageError as error:
        return _complain(f"{error} (--help lists the options)", 2)
    except (ConfigError, CannotStart) as error:
        return _complain(error, 2)
    for subcommand in SUBCOMMANDS:
        if subcommand.name == options.subCommand:
            return _status_of(subcommand, options.subOptions)
    names = ", ".join(subcommand.name for subcommand in SUBCOMMANDS)
    return _complain(f"which command? {names} (see --help)", 2)


def _status_of(subcommand: Subcommand, options: usage.Options) -> int:
    """Run a subcommand, and say why it failed where that needs saying; the exit status."""
    try:
        return subcommand.run(options)
    except EndedBySignal as error:
        return 128 + error.number  # whoever sent it knows why
    except CannotPrint as error:
        # A reader that left, such as `head`, has what it wanted.
        return 1 if error.reader_left else _complain(error, 1)
    except BadFile as error:
        return _complain(error, 1)
    except (ConfigError, usage.UsageError) as error:
        return _complain(error, 2)
    except CannotStart as error:
        return _complain(error, error.status)
    except SockreplyError as error:
        return _complain(error, 1)


def _complain(what: object, status: int) -> int:
    text = f"sockreply: {what}"
    print(in_journal(text) if reaches_journal(sys.stderr) else text, file=sys.stderr)
    return status

"""The `sockreply` command.

`send` asks a service, `serve` is one in the foreground, `check` and `explain` read its file.

Exit status: 0 done, 1 failed with one line on standard error, 2 wrong usage, 128 + N when `send`
was ended by signal N.
"""

from __future__ import annotations

import getopt
import os
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from twisted.python import usage

from sockreply.commands.options import CommandOptions, hexadecimal, parameter
from sockreply.commands.output import print_lines
from sockreply.commands.reacting import react_to
from sockreply.commands.send import SendOptions, send
from sockreply.commands.tap import Options as ServeOptions
from sockreply.errors import (
    BadFile,
    CannotPrint,
    CannotStart,
    ConfigError,
    EndedBySignal,
    SockreplyError,
)
from sockreply.observing.journal import in_journal, reaches_journal, text_observer


class CheckOptions(CommandOptions):
    """What `sockreply check` understands."""

    synopsis = "FILE"
    longdesc = (
        "Prints what is wrong with a configuration file, a line an error, and exits with 1; or "
        "prints what it sets up, and exits with 0."
    )

    file = ""

    def parseArgs(self, file: str) -> None:  # type: ignore[override] # usage asks for any number
        self.file = file


class ExplainOptions(CommandOptions):
    """What `sockreply explain` understands."""

    synopsis = "FILE [options] MESSAGE"
    longdesc = (
        "Tells of each rule of a configuration file whether it answers a message, or why it does "
        "not, and what would be sent. Exits with 1 if no rule answers for certain. Options stand "
        "anywhere; behind -- nothing is one."
    )
    optFlags: ClassVar[Sequence[Sequence[str | None]]] = [
        ["hex", None, "The message is written as hexadecimal digits."],
    ]
    optParameters: ClassVar[Sequence[Sequence[Any]]] = [
        parameter("service", None, None, "Which one of several services.", str),
        parameter("state", None, None, "The connection's. [default: the initial one]", str),
        parameter("peer", None, "127.0.0.1", "The address that the message comes from.", str),
    ]

    file = ""
    message = b""

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        words = list(sys.argv[1:] if options is None else options)
        try:
            found, others = getopt.gnu_getopt(words, self.shortOpt, self.longOpt)
        except getopt.GetoptError as error:
            try:
                super().parseOptions(words)  # behind FILE a message may begin with a dash, as -1
            except usage.UsageError:
                raise usage.UsageError(str(error)) from None
            return
        with_value = {name.removesuffix("=") for name in self.longOpt if name.endswith("=")}
        first = [f"{name}={value}" if name[2:] in with_value else name for name, value in found]
        super().parseOptions([*first, "--", *others])

    def parseArgs(  # type: ignore[override] # usage asks for any number
        self, file: str, message: str
    ) -> None:
        self.file = file
        self.message = hexadecimal(message) if self["hex"] else os.fsencode(message)


class Options(CommandOptions):
    """What `sockreply` understands."""

    synopsis = "COMMAND [options]"
    longdesc = "Receives messages on a socket and answers them; sends some and shows the answers."
    subCommands: ClassVar[Sequence[Sequence[Any]]] = [
        ["send", None, SendOptions, "Send messages and print the replies."],
        ["serve", None, ServeOptions, "Answer messages, in the foreground and without a pid file."],
        ["check", None, CheckOptions, "Tell what is wrong with a configuration file."],
        ["explain", None, ExplainOptions, "Tell which rule of a file answers a message, and why."],
    ]

    def getSynopsis(self) -> str:
        return "Usage: sockreply" if self.subCommand else f"Usage: sockreply {self.synopsis}"


def serve(options: ServeOptions) -> None:
    """Run the daemon until it is told to stop.

    Raises:
        CannotStart: It cannot start; one line says why.
    """
    from twisted.application.app import startApplication
    from twisted.application.service import Application, IServiceCollection
    from twisted.internet import reactor
    from twisted.logger import globalLogBeginner

    from sockreply.commands.tap import makeService

    daemon = makeService(options)
    application = Application("sockreply")
    daemon.setServiceParent(IServiceCollection(application))
    json = daemon.settings.log.json
    text = sys.stderr if json == "-" else sys.stdout  # one form on one stream
    globalLogBeginner.beginLoggingTo([text_observer(text)], redirectStandardIO=False)
    daemon.privilegedStartService()
    startApplication(application, save=False)
    reactor.run()


def main(words: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        words: The command line behind the command's name; None: the process's.

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
    try:
        return _run(options)
    except (SockreplyError, usage.UsageError, CannotStart) as error:
        return _status_of(error)


def _run(options: Options) -> int:
    match options.subCommand:
        case "serve":
            serve(options.subOptions)
            return 0
        case "send":
            react_to(lambda reactor: send(reactor, options.subOptions))
            return 0
        case "check":
            return _check(options.subOptions)
        case "explain":
            return _explain(options.subOptions)
        case _:
            commands = ", ".join(name for name, *_ in options.subCommands)
            return _complain(f"which command? {commands} (--help tells more)", 2)


def _check(options: CheckOptions) -> int:
    from sockreply.commands.inspection import check  # now, for what reads files takes its time

    lines, good = check(options.file)
    print_lines(lines)
    return 0 if good else 1


def _explain(options: ExplainOptions) -> int:
    from sockreply.commands.inspection import explained  # now, for what reads files takes its time

    explanation = explained(
        options.file,
        options.message,
        service=options["service"],
        state=options["state"],
        peer=options["peer"],
    )
    print_lines(explanation.lines())
    return 0 if explanation.answered else 1


def _status_of(error: Exception) -> int:
    """Say why a command failed, where that needs saying; the exit status."""
    match error:
        case EndedBySignal():
            return 128 + error.number  # whoever sent it knows why
        case CannotPrint(reader_left=True):
            return 1  # a reader such as `head` has what it wanted
        case BadFile():
            return _complain(error, 1)
        case usage.UsageError() | ConfigError():
            return _complain(error, 2)
    return _complain(error, 1)


def _complain(what: object, status: int) -> int:
    text = f"sockreply: {what}"
    print(in_journal(text) if reaches_journal(sys.stderr) else text, file=sys.stderr)
    return status

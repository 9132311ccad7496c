"""The `sockreply` command.

`send` asks a service, `serve` is one in the foreground, `check` and `explain` read its file.

Exit status: 0 done, 1 failed with one line on standard error, 2 wrong usage, 128 + N when `send`
was ended by signal N.
"""

from __future__ import annotations

import os
import reprlib
import sys
from collections.abc import Sequence
from threading import Thread
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.task import react
from twisted.internet.threads import blockingCallFromThread
from twisted.python import usage

from sockreply.client import connect
from sockreply.client.asking import WIRE_LIMIT, Asking, is_carried
from sockreply.errors import (
    BadFile,
    CannotFrame,
    CannotStart,
    ConfigError,
    RequestError,
    SockreplyError,
)
from sockreply.framing import Line, parse_framing
from sockreply.framing.notation import whole
from sockreply.options import parameter, show_version
from sockreply.options import seconds as read_seconds
from sockreply.tap import DEFAULT_INTERFACE, DEFAULT_PORT
from sockreply.tap import Options as ServeOptions


class SendOptions(usage.Options):
    """What `sockreply send` understands."""

    synopsis = "[options] [MESSAGE ...]"
    longdesc = (
        "Sends each MESSAGE, or each line of standard input, and prints each reply on a line of "
        "its own. Fewer replies than messages are a failure. Options come before the first "
        "MESSAGE: all that follows it is a message, also what begins with a dash."
    )
    optFlags: ClassVar[Sequence[Sequence[str | None]]] = [
        ["greeting", None, "Wait for the server's first message, and print it, before sending."],
        ["hex", None, "Messages are written, and replies printed, as hexadecimal digits."],
    ]
    optParameters: ClassVar[Sequence[Sequence[Any]]] = [
        parameter("host", None, None, "Where to connect to. [default: 127.0.0.1]", str),
        parameter("port", "p", None, "TCP port. [default: 12345]", whole(1, 65535)),
        parameter("to", None, None, "A Twisted client endpoint string instead of these.", str),
        parameter("framing", "f", "chunk", "How messages are told apart, as for serve.", str),
        parameter("timeout", None, 10.0, "Seconds to wait for a reply; 0: for ever.", read_seconds),
    ]
    opt_version = show_version
    opt_h = usage.Options.opt_help

    messages: Sequence[bytes] = ()

    def parseArgs(self, *messages: str) -> None:
        self.messages = [os.fsencode(message) for message in messages]

    def postOptions(self) -> None:
        if self["to"] is not None and (self["host"], self["port"]) != (None, None):
            raise usage.UsageError("--to excludes --host and --port")
        try:
            self.framing = parse_framing(self["framing"])
        except ConfigError as error:
            raise ConfigError(f"--framing: {error}") from None
        if self.framing.ends_with_stream and len(self.messages) > 1:
            raise usage.UsageError(f"{self['framing']} carries one message a connection")
        self.messages = [self.decode(message) for message in self.messages]

    def decode(self, written: bytes) -> bytes:
        """A message from how it was written.

        Raises:
            UsageError: It is not hexadecimal, or the framing cannot carry it; the line shows it.
        """
        why = f"is no message of framing {self['framing']}"
        try:
            message = bytes.fromhex(written.decode()) if self["hex"] else written
            if is_carried(message, self.framing):
                return message
        except ValueError:
            why = "is not hexadecimal"
        except CannotFrame as error:
            why += f": {error}"
        raise usage.UsageError(f"{reprlib.repr(os.fsdecode(written))} {why}")

    def show(self, reply: bytes) -> None:
        """Print a reply."""
        sys.stdout.buffer.write((reply.hex().encode() if self["hex"] else reply) + b"\n")
        sys.stdout.buffer.flush()

    @property
    def endpoint(self) -> str:
        """Where to."""
        if self["to"] is not None:
            return str(self["to"])
        host = quoteStringArgument(self["host"] or DEFAULT_INTERFACE)
        return f"tcp:{host}:{self['port'] or DEFAULT_PORT}"


class CheckOptions(usage.Options):
    """What `sockreply check` understands."""

    synopsis = "FILE"
    longdesc = (
        "Prints what is wrong with a configuration file, a line an error, and exits with 1; or "
        "prints what it sets up, and exits with 0."
    )
    opt_version = show_version
    opt_h = usage.Options.opt_help

    file = ""

    def parseArgs(self, file: str) -> None:  # type: ignore[override] # usage asks for any number
        self.file = file


class ExplainOptions(usage.Options):
    """What `sockreply explain` understands."""

    synopsis = "[options] FILE MESSAGE"
    longdesc = (
        "Tells of each rule of a configuration file whether it answers a message, or why it does "
        "not, and what would be sent. Exits with 1 if no rule answers for certain."
    )
    optFlags: ClassVar[Sequence[Sequence[str | None]]] = [
        ["hex", None, "The message is written as hexadecimal digits."],
    ]
    optParameters: ClassVar[Sequence[Sequence[Any]]] = [
        parameter("service", None, None, "Which one of several services.", str),
        parameter("state", None, None, "The connection's. [default: the initial one]", str),
        parameter("peer", None, "127.0.0.1", "The address that the message comes from.", str),
    ]
    opt_version = show_version
    opt_h = usage.Options.opt_help

    file = ""
    message = b""

    def parseArgs(  # type: ignore[override] # usage asks for any number
        self, file: str, message: str
    ) -> None:
        self.file = file
        self.message = os.fsencode(message)
        if self["hex"]:
            try:
                self.message = bytes.fromhex(message)
            except ValueError:
                raise usage.UsageError(f"{reprlib.repr(message)} is not hexadecimal") from None


class Options(usage.Options):
    """What `sockreply` understands."""

    synopsis = "COMMAND [options]"
    longdesc = "Receives messages on a socket and answers them; sends some and shows the answers."
    subCommands: ClassVar[Sequence[Sequence[Any]]] = [
        ["send", None, SendOptions, "Send messages and print the replies."],
        ["serve", None, ServeOptions, "Answer messages, in the foreground and without a pid file."],
        ["check", None, CheckOptions, "Tell what is wrong with a configuration file."],
        ["explain", None, ExplainOptions, "Tell which rule of a file answers a message, and why."],
    ]
    opt_version = show_version
    opt_h = usage.Options.opt_help

    def getSynopsis(self) -> str:
        return "Usage: sockreply" if self.subCommand else f"Usage: sockreply {self.synopsis}"


class Lines:
    """Asks each line of standard input, in a thread of its own: reading may block.

    Args:
        reactor: Asks.
        asking: Takes the lines, and may take its time.
        options: Tells how a line is written.
    """

    def __init__(self, reactor: Any, asking: Asking, options: SendOptions) -> None:
        self._reactor = reactor
        self._asking = asking
        self._options = options
        self._framer = Line().framer(WIRE_LIMIT)

    def read(self) -> None:
        """Read standard input to its end."""
        try:
            while data := _read_input():
                blockingCallFromThread(self._reactor, self._take, data)
            rest = b"\n" if self._framer.buffered else b""
            blockingCallFromThread(self._reactor, self._take, rest)
        except (RequestError, usage.UsageError) as error:
            self._reactor.callFromThread(self._asking.fail, error)
        else:
            self._reactor.callFromThread(self._asking.all_asked)

    def _take(self, data: bytes) -> Any:  # Deferred[None] is more than mypy infers through a thread
        return Deferred.fromCoroutine(self._ask_lines(data))

    async def _ask_lines(self, data: bytes) -> None:
        self._framer.receive_data(data)
        while (line := self._framer.next_message()) is not None:
            await self._asking.ask(self._options.decode(line))


def _read_input() -> bytes:
    try:
        return os.read(0, 65_536)
    except OSError as error:
        raise RequestError(f"cannot read standard input: {error.strerror}") from None


async def send(reactor: Any, options: SendOptions) -> None:
    """Do what `sockreply send` was asked to.

    Raises:
        SockreplyError: Not every message had its reply, or there was no connection.
        UsageError: A line of standard input is no message.
        OSError: Standard output takes no reply.
    """
    if sys.stdout is None or (sys.stdin is None and not options.messages):
        raise RequestError("standard input or output is closed")  # its number is another file's now
    timeout = options["timeout"] or None
    connection = await connect(options.endpoint, options.framing, reactor=reactor, timeout=timeout)
    if options["greeting"]:
        options.show(await connection.receive(timeout))
    asking = Asking(connection, options.show, timeout)
    if options.messages:
        for message in options.messages:
            await asking.ask(message)
        asking.all_asked()
    else:
        lines = Lines(reactor, asking, options)
        Thread(target=lines.read, daemon=True).start()
    try:
        await asking.done
    except RequestError as error:
        if asking.asked < 2:
            raise
        answered = f"{asking.answered} of {asking.asked} messages answered"
        raise RequestError(f"{answered}: {error}") from None
    await connection.close()


def serve(options: ServeOptions) -> None:
    """Run the daemon until it is told to stop.

    Raises:
        CannotStart: It cannot start; one line says why.
    """
    from twisted.application.app import startApplication
    from twisted.application.service import Application, IServiceCollection
    from twisted.internet import reactor
    from twisted.logger import globalLogBeginner, textFileLogObserver

    from sockreply.tap import makeService

    daemon = makeService(options)
    application = Application("sockreply")
    daemon.setServiceParent(IServiceCollection(application))
    json = daemon.settings.log.json
    text = sys.stderr if json == "-" else sys.stdout  # one form on one stream
    globalLogBeginner.beginLoggingTo([textFileLogObserver(text)], redirectStandardIO=False)
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
    match options.subCommand:
        case "serve":
            try:
                serve(options.subOptions)
            except CannotStart as error:
                return _complain(error, 1)
            return 0
        case "send":
            return _react_to(options.subOptions)
        case "check":
            return _check(options.subOptions)
        case "explain":
            return _explain(options.subOptions)
        case _:
            commands = ", ".join(name for name, *_ in options.subCommands)
            return _complain(f"which command? {commands} (--help tells more)", 2)


def _check(options: CheckOptions) -> int:
    from sockreply.inspection import check  # now, for what reads files takes its time

    lines, good = check(options.file)
    print("\n".join(lines))
    return 0 if good else 1


def _explain(options: ExplainOptions) -> int:
    from sockreply.inspection import explained  # now, for what reads files takes its time

    try:
        explanation = explained(
            options.file,
            options.message,
            service=options["service"],
            state=options["state"],
            peer=options["peer"],
        )
    except BadFile as error:
        return _complain(error, 1)
    except ConfigError as error:
        return _complain(error, 2)
    print("\n".join(explanation.lines()))
    return 0 if explanation.answered else 1


def _react_to(options: SendOptions) -> int:
    """Send on a reactor of its own."""
    from twisted.internet import reactor

    failed: list[Exception] = []

    async def run(reactor: Any) -> None:
        try:
            await send(reactor, options)
        except (SockreplyError, usage.UsageError, OSError) as error:
            failed.append(error)

    try:
        react(run)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    signal: int | None = getattr(reactor, "_exitSignal", None)  # where twist looks, too
    if signal is not None:
        return 128 + signal  # what it cut off is nobody's failure
    return _say_why(failed[0]) if failed else status


def _say_why(error: Exception) -> int:
    """Say why it failed; the exit status."""
    match error:
        case usage.UsageError() | ConfigError():
            return _complain(error, 2)
        case OSError():
            # What could not be written would be tried again, and complained of, at the exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                return 1  # who reads us has enough
            return _complain(f"cannot write standard output: {error.strerror}", 1)
    return _complain(error, 1)


def _complain(what: object, status: int) -> int:
    print(f"sockreply: {what}", file=sys.stderr)
    return status

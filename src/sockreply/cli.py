"""The `sockreply` command: `send` asks a service, `serve` is one in the foreground.

Exit status: 0 done, 1 failed with one line on standard error, 2 wrong usage.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from threading import Thread
from typing import Any, ClassVar, NoReturn

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.task import react
from twisted.internet.threads import blockingCallFromThread
from twisted.python import usage
from twisted.python.failure import Failure

from sockreply.client import RequestProtocol, connect
from sockreply.errors import CannotStart, ConfigError, SockreplyError
from sockreply.framing import Line, parse_framing
from sockreply.tap import DEFAULT_INTERFACE, DEFAULT_PORT, parameter, show_version, whole
from sockreply.tap import Options as ServeOptions
from sockreply.tap import seconds as read_seconds

WAITING_LIMIT = 1_000
"""How many messages of standard input may wait for their replies before the next one is read."""

LINE_LIMIT = 2**31 - 1
"""The most bytes that a line of standard input may have: as many as memory takes."""


class SendOptions(usage.Options):
    """What `sockreply send` understands."""

    synopsis = "[options] [MESSAGE ...]"
    longdesc = (
        "Sends each MESSAGE, or each line of standard input, and prints each reply on a line of "
        "its own. Fewer replies than messages are a failure."
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

    messages: tuple[bytes, ...] = ()

    def parseArgs(self, *messages: str) -> None:
        self.messages = tuple(self.decode(os.fsencode(message)) for message in messages)

    def postOptions(self) -> None:
        if self["to"] is not None and (self["host"], self["port"]) != (None, None):
            raise usage.UsageError("--to excludes --host and --port")
        try:
            parse_framing(self["framing"])
        except ConfigError as error:
            raise ConfigError(f"--framing: {error}") from None

    def decode(self, message: bytes) -> bytes:
        """A message from how it was written."""
        try:
            return bytes.fromhex(message.decode()) if self["hex"] else message
        except ValueError:
            raise usage.UsageError(f"{os.fsdecode(message)!r} is not hexadecimal") from None

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


class Options(usage.Options):
    """What `sockreply` understands."""

    synopsis = "COMMAND [options]"
    longdesc = "Receives messages on a socket and answers them; sends some and shows the answers."
    subCommands: ClassVar[Sequence[Sequence[Any]]] = [
        ["send", None, SendOptions, "Send messages and print the replies."],
        ["serve", None, ServeOptions, "Answer messages, in the foreground and without a pid file."],
    ]
    opt_version = show_version


class Asking:
    """Sends messages, shows the replies in order, and knows when that is done.

    Args:
        connection: Where to.
        options: How.
    """

    def __init__(self, connection: RequestProtocol, options: SendOptions) -> None:
        self._connection = connection
        self._options = options
        self._places = DeferredSemaphore(WAITING_LIMIT)
        self._waiting = 0
        self._all_asked = False
        self.done: Deferred[None] = Deferred()
        """Fires when each message has had its reply, or fails as soon as one will have none."""

    async def ask(self, message: bytes) -> None:
        """Send a message as soon as few enough wait."""
        await self._places.acquire()
        self._waiting += 1
        reply = self._connection.request(message, self._options["timeout"] or None)
        reply.addCallback(self._options.show).addErrback(self._failed)
        reply.addBoth(self._answered)

    def all_asked(self) -> None:
        """There are no more messages."""
        self._all_asked = True
        self._look()

    def _failed(self, failure: Failure) -> None:
        if not self.done.called:
            self.done.errback(failure)

    def _answered(self, _: None) -> None:
        self._waiting -= 1
        self._places.release()
        self._look()

    def _look(self) -> None:
        if self._all_asked and not self._waiting and not self.done.called:
            self.done.callback(None)


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
        self._framer = Line().framer(LINE_LIMIT)

    def read(self) -> None:
        """Read standard input to its end."""
        while data := os.read(0, 65_536):
            blockingCallFromThread(self._reactor, self._take, data)
        rest = b"\n" if self._framer.buffered else b""
        blockingCallFromThread(self._reactor, self._take, rest)
        self._reactor.callFromThread(self._asking.all_asked)

    def _take(self, data: bytes) -> Any:  # Deferred[None] is more than mypy infers through a thread
        return Deferred.fromCoroutine(self._ask_lines(data))

    async def _ask_lines(self, data: bytes) -> None:
        self._framer.receive_data(data)
        while (line := self._framer.next_message()) is not None:
            try:
                message = self._options.decode(line)
            except usage.UsageError as error:
                self._asking.done.errback(error)
                return
            await self._asking.ask(message)


async def send(reactor: Any, options: SendOptions) -> None:
    """Do what `sockreply send` was asked to.

    Raises:
        SockreplyError: Not every message had its reply, or there was no connection.
    """
    timeout = options["timeout"] or None
    connection = await connect(
        options.endpoint, options["framing"], reactor=reactor, timeout=timeout
    )
    if options["greeting"]:
        options.show(await connection.receive(timeout))
    asking = Asking(connection, options)
    if options.messages:
        for message in options.messages:
            await asking.ask(message)
        asking.all_asked()
    else:
        lines = Lines(reactor, asking, options)
        Thread(target=lines.read, daemon=True).start()
    await asking.done
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
    text = sys.stderr if options["json-log"] == "-" else sys.stdout  # one form on one stream
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
        case _:
            return _complain("which command? send or serve (--help tells more)", 2)


def _react_to(options: SendOptions) -> int:
    """Send on a reactor of its own; react() ends by SystemExit."""

    async def status(reactor: Any) -> NoReturn:
        try:
            await send(reactor, options)
        except (SockreplyError, usage.UsageError, BrokenPipeError) as error:
            raise SystemExit(_complain(error, 1)) from None
        raise SystemExit(0)

    try:
        react(lambda reactor: Deferred.fromCoroutine(status(reactor)))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1


def _complain(what: object, status: int) -> int:
    print(f"sockreply: {what}", file=sys.stderr)
    return status

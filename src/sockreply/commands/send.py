"""`sockreply send`: sends messages and shows the replies."""

from __future__ import annotations

import os
import reprlib
import sys
from collections.abc import Sequence
from threading import Thread
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.threads import blockingCallFromThread
from twisted.python import usage

from sockreply.client import ClientTLS, connect
from sockreply.client.asking import WIRE_LIMIT, Asking, is_carried
from sockreply.client.telling import Telling
from sockreply.commands.options import (
    DEFAULT_INTERFACE,
    DEFAULT_PORT,
    CommandOptions,
    hexadecimal,
    option,
    parameter,
    seconds,
    taken_as_it_is,
)
from sockreply.commands.output import print_bytes
from sockreply.commands.reacting import react_to
from sockreply.commands.tls_options import FLAGS, PARAMETERS, greets_in_clear, read_tls
from sockreply.errors import CannotFrame, RequestError
from sockreply.framing import Line, parse_framing
from sockreply.notation import seeming_escape, whole

MOST_REPLIES = 1_000
"""How many replies a message may get: as many wait for every message that is under way."""


class Options(CommandOptions):
    """What `sockreply send` understands."""

    synopsis = "[options] [MESSAGE ...]"
    longdesc = (
        "Sends each MESSAGE, or each line of standard input, and prints each reply on a line of "
        "its own. Fewer replies than --replies asks for are a failure. Escapes in MESSAGE are not "
        "interpreted. Options come before the first MESSAGE: everything after it is a message, "
        "even if it begins with a dash."
    )
    optFlags: ClassVar[Sequence[Sequence[str | None]]] = [
        ["greeting", None, "Wait for the server's first message, and print it, before sending."],
        ["hex", None, "Messages are given, and replies printed, as hexadecimal digits."],
        *FLAGS,
    ]
    optParameters: ClassVar[Sequence[Sequence[Any]]] = [
        parameter("host", None, None, "Where to connect to. [default: 127.0.0.1]", str),
        parameter("port", "p", None, "TCP port. [default: 12345]", whole(1, 65535)),
        parameter(
            "to",
            None,
            None,
            "A Twisted client endpoint string, instead of host and port.",
            str,
        ),
        parameter("framing", "f", "chunk", "How messages are told apart, as for serve.", str),
        parameter(
            "replies",
            None,
            1,
            "Replies to wait for after each message; 0: none, and close once everything is sent.",
            whole(0, MOST_REPLIES),
        ),
        parameter(
            "timeout",
            None,
            10.0,
            "Seconds to wait for the next reply, or for the server to take it all; 0: for ever.",
            seconds,
        ),
        *PARAMETERS,
    ]

    messages: Sequence[bytes] = ()
    tls: ClientTLS | None = None
    escape: str | None = None
    """What looks like an escape in a message, and is not read as one."""
    _decoded = 0

    def parseArgs(self, *messages: str) -> None:
        self.messages = [os.fsencode(message) for message in messages]

    def postOptions(self) -> None:
        if self["to"] is not None and (self["host"], self["port"]) != (None, None):
            raise usage.UsageError("--to cannot be combined with --host or --port")
        self.framing = option("framing", parse_framing)(self["framing"])
        if self.framing.one_message_each_way and self["replies"] > 1:
            raise usage.UsageError(f"{self['framing']} carries one reply per connection")
        self.messages = [self.decode(message) for message in self.messages]
        self.tls = read_tls(self, self.framing, self.show)

    def decode(self, written: bytes) -> bytes:
        """The next message from how it was written.

        Raises:
            UsageError: It is not hexadecimal, or the framing cannot carry it; the line shows it.
        """
        text = os.fsdecode(written)
        message = hexadecimal(text) if self["hex"] else written
        if self._decoded:
            self._check_several()
        self._decoded += 1
        self.escape = self.escape or (None if self["hex"] else seeming_escape(text))
        why = f"is not a message of framing {self['framing']}"
        try:
            if is_carried(message, self.framing):
                return message
        except CannotFrame as error:
            why += f": {error}"
        raise usage.UsageError(f"{reprlib.repr(text)} {why}")

    def _check_several(self) -> None:
        if self.framing.one_message_each_way:
            raise usage.UsageError(f"{self['framing']} carries one message per connection")
        if self.framing.may_run_together and not self["replies"]:
            raise usage.UsageError(
                f"--replies 0: nothing but replies keeps messages of {self['framing']} apart"
            )

    def show(self, reply: bytes) -> None:
        """Print a reply."""
        print_bytes((reply.hex().encode() if self["hex"] else reply) + b"\n")

    @property
    def endpoint(self) -> str:
        """Where to."""
        if self["to"] is not None:
            return str(self["to"])
        host = quoteStringArgument(self["host"] or DEFAULT_INTERFACE)
        return f"tcp:{host}:{self['port'] or DEFAULT_PORT}"


def run(options: Options) -> int:
    """Send on a reactor that runs until all is done; the exit status.

    Raises:
        SockreplyError, UsageError: As `send` does.
        EndedBySignal: A signal ended it.
    """
    react_to(lambda reactor: send(reactor, options))
    return 0


class Lines:
    """Asks each line of standard input, in a thread of its own: reading may block.

    Args:
        reactor: Asks.
        asking: Takes the lines, and may take its time.
        options: Tells how a line is written.
    """

    def __init__(self, reactor: Any, asking: Asking | Telling, options: Options) -> None:
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


async def send(reactor: Any, options: Options) -> None:
    """Do what `sockreply send` was asked to.

    Raises:
        SockreplyError: Not every message had its replies, or was sent if there are none; there was
            no connection, or standard output did not take a reply.
        UsageError: A line of standard input is no message.
    """
    if sys.stdout is None or (sys.stdin is None and not options.messages):
        raise RequestError("standard input or output is closed")  # its number is another file's now
    timeout = options["timeout"] or None
    connection = await connect(
        options.endpoint, options.framing, reactor=reactor, timeout=timeout, tls=options.tls
    )
    if options["greeting"] and not greets_in_clear(options):
        options.show(await connection.receive(timeout))
    asking: Asking | Telling
    if options["replies"]:
        asking = Asking(connection, options.show, reactor, timeout, options["replies"])
    else:
        asking = Telling(connection, reactor, timeout)
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
        said = ": ".join(filter(None, (asking.progress(), str(error))))
        if options.escape is not None:
            said += f" (note: {taken_as_it_is(options.escape)})"
        raise RequestError(said) from None
    await connection.close()

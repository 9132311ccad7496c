"""What can go wrong, and on whose side.

::

    SockreplyError
    ├── ConfigError            the operator wrote something wrong; says where
    │   ├── BadEndpoint        an endpoint string that cannot be listened on
    │   └── BadSettings        everything that is wrong with a configuration
    │       └── BadFile        which came from a file
    │           └── UnreadableFile     which cannot be read at all
    ├── FramingError           the peer broke the format
    │   ├── MessageTooLong     more bytes than `limit`
    │   └── Malformed          bytes that no message can have there
    ├── CannotFrame            a message of ours that the framing cannot carry
    ├── NotRunning             the daemon cannot change its settings now
    ├── ResponderError         our answering failed
    │   ├── ReplyTimeout       no answer within `seconds`
    │   ├── BadReply           a responder returned something that is not a reply
    │   ├── NeedsAsyncio       a responder awaits something that needs the asyncio reactor
    │   ├── TemplateFailed     a reply's template could not be filled in
    │   └── CommandFailed      a reply's command failed
    ├── RequestError           the client got no reply
    │   ├── CannotConnect      no connection to `endpoint`
    │   ├── RequestTimeout     no reply within `seconds`
    │   └── ConnectionEnded    the connection ended first
    ├── CannotPrint            standard output did not take a command's output
    └── EndedBySignal          the user, or the system, ended a command

    CannotStart                ends the process with one line and a status other than 0
    └── WrongSettings          which will be no better when it is started again
"""

from __future__ import annotations

from pathlib import Path


class SockreplyError(Exception):
    """The root of all errors that sockreply raises while it runs."""


class ConfigError(SockreplyError):
    """An impossible setting: the message names the place and says what would be right."""


class BadEndpoint(ConfigError):
    """An endpoint string that cannot be listened on.

    Args:
        endpoint: The string.
        reason: What is wrong with it, in a line.
    """

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"endpoint {endpoint}: {reason}")
        self.endpoint = endpoint
        self.reason = reason


class BadSettings(ConfigError):
    """A configuration from which nothing can be started.

    Args:
        problems: Everything that is wrong with it, a line each, with its place.
        where: Put before the first one in the text of the error.
        hint: Put after the number of the others; says how to see them.
    """

    def __init__(self, problems: tuple[str, ...], where: str = "", hint: str = "") -> None:
        more = len(problems) - 1
        super().__init__(f"{where}{problems[0]}{f' (and {more} more{hint})' if more else ''}")
        self.problems = problems


class BadFile(BadSettings):
    """A configuration file from which nothing can be started.

    Args:
        path: The file, as it was named.
        problems: Everything that is wrong with it, a line each, with its place.
    """

    def __init__(self, path: Path, problems: tuple[str, ...]) -> None:
        name = str(path) if str(path).isprintable() else repr(str(path))
        super().__init__(problems, f"{name}: ", f"; sockreply check {name} shows all")
        self.path = path


class UnreadableFile(BadFile):
    """A configuration file that cannot be read, so that nothing can be said about it."""


class FramingError(SockreplyError):
    """The peer broke the format; nothing after it can be read as messages."""

    kind = "framing"
    """The name under which the error is counted."""


class MessageTooLong(FramingError):
    """A message is longer than allowed, by its header or by its bytes.

    Args:
        limit: The most bytes that a message may have.
    """

    kind = "too_long"

    def __init__(self, limit: int) -> None:
        super().__init__(f"message longer than {limit} bytes")
        self.limit = limit


class Malformed(FramingError):
    """Bytes that the framing allows in no message.

    Args:
        expected: What should have been there.
        found: The bytes that were there; as many as it takes to see that.
        at: Where in the message it should have been, from 0; None: what was found says enough.
    """

    kind = "malformed"

    def __init__(self, expected: str, found: bytes, at: int | None = None) -> None:
        place = "" if at is None else f" at byte {at} (from 0)"
        super().__init__(f"expected {expected}{place}, found {found!r}")
        self.expected, self.found, self.at = expected, found, at


class CannotFrame(SockreplyError):
    """A message that we were to send and that the framing cannot carry.

    Args:
        size: The bytes of the message.
        least: The fewest bytes that a message has, or that the framing's length field can hold.
        most: The most; None: there may be any number.
    """

    def __init__(self, size: int, least: int, most: int | None = None) -> None:
        counted = f"the length field can only hold {least} to {most}"
        room = f"a message has at least {least}" if most is None else counted
        super().__init__(f"{size} bytes, but {room}")
        self.size, self.least, self.most = size, least, most


class NotRunning(SockreplyError):
    """The daemon does not listen yet, or is stopping: it cannot change its settings."""

    def __init__(self) -> None:
        super().__init__("the daemon is not running")


class ResponderError(SockreplyError):
    """Our answering failed."""


class ReplyTimeout(ResponderError):
    """A responder took longer than it may.

    Args:
        seconds: How long it was allowed.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no reply within {seconds:g} s")
        self.seconds = seconds


class BadReply(ResponderError):
    """A responder returned something that is not a reply.

    Args:
        found: What it returned.
    """

    def __init__(self, found: object) -> None:
        super().__init__(
            f"a responder returned {type(found).__name__}, not bytes, a Reply, None or an awaitable"
        )


class NeedsAsyncio(ResponderError):
    """A responder awaits something from asyncio, whose loop is not running."""

    def __init__(self) -> None:
        super().__init__(
            "the responder awaits something from asyncio, which only works under "
            "`twistd --reactor asyncio` or `twist --reactor asyncio`"
        )


class TemplateFailed(ResponderError):
    """A reply's template could not be filled in.

    Args:
        reason: Why not, in a line.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"template: {reason}")
        self.reason = reason


class CommandFailed(ResponderError):
    """A reply's command failed.

    Args:
        command: Its name.
        reason: Why not, in a line.
    """

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"command {command}: {reason}")
        self.command, self.reason = command, reason


class RequestError(SockreplyError):
    """The client got no reply; the message says why."""


class CannotConnect(RequestError):
    """No connection could be made.

    Args:
        endpoint: Where to.
        reason: Why not, in a line.
    """

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"cannot connect to {endpoint}: {reason}")
        self.endpoint, self.reason = endpoint, reason


class RequestTimeout(RequestError):
    """No reply came in time.

    Args:
        seconds: How long the request waited.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no reply within {seconds:g} s")
        self.seconds = seconds


class ConnectionEnded(RequestError):
    """The connection ended before the reply came, or before the request was made.

    Args:
        why: What ended it.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"connection ended before the reply: {why}")
        self.why = why


class CannotPrint(SockreplyError):
    """Standard output did not take a command's output.

    Args:
        cause: What writing to it raised.
    """

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"cannot write standard output: {cause.strerror}")
        self.reader_left = isinstance(cause, BrokenPipeError)


class EndedBySignal(SockreplyError):
    """A signal ended a command before it was done, without anything going wrong.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by signal {number}")
        self.number = number


class CannotStart(SystemExit, Exception):
    """What stops the daemon from starting, in one line.

    Raised from option parsing, `makeService` and the start of the service. Being a `SystemExit` it
    ends twist, `twistd -n` and `sockreply serve` with its line on standard error, not a traceback;
    being an `Exception` too, a daemonizing twistd passes it on and removes its pid file.
    """

    status = 1
    """The exit status of the process."""


class WrongSettings(CannotStart):
    """Settings from which the daemon cannot be started, however often that is tried."""

    status = 78
    """EX_CONFIG in sysexits.h; systemd shows it as CONFIG."""

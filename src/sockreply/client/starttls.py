"""What clients say in clear before TLS begins (STARTTLS), protocol by protocol."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from sockreply.client.reasons import why_ended
from sockreply.errors import FramingError, RequestError
from sockreply.framing import Framing
from sockreply.shown import show_bytes

ANSWER_LIMIT = 65_536
"""Bytes that an answer in clear may have; the longest, SMTP's to EHLO, has some hundred."""

Answer: TypeAlias = Callable[[bytes], int | None]
"""How many of these bytes an answer has; None: it is not whole yet. Raises `StartTLSRefused`."""


class StartTLSRefused(RequestError):
    """The server does not let TLS begin.

    Args:
        reason: What it said or did.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"STARTTLS: {reason}")


class Exchange(NamedTuple):
    """Something to say in clear, and what has to be answered.

    Args:
        says: The bytes; none: the server speaks first.
        answer: Reads the answer.
    """

    says: bytes
    answer: Answer


def _matching(good: str, whole: str = r"[^\n]*\n") -> Answer:
    """An answer that a pattern fits.

    Args:
        good: What the answer has to be.
        whole: What any answer is, good or bad.
    """

    def read(data: bytes) -> int | None:
        found = re.match(whole.encode(), data, re.DOTALL)
        if found is None:
            return None
        if re.match(good.encode(), found[0], re.DOTALL) is None:
            raise StartTLSRefused(f"the server said {show_bytes(found[0].strip())}")
        return found.end()

    return read


def _coded(code: int) -> Answer:
    """A reply as SMTP and FTP have it: lines with a code, the last of which has no hyphen."""
    return _matching(rf"(?:.*\n)?{code}(?: .*)?\r?\n\Z", r"(?:\d{3}-[^\n]*\n)*(?!\d{3}-)[^\n]*\n")


_LDAP_REQUEST = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
"""RFC 4511, 4.14.1: the extended request whose name stands for StartTLS."""

_POSTGRES_REQUEST = bytes.fromhex("0000000804d2162f")
"""SSLRequest, which is answered with a single byte that is not a message."""


def _ldap(data: bytes) -> int | None:
    """An extended response whose result is success."""
    if len(data) < 2:
        return None
    head = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
    size = int.from_bytes(data[2:head]) if head > 2 else data[1]
    if len(data) < head + size:
        return None
    body = data[head : head + size]
    if (
        data[:1] != b"0"
        or re.match(rb"\x02\x01.x(?:[^\x80]|\x81.|\x82..)\n\x01\0", body, re.S) is None
    ):
        raise StartTLSRefused(f"the server said {show_bytes(body)}")
    return head + size


KINDS: dict[str, tuple[Exchange, ...]] = {
    "smtp": (
        Exchange(b"", _coded(220)),
        Exchange(b"EHLO sockreply\r\n", _coded(250)),
        Exchange(b"STARTTLS\r\n", _coded(220)),
    ),
    "imap": (
        Exchange(b"", _matching(r"\* ")),
        Exchange(
            b"a STARTTLS\r\n", _matching(r"(?:.*\n)?a (?i:OK)\b", r"(?:\*[^\n]*\n)*a [^\n]*\n")
        ),
    ),
    "pop3": (
        Exchange(b"", _matching(r"\+OK")),
        Exchange(b"STLS\r\n", _matching(r"\+OK")),
    ),
    "ftp": (Exchange(b"", _coded(220)), Exchange(b"AUTH TLS\r\n", _coded(234))),
    "ldap": (Exchange(_LDAP_REQUEST, _ldap),),
    "postgres": (Exchange(_POSTGRES_REQUEST, _matching("S", ".")),),
}
"""What is said before TLS, by protocol."""


def asking_with(
    message: bytes, framing: Framing, greeted: Callable[[bytes], object] | None = None
) -> Iterator[Exchange]:
    """Ask for TLS with a message, and take any message for a yes.

    Args:
        message: Without what frames it.
        framing: The server's.
        greeted: Called with what the server says first; None: it says nothing before it is asked.

    Raises:
        CannotFrame: The framing cannot carry the message.
    """

    def read(data: bytes, tell: Callable[[bytes], object] = lambda _: None) -> int | None:
        framer = framing.mirrored().framer(ANSWER_LIMIT)
        framer.receive_data(data)
        framer.receive_silence()
        try:
            found = framer.next_message()
        except FramingError as error:
            raise StartTLSRefused(f"the answer broke the format: {error}") from None
        if found is None:
            return None
        tell(found)
        return len(data) - framer.buffered

    if greeted is not None:
        yield Exchange(b"", lambda data: read(data, greeted))
    yield Exchange(framing.mirrored().frame(message), read)


class ClearFirst(Protocol):
    """Asks for TLS in clear, and then hands the connection over.

    Args:
        exchanges: What is said, at least one thing.
        over_tls: Makes the protocol that comes after it.
    """

    transport: Any  # what an endpoint made; its interfaces vary

    def __init__(self, exchanges: Sequence[Exchange], over_tls: Callable[[], Any]) -> None:
        self._exchanges = list(exchanges)
        self._over_tls = over_tls
        self._read = b""
        self.done: Deferred[IProtocol] = Deferred(lambda _: self.transport.abortConnection())
        """Fires with what speaks inside TLS, when the handshake begins."""

    def connectionMade(self) -> None:
        self.transport.write(self._exchanges[0].says)

    def dataReceived(self, data: bytes) -> None:
        self._read += data
        try:
            while self._exchanges and (size := self._exchanges[0].answer(self._read)) is not None:
                self._read = self._read[size:]
                del self._exchanges[0]
                if self._exchanges:
                    self.transport.write(self._exchanges[0].says)
            if self._exchanges and len(self._read) > ANSWER_LIMIT:
                raise StartTLSRefused(f"the answer has more than {ANSWER_LIMIT} bytes")
            if not self._exchanges and self._read:
                # Somebody on the way may have added it; inside TLS it would pass for the server's.
                raise StartTLSRefused("the server sent more in clear after it agreed to TLS")
        except StartTLSRefused as refused:
            self._fail(refused)
            return
        if not self._exchanges:
            self._hand_over()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._fail(StartTLSRefused(f"{why_ended(reason)} before TLS began"))

    def _hand_over(self) -> None:
        layer = self._over_tls()
        self.transport.protocol = layer
        layer.makeConnection(self.transport)
        self.done.callback(layer.wrappedProtocol)

    def _fail(self, why: StartTLSRefused) -> None:
        if not self.done.called:
            self.done.errback(why)
            self.transport.abortConnection()

"""What a service makes of bytes as they come over the wire, for `sockreply explain --wire`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Literal

from twisted.internet.interfaces import IAddress

from sockreply.client.asking import as_carried
from sockreply.errors import CannotFrame, FramingError
from sockreply.extensions import crashes_of, failures_of
from sockreply.framing import Framer, Framing
from sockreply.framing.buffer import missing_in
from sockreply.replies.responder import Responder, optional
from sockreply.replies.session import TLS
from sockreply.rules.explaining.explain import Explanation
from sockreply.rules.explaining.imagined import LOCAL, imagined_session
from sockreply.settings import Limits, ServiceSettings
from sockreply.shown import SHOWN_BYTES, show_bytes


@dataclass(frozen=True)
class Subject:
    """A service that is asked what it would answer.

    Args:
        name: Its name.
        service: What it does.
        peer: Where messages would come from.
        state: The connection's state in which the first would come; None: the initial one.
        tls: The connection's.
        local: What it connected to.
    """

    name: str
    service: ServiceSettings
    peer: IAddress
    state: str | None = None
    tls: TLS | None = None
    local: IAddress = LOCAL

    def framing_in(self, state: str | None) -> Framing:
        """The framing that a connection has in a state; None: in the one that it begins in.

        Raises:
            ConfigError: It is code from elsewhere, and fails.
        """
        framing = self.service.framing
        if not framing.switches:
            return framing
        with crashes_of(f"framing {framing.name}"):
            framer = framing.framer(self.service.limits.max_message)
            return switch(framer, self.service.responder, state) or framing

    def explain(
        self, message: bytes, count: int = 1, state: str | None = None
    ) -> Explanation | None:
        """The explanation of a message; None: code answers, and does not explain itself.

        Args:
            message: Without what frames it.
            count: Which one of its connection it is, from 1.
            state: The connection's; None: the one that was asked for.

        Raises:
            ConfigError: Code from elsewhere explains it, and fails.
        """
        explain = optional(self.service.responder, "explain")
        if explain is None:
            return None
        state = self.state if state is None else state
        framing: Framing | None = getattr(message, "framing", None)
        if framing is None:
            framing = _framing_of_reply(message, self.framing_in(state))
        session = imagined_session(
            framing, self.peer, self.name, state, count, self.tls, self.local
        )
        with failures_of("responder: explain"):  # it may be code from elsewhere
            explanation: Explanation = explain(message, session)
        return explanation


def _framing_of_reply(message: bytes, framing: Framing) -> Framing:
    """What a reply would be framed with.

    Args:
        message: The request, without what frames it.
        framing: That of the connection.
    """
    if not framing.varies:
        return framing
    try:
        read = as_carried(message, framing)
    except CannotFrame:
        return framing
    return getattr(read, "framing", None) or framing


@dataclass(frozen=True)
class Piece:
    """A piece of what has come over the wire.

    Args:
        kind: "message", "dropped" (it stands outside of any message), "left" (a message begins and
            does not end) or "broken" (the format; nothing from here on is read).
        data: The piece, or the message in it.
        why: What ended a message, where that is not in the bytes; what is missing, or wrong.
    """

    kind: Literal["message", "dropped", "left", "broken"]
    data: bytes
    why: str = ""


def wire_explained(subject: Subject, wire: bytes) -> tuple[list[str], bool]:
    """What a service makes of bytes that come over the wire.

    Args:
        subject: The service.
        wire: All that comes, in one read.

    Returns:
        The lines to print; and whether there are messages, all of them are answered for certain,
        and nothing is left over.

    Raises:
        ConfigError: Code from elsewhere fails.
    """
    framing, limits = subject.service.framing, subject.service.limits
    with crashes_of(f"framing {framing.name}"):
        framer = framing.framer(limits.max_message)
        switch(framer, subject.service.responder, subject.state)
    telling = _Telling(subject, framer)
    lines: list[str] = []
    found = pieces(framer, wire)
    while True:
        with crashes_of(f"framing {framing.name}"):
            piece = next(found, None)  # which is cut as those before it have asked for
        if piece is None:
            break
        lines += telling.lines(piece)
    if not telling.told:
        lines.append(f"no message: {_fate(limits, begun=False)}")
    answered = telling.count > 0 and not telling.failed
    return lines, answered


def switch(framer: Framer, responder: Responder, state: str | None) -> Framing | None:
    """Let a framer go on with the framing of a state, if it can.

    Args:
        framer: The framer.
        responder: Knows the framings of states, or does not.
        state: That one; None: the one that connections begin in.

    Returns:
        The framing that it has now; None: it cannot change its framing.
    """
    framing_in = optional(responder, "framing_in")
    exchange: Callable[[Framing | None], Framing] | None = getattr(framer, "switch", None)
    if framing_in is None or exchange is None:
        return None
    return exchange(framing_in(state))


def pieces(framer: Framer, wire: bytes) -> Iterator[Piece]:
    """Cut what comes over the wire to pieces."""
    if wire:  # a read is never empty
        framer.receive_data(wire)
    sound = yield from _whole_ones(framer, wire, "")
    if not sound or not framer.buffered:
        return
    why = missing_in(framer)
    if framer.silence is not None:
        framer.receive_silence()
        ended = f"after {framer.silence:g} s of silence"
    else:
        framer.receive_eof()
        ended = "when the peer half-closes"
    sound = yield from _whole_ones(framer, wire, ended)
    if sound and framer.buffered:
        yield Piece("left", wire[-framer.buffered :], why)


def _whole_ones(framer: Framer, wire: bytes, ended: str) -> Generator[Piece, None, bool]:
    """The messages that are complete, and what stands between them; is the format kept so far?"""
    while True:
        at, dropped = len(wire) - framer.buffered, framer.dropped
        try:
            message = framer.next_message()
        except FramingError as error:
            yield Piece("broken", wire[at:], str(error))
            return False
        if more := framer.dropped - dropped:
            yield Piece("dropped", wire[at : at + more])
        if message is None:
            return True
        yield Piece("message", message, ended)


class _Telling:
    """Says what happens to one piece after another.

    Args:
        subject: The service that they come to.
        framer: Cuts them.
    """

    count = 0
    """How many messages there were."""
    told = False
    """Was there anything but what is dropped?"""
    failed = False
    """Is one of them not answered for certain, or is anything left over?"""

    def __init__(self, subject: Subject, framer: Framer) -> None:
        self._subject = subject
        self._framer = framer
        self._service = subject.service
        self._state: str | None = None

    def lines(self, piece: Piece) -> Iterator[str]:
        """What happens to a piece."""
        if piece.kind == "dropped":
            yield f"dropped, because it is outside any message: {_shown(piece.data)}"
            return
        self.told = True
        over = self.count > 0 and not self._service.keep_alive
        if piece.kind == "message":
            self.count += 1
            yield f"message {self.count}{self._ended(piece)}: {_shown(piece.data)}"
            fate = self._explained(piece.data)
        elif piece.kind == "left":
            yield f"left over: {_shown(piece.data)}"
            fate = iter([f"{piece.why}; {_fate(self._service.limits, begun=True)}"])
        else:
            yield f"broken format: {_shown(piece.data)}"
            fate = iter([f"{piece.why}; the connection is closed"])
        self.failed |= over or piece.kind != "message"
        for line in (
            ["not read: without keep_alive the connection carries one message"] if over else fate
        ):
            yield f"  {line}"

    def _ended(self, piece: Piece) -> str:
        framing = getattr(piece.data, "framing", None) or self._service.framing
        if not piece.why and framing.may_run_together:
            return ", if it arrives in one read"
        return f", {piece.why}" if piece.why else ""

    def _explained(self, message: bytes) -> Iterator[str]:
        explanation = self._subject.explain(message, self.count, self._state)
        if explanation is None:
            yield "code answers, not rules"
            return
        self.failed |= not explanation.answered
        # Code that explains itself need not know of states.
        next_state: str | None = getattr(explanation, "next_state", None)
        if next_state is not None:
            self._state = next_state
            switch(self._framer, self._service.responder, next_state)
        yield from explanation.lines()


def _fate(limits: Limits, *, begun: bool) -> str:
    """What happens to a connection on which nothing more comes."""
    for name in ("message_timeout", "idle_timeout") if begun else ("idle_timeout",):
        if seconds := getattr(limits, name):
            return f"after {name} ({seconds:g} s) the connection is closed"
    return "the connection stays open"


def _shown(data: bytes) -> str:
    """Bytes as text, and as hexadecimal digits too if some of them are not printable."""
    try:
        prints = data.decode().isprintable()
    except UnicodeDecodeError:
        prints = False
    if prints:
        return show_bytes(data)
    more = "..." if len(data) > SHOWN_BYTES else ""
    return f"{show_bytes(data)} (hex {data[:SHOWN_BYTES].hex(' ')}{more})"

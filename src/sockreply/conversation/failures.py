"""What is counted and logged when something goes wrong on one connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from twisted.internet.interfaces import IAddress
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockreply.conversation.exchanges import Said
from sockreply.conversation.shared import Shared
from sockreply.errors import FramingError, ReplyTimeout, SockreplyError
from sockreply.replies.session import Session
from sockreply.shown import show_bytes, show_text

_log = Logger()

_T = TypeVar("_T")


def format_broken(shared: Shared, session: Session, error: FramingError) -> None:
    """The peer broke the format."""
    shared.counters.errors[error.kind] += 1
    text = "{peer} broke the format: {error}"
    shared.complaints.tell(_log.warn, session.peer, text, error=error)


def reply_failed(
    shared: Shared,
    session: Session,
    failure: Failure,
    *,
    asked: bool,
    shown: bool,
    said: Said | None = None,
) -> None:
    """A message gets no reply, or what was to be sent unasked is not sent.

    Args:
        shared: What the connection has in common with the others of its service.
        session: The connection.
        failure: Why not.
        asked: Was it to answer a message?
        shown: Does the exchange log show that message, or what is sent unasked?
        said: What was sent all the same, if that is to be shown.
    """
    late = failure.check(ReplyTimeout) is not None
    kind = ("reply_timeout" if late else "reply") if asked else "unasked"
    shared.counters.errors[kind] += 1
    of_rule = f" from rule {session.rule}" if asked and session.rule is not None else ""
    if asked and shown:
        shared.exchanges.failed(session, failure.getErrorMessage(), said)
    elif said is not None and said.count:
        shared.exchanges.sent(session, said)
    if failure.check(SockreplyError):
        text = "{peer} gets no reply{of_rule}: {error}"
        why = {"error": str(failure.value)}
    else:
        text = "{peer} gets no reply{of_rule}: its responder failed\n{traceback}"
        why = {"traceback": failure.getTraceback() if shared.complaints.room else ""}
    lines = {name: show_text(said) for name, said in why.items()}  # it may quote the message
    shared.complaints.tell(_log.error, session.peer, text, of_rule=of_rule, **lines)


def truncated(shared: Shared, session: Session, rest: bytes, size: int) -> None:
    """The stream ended inside a message.

    Args:
        shared: What the connection has in common with the others of its service.
        session: The connection.
        rest: What had arrived of the message, as far as that is known.
        size: How many bytes.
    """
    shared.counters.errors["truncated"] += 1
    text = "{peer} ended inside a message: {size} bytes lost{rest}"
    shared.complaints.tell(_log.warn, session.peer, text, size=size, rest=_shown(session, rest))


def too_fast(shared: Shared, session: Session, limited: str) -> None:
    """The peer exceeded a limit, and its connection ends."""
    text = "{peer} closed: too many {limited} a second from its address"
    shared.complaints.tell(_log.warn, session.peer, text, limited=limited)


def tls_failed(shared: Shared, session: Session, reason: Failure) -> None:
    """A handshake, or a record, made no sense."""
    shared.counters.errors["tls"] += 1
    said = getattr(reason.value, "reason", None)  # in the standard library's: HTTP_REQUEST
    error = show_text(str(reason.value) if said is None else said.replace("_", " ").lower())
    shared.complaints.tell(_log.warn, session.peer, "{peer}: TLS error: {error}", error=error)


def too_slow(shared: Shared, session: Session, why: str, seconds: float, rest: bytes = b"") -> None:
    """The peer took longer than the limit of that name allows; `rest` is what it had sent."""
    text = "{peer} took more than {seconds:g} s: {why}{rest}"
    rest_shown = _shown(session, rest)
    shared.complaints.tell(_log.warn, session.peer, text, seconds=seconds, why=why, rest=rest_shown)


def surely(shared: Shared, session: Session, step: Callable[..., _T], *args: Any) -> _T | None:
    """Call something after which other steps must follow, even if it raises.

    Returns:
        What it returns; None: it raised an exception, which is logged.
    """
    try:
        return step(*args)
    except KeyboardInterrupt:
        raise
    except BaseException:
        tell_broken(shared, session, Failure())
        return None


class HasPeer(Protocol):
    """A connection, or its session."""

    @property
    def peer(self) -> IAddress:
        """The other end's address."""


class Stranger(NamedTuple):
    """A peer that has no connection yet."""

    peer: IAddress


def tell_broken(
    shared: Shared, whose: HasPeer, failure: Failure, what: str = "internal error"
) -> None:
    """Count and log an error on our side that ends a connection; `what` is how the log names it."""
    shared.counters.errors["internal"] += 1
    try:
        traceback = show_text(failure.getTraceback()) if shared.complaints.room else ""
        text = "{peer} disconnected: {what}\n{traceback}"
        shared.complaints.tell(_log.error, whose.peer, text, what=what, traceback=traceback)
    except Exception:  # that may be what failed
        _log.failure("something failed, and so did logging it")


def _shown(session: Session, rest: bytes) -> str:
    return f": {show_bytes(rest, encoding=session.shown_as)}" if rest else ""

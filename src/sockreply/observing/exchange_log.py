"""Which exchanges the log shows, and how much of them."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger

from sockreply.conversation.arrival import Arrival
from sockreply.conversation.exchanges import Said, Silence
from sockreply.replies.session import Session
from sockreply.second import Second
from sockreply.settings import EXCHANGES_A_SECOND, Level
from sockreply.shown import SHOWN_BYTES, UNNAMED, show_address, show_bytes, show_name, show_text

_SILENCES = {
    "silence": "answered {peer} with silence",
    "stall": "answering {peer} with silence from now on",
    "close": "answered {peer} by closing the connection",
    "half-close": "answered {peer} by half-closing the connection",
    "reset": "answered {peer} by resetting the connection",
}
_log = Logger(namespace="sockreply")  # in a class, it would get that one's name


class ExchangeLog:
    """Shows who connects, what is received and what is answered, up to a number per second.

    An exchange is shown in full or not at all. What is not shown is counted, in one line per
    second. Clients are counted separately from exchanges, up to the same number. Lines begin with
    the name of the service, if it has one.

    Args:
        clock: Tells when a second is over.
        level: "debug" also shows TLS, and how connections ended; "warn" shows nothing.
        a_second: How many exchanges, and how many clients, are shown in a second.
    """

    kept = SHOWN_BYTES
    exact = False

    def __init__(
        self, clock: IReactorTime, level: Level = "info", a_second: int = EXCHANGES_A_SECOND
    ) -> None:
        self._clock = clock
        self._second = Second(clock, self._end_second)
        self._silent = True  # there is nothing to tell yet
        self._open = 0  # connections
        self.hidden = self._hidden_clients = 0
        self._left_out: set[Session] = set()
        self.configure(level, a_second)

    def configure(self, level: Level, a_second: int) -> None:
        """Show that much from now on, after a line about what was not shown before.

        Args:
            level: As for the class.
            a_second: As for the class.
        """
        self.close()
        self._silent = level == "warn"
        self._debug = level == "debug"
        self._a_second = 0 if self._silent else a_second
        self.room = self._clients = self._ends = self._a_second
        if self._unasked:
            self._second.begin()

    def leave_out(self, sessions: set[Session]) -> None:
        """Do not show how the present exchanges of these connections end; they are counted."""
        self._left_out |= sessions

    def listening(self, address: IAddress, *, ports: int = 1) -> None:
        if self._silent:
            return
        shown, how = show_address(address), ["UDP"] * (getattr(address, "type", "") == "UDP")
        if ports > 1:
            host, _, last = shown.rpartition(":")
            shown = f"{host}:{int(last) - ports + 1}-{last}"
            how.append(f"{ports} ports")
        more = f" ({', '.join(how)})" if how else ""
        _log.info("listening on {address}{more}", address=shown, more=more)

    def connected(self, session: Session, *, where: bool = False) -> None:
        self._open += 1
        if self._clients:
            self._clients -= 1
            self._second.begin()
            text = "client {peer} connected" + (" to {local}" if where else "")
            self._say(session, text, local=show_address(session.host))
        else:
            self._hidden_clients += 1
            if not self._silent:
                self._second.begin()

    def secured(self, session: Session) -> None:
        tls = session.tls if self._debug and self._ends else None
        if tls is not None:
            self._second.begin()
            text = "client {peer} speaks {version}" + (" to {sni}" if tls.sni else "")
            text += " as {subject}" if tls.certificate is not None else ""
            known = {"version": tls.version, "sni": tls.sni, "subject": tls.subject}
            shown = {name: show_name(each) for name, each in known.items()}
            self._say(session, text, _log.debug, **shown)

    def received(self, session: Session, message: bytes, arrival: Arrival) -> bool:
        self.room -= 1
        self._second.begin()
        waited = 0 if arrival.time is None else (self._clock.seconds() - arrival.time) * 1000
        self._say(
            session,
            "received from {peer}" + (" {waited_ms} ms ago" if waited >= 1 else "") + ": {message}",
            message=show_bytes(message, encoding=session.shown_as),
            size=len(message),
            waited_ms=round(waited),
        )
        return True

    def answered(self, session: Session, said: Said) -> None:
        if self._leaves_out(session):
            return
        self._say_said(session, "answered {peer}: {reply}", said, session.rule)

    def silent(self, session: Session, how: Silence) -> None:
        if not self._leaves_out(session) and how != "unanswered":
            self._say(session, _SILENCES[how], rule=session.rule)

    def remarked(self, session: Session, say: Callable[[], str]) -> None:
        if session not in self._left_out:
            self._say(session, "{peer}: {remark}", remark=show_text(say()))

    def failed(
        self,
        session: Session,
        error: str,  # noqa: ARG002 - it is logged at every level
        said: Said | None,
    ) -> None:
        if not self._leaves_out(session) and said is not None and said.count:
            self._say_said(session, "answered {peer} in part: {reply}", said, session.rule)

    def abandoned(self, session: Session, said: Said | None) -> None:
        if self._leaves_out(session):
            return
        if said is not None and said.count:
            text = "answered {peer} in part, then the connection ended: {reply}"
            self._say_said(session, text, said, session.rule)
        else:
            self._say(session, "no answer to {peer}: the connection ended first")

    def sent(self, session: Session, said: Said) -> None:
        self.room = max(0, self.room - 1)
        self._second.begin()
        self._say_said(session, "sent to {peer}: {reply}", said)

    def dropped(self, session: Session, at: int, data: bytes) -> None:
        pass  # it is not exact

    def unfinished(
        self,
        session: Session,
        rest: bytes,
        at: int | None,  # noqa: ARG002 - it is not exact
        why: str,
        told: bool,
    ) -> None:
        if told or not self.room:
            return
        self.room -= 1
        self._second.begin()
        text = "unanswered bytes from {peer}: {message}"
        shown = show_bytes(rest, encoding=session.shown_as)
        self._say(session, text, message=shown, size=len(rest), why=why)

    def disconnected(self, session: Session, why: str) -> None:
        self._open -= 1
        if self._debug and self._ends:
            self._ends -= 1
            self._second.begin()
            self._say(session, "client {peer} disconnected: {why}", _log.debug, why=why)

    def close(self) -> None:
        """Log what is counted but not logged yet; to be called at the end."""
        self._second.cancel()
        self._tell_hidden()

    def _leaves_out(self, session: Session) -> bool:
        """Is it not to be shown how an exchange ends?"""
        if session not in self._left_out:
            return False
        self._left_out.remove(session)
        return True

    def _say_said(self, session: Session, text: str, said: Said, rule: str | None = None) -> None:
        reply = _show_said(said, session.shown_as)
        self._say(session, text, reply=reply, size=said.size, rule=rule)

    def _say(
        self,
        session: Session,
        text: str,
        log: Callable[..., None] = _log.info,
        **fields: str | int | None,
    ) -> None:
        service = session.service or UNNAMED
        if service != UNNAMED:
            text = "{service}: " + text
        log(text, peer=show_address(session.peer), service=service, **fields)

    @property
    def _unasked(self) -> bool:
        """May there be exchanges that we do not hear of, because there is never room for one?"""
        return self._open > 0 and not self._a_second and not self._silent

    def _end_second(self) -> None:
        if self._tell_hidden() or self._unasked:
            self._second.begin()  # there may be more, which we do not hear of
        self.room = self._clients = self._ends = self._a_second

    def _tell_hidden(self) -> bool:
        """Log how much was not shown. Was there anything?"""
        exchanges, clients = self.hidden, self._hidden_clients
        self.hidden = self._hidden_clients = 0
        if self._silent or not (exchanges or clients):
            return False
        _log.info(
            "not shown in this second: {exchanges} more exchanges, {clients} more clients",
            exchanges=exchanges,
            clients=clients,
        )
        return True


def _show_said(said: Said, encoding: str) -> str:
    """The pieces, each by itself; of several, how many bytes went out."""
    shown, room = [], SHOWN_BYTES
    for message, wire, size in said.pieces:
        if room <= 0:
            break
        data = bytes(wire if message is None else message)[:room]
        piece = show_bytes(data, size, encoding)
        shown.append(f"raw {piece}" if message is None else piece)
        room -= max(1, len(data))
    text = ", ".join(shown)
    if said.count > len(shown):
        return f"{text}... ({said.count} pieces, {said.size} bytes sent)"
    return f"{text} ({said.size} bytes sent)" if said.count > 1 else text

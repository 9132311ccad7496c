"""What the log shows of the exchanges, and how much of it."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger

from sockreply.replies.responder import Session
from sockreply.second import Second
from sockreply.settings import EXCHANGES_A_SECOND, Level
from sockreply.shown import SHOWN_BYTES, UNNAMED, show_address, show_bytes, show_text

_log = Logger(namespace="sockreply")  # in a class, it would get that one's name


class ExchangeLog:
    """Shows who connects, what is received and what is answered, up to a number a second.

    An exchange is shown whole or not at all. What is not shown is counted, and told in one line a
    second. Clients are counted apart from exchanges, against the same number. Lines begin with the
    name of the service, where it has one.

    Args:
        clock: Tells when a second is over.
        level: "debug" shows how connections ended, too; "warn" shows nothing.
        a_second: How many exchanges, and how many clients, are shown in a second.
    """

    kept = SHOWN_BYTES

    def __init__(
        self, clock: IReactorTime, level: Level = "info", a_second: int = EXCHANGES_A_SECOND
    ) -> None:
        self._second = Second(clock, self._end_second)
        self._silent = True  # there is nothing to tell yet
        self._open = 0  # connections
        self.hidden = self._hidden_clients = 0
        self.configure(level, a_second)

    def configure(self, level: Level, a_second: int) -> None:
        """Show that much from now on; what is still untold is told first.

        Args:
            level: As of the class.
            a_second: As of the class.
        """
        self.close()
        self._silent = level == "warn"
        self._debug = level == "debug"
        self._a_second = 0 if self._silent else a_second
        self.room = self._clients = self._ends = self._a_second
        if self._unasked:
            self._second.begin()

    def listening(self, address: IAddress) -> None:
        if not self._silent:
            _log.info("listening on {address}", address=show_address(address))

    def connected(self, session: Session) -> None:
        self._open += 1
        if self._clients:
            self._clients -= 1
            self._second.begin()
            self._say(session, "client {peer} connected")
        else:
            self._hidden_clients += 1
            if not self._silent:
                self._second.begin()

    def received(self, session: Session, message: bytes) -> bool:
        self.room -= 1
        self._second.begin()
        self._say(
            session,
            "received from {peer}: {message}",
            message=show_bytes(message),
            size=len(message),
        )
        return True

    def answered(self, session: Session, reply: bytes, size: int) -> None:
        self._say(
            session,
            "answered {peer}: {reply}",
            reply=show_bytes(reply, size),
            size=size,
            rule=session.rule,
        )

    def silent(self, session: Session) -> None:
        self._say(session, "answered {peer} with silence", rule=session.rule)

    def remarked(self, session: Session, say: Callable[[], str]) -> None:
        self._say(session, "{peer}: {remark}", remark=show_text(say()))

    def failed(self, session: Session, error: str) -> None:
        pass  # it is logged at every level, whether the message is shown or not

    def abandoned(self, session: Session) -> None:
        self._say(session, "no answer to {peer}: the connection ended first")

    def disconnected(self, session: Session, why: str) -> None:
        self._open -= 1
        if self._debug and self._ends:
            self._ends -= 1
            self._second.begin()
            self._say(session, "client {peer} disconnected: {why}", _log.debug, why=why)

    def close(self) -> None:
        """Tell what is still untold; to be called at the end."""
        self._second.cancel()
        self._tell_hidden()

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
        """May there be exchanges of which nobody tells us, for there never is room for one?"""
        return self._open > 0 and not self._a_second and not self._silent

    def _end_second(self) -> None:
        if self._tell_hidden() or self._unasked:
            self._second.begin()  # there may be more, of which nobody tells us
        self.room = self._clients = self._ends = self._a_second

    def _tell_hidden(self) -> bool:
        """Tell how much was not shown. Was there any?"""
        exchanges, clients = self.hidden, self._hidden_clients
        self.hidden = self._hidden_clients = 0
        if self._silent or not (exchanges or clients):
            return False
        _log.info(
            "not shown: {exchanges} more exchanges, {clients} more clients in a second",
            exchanges=exchanges,
            clients=clients,
        )
        return True

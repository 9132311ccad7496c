"""The order of replies: messages are answered each behind the one before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockreply.conversation.deadlines import Timeouts
from sockreply.conversation.delivery import Delivery
from sockreply.errors import FramingError, ReplyTimeout, SockreplyError
from sockreply.framing.interfaces import Framer
from sockreply.replies.reply import Reply
from sockreply.replies.responder import Session, as_reply
from sockreply.shown import show_text

if TYPE_CHECKING:
    from sockreply.replies.responder import Greeting
    from sockreply.server.factory import ReplyFactory

MESSAGES_A_TURN = 64
"""How many messages of one connection are answered before others get their turn."""

BYTES_A_TURN = 65_536
"""How many bytes of replies are made for one connection in a turn; as much as may be unsent."""

LEAST_PIECE = BYTES_A_TURN // MESSAGES_A_TURN
"""What a piece of a reply counts as at least, so that many small ones are a turn too; bytes."""

UNASKED_LIMIT = 1_000
"""How many unasked replies may wait for a peer that does not read."""

# What can stand before the next message.
ANSWERING = 1  # the one before it is being answered: this is not the outermost call
UNSENT = 2  # so much waits to be sent that nothing may be added
WAITING = 4  # a reply waits
NEXT_TURN = 8  # this connection's turn is over
CLOSING = 16  # no more is answered
ASIDE = 32  # while answering: what answers no message goes first, or the end


class Channel(Protocol):
    """What answering asks of the connection that it is done on."""

    def close(self, why: str) -> None:
        """Close in good order, behind what was written."""

    def end(self, how: Literal["whole", "half", "reset"]) -> None:
        """End the connection as a reply asks."""

    def abort(self, why: str) -> None:
        """End the connection at once."""

    def all_answered(self, active: bool, begun: int) -> None:
        """Nothing is left to answer.

        Args:
            active: Was something answered just now?
            begun: How many bytes there are of a message that is not complete.
        """

    def owing(self, stalled: bool) -> None:
        """Something is left to answer; stalled: and that for ever."""


class Answering:
    """What one connection is owed.

    Args:
        channel: The connection.
        session: Its memory.
        timeouts: Its deadlines.
        factory: What it shares with the others of the service.
    """

    _log = Logger()

    framer: Framer
    """Holds what is not answered yet."""

    held: int
    """Which of the above reasons stand before the next message."""

    stalled: bool
    """Does a reply wait for ever?"""

    channel_waits: bool
    """Does the connection do more when all is answered than to wait for the next message?"""

    write: Callable[[bytes], None]
    """Sends; to be set when the connection is made."""

    read_at: float | None
    """When what is answered was read, if the counters wanted to know then; to be set."""

    def __init__(
        self, channel: Channel, session: Session, timeouts: Timeouts, factory: ReplyFactory
    ) -> None:
        self._channel = channel
        self._session = session
        self._timeouts = timeouts
        self._factory = factory
        self._dialect = factory.dialect
        self.framer = factory.framing.framer(factory.limits.max_message)
        self.read_at = None
        self.held = 0
        self.stalled = False
        self.channel_waits = False
        self._pieces: bytes | bytearray = b""  # to be written at the end of the turn
        self._plain: list[bytes] = []  # and behind it these, which `Dialect.join` makes one of
        self._size = 0  # of the replies made in this turn
        self._unasked: deque[bytes | Reply] | None = None
        self._asked = True  # does the reply that is made now, or next, answer a message?
        self._shown = False  # and does the log show that message?
        self._finished = False  # was the last message answered that is to be?
        self._said: bytes | bytearray = b""  # the beginning of this reply, if it is shown
        self._delivery: Delivery | None = None  # of a reply that is more than a message
        self._turn: IDelayedCall | None = None

    def frame(self, message: bytes) -> bytes:
        return self._dialect.framing.frame(message)

    def greet(self, greeting: Greeting) -> None:
        """Send what a peer is sent before it says anything."""
        try:
            self.send(greeting(self._session) if callable(greeting) else greeting)
        except Exception:  # what makes it may be a template, or a user's code
            self._asked = False
            self.failed(Failure())

    def remark(self, say: Callable[[], str]) -> None:
        if self._shown:
            self._factory.exchanges.remarked(self._session, say)

    def send(self, reply: bytes | Reply) -> None:
        """Answer nobody's message, behind what is owed; behind a stalled reply nothing comes."""
        if self.stalled:
            return
        if self._unasked is None:
            self._unasked = deque()
        self._unasked.append(reply)
        if len(self._unasked) > UNASKED_LIMIT:
            self._channel.abort("overrun")
        elif not self.held:
            self.proceed()
        elif self.held & ANSWERING:
            self.held |= ASIDE

    def proceed(self) -> None:
        """Answer what has come, for one turn; nothing may stand before it."""
        # This is run for every message: names are looked up, and counts told, once a turn.
        framer, session, factory, dialect = self.framer, self._session, self._factory, self._dialect
        exchanges, keep_alive, plain = factory.exchanges, factory.keep_alive, self._plain
        responder, frame = dialect.responder, dialect.frame
        self.held = ANSWERING | ASIDE if self._unasked or self._finished else ANSWERING
        room = exchanges.room
        before = count = session.count
        last = before + MESSAGES_A_TURN
        begun = None  # bytes of a message that is not complete; None: there may be complete ones
        unasked = False
        shown = others = size = 0
        try:
            while True:
                if self.held != ANSWERING:
                    if not self._answer_nobody(size):
                        break
                    size, unasked = self._size, True
                    last -= 1  # it may have no size at all
                    if count >= last:
                        break
                    continue
                message: bytes | None
                if framer.ready:
                    message = framer.ready.pop()
                else:
                    try:
                        message = framer.next_message()
                    except FramingError as error:
                        self._broken(error)
                        break
                    except KeyboardInterrupt:
                        raise
                    except BaseException:  # of a user's own framing
                        self.failed(Failure())
                        break
                    if message is None:
                        begun = framer.buffered
                        break
                session.count = count = count + 1
                if room and (room := exchanges.room):  # other connections may have used it up
                    self._shown = exchanges.received(session, message)
                    shown += 1
                reply = responder.respond(message, session)
                if isinstance(reply, bytes):
                    plain.append(reply if frame is None else frame(reply))
                    if not keep_alive:
                        self._finished = True
                        self.held |= ASIDE
                    if shown and self._shown:
                        exchanges.answered(session, reply, len(reply))
                        self._shown = False
                    if framer.empty and not framer.ready and self.held == ANSWERING:
                        begun = 0  # as most reads are: whole messages, and no more
                        break
                    size += len(reply)
                else:
                    more = as_reply(reply)
                    others += 1
                    if not self._answer_with(more, size):
                        break
                    size = self._size
                if size >= BYTES_A_TURN or count >= last:
                    break
        except KeyboardInterrupt:
            raise
        except BaseException:  # a user's code may raise anything
            others += 1
            self.failed(Failure())
        finally:
            messages, counters = count - before, factory.counters
            if messages:
                counters.messages += messages
                counters.replies += messages - others
                exchanges.hidden += messages - shown
        if self._pieces or self.held & CLOSING:
            self.flush()
        elif plain:  # the same without its calls, for most reads end here
            wire = dialect.before + dialect.between.join(plain) + dialect.behind
            plain.clear()
            counters.sent_bytes += len(wire)
            write = self.write
            write(wire)
        if counters.reply_seconds is not None and messages > others:
            self._count_seconds(messages - others)
        if self.held == ANSWERING and begun is not None:
            self.held = 0
            if messages and not (begun or self.channel_waits):
                self._timeouts.begin_idle(factory.limits.idle_timeout)
            else:
                self._channel.all_answered(messages > 0 or unasked, begun)
        else:
            self._put_off()

    def _put_off(self) -> None:
        """End a turn that leaves something to be answered."""
        self.held &= ~(ANSWERING | ASIDE)
        if not self.held & (CLOSING | WAITING):
            if not self.held:
                self._end_turn()
            self._channel.owing(stalled=False)

    def unsent(self) -> None:
        """So much waits to be sent that nothing may be added."""
        self.held |= UNSENT

    def sent(self) -> None:
        """The peer has taken what was unsent."""
        self.held &= ~UNSENT
        self._resume()

    def flush(self) -> None:
        """Write what was answered, in one piece."""
        plain, wire = self._plain, b""
        if plain:
            wire = self._dialect.join(plain)
            plain.clear()
        if self._pieces:
            wire = bytes(self._pieces) + wire
            self._pieces = b""
        if wire and not self.held & CLOSING:
            self._factory.counters.sent_bytes += len(wire)
            write = self.write  # apart: Python looks for what it calls in the class first
            write(wire)

    def give_up(self) -> None:
        """Answer no more: the connection ends."""
        self.held |= CLOSING
        self._unasked = None
        if self._delivery is not None:
            if self._asked:
                self._factory.counters.errors["abandoned"] += 1
                if self._shown:
                    self._factory.exchanges.abandoned(self._session)
            self._delivery.cancel()
            self._delivery = None
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _end_turn(self) -> None:
        """Let others go first."""
        self.held |= NEXT_TURN
        self._turn = self._factory.clock.callLater(0, self._next_turn)

    def _next_turn(self) -> None:
        self._turn = None
        self.held &= ~NEXT_TURN
        self._resume()

    def _resume(self) -> None:
        if self.held == WAITING:
            self._size = 0
            self.go_on()
        elif not self.held:
            self.proceed()

    def _answer_nobody(self, size: int) -> bool:
        """Send what is unasked, or close behind the last reply. May more be answered?"""
        if self.held != ANSWERING | ASIDE or size >= BYTES_A_TURN:
            return False
        self.held = ANSWERING
        if not self._unasked:
            self._channel.close("answered")
            return False
        self._asked = self._shown = False
        return self._answer_with(self._unasked.popleft(), size)

    def _answer_with(self, reply: bytes | Reply, size: int) -> bool:
        """Carry out a reply after others of that size in this turn. Is it whole?"""
        self._size = size
        if not self._deliver(Reply(reply) if isinstance(reply, bytes) else reply):
            return False
        if self._unasked or self._finished:
            self.held |= ASIDE
        return True

    def _broken(self, error: FramingError) -> None:
        """The peer broke the format."""
        self._factory.counters.errors[error.kind] += 1
        peer, complaints = self._session.peer, self._factory.complaints
        complaints.tell(self._log.warn, peer, "{peer} broke the format: {error}", error=error)
        self._channel.close(error.kind)

    # Replies that are more than a message, and what their delivery asks.

    def _deliver(self, reply: Reply) -> bool:
        """Carry out what is more than a message. Is it whole?"""
        self.held |= WAITING
        self._delivery = Delivery(self, reply, self._factory.clock)
        if self.held & CLOSING:  # it ended while the reply was made
            self.give_up()
            return False
        return self._carry_on(self._delivery)

    def _carry_on(self, delivery: Delivery) -> bool:
        if not delivery.run() or self.held & CLOSING:
            if not self.held & CLOSING:
                self.flush()
                self._channel.owing(self.stalled)
            return False
        if self._asked:
            self._finished = not self._factory.keep_alive
        self._settle()
        self._asked, self._shown = True, False  # what comes next may answer a message
        self._delivery = None
        self.held &= ~WAITING
        return True

    def _settle(self) -> None:
        """The message that is answered has had its reply, or its silence."""
        if not self._asked or self._delivery is None:
            return
        shown, self._asked, self._shown = self._shown, False, False
        counters, exchanges = self._factory.counters, self._factory.exchanges
        if not self._delivery.spoke:
            counters.silences += 1
            if shown:
                exchanges.silent(self._session)
            return
        counters.replies += 1
        self._count_seconds(1)
        if shown:
            exchanges.answered(self._session, bytes(self._said), self._delivery.size)
            self._said = b""

    def _count_seconds(self, replies: int) -> None:
        histogram = self._factory.counters.reply_seconds
        if histogram is not None and self.read_at is not None:
            taken = self._factory.clock.seconds() - self.read_at
            histogram.observe(max(0.0, taken), replies)  # the clock may be set back

    @property
    def takes_more(self) -> bool:
        return not self.held & (UNSENT | NEXT_TURN | CLOSING)

    def deliver(self, wire: bytes, shown_as: bytes) -> None:
        self._size += max(len(wire), LEAST_PIECE)
        if self._plain:
            wire = self._dialect.join(self._plain) + wire
            self._plain.clear()
        if not self._pieces:
            self._pieces = wire
        else:
            if isinstance(self._pieces, bytes):
                self._pieces = bytearray(self._pieces)  # there may be many small ones
            self._pieces += wire
        if self._shown and len(self._said) <= self._factory.exchanges.kept:
            if not self._said:
                self._said = bytearray()  # there may be many small pieces
            self._said += shown_as
        if self._size >= BYTES_A_TURN:
            self.flush()
            if not self.held & NEXT_TURN:
                self._end_turn()

    def awaiting(self, begun: bool) -> None:
        self._timeouts.begin("reply", self._factory.limits.reply_timeout if begun else 0)

    def go_on(self) -> None:
        if self._delivery is not None and self._carry_on(self._delivery) and not self.held:
            self.proceed()

    def stall(self) -> None:
        self.stalled = True
        self._settle()

    def end(self, how: Literal["whole", "half", "reset"]) -> None:
        self._settle()
        self.flush()
        self._channel.end(how)

    def failed(self, failure: Failure) -> None:
        late = failure.check(ReplyTimeout) is not None
        kind = ("reply_timeout" if late else "reply") if self._asked else "unasked"
        self._factory.counters.errors[kind] += 1
        rule, complaints = self._session.rule, self._factory.complaints
        of_rule = f" from rule {rule}" if self._asked and rule is not None else ""
        if self._asked and self._shown:
            self._factory.exchanges.failed(self._session, failure.getErrorMessage())
        self._asked = self._shown = False
        if failure.check(SockreplyError):
            text = "{peer} gets no reply{of_rule}: {error}"
            why = {"error": str(failure.value)}
        else:
            text = "{peer} gets no reply{of_rule}: its responder failed\n{traceback}"
            why = {"traceback": failure.getTraceback() if complaints.room else ""}
        shown = {name: show_text(said) for name, said in why.items()}  # it may quote the message
        complaints.tell(self._log.error, self._session.peer, text, of_rule=of_rule, **shown)
        self._channel.close("error")

"""The order of replies: each message is answered after the one before it.

Whatever keeps the loop in `Answering.proceed` waiting is one of the holds in `states`.
"""

from __future__ import annotations

from collections import deque
from typing import Any, cast

from twisted.python.failure import Failure

from sockreply.conversation.arrival import Reads
from sockreply.conversation.deadlines import NEVER
from sockreply.conversation.exchanges import Said
from sockreply.conversation.failures import format_broken, reply_failed, tell_broken
from sockreply.conversation.incoming import Incoming
from sockreply.conversation.outbox import BYTES_A_TURN, MESSAGES_A_TURN
from sockreply.conversation.paced_framer import tap_of
from sockreply.conversation.states import (
    ANSWERING,
    ASIDE,
    ENDED,
    LAST,
    PACED,
    STALLED,
    WAITING,
)
from sockreply.errors import FramingError
from sockreply.framing.interfaces import SpeakingFramer
from sockreply.replies.reply import Raw, Reply
from sockreply.replies.responder import Greeting, as_reply

UNASKED_LIMIT = 1_000
"""How many unasked replies may wait for a peer that does not read."""


class Answering(Incoming):
    """What one connection is owed, and where its dialogue stands.

    Args:
        channel: The connection.
        session: Its memory.
        deadlines: Its deadlines.
        shared: What it has in common with the others of the service.
    """

    __slots__ = ()

    def greet(self, greeting: Greeting) -> None:
        """Send the greeting."""
        try:
            self.send(greeting(self.session) if callable(greeting) else greeting)
        except Exception:  # what makes it may be a template, or a user's code
            reply_failed(self.shared, self.session, Failure(), asked=False, shown=False)
            self._channel.close("error")

    def send(self, reply: bytes | Reply) -> None:
        """Send what answers no message, after what is owed; nothing, once the dialogue stalls."""
        delivery = self._delivery
        if self.state >= STALLED or (delivery is not None and delivery.stalls is not None):
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

    def hold_back(self) -> None:
        """Answer nothing more until `let_go_on`: the peer exceeded one of its limits."""
        self.held |= PACED
        if not self.held & ANSWERING:
            self._put_off()

    def let_go_on(self) -> None:
        """The peer's limits allow the next message."""
        self.held &= ~PACED
        self._resume()

    def answer_at_once(self, data: bytes) -> bool:
        """Answer a read of complete messages, if nothing else is going on. Was that so?

        `proceed` does the same, message by message.
        """
        shared, dialect = self.shared, self._dialect
        respond_all, exchanges = dialect.respond_all, shared.exchanges
        if (
            respond_all is None
            or self.held
            or self.state
            or not shared.keep_alive
            or exchanges.room
        ):
            return False
        framer: Any = self.framer
        messages = framer.take(data)
        if messages is None or len(messages) > MESSAGES_A_TURN:
            return False
        counters = shared.counters
        read_at = None if counters.reply_seconds is None else shared.clock.seconds()
        try:
            replies = respond_all(messages, self.session)
        except Exception:  # a user's code may raise anything, and `respond` says for which message
            return False
        count = len(replies)
        counters.messages += count
        counters.replies += count
        exchanges.hidden += count
        self.session.count += count
        if count < len(messages):
            framer.receive_data(data)
            for _ in replies:
                framer.next_message()
            self.outbox.plain = replies
            self.read_at = read_at
            shared.count_seconds(read_at, count)
            self.proceed()
            return True
        wire = dialect.join(replies)
        counters.sent_bytes += len(wire)
        self.outbox.wire.write(wire)
        if read_at is not None:
            shared.count_seconds(read_at, count)
        if self.held:
            self._put_off()
        else:
            self._deadlines.begin_idle(shared.limits.idle_timeout)
        return True

    def proceed(self) -> None:
        """Answer what has arrived, for one turn; no hold may apply."""
        # This is run for every message: names are looked up, and counts told, once a turn.
        framer, session, shared, dialect = self.framer, self.session, self.shared, self._dialect
        exchanges, keep_alive, outbox = shared.exchanges, shared.keep_alive, self.outbox
        varies, speaks = dialect.varies, dialect.speaks
        responder, plain = dialect.responder, outbox.plain
        frame = outbox.frame if varies else dialect.frame
        if plain is None:
            plain = outbox.plain = []
        self.held |= ANSWERING | ASIDE if self._unasked else ANSWERING
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
                    size, unasked = outbox.size, True
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
                        format_broken(shared, session, error)
                        self._channel.close(error.kind)
                        break
                    except KeyboardInterrupt:
                        raise
                    except BaseException:  # of a user's own framing
                        tell_broken(shared, session, Failure(), "its framing failed")
                        self._channel.close("error")
                        break
                    if speaks:
                        self._let_speak()
                    if message is None:
                        begun = framer.buffered
                        break
                if varies:
                    outbox.framing = getattr(message, "framing", None) or outbox.own
                session.count = count = count + 1
                if room and (room := exchanges.room):  # other connections may have used it up
                    self._shown = exchanges.received(session, message, self._arrival())
                    shown += 1
                reply = responder.respond(message, session)
                if isinstance(reply, bytes):
                    plain.append(reply if frame is None else frame(reply))
                    if not keep_alive:
                        self.held |= LAST
                    if shown and self._shown:
                        said = Said(exchanges.kept)
                        said.add(reply, dialect.join(plain[-1:]))
                        exchanges.answered(session, said)
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
                    size = outbox.size
                if size >= BYTES_A_TURN or count >= last:
                    break
        except KeyboardInterrupt:
            raise
        except BaseException:  # a user's code may raise anything
            others += 1
            self.failed(Failure())
        finally:
            messages, counters = count - before, shared.counters
            if messages:
                counters.messages += messages
                counters.replies += messages - others
                exchanges.hidden += messages - shown
        if self.held & ENDED:
            outbox.discard()
        else:
            outbox.flush()
        if counters.reply_seconds is not None and messages > others:
            shared.count_seconds(self.read_at, messages - others)
        if self.held == ANSWERING and begun is not None:
            self.held = 0
            self._waiting = None
            if messages and not (begun or self.state or self._deadlines.message < NEVER):
                self._deadlines.begin_idle(shared.limits.idle_timeout)
            else:
                self._channel.all_answered(messages > 0 or unasked, begun)
        else:
            self._put_off()

    def _put_off(self) -> None:
        """End a turn that leaves something to be answered."""
        self.held &= ~(ANSWERING | ASIDE)
        if not self.held & (ENDED | WAITING):
            if not self.held & ~LAST:
                self.turn_over()
            self._channel.owing()
        if self._waiting is None and tap_of(self.framer) is None:
            self._waiting = Reads()
            self._waiting.came(self.framer.buffered, self.shared.clock.seconds())

    def _answer_nobody(self, size: int) -> bool:
        """Send what is unasked, or close after the last reply. May more be answered?"""
        if self.held & ~(ASIDE | LAST) != ANSWERING or size >= BYTES_A_TURN:
            return False
        self.held &= ~ASIDE
        if not self._unasked:
            self._channel.close("answered")
            return False
        self.outbox.framing = self.outbox.own
        self._shown = self.shared.exchanges.room > 0
        self.shared.exchanges.hidden += not self._shown
        return self._answer_with(self._unasked.popleft(), size, asked=False)

    def _let_speak(self) -> None:
        """Send what the framing itself has to say, between two replies."""
        if said := cast(SpeakingFramer, self.framer).said():
            self.send(Reply(Raw(said)))

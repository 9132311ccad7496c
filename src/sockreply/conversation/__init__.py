"""One connection's dialogue. No transport is in here: `sockreply.server` has those.

The path of a message, from the read to the write::

    dataReceived -> Framer -> Answering -> Responder -> bytes: Outbox, one write a turn
                                                     -> Reply: Delivery, step by step -> Outbox

A read of complete messages, on a connection where nothing else is going on, takes the short path:
`Answering.answer_at_once` has the framer split it at a glance and the responder answer all of it,
and sends the replies in one write.

All other reads take the general path, of which the short one is only an abbreviation: whatever is
read goes to the framer. `Answering.proceed`, the one loop that runs for every message, takes
messages out of it, asks the responder and puts the replies into the outbox, which joins them into
one write. A reply that is more than a message becomes a `Delivery`; until that is complete, the
next message waits.

A dialogue that cannot go on - a reply waits, the peer does not take what was sent, its turn of the
loop is over - stops taking messages out of its framer. One read is kept; then reading pauses. The
reasons to stop, and what may happen in which state, are in `states`.
"""

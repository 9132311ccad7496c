"""What a service allows the peers on its connections."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds, bytes and counts; a timeout of 0 is none.

    Args:
        idle_timeout: Seconds without a whole message either way and no reply owed.
        message_timeout: Seconds from a message's first byte to its last, whatever the pace.
        reply_timeout: Seconds that a responder may take; waits that a reply asks for do not count.
        write_timeout: Seconds in which a peer takes not one byte of what waits for it.
        close_timeout: Seconds that an orderly close may take once the peer takes no more bytes.
        drain_timeout: Seconds that connections get to finish when the service stops.
        drain_delay: Seconds that the service goes on as before when it is told to stop.
        max_connections: How many at once, over all listeners; the excess waits in the kernel.
        max_message: The most bytes that a message may have.
    """

    idle_timeout: float = 60.0
    message_timeout: float = 10.0
    reply_timeout: float = 30.0
    write_timeout: float = 30.0
    close_timeout: float = 5.0
    drain_timeout: float = 30.0
    drain_delay: float = 0.0
    max_connections: int = 10_000
    max_message: int = 65_536

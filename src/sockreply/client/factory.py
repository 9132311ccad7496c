"""Makes the client's end of connections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory

from sockreply.client.protocol import MAX_REPLY, RequestProtocol
from sockreply.extensions import crashes_of
from sockreply.framing import Framing, parse_framing


class RequestFactory(Factory[RequestProtocol]):
    """Makes connections with the same settings, for endpoints.

    Args:
        framing: The server's, or the spec of it.
        clock: For timeouts and silences; a reactor is one.
        max_message: The most bytes that a reply may have.
        unasked: Called with every message that answers no request; None: they are dropped.
        greeting: Is the first message of a connection unasked, even when requests already wait?

    Raises:
        ConfigError: There is no such framing, or it has no message as short as `max_message`.
    """

    noisy = False

    def __init__(
        self,
        framing: str | Framing,
        clock: IReactorTime,
        *,
        max_message: int = MAX_REPLY,
        unasked: Callable[[bytes], object] | None = None,
        greeting: bool = False,
    ) -> None:
        self.framing = parse_framing(framing) if isinstance(framing, str) else framing
        self.protocol = partial(
            RequestProtocol,
            self.framing,
            clock,
            max_message=max_message,
            unasked=unasked,
            greeting=greeting,
        )
        with crashes_of(f"framing {self.framing.name}"):
            self.protocol()  # what cannot be made is told now, not when a connection is there

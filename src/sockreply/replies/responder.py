"""Who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isclass
from typing import Any, Protocol, TypeAlias

from sockreply.errors import BadReply, ConfigError
from sockreply.replies.reply import Await, Reply
from sockreply.replies.session import Session

SHORT = 1024
"""Bytes that a reply may have if it is sent together with others, without a look at the peer."""


class Responder(Protocol):
    """Answers messages.

    It may have more methods, which are called if it has them (see `optional`):

    - `take_over(before)`: called once, when the configuration was reloaded and this responder
      replaces another one, which is `before`. What it raises is logged.
    - `counts()`: a mapping from names to whole numbers that only grow. They appear in /metrics as
      `sockreply_rule_matches`, with the name as the label `rule`.
    - `respond_all(messages, session)`: the answers to the first of several messages that came
      together, each at most `SHORT` bytes, as a list. It is asked instead of `respond` where
      nothing else is going on with a connection; `respond` is then asked for the messages that it
      leaves out, which may be all. It must not depend on `session.count`. If it raises something,
      `respond` is asked for all of them.
    - `describe()`: lines for `sockreply check`, the first of which is a summary.
    - `explain(message, session)`: what `sockreply explain` prints: something with `lines()`, and
      with `answered`, which says whether an answer is certain.
    - `framing_in(state)`: the framing that a connection has in that state (None: the first one),
      for `sockreply explain`, if framings can be changed; None: the one that applies otherwise.
    - `states()`: the states that `sockreply explain --state` may name.

    An attribute `never_answers` that is true says that each message is answered with silence; the
    log then does not say so of each.
    """

    def respond(self, message: bytes, session: Session) -> bytes | Reply:
        """The answer to one message.

        Args:
            message: Without what framed it.
            session: The connection that it came on.

        Returns:
            bytes are one message, sent framed; a `Reply` says more exactly what is done.
        """


Greeting: TypeAlias = bytes | Reply | Callable[[Session], bytes | Reply]
"""What is sent to each client as it connects, or a function that makes it."""


def as_reply(answer: object) -> bytes | Reply:
    """Turn what a user's function returned into what a service works with.

    Raises:
        BadReply: It is neither bytes, a `Reply`, None (silence) nor an awaitable of one of these.
    """
    if isinstance(answer, bytes | Reply):
        return answer
    if answer is None:
        return Reply()
    if isinstance(answer, Awaitable):
        return Reply(Await(answer))
    raise BadReply(answer)


class CallableResponder:
    """Lets a function answer.

    Args:
        function: Takes the message and the session; returns bytes, a `Reply`, None (silence), or an
            awaitable of one of these (it may be a coroutine function, or return a Deferred).
        wrapped: The responder whose `respond` that is; None: the function stands alone.
    """

    def __init__(
        self, function: Callable[[bytes, Session], object], wrapped: object | None = None
    ) -> None:
        self._function = function
        self.wrapped = wrapped

    def respond(self, message: bytes, session: Session) -> bytes | Reply:
        return as_reply(self._function(message, session))


def unwrapped(responder: Responder) -> object:
    """The responder that a user wrote, without what was put around it."""
    wrapped = responder.wrapped if isinstance(responder, CallableResponder) else None
    return responder if wrapped is None else wrapped


def optional(responder: Responder, name: str) -> Callable[..., Any] | None:
    """One of the methods that a responder may have; None: it does not have it."""
    method = getattr(unwrapped(responder), name, None)
    return method if callable(method) else None


def as_responder(thing: object) -> Responder:
    """Make a responder of what a name stood for: a function, a responder, or a class of either.

    Raises:
        ConfigError: It cannot answer messages.
    """
    if isclass(thing):
        thing = thing()
    respond = getattr(thing, "respond", None)
    if callable(respond):
        return CallableResponder(respond, thing)
    if callable(thing):
        return CallableResponder(thing)
    raise ConfigError(f"{thing!r} is neither a function of (message, session) nor a responder")

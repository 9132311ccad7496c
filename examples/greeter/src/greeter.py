"""A responder that a distribution offers as an entry point."""

from sockreply.replies import Session


class Greeter:
    """Greets everyone whose name is sent.

    Args:
        word: The greeting.
    """

    def __init__(self, word: str = "Hello") -> None:
        self._word = word.encode()

    def respond(self, message: bytes, session: Session) -> bytes:
        """Greet everyone who was named on this connection so far."""
        met = session.state.setdefault("met", [])
        met.append(message)
        return b"%s, %s" % (self._word, b" and ".join(met))

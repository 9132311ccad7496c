"""A responder that a distribution names by an entry point."""

from sockreply.replies import Session


class Greeter:
    """Greets by the name that is sent.

    Args:
        word: The word of greeting.
    """

    def __init__(self, word: str = "Hello") -> None:
        self._word = word.encode()

    def respond(self, message: bytes, session: Session) -> bytes:
        """Greet, and tell whom already on this connection."""
        met = session.state.setdefault("met", [])
        met.append(message)
        return b"%s, %s" % (self._word, b" and ".join(met))

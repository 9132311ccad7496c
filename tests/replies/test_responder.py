"""Sessions, and what makes a responder of a user's code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred

from sockreply.errors import BadReply, ConfigError
from sockreply.replies import Await, Close, Reply, Session, as_reply, as_responder
from tests.replies.stand_ins import StandInConnection


@pytest.fixture
def connection() -> StandInConnection:
    """A connection without a peer."""
    return StandInConnection()


@pytest.fixture
def session(connection: StandInConnection) -> Session:
    """The session of that connection."""
    return Session(connection)


def test_a_new_session(session: Session) -> None:
    """A connection begins open, without messages and without notes."""
    assert (session.count, session.state, session.closed) == (0, {}, False)


def test_who_talks(connection: StandInConnection, session: Session) -> None:
    """Addresses and TLS are the connection's, looked up when somebody wants them."""
    assert connection.asked == 0
    assert session.peer == IPv4Address("TCP", "192.0.2.1", 40000)
    assert session.host == IPv4Address("TCP", "192.0.2.2", 12345)
    assert session.tls is None
    tls = object()
    assert Session(StandInConnection(tls)).tls is tls


def test_frame(session: Session) -> None:
    """A responder can have a message framed to spoil it."""
    assert session.frame(b"message") == b"message\n"


def test_state_is_kept(session: Session) -> None:
    """A responder's notes stay on their connection, and on that one only."""
    session.state["seen"] = 1
    session.state["seen"] += 1
    assert session.state == {"seen": 2}
    assert Session(StandInConnection()).state == {}


def test_send(connection: StandInConnection, session: Session) -> None:
    """Unasked messages go to the connection, in order."""
    session.send(b"one")
    session.send(Reply(b"two", Close()))
    assert connection.sent == [b"one", Reply(b"two", Close())]


def test_send_to_nobody(connection: StandInConnection, session: Session) -> None:
    """Once the connection is gone, what would be sent is dropped without a fuss."""
    session.connection_gone()
    session.send(b"late")
    assert session.closed
    assert connection.sent == []


def test_when_closed(session: Session) -> None:
    """Everybody who waits for the end hears of it once, in the order of asking."""
    heard: list[str] = []
    session.when_closed().addCallback(lambda _: heard.append("first"))
    session.when_closed().addCallback(lambda _: heard.append("second"))
    assert heard == []
    session.connection_gone()
    assert heard == ["first", "second"]
    session.connection_gone()
    assert heard == ["first", "second"]


def test_when_closed_already(session: Session) -> None:
    """Who asks after the end hears of it at once."""
    session.connection_gone()
    assert session.when_closed().called


def test_when_closed_asked_at_the_end(session: Session) -> None:
    """Who hears of the end finds the session closed, and may ask again."""
    heard: list[bool] = []
    session.when_closed().addCallback(lambda _: heard.append(session.closed))
    session.when_closed().addCallback(lambda _: heard.append(session.when_closed().called))
    session.connection_gone()
    assert heard == [True, True]


def test_when_closed_no_longer_wanted(session: Session) -> None:
    """Who stopped waiting does not disturb the end."""
    waiting = session.when_closed()
    waiting.addErrback(lambda _: None)
    waiting.cancel()
    after = session.when_closed()
    session.connection_gone()
    assert after.called


def test_bytes_and_replies_are_answers() -> None:
    """Bytes, the empty ones too, and a reply stay what they are."""
    reply = Reply(b"a")
    assert as_reply(b"a") == b"a"
    assert as_reply(b"") == b""
    assert as_reply(reply) is reply


def test_none_is_silence() -> None:
    """A function that returns nothing says nothing."""
    assert as_reply(None) == Reply()


def test_awaitables_are_awaited() -> None:
    """A Deferred, a coroutine or any other awaitable is a reply that waits for it."""

    async def answer() -> bytes:
        return b"a"

    class Later:
        def __await__(self) -> Iterator[None]:
            yield None

    coroutine = answer()
    for awaitable in (Deferred[bytes](), coroutine, Later()):
        reply = as_reply(awaitable)
        assert isinstance(reply, Reply)
        (step,) = reply
        assert isinstance(step, Await)
        assert step.answer is awaitable
    coroutine.close()


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ("text", "str"),
        (0, "int"),
        (bytearray(b"a"), "bytearray"),
        ([b"a"], "list"),
        (Close(), "Close"),
    ],
)
def test_what_is_no_answer(found: object, name: str) -> None:
    """Anything else is an error that names its type, not its content."""
    with pytest.raises(BadReply, match=f"^a responder returned {name}, not bytes, a Reply, None"):
        as_reply(found)


def test_a_function_answers(session: Session) -> None:
    """A function gets the message and the session, and what it gives is made a reply."""
    session.count = 3

    def respond(message: bytes, session: Session) -> bytes | None:
        return b"%b %d" % (message, session.count) if message else None

    responder = as_responder(respond)
    assert responder.respond(b"message", session) == b"message 3"
    assert responder.respond(b"", session) == Reply()


def test_a_coroutine_function_answers(session: Session) -> None:
    """A function may be `async`; its coroutine is awaited by whoever carries out the reply."""

    async def respond(message: bytes, session: Session) -> bytes:
        return message

    reply = as_responder(respond).respond(b"message", session)
    assert isinstance(reply, Reply)
    (step,) = reply
    assert isinstance(step, Await)
    with pytest.raises(StopIteration) as end:
        step.answer.__await__().send(None)
    assert end.value.value == b"message"


class Counting:
    """Answers with the number of its messages."""

    def __init__(self) -> None:
        self.count = 0

    def respond(self, message: bytes, session: Session) -> bytes:
        self.count += 1
        return b"%d" % self.count


class Calling:
    """Answers when it is called."""

    def __call__(self, message: bytes, session: Session) -> None:
        return None


def test_an_object_answers(session: Session) -> None:
    """An object's `respond` answers, and what the object remembers stays with it."""
    counting = Counting()
    responder = as_responder(counting)
    assert [responder.respond(b"", session) for _ in range(2)] == [b"1", b"2"]
    assert counting.count == 2


def test_a_class_answers(session: Session) -> None:
    """A class is made into one object, which answers for all connections."""
    responder = as_responder(Counting)
    assert responder.respond(b"", session) == b"1"
    assert responder.respond(b"", Session(StandInConnection())) == b"2"


def test_a_callable_object_answers(session: Session) -> None:
    """An object or a class without `respond` answers when it can be called."""
    assert as_responder(Calling()).respond(b"", session) == Reply()
    assert as_responder(Calling).respond(b"", session) == Reply()


def test_a_bad_answer_of_an_object(session: Session) -> None:
    """What an object's `respond` gives is looked at as what a function gives."""

    class Bad:
        def respond(self, message: bytes, session: Session) -> str:
            return "text"

    with pytest.raises(BadReply, match="returned str"):
        as_responder(Bad()).respond(b"", session)


def test_an_exception_is_the_callers(session: Session) -> None:
    """What a function raises is not swallowed here."""

    def respond(message: bytes, session: Session) -> bytes:
        raise KeyError(message)

    with pytest.raises(KeyError, match="message"):
        as_responder(respond).respond(b"message", session)


@pytest.mark.parametrize("thing", [None, b"reply", "text", 3, object], ids=repr)
def test_what_cannot_answer(thing: object) -> None:
    """What can answer nothing is a mistake in the configuration, and is shown."""
    shown = "<object object at" if thing is object else repr(thing)
    with pytest.raises(
        ConfigError, match=f"^{shown}.* is neither a function of .* nor a responder$"
    ):
        as_responder(thing)


def test_state_is_a_dict() -> None:
    """A session's notes may be replaced as a whole, by another dict and nothing else."""
    session = Session(StandInConnection())
    session.state = {"seen": 1}
    session.state["seen"] += 1
    assert session.state == {"seen": 2}
    with pytest.raises(TypeError, match=r"session\.state is a dict, not str; set a key of it"):
        session.state = "idle"  # type: ignore[assignment] # what this refuses

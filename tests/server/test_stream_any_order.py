"""Whatever happens in whatever order: replies keep theirs, and the counts add up."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import capturedLogs

from sockreply.replies import Raw, Reply, Session, Wait
from tests.server.stand_ins import Talk, answered

KINDS = "bytes reply pieces wait silence later"


async def later(message: bytes) -> bytes:
    """The message, from a coroutine."""
    return message


def answer(message: bytes, _: Session) -> object:
    """The message, by what its first word says."""
    match message.split()[0].decode():
        case "reply":
            return Reply(message)
        case "pieces":
            return Reply(Raw(message[:3]), Raw(message[3:]), Raw(b"\n"))
        case "wait":
            return Reply(Wait(1), message, Wait(1))
        case "silence":
            return None
        case "later":
            return later(message)
    return message


messages = st.builds(
    lambda kinds, times: [
        b"%s %d\n" % (kind.encode(), number) for number, kind in enumerate(kinds * times)
    ],
    st.lists(st.sampled_from(KINDS.split()), max_size=10),
    st.integers(1, 20),
)
happenings = st.lists(st.sampled_from(["read", "read", "turn", "second", "narrow", "take"]))


def happen(talk: Talk, what: str, wire: bytes, size: int) -> bytes:
    """Let one thing happen. Returns what of the wire is not read then."""
    if what == "read" and not talk.transport.paused:
        talk.say(wire[:size])
        return wire[size:]
    if what == "turn":
        talk.turn()
    elif what == "second":
        talk.clock.advance(1)
    elif what == "narrow":
        talk.transport.narrow = True
    elif what == "take" and talk.transport.narrow:
        talk.transport.narrow = False
        talk.take_all()
    return wire


@given(said=messages, what=happenings, size=st.integers(1, 2000))
def test_every_reply_in_order(said: list[bytes], what: list[str], size: int) -> None:
    """Every message of a peer that half-closes is answered, in order, before the end."""
    talk = Talk(answer, idle_timeout=0, message_timeout=0, write_timeout=0)
    wire = b"".join(said)
    for each in what:
        wire = happen(talk, each, wire, size)
    happen(talk, "take", b"", 0)
    for _ in range(1000):
        if wire and not talk.transport.paused:
            wire = happen(talk, "read", wire, size)
        elif talk.clock.calls:
            talk.clock.advance(1)
    talk.finish_sending()
    talk.clock.pump([1] * 500)
    assert talk.hear() == b"".join(each for each in said if not each.startswith(b"silence"))
    assert talk.counters.messages == answered(talk.counters) == len(said)
    assert talk.transport.disconnecting


@given(
    end=st.sampled_from(["leave", "drain", "abort"]),
    said=messages,
    what=happenings,
    size=st.integers(1, 2000),
)
def test_sums_at_any_end(end: str, said: list[bytes], what: list[str], size: int) -> None:
    """Whenever and however a connection ends, every message taken up is counted once."""
    talk = Talk(answer)
    wire = b"".join(said)
    ends: dict[str, Callable[[], object]] = {
        "leave": lambda: None,
        "drain": talk.protocol.drain,
        "abort": lambda: talk.protocol.abort("test"),
    }
    with capturedLogs():
        for each in what:
            wire = happen(talk, each, wire, size)
        ends[end]()
        if not talk.transport.disconnecting:
            happen(talk, "turn", b"", 0)
        talk.leave()
        talk.factory.shared.complaints.close()
    assert talk.counters.messages == answered(talk.counters)
    assert talk.counters.open_connections == 0
    assert not talk.clock.getDelayedCalls()
    assert talk.counters.messages <= len(said)

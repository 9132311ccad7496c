"""The line of those who wait for messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred

from sockreply.client.pipeline import Pipeline
from sockreply.errors import ConnectionEnded
from tests.client.stand_ins import watch


def pipeline(*, one_at_a_time: bool = False) -> tuple[Pipeline, list[bytes]]:
    """A pipeline, and what it sends."""
    sent: list[bytes] = []
    return Pipeline(sent.append, one_at_a_time=one_at_a_time), sent


def test_requests_leave_at_once() -> None:
    """No request waits for the reply to the one before it."""
    line, sent = pipeline()
    line.join(b"a")
    line.join(b"b")
    assert sent == [b"a", b"b"]


def test_messages_go_to_those_who_wait_in_their_order() -> None:
    """The first message is for the first in the line."""
    line, _ = pipeline()
    first, second = watch(line.join(b"a")), watch(line.join(b"b"))
    line.serve(b"A")
    assert (first, second) == ([b"A"], [])
    line.serve(b"B")
    assert second == [b"B"]
    assert not line


def test_the_late_reply_of_a_cancelled_request_is_swallowed() -> None:
    """Who gives up keeps the place in the line, and the next one gets what is its own."""
    line, _ = pipeline()
    given_up = line.join(b"a")
    seen, second = watch(given_up), watch(line.join(b"b"))
    given_up.cancel()
    assert isinstance(seen[0], CancelledError)
    line.serve(b"A")
    assert second == []
    line.serve(b"B")
    assert second == [b"B"]
    assert len(seen) == 1


def test_one_at_a_time_sends_the_next_when_the_reply_is_there() -> None:
    """A request whose bytes would run into those before it is held back."""
    line, sent = pipeline(one_at_a_time=True)
    replies = [watch(line.join(wire)) for wire in (b"a", b"b", b"c")]
    assert sent == [b"a"]
    line.serve(b"A")
    assert sent == [b"a", b"b"]
    line.serve(b"B")
    line.serve(b"C")
    assert sent == [b"a", b"b", b"c"]
    assert replies == [[b"A"], [b"B"], [b"C"]]


def test_what_is_given_up_before_its_turn_is_not_sent() -> None:
    """A request that was held back and cancelled neither leaves nor waits for a reply."""
    line, sent = pipeline(one_at_a_time=True)
    first, given_up, third = (line.join(wire) for wire in (b"a", b"b", b"c"))
    watch(first)
    watch(given_up)
    seen = watch(third)
    given_up.cancel()
    line.serve(b"A")
    assert sent == [b"a", b"c"]
    line.serve(b"C")
    assert seen == [b"C"]
    assert not line


def test_what_is_given_up_after_it_was_sent_holds_the_next_back() -> None:
    """One at a time means that a late reply is waited for, though nobody wants it."""
    line, sent = pipeline(one_at_a_time=True)
    given_up = line.join(b"a")
    watch(given_up)
    second = watch(line.join(b"b"))
    given_up.cancel()
    assert sent == [b"a"]
    line.serve(b"A")
    assert sent == [b"a", b"b"]
    assert second == []


def test_a_request_made_in_a_callback_takes_its_turn() -> None:
    """One at a time holds also for who asks again as soon as the reply is there."""
    line, sent = pipeline(one_at_a_time=True)
    line.join(b"a").addCallback(lambda _: line.join(b"c"))
    line.join(b"b")
    line.serve(b"A")
    assert sent == [b"a", b"b"]
    line.serve(b"B")
    assert sent == [b"a", b"b", b"c"]


def test_who_dissolves_the_line_fails_all_in_it() -> None:
    """Everybody who waits is told why no message will come, also who was held back."""
    line, _ = pipeline(one_at_a_time=True)
    replies = [watch(line.join(wire)) for wire in (b"a", b"b")]
    line.dissolve("the peer closed it")
    assert not line
    for [error] in replies:
        assert isinstance(error, ConnectionEnded)
        assert error.why == "the peer closed it"


def test_dissolving_spares_who_gave_up_already() -> None:
    """A Deferred that was cancelled is not failed a second time."""
    line, _ = pipeline()
    given_up = line.join(b"a")
    seen = watch(given_up)
    given_up.cancel()
    line.dissolve("the peer closed it")
    assert len(seen) == 1


@given(
    st.lists(st.tuples(st.sampled_from(["ask", "give up", "serve"]), st.integers(0, 9))),
    st.booleans(),
)
def test_every_reply_reaches_its_own_request(
    events: list[tuple[str, int]], one_at_a_time: bool
) -> None:
    """However asking, giving up and answering mix: a reply is its own request's, or nobody's."""
    line, sent = pipeline(one_at_a_time=one_at_a_time)
    asked: list[tuple[Deferred[bytes], list[object]]] = []
    answered = 0
    for event, number in events:
        if event == "ask":
            reply = line.join(b"%d" % len(asked))
            asked.append((reply, watch(reply)))
        elif event == "give up" and asked:
            asked[number % len(asked)][0].cancel()
        elif event == "serve" and answered < len(sent):
            line.serve(sent[answered])
            answered += 1
            assert not one_at_a_time or len(sent) - answered <= 1
    while answered < len(sent):
        line.serve(sent[answered])
        answered += 1
    assert not line
    for number, (_, seen) in enumerate(asked):
        assert len(seen) == 1
        assert isinstance(seen[0], CancelledError) or seen[0] == b"%d" % number

"""Replies, their steps, and the faults made of them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from sockreply.replies import (
    Await,
    Close,
    Raw,
    Reply,
    Send,
    Stall,
    Step,
    Wait,
    corrupt,
    drip,
    truncate,
)


def sent(steps: list[Step]) -> bytes:
    """What raw steps put on the wire, one after the other."""
    return b"".join(step.wire for step in steps if isinstance(step, Raw))


def test_steps_in_order() -> None:
    """A reply is its steps, in the order in which they are given."""
    answer: Deferred[bytes] = Deferred()
    steps = (Send(b"a"), Raw(b"b"), Wait(0.5), Await(answer), Close("half"))
    assert tuple(Reply(*steps)) == steps


def test_bytes_are_sent_framed() -> None:
    """Bytes in a reply stand for a message."""
    assert tuple(Reply(b"a", Wait(1), b"")) == (Send(b"a"), Wait(1), Send(b""))


def test_lists_of_steps() -> None:
    """A list or a tuple in a reply stands for the steps in it."""
    reply = Reply([Send(b"a"), Wait(1)], (b"b",), [], Close())
    assert tuple(reply) == (Send(b"a"), Wait(1), Send(b"b"), Close())
    with pytest.raises(ValueError, match="no step can follow"):
        Reply([Close()], b"a")


@pytest.mark.parametrize(
    "thing",
    ["text", bytearray(b"x"), memoryview(b"x"), None, 1, Send, Reply(b"a")],
    ids=lambda thing: type(thing).__name__,
)
def test_no_step(thing: Any) -> None:
    """What is no step is an error that shows it, and not silence."""
    for steps in ((thing,), (b"a", thing), ([thing],)):
        with pytest.raises(TypeError) as caught:
            Reply(*steps)
        assert str(caught.value) == f"{thing!r} is not a step"


def test_lists_in_lists() -> None:
    """Only steps stand in a list of steps."""
    with pytest.raises(TypeError, match=r"^\[b'a'\] is not a step$"):
        Reply([[b"a"]])  # type: ignore[list-item]  # must fail


@pytest.mark.parametrize("step", [Send, Raw])
@pytest.mark.parametrize("thing", ["text", bytearray(b"x"), None, 1])
def test_only_bytes_are_sent(step: type[Send | Raw], thing: Any) -> None:
    """A step that sends refuses what is not bytes when it is made."""
    with pytest.raises(TypeError) as caught:
        step(thing)
    assert str(caught.value) == f"{thing!r} is not bytes"


def test_silence() -> None:
    """A reply without steps is silence, and not the empty message."""
    assert tuple(Reply()) == ()
    assert Reply() != Reply(b"")


def test_a_reply_can_be_carried_out_many_times() -> None:
    """Going through the steps uses nothing up."""
    reply = Reply(b"a", b"b")
    assert list(reply) == list(reply) == [Send(b"a"), Send(b"b")]


def test_equal_replies() -> None:
    """Replies are equal and hash alike when their steps do; other things are no replies."""
    assert Reply(b"a", Close()) == Reply(Send(b"a"), Close("whole"))
    assert len({Reply(b"a"), Reply(Send(b"a")), Reply(Raw(b"a"))}) == 2
    assert Reply(b"a") != b"a"
    assert Reply(b"a") != (Send(b"a"),)


def test_replies_do_not_change() -> None:
    """Neither a reply nor a step can be altered after it is made."""
    step = Send(b"a")
    with pytest.raises(FrozenInstanceError):
        step.message = b"b"  # type: ignore[misc]  # must fail
    with pytest.raises(AttributeError):
        Reply(step).more = []  # type: ignore[attr-defined]  # must fail


def test_reply_shows_its_steps() -> None:
    """A reply in a log or a failed test reads as the code that makes it."""
    assert repr(Reply(b"a", Close("reset"))) == "Reply(Send(message=b'a'), Close(how='reset'))"
    assert repr(Reply()) == "Reply()"


@pytest.mark.parametrize("last", [Close(), Close("half"), Close("reset"), Stall()], ids=repr)
def test_nothing_follows_the_end(last: Step) -> None:
    """Close and stall end a reply; a step behind them is an error that names them."""
    assert list(Reply(b"a", last))[-1] == last
    with pytest.raises(ValueError, match=r"no step can follow (Close|Stall)"):
        Reply(last, b"a")
    with pytest.raises(ValueError, match="no step can follow"):
        Reply(b"a", last, last)


@pytest.mark.parametrize("seconds", [-1, -0.001, float("inf"), float("nan")])
def test_impossible_wait(seconds: float) -> None:
    """Nobody waits for ever or into the past."""
    with pytest.raises(ValueError, match="cannot wait"):
        Wait(seconds)


def test_no_wait() -> None:
    """Waiting for no time at all is allowed."""
    assert Wait(0).seconds == 0


def test_drip() -> None:
    """A drip sends its pieces with a pause between any two, and none before or after."""
    assert drip(b"abc") == [Raw(b"a"), Wait(0.05), Raw(b"b"), Wait(0.05), Raw(b"c")]
    assert drip(b"abc", size=2, every=1) == [Raw(b"ab"), Wait(1), Raw(b"c")]
    assert drip(b"abc", size=3) == drip(b"abc", size=9) == [Raw(b"abc")]
    assert drip(b"") == []


def test_drip_shares_its_pause() -> None:
    """However many pieces there are, they share one pause."""
    assert len({id(step) for step in drip(bytes(100)) if isinstance(step, Wait)}) == 1


def test_drip_with_an_impossible_pause() -> None:
    """A pause that cannot be is an error, also where there is nothing to pause between."""
    with pytest.raises(ValueError, match="cannot wait"):
        drip(b"a", every=-1)


@given(st.binary(), st.integers(1, 20))
def test_drip_sends_all(wire: bytes, size: int) -> None:
    """However it drips, every byte is sent in its order, at most `size` at a time."""
    steps = drip(wire, size=size, every=0)
    assert sent(steps) == wire
    assert all(len(step.wire) <= size for step in steps if isinstance(step, Raw))


@pytest.mark.parametrize("size", [0, -1])
def test_drip_of_nothing(size: int) -> None:
    """A drip of no bytes at a time would never end."""
    with pytest.raises(ValueError, match=f"cannot drip {size} bytes at a time"):
        drip(b"abc", size=size)


@pytest.mark.parametrize(("at", "wire"), [(0, b""), (1, b"a"), (3, b"abc"), (9, b"abc")])
def test_truncate(at: int, wire: bytes) -> None:
    """Only the first bytes are sent, at most all."""
    assert truncate(b"abc", at) == Raw(wire)


def test_truncate_before_the_beginning() -> None:
    """A negative size would count from the end, which nobody asked for."""
    with pytest.raises(ValueError, match="cannot truncate at -1"):
        truncate(b"abc", -1)


@given(st.binary(), st.integers(0, 100), st.integers())
def test_corrupt(wire: bytes, bits: int, seed: int) -> None:
    """As many bits as asked for are turned over, at most all; the size stays."""
    turned = corrupt(wire, Random(seed), bits=bits).wire
    differences = [one ^ other for one, other in zip(wire, turned, strict=True)]
    assert sum(map(int.bit_count, differences)) == min(bits, 8 * len(wire))


def test_corrupt_by_default() -> None:
    """One bit is enough to spoil a message, and the generator decides which."""
    turned = {corrupt(b"\0\0", Random(seed)).wire for seed in range(200)}
    assert turned == {(1 << bit).to_bytes(2, "big") for bit in range(16)}
    assert corrupt(b"abc", Random(1)) == corrupt(b"abc", Random(1))


def test_faults_make_replies() -> None:
    """Faults are steps among others."""
    reply = Reply(drip(b"ab", every=0.1), truncate(b"abc", 1), Close("reset"))
    assert list(reply) == [Raw(b"a"), Wait(0.1), Raw(b"b"), Raw(b"a"), Close("reset")]
    assert list(Reply(corrupt(b"a", Random(1)), Stall())) == [corrupt(b"a", Random(1)), Stall()]

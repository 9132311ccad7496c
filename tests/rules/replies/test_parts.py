"""The steps that parts of a rule's reply are for a message, and what is told of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock

from sockreply.replies import Await, Close, Raw, Reply, Send, Session, Stall, Step, Wait, corrupt
from sockreply.rules.asked import Asked
from sockreply.rules.replies import Constant, Echoed
from sockreply.rules.replies.commands import Commands
from sockreply.rules.replies.parts import (
    PIECES_AT_ONCE,
    CommandPart,
    CorruptPart,
    DelayPart,
    DripPart,
    EndPart,
    Part,
    RawPart,
    SendPart,
    TruncatePart,
)
from tests.rules.stand_ins import StandInConnection, asked, session
from tests.server.stand_ins import Talk

OK = Constant(b"OK")


class NotingCommands(Commands):
    """Runs nothing; notes what is to be run, and gives an answer."""

    def __init__(self, answer: Deferred[bytes]) -> None:
        self.run_with: list[tuple[Any, ...]] = []
        self._answer = answer

    def run(
        self,
        reactor: Any,
        argv: Sequence[str],
        message: bytes,
        timeout: float,
        env: Mapping[str, str] | None = None,
        peer: Hashable = None,
    ) -> Deferred[bytes]:
        self.run_with.append((reactor, argv, message, timeout, env, peer))
        return self._answer


@pytest.mark.parametrize(
    ("part", "steps", "told"),
    [
        (SendPart(OK), [Send(b"OK")], r"send 'OK', on the wire 'OK\n'"),
        (RawPart(OK), [Raw(b"OK")], "send raw 'OK'"),
        (DelayPart(0.2, 0.2), [Wait(0.2)], "wait 0.2 s"),
        (DelayPart(0, 0), [Wait(0)], "wait 0 s"),
        (EndPart(Close()), [Close()], "close"),
        (EndPart(Close("half")), [Close("half")], "close the sending half"),
        (EndPart(Close("reset")), [Close("reset")], "reset"),
        (EndPart(Stall()), [Stall()], "stall"),
    ],
)
def test_fixed_part(part: Part, steps: list[Step], told: str) -> None:
    """A part that is the same for every message says so, and what it does."""
    assert part.fixed == tuple(steps)
    assert list(part.steps(asked(b"hi"))) == steps
    assert part.told(asked(b"hi")) == told


@pytest.mark.parametrize(
    ("part", "steps", "told"),
    [
        (SendPart(Echoed()), [Send(b"hi")], r"send 'hi', on the wire 'hi\n'"),
        (RawPart(Echoed()), [Raw(b"hi")], "send raw 'hi'"),
        (
            DripPart(OK),
            [Raw(b"O"), Wait(0.05), Raw(b"K"), Wait(0.05), Raw(b"\n")],
            r"send 1 byte every 0.05 s: 'OK\n'",
        ),
        (
            DripPart(Echoed(), size=2, every=1),
            [Raw(b"hi"), Wait(1), Raw(b"\n")],
            r"send 2 bytes every 1 s: 'hi\n'",
        ),
        (TruncatePart(OK, 1), [Raw(b"O")], r"send the first 1 byte of 'OK\n'"),
        (TruncatePart(Echoed(), 5), [Raw(b"hi\n")], r"send the first 5 bytes of 'hi\n'"),
        (
            CorruptPart(OK),
            [corrupt(b"OK\n", Random(1))],
            r"send with 1 bit flipped: 'OK\n'",
        ),
        (
            CorruptPart(Echoed(), bits=3),
            [corrupt(b"hi\n", Random(1), bits=3)],
            r"send with 3 bits flipped: 'hi\n'",
        ),
    ],
)
def test_part_that_depends(part: Part, steps: list[Step], told: str) -> None:
    """A part that depends on the message, the framing or chance is made for each message."""
    assert part.fixed is None
    assert list(part.steps(asked(b"hi"))) == steps
    assert part.told(asked(b"hi")) == told


def test_nothing_to_frame() -> None:
    """Where the wire carries the message as it is, it is told once."""

    class Frameless(StandInConnection):
        def frame(self, message: bytes) -> bytes:
            return message

    assert SendPart(OK).told(asked(of=session(connection=Frameless()))) == "send 'OK'"


def test_delay_between() -> None:
    """A delay within bounds is drawn anew from the message's generator, and never told."""
    part = DelayPart(0.1, 0.5)
    one = asked(random=Random(1))
    assert part.fixed is None
    assert part.told(one) == "wait 0.1 to 0.5 s"
    same = Random(1)
    for _ in range(3):
        assert list(part.steps(one)) == [Wait(same.uniform(0.1, 0.5))]


def test_telling_draws_nothing() -> None:
    """Telling what would be corrupted leaves the generator as it was."""
    one = asked(b"hi", random=Random(1))
    CorruptPart(Echoed(), bits=5).told(one)
    assert one.random.getstate() == Random(1).getstate()


def test_command() -> None:
    """A command gets the message, and what it may want to know; its output is awaited."""
    commands = NotingCommands(succeed(b"output"))
    part = CommandPart(("prog", "arg"), 2.5, commands)
    clock = Clock()
    peer = IPv4Address("TCP", "192.0.2.7", 1234)
    of = session(peer, count=3, service="scale", reactor=clock)
    (step,) = part.steps(asked(b"hi", of=of))
    assert part.fixed is None
    assert isinstance(step, Await)
    assert not commands.run_with  # it starts when that is awaited
    assert awaited(step) == [b"output"]
    environment = {
        "SOCKREPLY_PEER": "192.0.2.7:1234",
        "SOCKREPLY_SERVICE": "scale",
        "SOCKREPLY_COUNT": "3",
    }
    (run_with,) = commands.run_with
    assert run_with[:5] == (clock, ("prog", "arg"), b"hi", 2.5, environment)


def test_environment_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its variables are those that it names, and what tells of the message."""
    monkeypatch.setenv("TOKEN", "token")
    commands = NotingCommands(succeed(b"output"))
    env = (("MODE", "fast"), ("TOKEN", None))
    (step,) = CommandPart(("prog",), commands=commands, env=env).steps(asked())
    assert isinstance(step, Await)
    awaited(step)
    given = commands.run_with[0][4]
    assert {name: given[name] for name in ("MODE", "TOKEN")} == {"MODE": "fast", "TOKEN": "token"}
    assert len(given) == 5


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (IPv4Address("TCP", "192.0.2.7", 1), IPv4Address("TCP", "192.0.2.7", 2), True),
        (IPv4Address("TCP", "192.0.2.7", 1), IPv6Address("TCP", "::ffff:192.0.2.7", 1), True),
        (IPv4Address("TCP", "192.0.2.7", 1), IPv4Address("TCP", "192.0.2.8", 1), False),
        (UNIXAddress(None), UNIXAddress(None), False),
    ],
)
def test_whose_command_it_is(one: IAddress, other: IAddress, same: bool) -> None:
    """A peer is an IP address; on a UNIX socket each connection is one of its own."""
    commands = NotingCommands(succeed(b"output"))
    for peer in (one, other):
        (step,) = CommandPart(("prog",), commands=commands).steps(asked(of=session(peer)))
        assert isinstance(step, Await)
        awaited(step)
    assert (commands.run_with[0][5] == commands.run_with[1][5]) == same


def awaited(step: Await) -> list[object]:
    """What comes of a step that waits."""
    results: list[object] = []

    async def wait() -> object:
        return await step.answer

    Deferred.fromCoroutine(wait()).addBoth(results.append)
    return results


def test_cancelled_command() -> None:
    """Who gives up waiting cancels the command."""
    running: Deferred[bytes] = Deferred()
    (step,) = CommandPart(("prog",), commands=NotingCommands(running)).steps(asked())
    assert isinstance(step, Await)

    async def wait() -> object:
        return await step.answer

    waiting = Deferred.fromCoroutine(wait())
    waiting.addErrback(lambda failure: failure.trap(CancelledError))
    waiting.cancel()
    assert running.called


def test_telling_runs_no_command() -> None:
    """What a command would print is not told, for it is not run."""
    commands = NotingCommands(Deferred())
    part = CommandPart(("prog", "arg"), 2.5, commands)
    assert part.told(asked()) == "run prog arg (at most 2.5 s) and send its output"
    assert not commands.run_with


def test_long_drip_is_made_as_it_goes() -> None:
    """A long message is dripped whole, but never are all of its pieces there at the same time."""
    message = bytes(range(256)) * 40
    made: list[int] = []

    class Counted(DripPart):
        def pieces(self, wire: bytes, start: int) -> list[Step]:
            steps = super().pieces(wire, start)
            made.append(len(steps))
            return steps

    def answer(_: bytes, session: Session) -> Reply:
        context = Asked(b"", session, "start", Random(), positions={})
        return Reply(list(Counted(Constant(message), every=0.25).steps(context)))

    talk = Talk(answer)
    talk.say(b"x\n")
    talk.clock.pump([0.25] * len(message))
    assert talk.hear() == message + b"\n"
    assert max(made) <= 2 * PIECES_AT_ONCE + 1
    talk.say(b"y\n")
    assert talk.hear() == message[:1]
    talk.leave()
    assert not talk.clock.getDelayedCalls()

"""Replies of rules, made of parts."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from twisted.internet.task import Clock

from sockreply.errors import CannotFrame, TemplateFailed
from sockreply.replies import Await, Close, Raw, Reply, Send, Stall, Wait
from sockreply.rules import Rule, RuleTable, reply, template
from sockreply.rules.asked import Asked
from sockreply.rules.replies import (
    CommandPart,
    Constant,
    CorruptPart,
    DelayPart,
    DripPart,
    Echoed,
    EndPart,
    Part,
    RawPart,
    Recipe,
    SendPart,
    TruncatePart,
)
from tests.rules.stand_ins import StandInConnection, asked, session
from tests.server.stand_ins import Talk

OK = Constant(b"OK")


class Failing:
    """Data that cannot be made."""

    fixed = None

    def bytes_for(self, asked: Asked) -> bytes:
        raise TemplateFailed("'nobody' is undefined")


def test_one_constant_message() -> None:
    """One message that is always the same is bytes, made beforehand."""
    recipe = Recipe([SendPart(OK)])
    assert recipe.fixed == b"OK"
    assert recipe.make(asked()) is recipe.fixed


def test_empty_message() -> None:
    """The empty message is not silence."""
    assert Recipe([SendPart(Constant(b""))]).fixed == b""


def test_silence() -> None:
    """No parts are silence, which is always the same, too."""
    recipe = Recipe([])
    assert recipe.fixed == Reply()
    assert recipe.make(asked()) == Reply()
    assert recipe.told(asked()) == ["send nothing"]


def test_constant_parts() -> None:
    """Parts that are always the same are one reply, made beforehand."""
    recipe = Recipe(
        [SendPart(OK), DelayPart(0.2, 0.2), RawPart(Constant(b"\0")), EndPart(Close("half"))]
    )
    assert recipe.fixed == Reply(Send(b"OK"), Wait(0.2), Raw(b"\0"), Close("half"))
    assert recipe.make(asked()) is recipe.fixed


def test_one_message_that_depends() -> None:
    """One message that depends on what is asked is bytes, too."""
    recipe = Recipe([SendPart(Echoed())])
    assert recipe.fixed is None
    assert recipe.make(asked(b"hi")) == b"hi"


@pytest.mark.parametrize(
    "part",
    [
        SendPart(Echoed()),
        RawPart(Echoed()),
        DelayPart(0.1, 0.2),
        DripPart(OK),
        TruncatePart(OK, 1),
        CorruptPart(OK),
        CommandPart(("prog",)),
    ],
)
def test_not_fixed(part: Part) -> None:
    """One part that depends on the message, the framing or chance makes the whole reply depend."""
    assert Recipe([SendPart(OK), part, EndPart(Close())]).fixed is None


def test_parts_in_order() -> None:
    """The reply to a message has the steps of all parts, in their order."""
    recipe = Recipe(
        [SendPart(Echoed()), DripPart(OK, size=2, every=1), SendPart(OK), EndPart(Stall())]
    )
    assert recipe.make(asked(b"hi")) == Reply(
        b"hi", Raw(b"OK"), Wait(1), Raw(b"\n"), b"OK", Stall()
    )


def test_command_in_its_place() -> None:
    """A command is awaited in its place, and starts when its turn has come."""
    reply = Recipe([SendPart(OK), CommandPart(("nonesuch",)), EndPart(Close())]).make(asked())
    first, command, last = reply
    assert (first, last) == (Send(b"OK"), Close())
    assert isinstance(command, Await)


def test_chances() -> None:
    """All that is left to chance is drawn from the message's generator, in the order of parts."""
    recipe = Recipe([DelayPart(0, 1), CorruptPart(OK), DelayPart(0, 1)])
    again = [recipe.make(asked(random=Random(7))) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0] != recipe.make(asked(random=Random(8)))


@pytest.mark.parametrize("step", [Close(), Close("half"), Close("reset"), Stall()])
def test_nothing_follows_the_end(step: Close | Stall) -> None:
    """A part behind the end is an error as soon as the recipe is made, also where others depend."""
    with pytest.raises(ValueError, match="no step can follow"):
        Recipe([SendPart(Echoed()), EndPart(step), SendPart(OK)])


def test_failing() -> None:
    """Data that cannot be made makes the reply fail: at once, or when its turn has come."""
    part = SendPart(Failing())
    for parts in ([part], [SendPart(Echoed()), part]):
        with pytest.raises(TemplateFailed):
            Recipe(parts).make(asked())
    late: Any = list(Recipe([CommandPart(("prog",)), part]).make(asked()))[1]
    with pytest.raises(TemplateFailed):
        next(late.answer.__await__())


TWO_TIMES: list[Any] = [
    template("{{ now.timestamp() }}"),
    SendPart(Echoed()),
    DelayPart(3, 3),
    template("{{ now.timestamp() }}"),
]
"""Parts that say when they were sent."""


def test_what_is_filled_in_after_a_wait() -> None:
    """A template after a delay, a drip or a command is filled in when it is sent, not before."""
    clock = Clock()
    talk = Talk()
    talk.factory.shared.clock = clock
    table = RuleTable(
        [Rule("x", None, reply(template("{{ now.timestamp() }}"), DelayPart(2, 2), *TWO_TIMES))]
    )
    talk.factory.shared.dialect.responder = table
    talk.say(b"x\n")
    clock.advance(2)
    clock.advance(3)
    assert talk.hear() == b"0.0\n2.0\nx\n5.0\n"


def test_told() -> None:
    """What is told is a line for each part."""
    recipe = Recipe([SendPart(Echoed()), DelayPart(0.1, 0.5), EndPart(Close("reset"))])
    assert recipe.told(asked(b"hi")) == [
        r"send 'hi', on the wire 'hi\n'",
        "wait 0.1 to 0.5 s",
        "reset",
    ]


def test_told_of_what_fails() -> None:
    """A part that fails is told as that."""
    assert Recipe([SendPart(Failing()), DelayPart(1, 1)]).told(asked()) == [
        "fail: template: 'nobody' is undefined",
        "wait 1 s",
    ]


def test_told_of_what_cannot_be_framed() -> None:
    """So is a message that the framing cannot carry."""

    class Short(StandInConnection):
        def frame(self, message: bytes) -> bytes:
            raise CannotFrame(len(message), 0, 1)

    assert Recipe([SendPart(OK)]).told(asked(of=session(connection=Short()))) == [
        "fail: 2 bytes, but the length field can only hold 0 to 1"
    ]

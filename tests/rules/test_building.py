"""Tables of rules that are written in Python."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from sockreply import rules
from sockreply.errors import ConfigError
from sockreply.framing import parse_framing
from sockreply.replies import Close, Raw, Send
from sockreply.rules import (
    Constant,
    EndPart,
    Equals,
    InTurn,
    Mask,
    RawPart,
    Recipe,
    Rule,
    RuleTable,
    SendPart,
    reply,
    template,
)
from tests.rules.stand_ins import asked
from tests.server.stand_ins import Talk


def test_the_example() -> None:
    """The table that the package's docstring shows answers as it reads."""
    source = str(rules.__doc__).split("::\n")[1].split("It is a")[0]
    made: dict[str, Any] = {}
    exec(textwrap.dedent(source), made)
    talk = Talk()
    talk.factory.shared.dialect.responder = made["table"]
    talk.say(b"*IDN?\nWEIGH\n")
    talk.clock.advance(0.5)
    talk.say(b"shout\n")
    assert talk.hear() == b"ACME,SCALE,0001,1.0\n72.4 kg\nSHOUT\n"


def test_replies() -> None:
    """Bytes are a message, nothing is silence, and steps are taken as they are."""
    assert reply(b"a").fixed == b"a"
    assert not list(reply().fixed or ())
    assert (
        reply(RawPart(Constant(b"r")), EndPart(Close())).fixed
        == Recipe([RawPart(Constant(b"r")), EndPart(Close())]).fixed
    )
    assert Raw(b"r") in (reply(RawPart(Constant(b"r"))).fixed or ())
    with pytest.raises(ValueError, match="no step can follow"):
        reply(EndPart(Close()), b"late")


def test_a_template_may_name_what_the_framing_knows() -> None:
    """If it is told which framing that is."""
    framing = parse_framing("enclosed:start=<,end=>")
    (step,) = template("{{ end }}", framing=framing).steps(asked(b"x"))
    assert step == Send(b">")
    with pytest.raises(ConfigError, match="unknown name 'end'"):
        template("{{ end }}")


def test_templates() -> None:
    """A template is a message; what it uses has to exist."""
    assert isinstance(template("{{ count }}"), SendPart)
    with pytest.raises(ConfigError, match="unknown name"):
        template("{{ nothing }}")
    with pytest.raises(ConfigError, match="no group"):
        template("{{ match.b }}", groups=["a"])


def test_bytes_stand_for_a_mask() -> None:
    """A condition compares with bytes, or with a mask of them."""
    assert str(rules.Equals(b"x")) == str(rules.Equals(Mask.of(b"x")))


def test_jinja_waits_until_it_is_needed() -> None:
    """Who writes no template does not import it."""
    code = "import sys, sockreply.rules; assert 'jinja2' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("source", "sent"),
    [
        ("{{ message | indent(2) }}", b"hello there\n  big world"),
        ("{{ message | wordwrap(9) }}", b"hello\nthere\nbig world"),
        ("{{ 'a\nb' | indent(1, true) }}", b" a\n b"),
    ],
)
def test_filters_of_lines(source: str, sent: bytes) -> None:
    """Jinja2's filters for lines of text take messages, too."""
    talk = Talk(framing="enclosed:start=<,end=>")
    table = RuleTable([Rule("x", None, reply(template(source)))])
    talk.factory.shared.dialect.responder = table
    talk.say(b"<hello there\r\nbig world>")
    assert talk.hear() == b"<" + sent + b">"


def test_the_time_in_utc() -> None:
    """`utcnow` is the same moment as `now`, without the place's own time."""
    talk = Talk(idle_timeout=0)
    source = "{{ utcnow.isoformat() }} {{ now == utcnow }}"
    talk.factory.shared.dialect.responder = RuleTable([Rule("x", None, reply(template(source)))])
    talk.clock.advance(1_800_000_000)
    talk.say(b"x\n")
    assert talk.hear() == b"2027-01-15T08:00:00+00:00 True\n"


def test_bytes_are_replies() -> None:
    """Wherever a reply is asked for."""
    turns = InTurn([b"1", reply(b"2")])
    table = RuleTable([Rule("a", Equals(b"a"), b"A"), Rule("b", None, turns)], otherwise=b"ERR")
    talk = Talk()
    talk.factory.shared.dialect.responder = table
    talk.say(b"a\nb\nb\n")
    assert talk.hear() == b"A\n1\n2\n"
    other = Talk()
    other.factory.shared.dialect.responder = RuleTable([], otherwise=b"ERR")
    other.say(b"c\n")
    assert other.hear() == b"ERR\n"


TEXT: Any = "a"
NOTHING: Any = None
BYTES: Any = b"a"
PART: Any = RawPart(Constant(b""))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Rule("a", None, TEXT), "a rule's reply is bytes or reply(...), not str"),
        (lambda: Rule("a", None, NOTHING), "a rule's reply is bytes or reply(...), not NoneType"),
        (lambda: Rule("a", None, PART), "reply(...), not RawPart"),
        (lambda: RuleTable([], otherwise=TEXT), "reply(...), not str"),
        (lambda: InTurn([TEXT]), "reply(...), not str"),
        (lambda: reply(b"1", TEXT), "a step is bytes or a part such as DelayPart(1, 2), not str"),
        (
            lambda: Rule("a", BYTES, b"A"),
            "a rule's condition is one such as Equals(b'...'), not bytes",
        ),
    ],
)
def test_what_is_no_reply_or_condition(make: Callable[[], object], says: str) -> None:
    """It is refused where it is written, and not when a message comes."""
    with pytest.raises(TypeError) as raised:
        make()
    assert says in str(raised.value)

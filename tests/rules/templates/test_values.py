"""What the names in a template stand for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from twisted.internet.address import IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock

from sockreply.framing import Framing, Message, parse_framing
from sockreply.rules.asked import Asked
from sockreply.rules.templates.octets import bytes_in
from sockreply.rules.templates.values import NAMES, Chance, End, Match, names_of
from tests.rules.stand_ins import asked, session

KIND = bytes_in("utf-8", False)


def value(name: str, of: Asked) -> Any:
    """What a name stands for."""
    return NAMES[name](of, KIND)


def test_match() -> None:
    """Groups are found by name and number, and the whole by 0; one that took no part is empty."""
    match: Any = Match(re.search(rb"(?P<unit>kg|lb)(!)?", b"a kg"), KIND)
    assert (match["unit"], match[1], match[0], str(match)) == ("kg", "kg", "kg", "kg")
    assert match[2] == ""
    assert isinstance(match[2], KIND)


def test_no_match() -> None:
    """All groups are empty when it was not the regex that made the rule match."""
    match: Any = Match(None, KIND)
    assert (match["unit"], match[1], match[0], str(match)) == ("", "", "", "")


def test_unknown_group() -> None:
    """A group that the regex does not have is an error."""
    with pytest.raises(IndexError):
        Match(re.match(b"", b""), KIND)["unit"]


@pytest.mark.parametrize(
    ("address", "shown", "host", "port"),
    [
        (IPv6Address("TCP", "::1", 12345), "[::1]:12345", "::1", 12345),
        (UNIXAddress(b"/run/x.sock"), "unix:/run/x.sock", "", ""),
    ],
)
def test_end(address: IAddress, shown: str, host: str, port: object) -> None:
    """An end prints as in logs, and tells its host and port where it has them."""
    end = End(address)
    assert (str(end), end.host, end.port) == (shown, host, port)


def test_chance() -> None:
    """The number is what is drawn first; all that follows comes from the same source."""
    chance, same = Chance(Random(7)), Random(7)
    assert chance == same.random()
    assert str(chance) == str(float(chance))
    assert chance.randint(1, 6) == same.randint(1, 6)
    assert chance.uniform(1.5, 2.5) == same.uniform(1.5, 2.5)
    assert chance.choice("abc") == same.choice("abc")


def test_of_the_connection() -> None:
    """The message, its number, the state and both ends are those of what was asked."""
    of = asked(b"\xff", of=session(count=3), state="ready")
    assert value("message", of) == b"\xff"
    assert value("count", of) == 3
    assert value("state", of) == "ready"
    assert str(value("peer", of)) == "192.0.2.1:40000"
    assert str(value("local", of)) == "192.0.2.2:12345"


def test_now() -> None:
    """Now is what the reactor says, with a time zone."""
    clock = Clock()
    clock.advance(86400)
    now = value("now", asked(of=session(reactor=clock)))
    assert now == datetime(1970, 1, 2, tzinfo=UTC)
    assert now.utcoffset() is not None


def test_uuid() -> None:
    """A UUID is of version 4, and drawn from the chances of the reply."""
    first = value("uuid", asked(random=Random(5)))
    assert first == UUID(str(first))
    assert first.version == 4
    assert first == value("uuid", asked(random=Random(5)))
    assert first != value("uuid", asked(random=Random(6)))


class Worded(Framing):
    """Knows a few things of its messages."""

    def framer(self, max_message: int) -> Any:
        raise NotImplementedError

    def frame(self, message: bytes) -> bytes:
        return message

    def facts_of(self, message: bytes) -> dict[str, Any]:
        return {"words": message.split(), "pair": (b"a", [b"b"]), "size": 2, "count": -1}


def test_what_a_framing_knows() -> None:
    """Bytes are of the template's kind, also in lists; other values stay. Our names come first."""
    names = names_of(Worded())
    assert list(names) == ["words", "pair", "size"]
    words: Any = names["words"](asked(b"get a"), KIND)
    assert words == ["get", "a"]
    assert all(type(word) is KIND for word in words)
    assert names["pair"](asked(), KIND) == ["a", ["b"]]
    assert names["size"](asked(), KIND) == 2


def test_what_a_framer_knows() -> None:
    """What came with a message counts; what did not is what the framing makes of the bytes."""
    names = names_of(Worded())
    message = Message(b"get a", facts={"size": 7, "words": [b"GET"]})
    assert names["size"](asked(message), KIND) == 7
    assert names["words"](asked(message), KIND) == ["GET"]
    assert names["pair"](asked(message), KIND) == ["a", ["b"]]
    (end,) = names_of(parse_framing("enclosed:start=<,end=>")).values()
    assert end(asked(b""), KIND) == ">"
    assert names_of(parse_framing("line")) == {}

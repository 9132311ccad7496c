"""A session without a connection."""

from __future__ import annotations

from twisted.internet.address import IPv4Address

from sockreply.framing import parse_framing
from sockreply.rules.explaining.imagined import imagined_session
from sockreply.rules.table import RuleTable

LINE = parse_framing("line")


def test_what_it_knows() -> None:
    """It looks like the session of a connection whose first message has come."""
    peer = IPv4Address("TCP", "192.0.2.1", 4)
    session = imagined_session(LINE, peer, "scale")
    assert session.peer == peer
    assert session.host == IPv4Address("TCP", "127.0.0.1", 0)
    assert session.service == "scale"
    assert (session.number, session.count, session.tls, session.closed) == (1, 1, None, False)
    assert session.frame(b"m") == b"m\n"
    assert session.reactor.seconds() > 1_700_000_000  # it tells the time of day


def test_nobody_is_there() -> None:
    """What is sent or said goes nowhere."""
    session = imagined_session(LINE)
    session.send(b"m")
    session.remark(lambda: "said")


def test_state() -> None:
    """It is in the state that was asked for, else in the one that its table begins with."""
    table = RuleTable([], initial_state="begin", seed=1)
    assert table.asked(b"m", imagined_session(LINE)).state == "begin"
    told = table.asked(b"m", imagined_session(LINE, state="ready"))
    assert told.state == "ready"
    assert told.random.random() == table.asked(b"m", imagined_session(LINE)).random.random()

"""What the log says of peers that do wrong."""

from __future__ import annotations

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.logger import Logger, capturedLogs

from sockreply.conversation.complaints import COMPLAINTS_A_SECOND, Complaints
from sockreply.replies import Session
from tests.server.stand_ins import Talk, texts

PEER = IPv4Address("TCP", "127.0.0.1", 40000)
LOG = Logger()


def complain(complaints: Complaints, times: int) -> list[str]:
    """So many complaints of one peer; the lines that come of them."""
    with capturedLogs() as events:
        for number in range(times):
            complaints.tell(LOG.warn, PEER, "{peer} did {number}", number=number)
    return texts(events, "warn")


@pytest.mark.parametrize(
    ("service", "begins"), [("", ""), ("default", ""), ("scale", "scale: ")], ids=repr
)
def test_line(service: str, begins: str) -> None:
    """A line tells the service, where it has a name, and the peer."""
    complaints = Complaints(Clock(), service)
    assert complain(complaints, 1) == [f"{begins}127.0.0.1:40000 did 0"]


def test_fields() -> None:
    """A log has the parts of a line apart, too."""
    with capturedLogs() as events:
        Complaints(Clock()).tell(LOG.error, PEER, "{peer}: {what}", what="boom")
    (event,) = events
    told = {name: event[name] for name in ("service", "peer", "what")}
    assert told == {"service": "default", "peer": "127.0.0.1:40000", "what": "boom"}
    assert event["log_level"].name == "error"


def test_so_many_a_second() -> None:
    """The first ones are told at once, the rest counted and told a second later."""
    clock = Clock()
    complaints = Complaints(clock, "scale")
    assert len(complain(complaints, COMPLAINTS_A_SECOND + 7)) == COMPLAINTS_A_SECOND
    with capturedLogs() as events:
        clock.advance(1)
    assert texts(events) == ["scale: 7 more complaints about peers in this second"]
    assert len(complain(complaints, 3)) == 3
    with capturedLogs() as events:
        clock.advance(1)
    assert not events
    assert not clock.getDelayedCalls()


def test_end() -> None:
    """At the end what is untold is told."""
    clock = Clock()
    complaints = Complaints(clock)
    complain(complaints, COMPLAINTS_A_SECOND + 1)
    with capturedLogs() as events:
        complaints.close()
        complaints.close()
    assert texts(events) == ["1 more complaints about peers in this second"]
    assert not clock.getDelayedCalls()


def test_a_rude_crowd_is_told_in_few_lines() -> None:
    """Whatever goes wrong on however many connections, every one is counted, and few are told."""

    def respond(message: bytes, _: Session) -> bytes:
        raise ValueError(message)

    talk = Talk(respond, framing="line")
    with capturedLogs() as events:
        for _ in range(99):
            again = talk.factory.buildProtocol(None)
            again.makeConnection(type(talk.transport)())
            again.dataReceived(b"x\n")
    assert talk.counters.errors == {"reply": 99}
    assert len(events) == COMPLAINTS_A_SECOND

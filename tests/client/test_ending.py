"""How the client's end of a connection closes it."""

from __future__ import annotations

from twisted.internet.interfaces import ISSLTransport
from zope.interface import alsoProvides

from sockreply.client import CLOSE_TIMEOUT
from sockreply.errors import ConnectionEnded
from tests.client.stand_ins import talk, watch


def test_closing_in_good_order_breaks_nothing() -> None:
    """Neither side's."""
    protocol, *_ = talk()
    assert watch(protocol.close()) == [None]
    assert protocol.broken is None
    assert watch(protocol.finish()) == [None]


def test_a_reset_breaks_it() -> None:
    """And the connection tells how."""
    protocol, transport, _ = talk()
    transport.reset()
    assert protocol.broken == "reset or lost"


def test_closing_that_takes_too_long_breaks_it() -> None:
    """What was not taken is lost."""
    protocol, transport, clock = talk(stuck=True)
    closed = watch(protocol.close())
    clock.advance(CLOSE_TIMEOUT)
    assert transport.aborted
    assert closed == [None]
    assert protocol.broken == "the peer did not take all of it in time"


def test_finishing_asks_for_no_more() -> None:
    """Requests fail, and so do those that wait for a reply."""
    protocol, _, _ = talk()
    waiting = watch(protocol.request(b"a"))
    protocol.finish()
    later = watch(protocol.request(b"b"))
    for [error] in (waiting, later):
        assert isinstance(error, ConnectionEnded)
        assert error.why == "no more is sent"


def test_finishing_over_tls() -> None:
    """There is no half-close, so the connection is closed, within the time that is given."""
    for stuck in (False, True):
        protocol, transport, clock = talk(stuck=stuck)
        alsoProvides(transport, ISSLTransport)
        closed = watch(protocol.finish(60))
        assert not transport.half_closed
        assert closed == ([] if stuck else [None])
        clock.advance(60)
        assert transport.aborted is stuck


def test_finishing_takes_as_long_as_it_takes() -> None:
    """Without a timeout only the peer's close, after all is sent, is waited for so long."""
    protocol, transport, clock = talk()
    closed = watch(protocol.finish())
    clock.advance(1_000_000)
    assert not closed
    protocol.writeConnectionLost()
    clock.advance(CLOSE_TIMEOUT)
    assert closed == [None]
    assert not transport.aborted


def test_the_peer_half_closes_while_we_finish() -> None:
    """We close when all is sent."""
    protocol, transport, clock = talk(stuck=True)
    protocol.finish(60)
    protocol.readConnectionLost()
    assert transport.disconnecting
    clock.advance(60)
    assert transport.aborted

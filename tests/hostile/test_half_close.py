"""A client that says that it sends no more gets every reply that it is owed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.end_to_end.clients import half_close_and_read
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import ANYWHERE, NAIVE

LINES = ("-f", "line", "-k")
AT_ONCE = ("--echo",)
LATER = ("--responder", f"{RESPONDERS}:waiting")
ONE = b"0.0001\n"
HUNDRED = b"".join(b"0.000%d\n" % (n % 10) for n in range(100))


def incomplete(daemon: Daemon, sent: bytes, clients: int) -> int:
    """How many of so many clients, one after the other, do not get everything back."""
    port = daemon.port
    return sum(half_close_and_read(port, sent) != sent for _ in range(clients))


@pytest.mark.parametrize(
    ("options", "sent", "clients"),
    [
        pytest.param(AT_ONCE, ONE, 2_000, id="one at once"),
        pytest.param(LATER, ONE, 2_000, id="one later"),
        pytest.param(AT_ONCE, HUNDRED, 200, id="a hundred at once"),
        pytest.param(LATER, HUNDRED, 20, id="a hundred later"),  # a millisecond each
    ],
)
def test_half_close_loses_no_reply(
    start_daemon: Start, figure: Figure, options: Sequence[str], sent: bytes, clients: int
) -> None:
    """Whether replies are there at once or later, whether one or a hundred: none is missing."""
    daemon = start_daemon(*LINES, *options)
    lost = incomplete(daemon, sent, clients)
    requests = sent.count(b"\n")
    when = "at once" if options is AT_ONCE else "later"
    figure(
        Promise.HALF_CLOSE,
        f"replies {when}, {requests} a client: {lost} of {clients:,} clients lost replies",
    )
    assert lost == 0


@pytest.mark.parametrize(("sent", "clients"), [(ONE, 2_000), (HUNDRED, 200)])
def test_a_stock_protocol_does_lose_replies(
    start_daemon: Start, figure: Figure, sent: bytes, clients: int
) -> None:
    """The control: a plain Twisted Protocol loses the replies of most such clients."""
    lost = incomplete(start_daemon(*ANYWHERE, runner=NAIVE), sent, clients)
    requests = sent.count(b"\n")
    figure(
        Promise.HALF_CLOSE,
        f"{requests} a client: {lost:,} of {clients:,} clients lost replies",
        control=True,
    )
    assert lost > 0

"""How fast one peer may go, as a configuration says it."""

from __future__ import annotations

import pytest

from sockreply.settings import PeerLimits, Rate
from tests.config.texts import SERVICE, problems_of, service, settings_of


def read(text: str) -> PeerLimits | None:
    """The limits of a service with this table."""
    return service(f"otherwise = 'x'\nper_peer = {{ {text} }}").limits.per_peer


@pytest.mark.parametrize(
    ("per_second", "burst"), [("10", 10), ("2.5", 2.5), ("0.5", 1), ("0.001", 1), ("1e9", 1e9)]
)
def test_a_burst_is_what_a_second_allows(per_second: str, burst: float) -> None:
    """Where it is not set; and at least one."""
    limits = read(f"connections_per_second = {per_second}")
    assert limits == PeerLimits(connections=Rate(float(per_second), burst))


def test_no_limit() -> None:
    """Without the table there is none, and a rate of 0 is none."""
    assert service("otherwise = 'x'").limits.per_peer is None
    limits = read("messages_per_second = 0, bytes_per_second = 9")
    assert limits == PeerLimits(bytes=Rate(9, 9))


def test_a_prefix_alone() -> None:
    """It says whom `max_connections_per_peer` counts together."""
    text = "otherwise = 'x'\nmax_connections_per_peer = 1\nper_peer = { ipv6_prefix = 48 }"
    assert service(text).limits.per_peer == PeerLimits(ipv6_prefix=48)


def test_a_burst_below_the_longest_message() -> None:
    """If bytes over it end the connection, such a message can hardly arrive: that is warned of."""
    table = "per_peer = { bytes_per_second = 999.5, over = 'refuse' }"
    text = f"{SERVICE}otherwise = 'x'\nmax_message = 1000\n{table}"
    (warning,) = settings_of(text).warnings
    assert warning == (
        "services.s.per_peer: the longest message has 1000 bytes, but a peer that sends more than "
        "999.5 at once is disconnected; set a higher bytes_burst"
    )
    for other in ("'wait'", "'refuse', bytes_burst = 1000"):
        assert not settings_of(text.replace("'refuse'", other)).warnings


def test_every_problem_is_told_once() -> None:
    """A burst whose rate is wrong has no problem of its own."""
    table = "per_peer = { bytes_per_second = -1, bytes_burst = 5, messages_burst = 5 }"
    assert [each.partition(": ")[0] for each in problems_of(f"{SERVICE}{table}")] == [
        "services.s.per_peer.bytes_per_second",
        "services.s.per_peer.messages_burst",
    ]

"""The lines that say why; those for connections that were made are in test_protocol_ends."""

from __future__ import annotations

import pytest
from twisted.internet import error
from twisted.python.failure import Failure

from sockreply.client.reasons import why_not_connected


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (error.TimeoutError(), "no answer in time"),
        (error.ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (error.DNSLookupError("no such host."), "DNS lookup failed: no such host"),
        (ValueError("no way."), "no way"),
        (AssertionError(), "AssertionError"),
    ],
    ids=repr,
)
def test_what_kept_from_connecting(cause: Exception, reason: str) -> None:
    """The system's words are shown alone; without any, the type of the exception is."""
    assert why_not_connected(Failure(cause)) == reason

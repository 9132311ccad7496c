"""How fast one peer may go."""

from __future__ import annotations

from sockreply.config import form
from sockreply.config.reading import Reading
from sockreply.errors import ConfigError
from sockreply.settings import PeerLimits, Rate

_LIMITED = ("connections", "messages", "bytes")


def read_per_peer(service: form.Service, written: form.PerPeer, reading: Reading) -> PeerLimits:
    """The limits of a service's peers.

    Args:
        service: The service.
        written: Its limits.
        reading: Collects what is wrong.

    Raises:
        ConfigError: They limit nothing.
    """
    rates = {limited: _rate(written, limited, reading) for limited in _LIMITED}
    if not any(rates.values()) and not service.max_connections_per_peer:
        if reading.problems.here():
            return PeerLimits()
        raise ConfigError(
            "limits nothing without connections_per_second, messages_per_second or bytes_per_second"
        )
    most = rates["bytes"]
    if most is not None and written.over == "refuse" and most.burst < service.max_message:
        reading.warn(
            f"the longest message has {service.max_message} bytes, but a peer that sends more than "
            f"{most.burst:g} at once is disconnected; set a higher bytes_burst"
        )
    return PeerLimits(**rates, over=written.over, ipv6_prefix=written.ipv6_prefix)


def _rate(written: form.PerPeer, limited: str, reading: Reading) -> Rate | None:
    """One limit; None: there is none."""
    per_second: float = getattr(written, f"{limited}_per_second")
    burst: int | None = getattr(written, f"{limited}_burst")
    if per_second:
        return Rate(per_second, max(1.0, per_second) if burst is None else burst)
    if burst is not None and not reading.problems.here(f"{limited}_per_second"):
        reading.problems.add(f"has no effect without {limited}_per_second", f"{limited}_burst")
    return None

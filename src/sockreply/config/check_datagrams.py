"""Checks what a service does against whether it listens on UDP."""

from __future__ import annotations

from collections.abc import Sequence

from sockreply.config import form
from sockreply.config.reading import Reading
from sockreply.errors import ConfigError
from sockreply.server.endpoints import NO_GREETING, is_datagram, over_udp
from sockreply.settings import ListenerSettings


def check_datagrams(
    written: form.Service, listen: Sequence[ListenerSettings], reading: Reading
) -> bool:
    """Find what the listeners of a service cannot do.

    Args:
        written: The service.
        listen: Its listeners, as far as they are right.
        reading: Has the framing, and collects what is wrong.

    Returns:
        May there be connections over streams, on which replies can do more than over UDP?
    """
    problems = reading.problems
    if problems.here("listen"):
        return True
    udp = [each for each in listen if is_datagram(each.endpoint)]
    if udp and not problems.here("framing"):
        with problems.at("framing"):
            if not reading.framing.fits_datagrams:
                raise ConfigError(over_udp(reading.framing))
    for state in reading.by_state if udp else ():
        problems.add("over UDP each datagram is a message in every state", "states", state)
    if not udp or len(udp) < len(listen):
        return True
    if written.greeting is not None:
        problems.add(NO_GREETING, "greeting")
    return False

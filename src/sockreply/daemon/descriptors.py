"""How many connections the process's limit on open files allows."""

from __future__ import annotations

import resource

RESERVED = 64
"""Descriptors that are not for connections: listeners, logs, the loop, a responder's own files."""

METRICS_PLACES = 64
"""Connections to `[metrics]`, besides: many more than scrapers and probes have at a time."""

FEW_LISTENERS = 16
"""How many listeners are among those that are reserved; more of them, such as those of a range of
ports, count besides."""

OF_COMMANDS = 3 * 64
"""Those of the pipes of as many commands as run at a time."""


def fit_descriptors(connections: int) -> int:
    """Raise the soft limit on open files to the hard one.

    Args:
        connections: How many are wanted.

    Returns:
        How many of them fit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = soft
    if soft != resource.RLIM_INFINITY and soft != hard:
        for target in (hard, connections + RESERVED):  # macOS refuses a hard limit of infinity
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
            except (ValueError, OSError):
                continue
            limit = target
            break
    if limit == resource.RLIM_INFINITY:
        return connections
    return max(0, min(connections, limit - RESERVED))


def beside_commands(room: int) -> int:
    """How many connections there may be where each of them may run a command.

    Args:
        room: How many there may be where none does.
    """
    return room - min(OF_COMMANDS, 3 * room // 4)  # a connection runs one command at a time

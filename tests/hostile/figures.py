"""The promises, and what the tests measured of them, which is told at the end."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Promise(StrEnum):
    """The names by which docs/reliability.md tells the promises, in its order."""

    HALF_CLOSE = "half-close"
    RESTART = "restart"
    KILL = "kill"
    DRAIN = "drain"
    SECOND_SIGNAL = "second signal"
    BALANCER = "balancer"
    RELOAD = "reload"
    LIMIT = "limit"
    STORM = "storm"
    FAILED_START = "failed start"
    TOO_FEW_FILES = "too few files"
    NO_FILES_LEFT = "no files left"
    METRICS = "metrics"
    CLOSE = "close"
    SLOW_READER = "slow reader"
    LEAVER = "lost peer"
    CLOCK = "clock"
    IDLE = "idle"
    PROXY = "proxy header"
    SLOW_SENDERS = "slow senders"
    OVERSIZED = "oversized"
    NOISE = "noise"
    HANDSHAKE = "handshake"
    FLOOD = "flood"
    MANY_PEERS = "many peers"
    FORGED = "forged peers"
    AMPLIFICATION = "amplification"
    COMMANDS = "commands"
    TEMPLATES = "templates"
    LONG_FILE = "long file"
    UNIX_SOCKET = "UNIX socket"
    WATCHDOG = "watchdog"
    MEMORY = "memory"
    LEAKS = "leaks"
    STUCK_READER = "stuck reader"
    SOAK = "soak"
    NO_NETWORK = "no network"
    CONFINEMENT = "confinement"


class Figure(Protocol):
    """Keeps a figure for the end."""

    def __call__(self, promise: Promise, text: str, *, control: bool = False) -> None:
        """Keep one.

        Args:
            promise: What it is of.
            text: What was measured, and where that is not clear, on what.
            control: Is it that of the server which does not keep the promise?
        """

"""Twisted's reactor with LineReceiver: splits lines, and closes at one longer than 16 KiB."""

from __future__ import annotations

import sys

from twisted.protocols.basic import LineReceiver

from benchmarks.peers.twisted_protocol import serve


class Pong(LineReceiver):
    """One connection."""

    def lineReceived(self, line: bytes) -> None:  # noqa: ARG002, N802 - Twisted's name and argument
        self.sendLine(b"+PONG")


if __name__ == "__main__":
    serve(Pong, int(sys.argv[1]))

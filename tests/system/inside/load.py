"""Asks a daemon who it is, over one connection after another, until its input ends.

It runs inside the machine, so it has nothing but Python's own library. It prints `asking` when the
first reply has come, and at last how many were asked and what became of those that were lost.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections import Counter

PATIENCE = 30.0
"""Seconds after which a reply is lost."""
LONGEST = 120.0
"""Seconds after which nothing is asked any more, whatever standard input does."""

counts: Counter[str] = Counter()
longest = [0.0]
ended = threading.Event()
answered = threading.Event()


def ask(port: int) -> str:
    """Ask once; what became of it."""
    try:
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
    except OSError as error:
        return f"not connected: {error}"
    with client:
        try:
            client.sendall(b"who\n")
            reply = b""
            while piece := client.recv(4096):
                reply += piece
        except OSError as error:
            return f"broken: {error}"
    return "answered" if reply else "no reply"


def go_on(port: int) -> None:
    """Ask until it is enough."""
    deadline = time.monotonic() + LONGEST
    while not ended.is_set() and time.monotonic() < deadline:
        began = time.monotonic()
        became = ask(port)
        counts[became] += 1
        longest[0] = max(longest[0], time.monotonic() - began)
        answered.set()


def main() -> None:
    """Ask with several clients, and tell what came of it."""
    port, clients = int(sys.argv[1]), int(sys.argv[2])
    threads = [threading.Thread(target=go_on, args=(port,)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    answered.wait(PATIENCE)
    print("asking", flush=True)
    sys.stdin.read()
    ended.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"became": counts, "longest": longest[0]}))


main()

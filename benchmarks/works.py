"""What servers are measured at."""

from __future__ import annotations

from benchmarks.load import Load

IDLE = 10_000

LOADS = {
    "one": Load("50 connections, 1 in flight", 50_000),
    "pipelined": Load("50 connections, 16 in flight", 240_000, pipeline=16),
    "single": Load("1 connection, 1 in flight", 20_000, connections=1),
    "single pipelined": Load("1 connection, 16 in flight", 120_000, connections=1, pipeline=16),
    "reconnecting": Load("one connection per request", 12_000, reconnect=True),
    "beside flood": Load(
        "1 connection, 1 in flight, beside one that floods", 200, connections=1, flood=True
    ),
    "beside idle": Load("50 connections, 1 in flight, beside 10,000 idle ones", 50_000, idle=IDLE),
}
"""By the names that samples and the command line have."""

MEMORY = "memory"
"""What an idle connection makes the server's process grow by."""

START = "start"
"""From a command to the first answer."""

WORKS = (*LOADS, MEMORY, START)

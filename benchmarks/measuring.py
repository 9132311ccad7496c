"""Measures the CPU time that a server uses for a request, under redis-benchmark's load."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

CONNECTIONS = 50
SOCKREPLY = str(Path(sysconfig.get_path("scripts")) / "sockreply")


def cpu_seconds(pid: int) -> float:
    """What a process has used, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(command: list[str], requests: int) -> float:
    """Microseconds of CPU for a request; 50 connections ask for `PING`, one in flight each.

    Args:
        command: Starts the server, which has to print `listening on 127.0.0.1:PORT`.
        requests: How many are asked.
    """
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(command, stdout=log) as server:
        try:
            port = None
            while port is None:
                time.sleep(0.1)
                log.seek(0)
                port = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read())
            load = f"redis-benchmark -p {port[1]} -n {requests} -c {CONNECTIONS} -t ping_inline -q"
            before = cpu_seconds(server.pid)
            subprocess.run(load.split(), check=True, capture_output=True, timeout=120)
            return (cpu_seconds(server.pid) - before) / requests * 1e6
        finally:
            server.terminate()

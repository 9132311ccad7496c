"""The server's CPU time for a request that one of many rules answers.

`PING` is what the last of 1, 100, 1,000 and 10,000 exact rules is for; then of 1,000 among which
ten regexes stand, all of which have to be searched before it. The load comes from redis-benchmark
(Debian's redis-tools): 50 connections with one request in flight each. The least time of several
rounds is printed, and its ratio to a single rule's.

    python benchmarks/rules.py [requests] [rounds]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measuring import SOCKREPLY, measure

SERVICE = """\
[services.default]
listen = "tcp:0:interface=127.0.0.1"
framing = "line:ending=crlf"
keep_alive = true
otherwise = "+OK" # redis-benchmark asks for CONFIG first, and waits
"""
RULE = """
[[services.default.rules]]
when = {{ {condition} }}
reply = "{reply}"
"""
REGEXES = 10


def table(rules: int, regexes: int = 0) -> str:
    """A configuration file with so many exact rules, of which the last one answers PING."""
    every = rules // (regexes + 1)
    lines = [SERVICE]
    for number in range(1, rules):
        lines.append(RULE.format(condition=f'equals = "COMMAND {number}"', reply=f"+{number}"))
        if regexes and number % every == 0:
            lines.append(RULE.format(condition=f"regex = '^GET ({number}|x+)$'", reply="+GOT"))
    lines.append(RULE.format(condition='equals = "PING"', reply="+PONG"))
    return "".join(lines)


def main(requests: int = 100_000, rounds: int = 3) -> None:
    """Measure all, in turn."""
    tables = {f"{rules:,}": table(rules) for rules in (1, 100, 1_000, 10_000)}
    tables[f"1,000 and {REGEXES} regexes"] = table(1_000, REGEXES)
    least = dict.fromkeys(tables, float("inf"))
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "rules.toml"
        command = [SOCKREPLY, "serve", "--config", str(file)]
        for _ in range(rounds):
            for name, text in tables.items():
                file.write_text(text)
                least[name] = min(least[name], measure(command, requests))
    print(f"{'exact rules':24} {'us':>6} {'ratio':>6}")
    for name, used in least.items():
        print(f"{name:24} {used:6.1f} {used / least['1']:6.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

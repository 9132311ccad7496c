"""Shows that parsing costs the same for every byte, however a stream is cut.

    python benchmarks/framing_linear.py

Each framing parses streams of one long message and of many short ones, cut into reads of one byte
and of 64 KiB. A line tells the CPU time at three sizes, each twice the one before, and how many
times as long the larger took: a ratio near 2 is linear, near 4 quadratic. The exit status is 1 if
a ratio at the largest doubling is above 3.

For `chunk` a long message is a read. `gap` is told of a silence after each read to have many
messages, and `eof` never has more than one. Messages are made of what their framing's end begins
with, for that is the hardest to search.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sockreply.framing import Choice, Entry, Framing, parse_framing
from sockreply.masks import Mask

KIB = 1024
ONE_LONG = "one long"
MANY_SHORT = "many short"
SHORT = 16
"""The bytes of a short message."""
REPEATS = 3
"""The best of so many counts."""
SECONDS = 0.02
"""A short stream is parsed again and again for so long; the fastest time counts."""
TOO_STEEP = 3.0
"""Between the ratio of linear costs and that of quadratic ones."""

SIZES = {
    1: [64 * KIB, 128 * KIB, 256 * KIB],
    64 * KIB: [512 * KIB, 1024 * KIB, 2048 * KIB],
}
"""The bytes of the streams, by the bytes of a read."""

FRAMINGS = {
    "chunk": b"x",
    "line": b"\r",
    "line:ending=any": b"x",
    "line:ending=any,telnet=strip": b"x",
    "line:blocks=yes": b"#11\n",
    r"delimited:end=\r\n.\r\n": b"\r\n.\r",
    "length:bytes=4": b"x",
    "length:digits=9,inclusive=yes": b"x",
    r"length:until=\x20": b"1",
    "length:form=leb128": b"\x80",
    "length:form=ber": b"\x81",
    "netstring": b"x",
    "fixed": b"x",
    r"enclosed:start=\x0b,end=\x1c\r": b"\x1c",
    r"enclosed:start=\x02,end=\r\n\r|\x03,trailer=2,restart=yes": b"\r\nx",
    "fix": b"\x01",
    "json": b"\\",
    "gap": b"x",
    "eof": b"x",
    "a list": b"x",
    "resp": b"x",
}
"""The framings, and of what their messages are made; `fixed` has the size of the messages, and
`json` has strings."""

LINES_AND_NETSTRINGS = Choice(
    (Entry(parse_framing("line"), (Mask(b"x"),)), Entry(parse_framing("netstring")))
)
"""The list; short messages are of both kinds in turn."""


@dataclass(frozen=True)
class Run:
    """A stream and how it comes.

    Args:
        framing: Parses it.
        wire: All of it.
        longest: The bytes of its messages.
        read: The bytes of a read.
        silences: Does the peer fall silent after each read?
    """

    framing: Framing
    wire: bytes
    longest: int
    read: int
    silences: bool

    def seconds(self) -> float:
        """The CPU time to parse the stream."""
        reads = [self.wire[at : at + self.read] for at in range(0, len(self.wire), self.read)]
        times: list[float] = []
        while sum(times) < SECONDS:
            start = time.process_time()
            self._parse(reads)
            times.append(time.process_time() - start)
        return min(times)

    def _parse(self, reads: list[bytes]) -> None:
        framer = self.framing.framer(self.longest)
        received = 0
        for read in reads:
            framer.receive_data(read)
            if self.silences:
                framer.receive_silence()
            while (message := framer.next_message()) is not None:
                received += len(message)
        framer.receive_eof()
        while (message := framer.next_message()) is not None:
            received += len(message)
        if framer.buffered or not received:
            raise AssertionError(f"{self.framing}: {framer.buffered} bytes were not parsed")


def runs() -> Iterator[tuple[str, str, int, list[Run]]]:
    """What is measured: framing, kind of messages, bytes of a read, a run for each size."""
    for read, sizes in SIZES.items():
        for kind in (ONE_LONG, MANY_SHORT):
            for spec, filling in FRAMINGS.items():
                if (spec, kind) != ("eof", MANY_SHORT):
                    yield spec, kind, read, [run_of(spec, filling, kind, read, n) for n in sizes]


def run_of(spec: str, filling: bytes, kind: str, read: int, size: int) -> Run:
    """A stream of about so many bytes."""
    longest = size if kind == ONE_LONG else SHORT
    message = (filling * longest)[:longest]
    if message.endswith(b"\r"):  # would be part of what ends a line
        message = message[:-1] + b"x"
    if spec == "json":
        message = b'"' + message[1:-1] + b'"'
    framing: Any = LINES_AND_NETSTRINGS
    if spec == "a list":
        wire = b"".join(each.frame(message) for each in framing.all) * (size // longest // 2)
        wire = wire or framing.all[0].frame(message)
    else:
        framing = parse_framing(f"fixed:size={longest}" if spec == "fixed" else spec)
        wire = framing.mirrored().frame(message) * (size // longest)
    silences = spec == "gap" and kind == MANY_SHORT
    return Run(framing, wire, max(longest, read) if silences else longest, read, silences)


def main() -> int:
    """Measure, print, and judge the last doubling of each line."""
    bytes(31 * KIB * KIB)  # glibc then keeps what is freed, and page faults are not measured
    print(f"{'framing':58}{'messages':12}{'read':>8}   CPU ms at 1, 2, 4 times the size   ratios")
    too_steep = 0
    for spec, kind, read, by_size in runs():
        rounds = [[run.seconds() for run in by_size] for _ in range(REPEATS)]
        best = [min(times) for times in zip(*rounds, strict=True)]
        ratios = [longer / shorter for shorter, longer in pairwise(best)]
        steep = ratios[-1] > TOO_STEEP
        too_steep += steep
        print(
            f"{spec:58}{kind:12}{read:8}   "
            + "".join(f"{1000 * seconds:10.2f}" for seconds in best)
            + "     "
            + "".join(f"{ratio:6.2f}" for ratio in ratios)
            + "  not linear" * steep,
            flush=True,
        )
    return 1 if too_steep else 0


if __name__ == "__main__":
    sys.exit(main())

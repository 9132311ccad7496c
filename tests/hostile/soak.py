"""Peers of all kinds that talk to a daemon at once, and know what they have to be answered."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from threading import Event, Thread

from sockreply.framing import Framing
from sockreply.framing.registry import parse_framing
from tests.end_to_end.clients import connect, read_all, read_bytes, reset

SLOW = b"slow"
"""What a message has that is answered after a delay."""

FRAMINGS = {
    "chunk": "chunk",
    "line": "line",
    "delimited": "delimited:end=;",
    "binary": "length:bytes=2",
    "digits": "length:digits=4",
    "netstring": "netstring",
    "fixed": "fixed:size=8",
    "enclosed": r"enclosed:start=\x02,end=\x03",
    "gap": "gap:seconds=0.02",
    "eof": "eof",
}
"""Every framing, by the name of a service that has it."""

HEADER = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 7000\r\n"
"""What a balancer sends before all else."""


@dataclass(frozen=True)
class Place:
    """A service that is talked to.

    Args:
        port: On 127.0.0.1.
        framing: Of its messages.
        tls: Does its listener speak TLS?
        header: What each connection begins with.
    """

    port: int
    framing: Framing
    tls: bool = False
    header: bytes = b""

    def connect(self) -> socket.socket:
        """A connection whose first message may come."""
        client = connect(self.port)
        if self.tls:
            return ssl._create_unverified_context().wrap_socket(client)
        client.sendall(self.header)
        return client

    def frame(self, message: bytes) -> bytes:
        """What a client sends, and what an echo answers."""
        return self.framing.mirrored().frame(message)


def places(ports: Mapping[str, int]) -> list[Place]:
    """The places of services with framings, and of two lines behind TLS and a balancer.

    Args:
        ports: Of the services, by name: those of `FRAMINGS`, "tls" and "proxy".
    """
    return [
        Place(
            port,
            parse_framing(FRAMINGS.get(name, "line")),
            tls=name == "tls",
            header=HEADER if name == "proxy" else b"",
        )
        for name, port in ports.items()
    ]


@dataclass
class Said:
    """What became of what peers asked that behave."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    rude: int = 0
    """Connections of peers that do not behave."""


class Peer:
    """Talks, at one place after the other, until it is told to stop.

    Args:
        where: The places.
        seed: Decides what it does.
    """

    def __init__(self, where: list[Place], seed: int) -> None:
        self.said = Said()
        self._where = where
        self._random = Random(seed)

    def talk(self, stop: Event) -> None:
        """Do this and that."""
        ways: list[Callable[[Place], None]] = [self._ask, self._ask, self._ask, self._be_rude]
        while not stop.is_set():
            self._random.choice(ways)(self._random.choice(self._where))

    def _ask(self, place: Place) -> None:
        """Ask as clients do, some of which half-close, and look at what is answered."""
        random, framing = self._random, place.framing
        alone = framing.may_run_together or framing.one_message_each_way
        messages = [
            self._message(framing) for _ in range(1 if alone else random.choice([1, 3, 40]))
        ]
        wire = b"".join(map(place.frame, messages))
        half_close = framing.one_message_each_way or (not place.tls and random.random() < 0.5)
        try:
            with place.connect() as client:
                for piece in [wire] if alone else self._cut(wire):
                    client.sendall(piece)
                if half_close:
                    client.shutdown(socket.SHUT_WR)
                heard = read_all(client) if half_close else read_bytes(client, len(wire))
        except OSError as error:
            heard = repr(error).encode()
        if heard == wire:
            self.said.right += 1
        else:
            self.said.wrong.append(f"{framing.name}: {heard[:60]!r} for {wire[:60]!r}")

    def _message(self, framing: Framing) -> bytes:
        if framing.message_size is not None:
            return self._random.choice([b"12345678", b"slow5678"])
        word = SLOW if self._random.random() < 0.1 else b"quick"
        return word + b"x" * self._random.choice([0, 10, 1000])

    def _cut(self, wire: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(wire):
            size = self._random.choice([1, 7, 100, 5000])
            yield wire[at : at + size]
            at += size

    def _be_rude(self, place: Place) -> None:
        """Send what is wrong, too much or too little, or leave in the middle."""
        self.said.rude += 1
        random = self._random
        with suppress(OSError), place.connect() as client:
            client.settimeout(1)
            match random.randrange(7):
                case 0:
                    client.sendall(random.randbytes(300))
                case 1:
                    client.sendall(b"1" * 70_000)
                case 2:
                    client.sendall(place.frame(b"12345678") * 200)
                    time.sleep(0.02)
                    reset(client)
                case 3:
                    client.sendall(place.frame(b"slow5678")[:-1])
                    reset(client)
                case 4:
                    client.sendall(place.frame(b"slow5678"))
                case 5:
                    client.sendall(place.frame(b"12345678"))
                    client.shutdown(socket.SHUT_WR)
                    read_all(client)
                case 6:
                    self._flood(client, place)

    def _flood(self, client: socket.socket, place: Place) -> None:
        """Ask until nobody takes any more of it, and read nothing."""
        if place.framing.message_size is None:
            client.settimeout(0.2)
            for _ in range(100):
                client.sendall(place.frame(b"quick" + b"x" * 1000) * 60)


@contextmanager
def peers(where: list[Place], count: int, seed: int) -> Iterator[list[Peer]]:
    """Let so many peers talk, and wait at the end until each has finished."""
    stop = Event()
    talking = [Peer(where, seed + number) for number in range(count)]
    threads = [Thread(target=each.talk, args=(stop,)) for each in talking]
    for thread in threads:
        thread.start()
    try:
        yield talking
    finally:
        stop.set()
        for thread in threads:
            thread.join()

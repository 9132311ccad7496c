"""Peers of /metrics cost the services nothing: greedy ones, idle ones, slow ones."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, read_bytes
from tests.end_to_end.daemons import Daemon, Start, with_open_files
from tests.end_to_end.waiting import eventually
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import ANYWHERE, NAIVE
from tests.hostile.supervisor import kept_port

RULES = 3000
"""Whose counts are on the page."""

RULE = '{ when = { equals = "NUMBER" }, reply = "" }'

ECHO = f"""
[services.echo]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
otherwise = {{ echo = true }}
rules = [{", ".join(RULE.replace("NUMBER", str(number)) for number in range(RULES))}]

[metrics]
listen = "tcp:PORT:interface=127.0.0.1"
"""

FEW_FILES = with_open_files(300, 300)


@dataclass(frozen=True)
class Served:
    """A server with an echo, and a page of counts.

    Args:
        server: The process.
        echo: The port of the echo.
        web: That of the page.
    """

    server: Daemon
    echo: int
    web: int

    def files(self) -> int:
        """Descriptors that it has."""
        return sum(1 for _ in Path(f"/proc/{self.server.pid}/fd").iterdir())


GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def when_it_answers(served: Served) -> Served:
    """The same, once the page is there."""
    eventually(lambda: answer(served.web, GET))
    return served


def answer(port: int, request: bytes) -> bool:
    """Is somebody who connects now answered within a second?"""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as client:
        client.sendall(request)
        return client.recv(1) != b""
    return False


@contextmanager
def our_daemon(start_daemon: Start, tmp_path: Path, under: Sequence[str] = ()) -> Iterator[Served]:
    """A daemon with `[metrics]`."""
    with kept_port() as web:
        file = tmp_path / "echo.toml"
        file.write_text(ECHO.replace("PORT", str(web)))
        daemon = start_daemon("--config", str(file), under=under)
        yield when_it_answers(Served(daemon, daemon.port, web))


@contextmanager
def plain_site(start_daemon: Start, under: Sequence[str] = ()) -> Iterator[Served]:
    """A `twisted.web.server.Site` beside an echo."""
    with kept_port() as web:
        where = f"tcp:{web}:interface=127.0.0.1"
        options = (*ANYWHERE, "--web", where, "--counts", str(RULES // 2))  # two lines each
        server = start_daemon(*options, runner=NAIVE, under=under)
        yield when_it_answers(Served(server, server.port, web))


@dataclass(frozen=True)
class Greed:
    """What peers of the page cost that ask for much and read nothing."""

    longest: float
    """Seconds that somebody waited for an echo."""
    grown: int
    """Bytes of memory."""

    def __str__(self) -> str:
        return f"longest wait for an echo {self.longest:.2f} s, {self.grown / 1e6:.0f} MB more"


GREEDY = 4
ASKED = 50
WATCHED = 3.0
"""Seconds for which the echo is watched."""


def greed(served: Served) -> Greed:
    """Let peers ask for the page many times each, and read nothing of it."""
    with ExitStack() as stack:
        client = stack.enter_context(connect(served.echo))
        assert longest_wait(client, 0.2) < WATCHED
        before = served.server.memory()
        for _ in range(GREEDY):
            stack.enter_context(connect(served.web)).sendall(GET * ASKED)
        longest = longest_wait(client, WATCHED)
        return Greed(longest, served.server.memory() - before)


def longest_wait(client: socket.socket, seconds: float) -> float:
    """The longest wait for an echo in this time."""
    longest, until = 0.0, time.monotonic() + seconds
    while (begun := time.monotonic()) < until:
        client.sendall(b"hello\n")
        with suppress(TimeoutError):
            assert read_bytes(client, 6) == b"hello\n"
        longest = max(longest, time.monotonic() - begun)
        time.sleep(0.01)
    return longest


def assert_greed_costs_little(what: Greed) -> None:
    """Nobody else notices."""
    assert what.longest < 0.5
    assert what.grown < 10_000_000


def test_one_request_is_answered_at_a_time(
    start_daemon: Start, figure: Figure, tmp_path: Path
) -> None:
    """Whoever asks for hundreds of pages, and reads none, costs no more than one page."""
    with our_daemon(start_daemon, tmp_path) as served:
        what = greed(served)
    figure(Promise.METRICS, f"{GREEDY} peers ask for {ASKED} pages each, unread: {what}")
    assert_greed_costs_little(what)


def test_all_requests_are_answered_at_once(start_daemon: Start, figure: Figure) -> None:
    """The control: a plain site renders all of them before it does anything else."""
    with plain_site(start_daemon) as served:
        what = greed(served)
    figure(Promise.METRICS, f"the same: {what}", control=True)
    with pytest.raises(AssertionError):
        assert_greed_costs_little(what)


CROWD = 400
"""More than there are files."""

NEWCOMERS = 4


@dataclass(frozen=True)
class Crowded:
    """How newcomers do, when peers of the page stay and say nothing."""

    echoed: int
    """Newcomers to the echo that were answered in time."""
    answered: int
    """The same of the page."""
    taken: int
    """Most descriptors that the crowd had."""
    lines: int
    """Logged meanwhile."""

    def __str__(self) -> str:
        return (
            f"{self.echoed} of {NEWCOMERS} newcomers answered by the echo, "
            f"{self.answered} of {NEWCOMERS} by the page, {self.taken} descriptors taken, "
            f"{self.lines} log lines"
        )


def crowded(served: Served) -> Crowded:
    """Let a crowd connect to the page and say nothing, and somebody come after it."""
    before, lines = served.files(), served.server.log.count("\n")
    with ExitStack() as stack:
        taken = 0
        for _ in range(CROWD):
            stack.enter_context(connect(served.web))
            taken = max(taken, served.files() - before)
        echoed = sum(answer(served.echo, b"hello\n") for _ in range(NEWCOMERS))
        answered = sum(answer(served.web, GET) for _ in range(NEWCOMERS))
        taken = max(taken, served.files() - before)
        return Crowded(echoed, answered, taken, served.server.log.count("\n") - lines)


PLACES = 64
LINES_A_SECOND = 20


def assert_not_crowded_out(what: Crowded) -> None:
    """Everybody is answered, and the crowd has no more than its places."""
    assert what.echoed == what.answered == NEWCOMERS
    assert what.taken <= PLACES
    assert what.lines <= 3 * (LINES_A_SECOND + 1)


def test_idle_peers_make_place(start_daemon: Start, figure: Figure, tmp_path: Path) -> None:
    """400 that say nothing take 64 descriptors at most, and whoever comes next is answered."""
    with our_daemon(start_daemon, tmp_path, under=FEW_FILES) as served:
        what = crowded(served)
    figure(Promise.METRICS, f"{CROWD} idle peers, 300 files: {what}")
    assert_not_crowded_out(what)


def test_idle_peers_take_all(start_daemon: Start, figure: Figure) -> None:
    """The control: a plain site keeps all of them, until there are no descriptors."""
    with plain_site(start_daemon, under=FEW_FILES) as served:
        what = crowded(served)
    figure(Promise.METRICS, f"the same: {what}", control=True)
    with pytest.raises(AssertionError):
        assert_not_crowded_out(what)


DEADLINE = 10.0
SLACK = 2.0
EVERY = 0.25
"""Seconds between two pieces that a slow peer sends."""

UNREAD = "takes no answer"

SLOW: dict[str, tuple[bytes, bytes]] = {
    "says nothing": (b"", b""),
    "sends letters of a first line": (b"", b"G"),
    "sends header lines": (b"GET /metrics HTTP/1.1\r\n", b"x: y\r\n"),
    "sends bytes of a body": (b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", b"x"),
    "has asked before": (GET, b""),
    UNREAD: (GET, b""),
}
"""What each of them sends first, and then again and again."""


def lives(port: int) -> dict[str, float | None]:
    """Seconds after which each of the slow peers was let go; None: it was not."""
    begun, gone = time.monotonic(), dict.fromkeys(SLOW)
    with ExitStack() as stack:
        clients = {name: stack.enter_context(connect(port)) for name in SLOW}
        clients[UNREAD].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for name, (first, _) in SLOW.items():
            clients[name].sendall(first)
        while None in gone.values() and time.monotonic() < begun + DEADLINE + SLACK:
            time.sleep(EVERY)
            for name in [name for name in gone if gone[name] is None]:
                if is_over(clients[name], SLOW[name][1], reads=name != UNREAD):
                    gone[name] = time.monotonic() - begun
    return gone


def is_over(client: socket.socket, piece: bytes, *, reads: bool) -> bool:
    """Has the server closed the connection? If not, send one more piece."""
    look = select.poll()
    look.register(client, 0)  # errors and hang-ups are told anyway
    if look.poll(0):
        return True
    try:
        while reads and select.select([client], [], [], 0)[0]:
            if not client.recv(65536):
                return True
        client.sendall(piece)
    except ConnectionError:
        return True
    return False


def shown(gone: dict[str, float | None]) -> str:
    """For the figures."""
    return ", ".join(
        f"{name}: {'never' if seconds is None else f'{seconds:.1f} s'}"
        for name, seconds in gone.items()
    )


def assert_all_are_let_go(gone: dict[str, float | None]) -> None:
    """Each in its time."""
    assert all(seconds and seconds < DEADLINE + SLACK for seconds in gone.values()), gone


def test_slow_peers_are_let_go(start_daemon: Start, figure: Figure, tmp_path: Path) -> None:
    """Whatever a peer does slowly, it has ten seconds for it."""
    with our_daemon(start_daemon, tmp_path) as served:
        gone = lives(served.web)
    figure(Promise.METRICS, f"a peer that {shown(gone)}")
    assert_all_are_let_go(gone)


def test_slow_peers_stay(start_daemon: Start, figure: Figure) -> None:
    """The control: to a plain site, each byte is a reason to wait for another minute."""
    with plain_site(start_daemon) as served:
        gone = lives(served.web)
    figure(Promise.METRICS, f"a peer that {shown(gone)}", control=True)
    with pytest.raises(AssertionError):
        assert_all_are_let_go(gone)

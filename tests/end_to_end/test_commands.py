"""Commands that make replies: real processes under the running reactor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_twisted  # type: ignore[import-untyped]  # it has no types to be checked
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import LoopingCall, deferLater
from twisted.python.failure import Failure

from sockreply.errors import CommandFailed
from sockreply.framing import parse_framing
from sockreply.replies import Await, Reply, Session
from sockreply.rules.replies.commands import EXIT_GRACE, OUTPUT_LIMIT, Commands, run_command
from sockreply.server import Limits, ReplyFactory, ReplyService
from sockreply.turns import Turns
from tests.end_to_end import clients, waiting
from tests.end_to_end.daemons import Start, needs_proc
from tests.end_to_end.waiting import PATIENCE

reactor: Any = the_reactor

_Test = TypeVar("_Test", bound=Callable[..., object])
in_reactor: Callable[[_Test], _Test] = pytest_twisted.ensureDeferred

pytestmark = needs_proc


async def pause(seconds: float) -> None:
    """Let the reactor run for a while."""
    await deferLater(reactor, seconds)


async def eventually(happened: Callable[[], object]) -> None:
    """Return as soon as something has happened; fail when it does not."""
    for _ in range(int(PATIENCE / 0.01)):
        if happened():
            return
        await pause(0.01)
    raise AssertionError(f"did not happen in {PATIENCE:g} s")


def run(*argv: str, message: bytes = b"", timeout: float = PATIENCE) -> Deferred[bytes]:
    """Run a command."""
    return run_command(reactor, argv, message, timeout)


def shell(script: str, message: bytes = b"", timeout: float = PATIENCE) -> Deferred[bytes]:
    """Run what a shell reads as a script."""
    return run("sh", "-c", script, message=message, timeout=timeout)


async def failure_of(answer: Deferred[bytes]) -> str:
    """Why there is no answer."""
    with pytest.raises(CommandFailed) as caught:
        await answer
    return str(caught.value)


def children() -> int:
    """How many processes are ours, dead ones that were not reaped among them."""
    found = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            found += int(fields_of(stat)[1]) == os.getpid()
    return found


def fields_of(stat: Path) -> list[str]:
    """What the kernel tells of a process, from its state and its parent on; see proc(5)."""
    return stat.read_text().rpartition(")")[2].split()


def descriptors() -> int:
    """How many of them are open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def lives(pid: int) -> bool:
    """Does that process run? One that is dead and not yet reaped does not."""
    try:
        return fields_of(Path(f"/proc/{pid}/stat"))[0] != "Z"
    except OSError:
        return False


def pids_in(file: Path, number: int) -> list[int]:
    """The numbers that processes have written, if they all have."""
    text = file.read_text() if file.exists() else ""
    return [int(each) for each in text.split()] if text.count("\n") == number else []


TWO_THAT_SLEEP = "sleep 1000 & echo $! >> {0}; echo $$ >> {0}; wait; echo done"
"""A shell that writes the numbers of its child and its own to a file, and sleeps with it."""


@in_reactor
async def test_message_in_output_out() -> None:
    """A command's output on the message is the answer; both may be empty, and any bytes."""
    for message in (b"", b"hello", bytes(range(256))):
        assert await run("cat", message=message) == message


@in_reactor
async def test_big_messages_and_outputs() -> None:
    """A command may read a big message and print as much as its limit, at the same time."""
    assert await run("wc", "-c", message=bytes(10_000_000)) == b"10000000\n"
    assert await run("cat", message=bytes(OUTPUT_LIMIT)) == bytes(OUTPUT_LIMIT)
    limit = "command cat: printed more than 1048576 bytes"
    assert await failure_of(run("cat", message=bytes(OUTPUT_LIMIT + 1))) == limit
    assert await failure_of(run("yes")) == "command yes: printed more than 1048576 bytes"


@in_reactor
async def test_message_that_is_not_read() -> None:
    """A command need not read its message, however big: neither when it ends nor before."""
    assert await run("true", message=bytes(10_000_000)) == b""
    assert await shell("exec <&-; sleep 0.1; echo OK", bytes(10_000_000)) == b"OK\n"


@in_reactor
async def test_failures() -> None:
    """A status, a signal and a program that cannot be started are told in a line."""
    said = "ended with status 3, saying 'no disk'"
    assert await failure_of(shell("echo no disk >&2; echo x; exit 3")) == f"command sh: {said}"
    assert "ended by signal 9 (Killed)" in await failure_of(shell("kill -9 $$"))
    missing = "cannot start: No such file or directory"
    assert await failure_of(run("/nonesuch")) == f"command /nonesuch: {missing}"
    assert "cannot start: Permission denied" in await failure_of(run("/"))
    nul = await failure_of(run("a\0b"))  # Pythons have different words for it
    assert "cannot start: " in nul
    assert "embedded null" in nul


@in_reactor
async def test_chatty_command() -> None:
    """Much on standard error neither blocks a command nor fails it."""
    assert await shell("yes | head -c 5000000 >&2; echo OK") == b"OK\n"
    reason = await failure_of(shell("yes | head -c 5000000 >&2; exit 1"))
    assert reason.endswith(r"y\n'... (5000000 bytes)")


@in_reactor
async def test_signals_that_python_ignores() -> None:
    """A broken pipe ends a command by SIGPIPE, as under a shell, though Python ignores that."""
    assert "ended by signal 13" in await failure_of(shell("kill -PIPE $$; echo still here"))


@in_reactor
async def test_timeout_kills_the_group(tmp_path: Path) -> None:
    """A command that takes too long is killed with what it has started."""
    file = tmp_path / "pids"
    answer = shell(TWO_THAT_SLEEP.format(file), timeout=1)
    assert await failure_of(answer) == "command sh: did not finish within 1 s"
    (child, itself) = pids_in(file, 2)
    await eventually(lambda: not lives(child) and not lives(itself))


@in_reactor
async def test_cancel_kills_the_group(tmp_path: Path) -> None:
    """So is one that is cancelled."""
    file = tmp_path / "pids"
    answer = shell(TWO_THAT_SLEEP.format(file))
    await eventually(lambda: pids_in(file, 2))
    answer.cancel()
    with pytest.raises(CancelledError):
        await answer
    (child, itself) = pids_in(file, 2)
    await eventually(lambda: not lives(child) and not lives(itself))


@pytest.mark.parametrize("where", ["", ">/dev/null 2>&1"])
@in_reactor
async def test_what_a_command_leaves_behind(where: str, tmp_path: Path) -> None:
    """What is left when a command ends holds up no answer, and is killed."""
    file = tmp_path / "pids"
    began = reactor.seconds()
    assert await shell(f"sleep 1000 {where} & echo $! > {file}; echo OK") == b"OK\n"
    assert reactor.seconds() - began < PATIENCE / 2
    (child,) = pids_in(file, 1)
    await eventually(lambda: not lives(child))


@in_reactor
async def test_busy_loop() -> None:
    """A loop that is too busy to read in time loses none of the output."""
    answer = run("head", "-c", "30000", "/dev/zero")
    busy = LoopingCall(time.sleep, 2 * EXIT_GRACE)
    busy.start(0)
    try:
        assert await answer == bytes(30_000)
    finally:
        busy.stop()


@in_reactor
async def test_what_leaves_the_group(tmp_path: Path) -> None:
    """What leaves the group is out of reach, but holds up nothing and costs no descriptor."""
    file = tmp_path / "pid"
    before = descriptors()
    leaves = f"setsid sh -c 'echo $$ > {file}; exec sleep 1000' &"
    until_then = f"while [ ! -s {file} ]; do sleep 0.01; done"
    assert await shell(f"{leaves} {until_then}; echo OK", bytes(10_000_000)) == b"OK\n"
    (escaped,) = pids_in(file, 1)
    try:
        assert descriptors() == before
        assert lives(escaped)
    finally:
        os.kill(escaped, signal.SIGKILL)


@in_reactor
async def test_inherited_descriptors(tmp_path: Path) -> None:
    """A command has three descriptors: not those of the service's, nor those passed to it."""
    with (tmp_path / "open").open("wb") as passed:
        os.set_inheritable(passed.fileno(), True)
        seen = await Commands().run(reactor, ("sh", "-c", "ls /proc/$$/fd"), b"", PATIENCE)
    assert set(map(int, seen.split())) - {10} == {0, 1, 2}  # 10 may be a shell's own


@in_reactor
async def test_nothing_is_left() -> None:
    """After many commands of all kinds, there is a watcher, its pipe, and no other child."""
    await run("true")  # what the first one costs for good
    children_before, descriptors_before = children(), descriptors()
    commands = Commands(Turns(16, 16))
    answers: list[Deferred[object]] = []
    for each in range(200):
        argv, timeout = [
            (("cat",), PATIENCE),
            (("/nonesuch",), PATIENCE),
            (("sh", "-c", "sleep 1000; echo x"), 0.05),
            (("sh", "-c", "sleep 1000 & exit 1"), PATIENCE),
            (("sleep", "1000"), PATIENCE),
        ][each % 5]
        answer: Deferred[Any] = commands.run(reactor, argv, b"x" * each * 1_000, timeout)
        if argv[0] == "sleep":
            reactor.callLater(0.003 * each, answer.cancel)
        answers.append(answer.addErrback(lambda failure: failure.type))
    results = await gatherResults(answers)
    assert results[::5] == [b"x" * each * 1_000 for each in range(0, 200, 5)]
    assert set(results[4::5]) == {CancelledError}
    assert {each for place in (1, 2, 3) for each in results[place::5]} == {CommandFailed}
    await eventually(lambda: children() == children_before + 1)
    assert descriptors() == descriptors_before + 1


class Runs:
    """Answers with the output of a command.

    Args:
        script: What a shell reads as one.
    """

    def __init__(self, script: str) -> None:
        self._script = script

    def respond(self, message: bytes, session: Session) -> Reply:
        return Reply(Await(shell(self._script, message)))


class Client(Protocol):
    """Says a line, and keeps what comes."""

    def __init__(self) -> None:
        self.got = b""
        self.ended: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"hello\n")

    def dataReceived(self, data: bytes) -> None:
        self.got += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.ended.callback(None)


def serve(script: str, reply_timeout: float = PATIENCE) -> ReplyService:
    """A service that answers lines with a script's output, started on a free port."""
    limits = Limits(reply_timeout=reply_timeout)
    factory = ReplyFactory(parse_framing("line"), Runs(script), reactor, limits=limits)
    service = ReplyService(reactor, factory, ["tcp:0:interface=127.0.0.1"])
    service.startService()
    return service


async def connect(service: ReplyService) -> Client:
    """A client of it that has said its line."""
    (address,) = service.addresses()
    port = getattr(address, "port")  # noqa: B009 - not every address has one
    client = Client()
    await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), client)
    return client


async def stop(service: ReplyService) -> None:
    """Stop it, and wait until it is done."""
    stopped = service.stopService()
    if stopped is not None:
        await stopped


@in_reactor
async def test_client_is_answered() -> None:
    """A client gets the command's output as a message, framed."""
    service = serve("tr a-z A-Z")
    client = await connect(service)
    await client.ended
    assert client.got == b"HELLO\n"
    await stop(service)


@in_reactor
async def test_peer_that_leaves(tmp_path: Path) -> None:
    """When the peer resets its connection, its command is killed with what it has started."""
    file = tmp_path / "pids"
    service = serve(TWO_THAT_SLEEP.format(file))
    client = await connect(service)
    await eventually(lambda: pids_in(file, 2))
    (child, itself) = pids_in(file, 2)
    assert lives(child)
    client.transport.abortConnection()  # type: ignore[union-attr]  # it is a TCP connection
    await eventually(lambda: not lives(child) and not lives(itself))
    assert service.factory.shared.counters.errors["abandoned"] == 1
    await stop(service)


@in_reactor
async def test_reply_timeout(tmp_path: Path) -> None:
    """A command that outlives the service's patience is killed, and the connection is closed."""
    file = tmp_path / "pids"
    service = serve(TWO_THAT_SLEEP.format(file), reply_timeout=1)
    client = await connect(service)
    await client.ended
    assert client.got == b""
    (child, itself) = pids_in(file, 2)
    await eventually(lambda: not lives(child) and not lives(itself))
    await stop(service)


@in_reactor
async def test_failed_command_closes() -> None:
    """A command that fails closes its connection, and none of its output is sent."""
    service = serve("echo half an answer; echo no disk >&2; exit 3")
    client = await connect(service)
    await client.ended
    assert client.got == b""
    assert service.factory.shared.counters.errors == {"reply": 1}
    await stop(service)


RESPONDER = """
from sockreply.rules.replies.commands import run_command

def run(message, session):
    return run_command(session.reactor, ("sh", "-c", message.decode()), b"", 1000)
"""


@pytest.mark.parametrize(("drain_timeout", "signals"), [("0.3", 1), ("600", 2)])
def test_end_of_the_daemon(
    drain_timeout: str, signals: int, start_daemon: Start, tmp_path: Path
) -> None:
    """A daemon that ends kills the commands that it no longer waits for."""
    (tmp_path / "runs.py").write_text(RESPONDER)
    file = tmp_path / "pids"
    daemon = start_daemon("--responder", "runs:run", "--drain-timeout", drain_timeout)
    with clients.connect(daemon.port) as client:
        client.sendall(TWO_THAT_SLEEP.format(file).encode())
        waiting.eventually(lambda: pids_in(file, 2))
        for _ in range(signals):
            daemon.signal(signal.SIGTERM)
            daemon.wait_for("SIGTERM: stopping")
        assert daemon.wait() == 0
    (child, itself) = pids_in(file, 2)
    waiting.eventually(lambda: not lives(child) and not lives(itself))

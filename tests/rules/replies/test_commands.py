"""Commands that make replies, with processes that only seem to run."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from sockreply.rules.replies.commands import (
    EXIT_GRACE,
    RETRY,
    TOLD_EVERY,
    Commands,
    run_command,
)
from sockreply.rules.replies.environment import kept
from sockreply.turns import Turns


class StandInProcess:
    """A process that does what a test says; it is its protocol's transport, too.

    Args:
        protocol: Is told.
        argv: What would run.
        environment: Its environment.
    """

    def __init__(
        self, protocol: ProcessProtocol, argv: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.argv = argv
        self.environment = environment
        self.input = b""
        self.input_ended = False
        self.killed = False
        self.protocol = protocol
        protocol.makeConnection(self)

    def write(self, data: bytes) -> None:
        assert not self.input_ended
        self.input += data

    def closeStdin(self) -> None:  # noqa: N802 - the name is Twisted's
        self.input_ended = True

    def end(self) -> None:
        self.killed = True

    def exits(self, status: int = 0, by_signal: int | None = None, held: bool = False) -> None:
        """It exits; held: something keeps its output open."""
        failed = status or by_signal
        why = ProcessTerminated(status, by_signal) if failed else ProcessDone(0)
        self.protocol.processExited(Failure(why))
        if not held:
            self.protocol.processEnded(Failure(why))


class StandInSpawn:
    """Starts processes that only seem to run.

    Args:
        error: Starts none, but raises it.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.clock = Clock()
        self.error = error
        self.started: list[StandInProcess] = []

    def __call__(
        self,
        reactor: Any,
        protocol: ProcessProtocol,
        argv: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        assert reactor is self.clock
        if self.error is not None:
            raise self.error
        self.started.append(StandInProcess(protocol, argv, environment))


def run(spawn: StandInSpawn, **options: Any) -> tuple[Deferred[bytes], StandInProcess]:
    """Start a command, and let its turn come."""
    answer = run_command(spawn.clock, ("prog", "arg"), b"asked", 5, spawn=spawn, **options)
    assert not spawn.started
    spawn.clock.advance(0)
    return answer, spawn.started[0]


def result(answer: Deferred[bytes]) -> object:
    """What a Deferred that has fired gave: an answer, or why there is none."""
    results: list[object] = []
    answer.addBoth(results.append)
    found = results[0] if results else None
    return str(found.value) if isinstance(found, Failure) else found


def test_output_is_the_answer() -> None:
    """A command gets the message on its standard input; what it prints is the answer."""
    spawn = StandInSpawn()
    answer, process = run(spawn)
    assert process.argv == ("prog", "arg")
    assert (process.input, process.input_ended) == (b"asked", True)
    process.protocol.childDataReceived(1, b"one ")
    process.protocol.childDataReceived(2, b"a warning is no answer")
    process.protocol.childDataReceived(1, b"two\n")
    assert not answer.called
    process.exits()
    assert result(answer) == b"one two\n"
    assert process.killed  # whatever else it started
    assert not spawn.clock.getDelayedCalls()


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command's environment is what each gets of ours, and what is added to it."""
    monkeypatch.setenv("SECRET_TOKEN", "secret")
    monkeypatch.setenv("LC_TIME", "C")
    _, process = run(StandInSpawn(), env={"ADDED": "added"})
    assert process.environment == {**kept(), "ADDED": "added"}
    assert process.environment["LC_TIME"] == "C"


def test_status() -> None:
    """A status other than 0 is a failure that names the command."""
    answer, process = run(StandInSpawn())
    process.protocol.childDataReceived(1, b"not an answer")
    process.exits(3)
    assert result(answer) == "command prog: ended with status 3"


def test_signal() -> None:
    """So is an end by a signal."""
    answer, process = run(StandInSpawn())
    process.exits(by_signal=signal.SIGSEGV)
    name = signal.strsignal(signal.SIGSEGV)
    assert result(answer) == f"command prog: ended by signal {signal.SIGSEGV:d} ({name})"


def test_what_a_failed_command_says() -> None:
    """What it says on standard error shows in one line, without the end of its last line."""
    answer, process = run(StandInSpawn())
    process.protocol.childDataReceived(2, b"no disk\nno ")
    process.protocol.childDataReceived(2, b"\x1b[31mhope\n")
    process.exits(1)
    said = r"'no disk\nno \x1b[31mhope'"
    assert result(answer) == f"command prog: ended with status 1, saying {said}"


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_however_much_it_says(pieces: list[bytes]) -> None:
    """Of whatever a command says on standard error, the beginning shows, in a printable line."""
    answer, process = run(StandInSpawn())
    for piece in pieces:
        process.protocol.childDataReceived(2, piece)
    process.exits(1)
    line = result(answer)
    assert isinstance(line, str)
    assert line.isprintable()
    size = sum(map(len, pieces))
    assert line.endswith(f"... ({size} bytes)") == (size > 200)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "No such file or directory"),
        (ValueError("embedded null byte"), "embedded null byte"),
    ],
)
def test_cannot_start(error: Exception, reason: str) -> None:
    """A command that cannot be started is a failure."""
    spawn = StandInSpawn(error)
    answer = run_command(spawn.clock, ("prog",), b"", 5, spawn=spawn)
    assert not answer.called
    spawn.clock.advance(0)
    assert result(answer) == f"command prog: cannot start: {reason}"


def test_too_much_output() -> None:
    """A command that prints more than it may is killed at once."""
    spawn = StandInSpawn()
    answer, process = run(spawn, limit=10)
    process.protocol.childDataReceived(1, b"0123456789")
    assert not process.killed
    process.protocol.childDataReceived(1, b"x")
    assert process.killed
    assert result(answer) == "command prog: printed more than 10 bytes"
    process.exits(by_signal=signal.SIGKILL)
    assert not spawn.clock.getDelayedCalls()


def test_all_that_it_may_print() -> None:
    """A command may print as much as its limit."""
    answer, process = run(StandInSpawn(), limit=10)
    process.protocol.childDataReceived(1, b"0123456789")
    process.exits()
    assert result(answer) == b"0123456789"


def test_timeout() -> None:
    """A command that takes longer than it may is killed."""
    spawn = StandInSpawn()
    answer, process = run(spawn)
    spawn.clock.advance(4.9)
    assert not process.killed
    spawn.clock.advance(0.1)
    assert process.killed
    assert result(answer) == "command prog: did not finish within 5 s"
    process.exits(by_signal=signal.SIGKILL, held=True)
    assert not spawn.clock.getDelayedCalls()


def test_cancel() -> None:
    """Cancelling kills the command, and nothing more comes of it."""
    spawn = StandInSpawn()
    answer, process = run(spawn)
    answer.cancel()
    assert process.killed
    assert answer.addErrback(lambda failure: failure.trap(CancelledError)).called
    process.exits(by_signal=signal.SIGKILL)
    assert not spawn.clock.getDelayedCalls()


def test_cancel_before_its_turn() -> None:
    """A command that is cancelled before its turn is not started."""
    spawn = StandInSpawn()
    answer = run_command(spawn.clock, ("prog",), b"", 5, spawn=spawn)
    answer.addErrback(lambda failure: failure.trap(CancelledError))
    answer.cancel()
    spawn.clock.advance(1)
    assert not spawn.started


def test_output_that_is_held_open() -> None:
    """When something holds the output open, what there is a moment after the exit is taken."""
    spawn = StandInSpawn()
    answer, process = run(spawn)
    process.exits(held=True)
    process.protocol.childDataReceived(1, b"late")
    spawn.clock.advance(EXIT_GRACE * 0.9)
    assert not process.killed
    spawn.clock.advance(EXIT_GRACE)
    assert process.killed
    assert result(answer) == b"late"
    assert not spawn.clock.getDelayedCalls()


def test_output_that_is_read_late() -> None:
    """That moment lasts for as long as there is something to be read in every turn."""
    spawn = StandInSpawn()
    answer, process = run(spawn)
    process.exits(held=True)

    def arrive(more: int) -> None:
        assert not process.killed
        process.protocol.childDataReceived(1, b"late ")
        if more:
            spawn.clock.callLater(0, arrive, more - 1)

    spawn.clock.callLater(EXIT_GRACE, arrive, 2)
    spawn.clock.advance(EXIT_GRACE)
    assert result(answer) == b"late late late "
    assert process.killed


def test_failure_while_output_is_held_open() -> None:
    """What is held open does not hold a failure, either."""
    spawn = StandInSpawn()
    answer, process = run(spawn)
    process.exits(1, held=True)
    spawn.clock.advance(EXIT_GRACE)
    assert result(answer) == "command prog: ended with status 1"


def start_many(spawn: StandInSpawn, number: int) -> list[Deferred[bytes]]:
    """Ask for many commands, of which two may run at a time."""
    commands = Commands(Turns(2, 2), spawn)
    answers = [
        commands.run(spawn.clock, ("prog",), b"%d" % each, 5, {"N": str(each)})
        for each in range(number)
    ]
    spawn.clock.advance(0)
    return answers


def test_number_at_a_time() -> None:
    """Commands over the number wait; the oldest starts when another is done."""
    spawn = StandInSpawn()
    answers = start_many(spawn, 4)
    assert [process.input for process in spawn.started] == [b"0", b"1"]
    spawn.started[1].exits()
    spawn.clock.advance(0)
    spawn.started[0].exits(1)
    spawn.clock.advance(0)
    assert [process.environment["N"] for process in spawn.started] == ["0", "1", "2", "3"]
    failed = "command prog: ended with status 1"
    assert [result(answer) for answer in answers] == [failed, b"", None, None]


def test_waiting_counts_against_nothing() -> None:
    """A command's time begins when it starts."""
    spawn = StandInSpawn()
    answers = start_many(spawn, 3)
    spawn.clock.advance(4)
    spawn.started[0].exits()
    spawn.clock.advance(0)
    spawn.clock.advance(4.9)
    assert result(answers[1]) == "command prog: did not finish within 5 s"
    assert not spawn.started[2].killed
    spawn.clock.advance(0.1)
    assert result(answers[2]) == "command prog: did not finish within 5 s"


def test_cancelled_while_it_waits() -> None:
    """A command that is cancelled while it waits for its turn leaves the queue."""
    spawn = StandInSpawn()
    answers = start_many(spawn, 4)
    answers[2].addErrback(lambda failure: failure.trap(CancelledError))
    answers[2].cancel()
    spawn.started[0].exits()
    spawn.clock.advance(0)
    assert [process.input for process in spawn.started] == [b"0", b"1", b"3"]


def test_cancelled_while_it_runs() -> None:
    """A command that is cancelled is killed, and makes room for the next."""
    spawn = StandInSpawn()
    answers = start_many(spawn, 3)
    answers[0].addErrback(lambda failure: failure.trap(CancelledError))
    answers[0].cancel()
    assert spawn.started[0].killed
    spawn.clock.advance(0)
    assert spawn.started[2].input == b"2"


def test_all_cancelled_together() -> None:
    """When all are cancelled together, those that waited never start."""
    spawn = StandInSpawn()
    answers = start_many(spawn, 1_000)
    for answer in answers:
        answer.addErrback(lambda failure: failure.trap(CancelledError))
        answer.cancel()
    spawn.clock.advance(1)
    assert len(spawn.started) == 2
    assert not spawn.clock.getDelayedCalls()


def test_many_that_cannot_start() -> None:
    """Any number of commands may fail to start, one after the other."""
    spawn = StandInSpawn(PermissionError(errno.EACCES, "Permission denied"))
    answers = start_many(spawn, 1_000)
    spawn.clock.pump([0] * 1_000)
    reasons = {result(answer) for answer in answers}
    assert reasons == {"command prog: cannot start: Permission denied"}


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM])
def test_what_has_run_out_is_waited_for(number: int) -> None:
    """Without descriptors or processes for it, a command is tried again, and one line says so."""
    spawn = StandInSpawn(OSError(number, os.strerror(number)))
    commands = Commands(Turns(2, 2), spawn)
    with capturedLogs() as events:
        answers = [commands.run(spawn.clock, ("prog",), b"", 5) for _ in range(3)]
        for _ in range(5):
            spawn.clock.advance(RETRY)
    assert [event["log_format"].format(**event) for event in events] == [
        f"commands wait: {os.strerror(number)}"
    ]
    spawn.error = None
    spawn.clock.advance(RETRY)
    assert len(spawn.started) == 2
    spawn.started[0].exits()
    assert result(answers[0]) == b""
    spawn.clock.advance(4.9)
    assert not spawn.started[1].killed  # its time began when it started


def test_waiting_for_what_has_run_out_is_given_up() -> None:
    """A command that is cancelled while it waits for descriptors is not tried again."""
    spawn = StandInSpawn(OSError(errno.EMFILE, "Too many open files"))
    answer = run_command(spawn.clock, ("prog",), b"", 5, spawn=spawn)
    answer.addErrback(lambda failure: failure.trap(CancelledError))
    spawn.clock.advance(0)
    answer.cancel()
    assert not spawn.clock.getDelayedCalls()


def test_lack_is_told_again_after_a_while() -> None:
    """A lack that lasts is told once a minute."""
    spawn = StandInSpawn(OSError(errno.EMFILE, "Too many open files"))
    with capturedLogs() as events:
        Commands(Turns(2, 2), spawn).run(spawn.clock, ("prog",), b"", 5)
        spawn.clock.pump([RETRY] * int(2.5 * TOLD_EVERY / RETRY))
    assert len(events) == 3


def test_another_peer_goes_first() -> None:
    """The next place is for the peer that runs fewer, though another has waited longer."""
    spawn = StandInSpawn()
    commands = Commands(Turns(2, 0), spawn)
    for peer in "aaab":
        commands.run(spawn.clock, ("prog",), peer.encode(), 5, peer=peer)
    spawn.clock.advance(0)
    spawn.started[0].exits()
    spawn.clock.advance(0)
    assert [process.input for process in spawn.started] == [b"a", b"a", b"b"]


def test_inherited_descriptors(tmp_path: Path) -> None:
    """What this process was started with is passed on to no command; without one all is left."""
    spawn = StandInSpawn(PermissionError(errno.EACCES, "Permission denied"))
    with (tmp_path / "open").open("wb") as file:
        os.set_inheritable(file.fileno(), True)
        commands = Commands(Turns(1, 1), spawn)
        assert os.get_inheritable(file.fileno())
        failed = commands.run(spawn.clock, ["prog"], b"", 1)
        assert not os.get_inheritable(file.fileno())
        spawn.clock.advance(0)
    assert str(result(failed)).startswith("command prog")

"""The `sockreply` command: what it understands, and what it says when it does not."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from sockreply.cli import WAITING_LIMIT, Asking, Options, SendOptions, main
from sockreply.errors import RequestTimeout


def parse(*words: str) -> SendOptions:
    """The options of `sockreply send`."""
    options = Options()
    options.parseOptions(["send", *words])
    assert isinstance(options.subOptions, SendOptions)
    return options.subOptions


class Connection:
    """Stands in for a connection whose replies the test gives."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Deferred[bytes]]] = []

    def request(self, message: bytes, timeout: float | None) -> Deferred[bytes]:
        reply: Deferred[bytes] = Deferred()
        self.asked.append((message, reply))
        return reply


def test_send_has_the_daemons_defaults() -> None:
    """Nothing said is the textbook's address, and chunk."""
    options = parse("hello")
    assert options.endpoint == "tcp:127.0.0.1:12345"
    assert options["framing"] == "chunk"
    assert options.messages == (b"hello",)


@pytest.mark.parametrize(
    ("words", "endpoint"),
    [
        (("--host", "::1", "-p", "7"), r"tcp:\:\:1:7"),
        (("--to", "unix:/run/x.sock"), "unix:/run/x.sock"),
    ],
)
def test_send_goes_where_it_is_told(words: tuple[str, ...], endpoint: str) -> None:
    """Hosts are quoted into an endpoint string; one that is given is taken as it is."""
    assert parse(*words).endpoint == endpoint


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "which command?"),
        (("explode",), "Unknown command: explode"),
        (("send", "--bogus"), "option --bogus not recognized"),
        (("send", "--port", "0"), "--port: '0' is not a whole number from 1 to 65535"),
        (("send", "--port", "1", "--to", "tcp:h:2"), "--to excludes --host and --port"),
        (("send", "--framing", "morse"), "--framing: unknown framing 'morse'"),
        (("send", "--timeout", "soon"), "--timeout: 'soon' is not a number of seconds"),
        (("send", "--hex", "0g"), "'0g' is not hexadecimal"),
        (("serve", "--framing", "morse"), "--framing: unknown framing 'morse'"),
        (("serve", "surplus"), "'surplus' is not an option"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    """What cannot be understood is named, on standard error."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"sockreply: {says}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [["--version"], ["send", "--version"], ["serve", "--version"]])
def test_version_is_told(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Each command tells the version of sockreply, not of Twisted."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("sockreply ")


def test_asking_is_done_when_the_last_reply_is_shown(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """Neither the last message nor the last reply alone is the end."""
    connection = Connection()
    asking = Asking(connection, parse())  # type: ignore[arg-type] # all of one that it uses
    Deferred.fromCoroutine(asking.ask(b"one"))
    connection.asked[0][1].callback(b"ONE")
    assert not asking.done.called
    Deferred.fromCoroutine(asking.ask(b"two"))
    asking.all_asked()
    assert not asking.done.called
    connection.asked[1][1].callback(b"TWO")
    assert asking.done.called
    assert capfdbinary.readouterr().out == b"ONE\nTWO\n"


def test_asking_fails_with_the_first_reply_that_fails() -> None:
    """Later failures change nothing."""
    connection = Connection()
    asking = Asking(connection, parse())  # type: ignore[arg-type] # all of one that it uses
    failures: list[str] = []
    asking.done.addErrback(lambda failure: failures.append(str(failure.value)))
    for message in (b"one", b"two"):
        Deferred.fromCoroutine(asking.ask(message))
    asking.all_asked()
    for number, (_, reply) in enumerate(connection.asked):
        reply.errback(RequestTimeout(number))
    assert failures == ["no reply within 0 s"]


def test_only_so_many_messages_wait() -> None:
    """The next message is sent when one of those before it is answered."""
    connection = Connection()
    asking = Asking(connection, parse())  # type: ignore[arg-type] # all of one that it uses
    for _ in range(WAITING_LIMIT + 1):
        Deferred.fromCoroutine(asking.ask(b"x"))
    assert len(connection.asked) == WAITING_LIMIT
    connection.asked[0][1].callback(b"")
    assert len(connection.asked) == WAITING_LIMIT + 1

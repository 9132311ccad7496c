"""`sockreply send`, as a user calls it, against the textbook server and against our daemon."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.end_to_end.certificates import make_certificate
from tests.end_to_end.clients import read_all
from tests.end_to_end.daemons import SCRIPTS, Start
from tests.end_to_end.waiting import PATIENCE

GREETING = "안녕하세요, 서버!"
REPLY = "서버로부터 응답 메시지입니다."
FULL = Path("/dev/full")  # Linux's, which takes not one byte


@contextmanager
def server(serve: Callable[[socket.socket], object]) -> Iterator[int]:
    """A server made of nothing but `socket`, for one client; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE)

        def accept() -> None:
            client, _ = listening.accept()
            with client:
                client.settimeout(PATIENCE)
                serve(client)

        thread = Thread(target=accept)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(PATIENCE)


def command(port: int, *words: str) -> list[str]:
    """The command line of `sockreply send`."""
    return [str(SCRIPTS / "sockreply"), "send", "--port", str(port), *words]


def send(port: int, *words: str, stdin: bytes | None = None) -> tuple[int, bytes, str]:
    """Exit status, standard output and standard error of `sockreply send`."""
    done = subprocess.run(
        command(port, *words),
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture(scope="module")
def echo(start_shared_daemon: Start) -> int:
    """The port of a daemon that says every line again."""
    return start_shared_daemon("--framing", "line", "--keep-alive", "--echo").port


def test_textbook_server_gets_the_message_and_its_reply_is_printed() -> None:
    """The textbook server, which receives once, sends one reply and closes."""
    received = []

    def textbook(client: socket.socket) -> None:
        received.append(client.recv(1024).decode())
        client.sendall(REPLY.encode())

    with server(textbook) as port:
        assert send(port, GREETING) == (0, f"{REPLY}\n".encode(), "")
    assert received == [GREETING]


def test_replies_are_printed_a_line_each_in_order(echo: int) -> None:
    """Several messages go over one connection, and their replies come in their order."""
    assert send(echo, "--framing", "line", "one", "two", "three") == (0, b"one\ntwo\nthree\n", "")


def test_chunk_messages_wait_for_the_reply_before_them(start_daemon: Start) -> None:
    """Without boundaries on the wire, messages go one by one and do not run together."""
    port = start_daemon("--keep-alive", "--echo").port
    assert send(port, "one", "two", "three") == (0, b"one\ntwo\nthree\n", "")


def test_lines_of_standard_input_are_messages(start_daemon: Start) -> None:
    """Without a message, each line of standard input is one, also an unfinished last one."""
    port = start_daemon("--framing", "netstring", "--keep-alive", "--echo").port
    status = send(port, "--framing", "netstring", stdin=b"one\r\ntwo\n\nlast")
    assert status == (0, b"one\ntwo\n\nlast\n", "")


def test_more_lines_than_may_wait(echo: int) -> None:
    """Standard input is read on as replies come, and none is lost."""
    lines = b"".join(b"%d\n" % number for number in range(5_000))
    assert send(echo, "--framing", "line", stdin=lines) == (0, lines, "")


def test_nothing_to_send_is_done(echo: int) -> None:
    """An empty standard input has no message, so nothing is waited for."""
    assert send(echo, stdin=b"") == (0, b"", "")


def test_hexadecimal_both_ways(start_daemon: Start) -> None:
    """With --hex any byte can be sent and seen."""
    spec = "length:bytes=2"
    port = start_daemon("--framing", spec, "--keep-alive", "--echo").port
    assert send(port, "--framing", spec, "--hex", "00 ff", "0a") == (0, b"00ff\n0a\n", "")


def test_greeting_is_waited_for_and_printed(start_daemon: Start) -> None:
    """With --greeting the first message of the server is no reply."""
    port = start_daemon("--framing", "line", "--greeting", "READY", "--echo").port
    assert send(port, "--framing", "line", "--greeting", "x") == (0, b"READY\nx\n", "")


def test_to_takes_an_endpoint(start_daemon: Start, tmp_path: Path) -> None:
    """--to names any Twisted client endpoint."""
    path = tmp_path / "reply.sock"
    daemon = start_daemon("--listen", f"unix:{path}", "--echo")
    daemon.wait_for("listening on")
    done = subprocess.run(
        [str(SCRIPTS / "sockreply"), "send", "--to", f"unix:{path}", "hello"],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"hello\n")


def test_eof_framing_half_closes(start_daemon: Start) -> None:
    """A message that the end of the stream ends is sent so, and the reply read to its end."""
    port = start_daemon("--framing", "eof", "--echo").port
    assert send(port, "--framing", "eof", "whole") == (0, b"whole\n", "")


def test_refused_connection() -> None:
    """Nobody listens: one line that says where and why."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        status, out, err = send(port, "x")
    assert (status, out) == (1, b"")
    assert err == f"sockreply: cannot connect to tcp:127.0.0.1:{port}: Connection refused\n"


def test_server_that_says_nothing() -> None:
    """No reply in time: one line that says how long it waited."""
    with server(read_all) as port:
        assert send(port, "--timeout", "0.2", "x") == (1, b"", "sockreply: no reply within 0.2 s\n")


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"", "the peer closed it"),
        (b"half a line", "the peer closed it, 11 bytes into a reply"),
    ],
)
def test_server_that_cuts_the_reply_off(sent: bytes, why: str) -> None:
    """The connection ended first: one line that says so, and what had come."""

    def cut_off(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(sent)

    with server(cut_off) as port:
        line = f"sockreply: connection ended before the reply: {why}\n"
        assert send(port, "--framing", "line", "x") == (1, b"", line)


def test_fewer_replies_than_messages(start_daemon: Start) -> None:
    """What was answered is printed, and the missing reply is a failure."""
    port = start_daemon("--framing", "line", "--echo").port
    status, out, err = send(port, "--framing", "line", "first", "second")
    assert (status, out) == (1, b"first\n")
    ended = "connection ended before the reply: the peer closed it"
    assert err == f"sockreply: 1 of 2 messages answered: {ended}\n"


def test_reply_too_long_for_its_framing() -> None:
    """A reply that breaks the format: one line that says how."""

    def babble(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(b"no netstring")

    with server(babble) as port:
        status, out, err = send(port, "--framing", "netstring", "x")
    assert (status, out) == (1, b"")
    assert err.startswith("sockreply: ")
    assert "expected a length and a colon" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "line", "says"),
    [
        (("-f", "fixed:size=3"), b"four", "'four' is not a message of framing fixed:size=3"),
        (("--hex",), b"0g", "'0g' is not hexadecimal"),
    ],
)
def test_a_line_that_is_no_message(words: tuple[str, ...], line: bytes, says: str) -> None:
    """Standard input is refused as a MESSAGE is, where it stops making sense."""
    with server(read_all) as port:
        assert send(port, *words, stdin=line) == (2, b"", f"sockreply: {says}\n")


def test_standard_input_that_cannot_be_read() -> None:
    """One line says so, be it closed or open for writing only."""
    with server(read_all) as port:
        closed = subprocess.run(
            ["/bin/sh", "-c", '"$@" <&-', "sh", *command(port)],
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        with Path(os.devnull).open("wb") as unreadable:
            written = subprocess.run(
                command(port), stdin=unreadable, capture_output=True, timeout=PATIENCE, check=False
            )
    assert (closed.returncode, closed.stdout) == (1, b"")
    assert closed.stderr == b"sockreply: standard input or output is closed\n"
    assert (written.returncode, written.stdout) == (1, b"")
    assert written.stderr == b"sockreply: cannot read standard input: Bad file descriptor\n"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_silently(number: int, status: int) -> None:
    """Who interrupts it needs no explanation."""
    asked = Event()

    def listen(client: socket.socket) -> None:
        client.recv(1024)
        asked.set()
        read_all(client)

    with server(listen) as port:
        process = subprocess.Popen(
            command(port, "x"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert asked.wait(PATIENCE)
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE) == (b"", b"")
    assert process.returncode == status


def test_an_endpoint_that_cannot_be() -> None:
    """It is wrong usage."""
    done = subprocess.run(
        [str(SCRIPTS / "sockreply"), "send", "--to", "nonsense:1", "x"],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"sockreply: 'nonsense:1' is not an endpoint to connect to: ")
    assert done.stderr.count(b"\n") == 1


def test_a_reader_that_has_enough(echo: int) -> None:
    """`sockreply send | head -1` says nothing of the pipe."""
    with subprocess.Popen(
        command(echo, "-f", "line"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stdin.write(b"one\ntwo\n")
        process.stdin.flush()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 1


@pytest.mark.skipif(not FULL.exists(), reason="has no full device")
def test_a_full_disk(echo: int) -> None:
    """What cannot be written is a failure that says why."""
    words = command(echo, "-f", "line", "x")
    with FULL.open("wb") as full:
        done = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"sockreply: cannot write standard output: No space left on device\n"


def test_several_replies_to_each_message() -> None:
    """With --replies so many are printed for each message, and fewer are a failure."""

    def talkative(client: socket.socket) -> None:
        with client.makefile("rb") as lines:
            for line in lines:
                client.sendall(line.upper() + b"OK\n")

    with server(talkative) as port:
        done = send(port, "-f", "line", "--replies", "2", "one", "two")
    assert done == (0, b"ONE\nOK\nTWO\nOK\n", "")
    with server(talkative) as port:
        done = send(port, "-f", "line", "--replies", "3", "--timeout", "0.3", "one")
    assert done == (1, b"ONE\nOK\n", "sockreply: 2 of 3 replies arrived: no reply within 0.3 s\n")


@pytest.mark.parametrize("words", [("one", "two"), ()])
def test_no_replies(words: tuple[str, ...]) -> None:
    """With --replies 0 all is sent, and what the server says is not waited for."""
    received = []

    def listen(client: socket.socket) -> None:
        client.sendall(b"welcome\n")
        received.append(read_all(client))

    with server(listen) as port:
        stdin = b"" if words else b"one\ntwo\n"
        assert send(port, "-f", "line", "--replies", "0", *words, stdin=stdin) == (0, b"", "")
    assert received == [b"one\ntwo\n"]


def test_more_than_a_connection_holds_without_replies() -> None:
    """A server that reads slowly gets all of it."""
    lines = b"".join(b"%0400d\n" % number for number in range(20_000))
    received = []

    def listen(client: socket.socket) -> None:
        received.append(read_all(client))

    with server(listen) as port:
        done = send(port, "-f", "line", "--replies", "0", stdin=lines)
    assert done == (0, b"", "")
    assert received == [lines]


def test_a_server_that_breaks_off_without_replies() -> None:
    """A reset is a failure, also when no reply is expected."""

    def reset(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.recv(1024)

    with server(reset) as port:
        done = send(port, "-f", "line", "--replies", "0", "one")
    assert done == (1, b"", "sockreply: the connection ended: reset or lost\n")


def test_an_escape_that_is_not_read() -> None:
    """If there is no reply, it is said to have been sent as it was written."""
    with server(read_all) as port:
        done = send(port, "--timeout", "0.2", r"*IDN?\n")
    assert done[2] == (
        r"sockreply: no reply within 0.2 s (note: \n is taken literally; $'...' in a shell, "
        "or --hex, writes any byte)\n"
    )


def serve_tls(start_daemon: Start, directory: Path, certificate: Path, more: str = "") -> int:
    """The port of an echo, line by line, over TLS."""
    tls = f'tls = {{ certificate = "{certificate}" {more} }}'
    listen = f'{{ endpoint = "tcp:0:interface=127.0.0.1", {tls} }}'
    file = directory / "tls.toml"
    file.write_text(
        f'[services.a]\nlisten = {listen}\nframing = "line"\nkeep_alive = true\n'
        "otherwise = { echo = true }\n"
    )
    return start_daemon("--config", str(file)).port


def test_over_tls(start_daemon: Start, tmp_path: Path) -> None:
    """With an authority and a name that fit, messages are answered; a certificate is shown."""
    ca = make_certificate(tmp_path / "ca.pem", names=(), subject="CN=Test CA")
    pair = make_certificate(tmp_path / "localhost.pem", issuer=ca)
    device = make_certificate(tmp_path / "device.pem", names=(), subject="CN=device", issuer=ca)
    asks = f', client_ca = "{ca}", require_client = true'
    port = serve_tls(start_daemon, tmp_path, pair, asks)
    words = ["--framing", "line", "--tls", "--host", "localhost", "--ca", str(ca)]
    assert send(port, *words, "--cert", str(device), "one", "two") == (0, b"one\ntwo\n", "")
    named = ["--tls", "-f", "line", "--server-name", "localhost", "--ca", str(ca)]
    assert send(port, *named, "--cert", str(device), stdin=b"one\n") == (0, b"one\n", "")
    assert send(port, *named, "--cert", str(device), "--replies", "0", "x") == (0, b"", "")
    status, printed, complaint = send(port, *words, "one")
    assert (status, printed) == (1, b"")
    assert "TLS: tlsv13 alert certificate required" in complaint


@pytest.mark.parametrize("names", [(), ("other.example",)])
def test_over_tls_with_another(start_daemon: Start, tmp_path: Path, names: tuple[str, ...]) -> None:
    """Who is not named by the certificate is refused, in one line; unless that is asked for."""
    pair = make_certificate(tmp_path / "pair.pem", names=names)
    port = serve_tls(start_daemon, tmp_path, pair)
    options = ("--tls", "--host", "localhost", "--ca", str(pair))
    endpoint = [*command(port)[:2], "--to", f"tls:localhost:{port}", "-f", "line", "x"]
    trusting = {**os.environ, "SSL_CERT_FILE": str(pair)}
    for line in (command(port, "-f", "line", *options, "x"), endpoint):
        done = subprocess.run(
            line, capture_output=True, timeout=PATIENCE, check=False, env=trusting
        )
        assert done.returncode == 1
        assert done.stdout == b""
        assert done.stderr.decode() == (
            "sockreply: connection ended before the reply: TLS: hostname mismatch, certificate is "
            "not valid for 'localhost'\n"
        )
    assert send(port, "-f", "line", "--tls", "--insecure", "x") == (0, b"x\n", "")


def test_tls_that_is_none() -> None:
    """A server that does not speak TLS is named as the reason."""

    def greet(client: socket.socket) -> None:
        client.sendall(b"220 mail.example ESMTP\r\n")
        with suppress(ConnectionError):
            read_all(client)

    with server(greet) as port:
        status, printed, complaint = send(port, "-f", "line", "--tls", "--insecure", "x")
    assert (status, printed) == (1, b"")
    assert complaint == "sockreply: connection ended before the reply: TLS: wrong version number\n"

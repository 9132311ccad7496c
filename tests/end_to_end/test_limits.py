"""What peers cannot do to a daemon, however many they are and however they behave."""

from __future__ import annotations

import select
import socket

import pytest

from tests.end_to_end.clients import TEXTBOOK_REPLY, ask, connect, read_all, read_bytes
from tests.end_to_end.daemons import RESPONDERS, Start, needs_proc

MIB = 1 << 20


def test_connection_limit_is_exact_over_two_listeners(start_daemon: Start) -> None:
    """Of 60 clients at once, never more than 5 are connected, and all are served."""
    listener = ("--listen", "tcp:0:interface=127.0.0.1")
    crowd = ("--responder", f"{RESPONDERS}:Crowd")
    daemon = start_daemon(*listener, *listener, "--max-connections", "5", *crowd)
    clients = [connect(port) for port in daemon.ports(2) for _ in range(30)]
    try:
        for client in clients:
            client.sendall(b"hello")
        most = [int(read_all(client)) for client in clients]
    finally:
        for client in clients:
            client.close()
    assert len(most) == 60
    assert max(most) == 5


def test_places_come_free_when_clients_leave(start_daemon: Start) -> None:
    """A client beyond the limit waits, and is served as soon as another one goes."""
    daemon = start_daemon("--max-connections", "1", "-k", "--echo")
    with connect(daemon.port) as first:
        first.sendall(b"first")
        assert read_bytes(first, 5) == b"first"
        with connect(daemon.port) as second:
            second.sendall(b"second")
            assert select.select([second], [], [], 0.1)[0] == []
            first.close()
            assert read_bytes(second, 6) == b"second"


def flood(client: socket.socket, most: int = 64 * MIB) -> int:
    """Send requests until nobody takes any more of them; how many bytes were taken.

    Args:
        client: Does not read.
        most: How many bytes are as good as no end.
    """
    requests = (b"x" * 999 + b"\n") * 64
    client.setblocking(False)
    sent = 0
    while sent < most and select.select([], [client], [], 0.3)[1]:
        rest = memoryview(requests)[sent % len(requests) :]
        sent += client.send(rest)
    return sent


@needs_proc
def test_flood_that_never_reads_costs_little_and_holds_up_nobody(start_daemon: Start) -> None:
    """A peer that asks and never reads is not read from; it costs less than 2 MiB."""
    daemon = start_daemon("-f", "line", "-k", "--echo")
    with connect(daemon.port) as other, connect(daemon.port) as client:
        other.sendall(b"hello\n")
        assert read_bytes(other, 6) == b"hello\n"
        before = daemon.memory()
        taken = flood(client)
        assert taken < 32 * MIB  # most of it in the kernel's buffers
        assert daemon.memory() - before < 2 * MIB
        used = daemon.cpu()
        for _ in range(100):
            other.sendall(b"hello\n")
            assert read_bytes(other, 6) == b"hello\n"
        assert daemon.cpu() - used < 1


def test_flood_is_answered_when_it_reads_at_last(start_daemon: Start) -> None:
    """What a flooding peer was not answered while it did not read, it is when it does."""
    daemon = start_daemon("-f", "line", "-k", "--echo")
    with connect(daemon.port) as client:
        taken = flood(client)
        client.settimeout(20)
        client.shutdown(socket.SHUT_WR)
        answered = read_all(client)
    whole = taken - taken % 1000
    assert len(answered) == whole
    assert answered == (b"x" * 999 + b"\n") * (whole // 1000)


def test_pipelining_holds_up_nobody(start_daemon: Start) -> None:
    """While a peer's hundred thousand requests are answered, others get their answers."""
    daemon = start_daemon("-f", "line", "-k", "--echo", "--log-level", "info")
    with connect(daemon.port) as busy, connect(daemon.port) as other:
        busy.sendall(b"x\n" * 100_000)  # as much as the kernel's buffers hold, both ways
        other.sendall(b"hello\n")
        assert read_bytes(other, 6) == b"hello\n"
        assert read_bytes(busy, 200_000) == b"x\n" * 100_000


def test_idle_client_is_closed(start_daemon: Start) -> None:
    """A client that says nothing for `--idle-timeout` seconds sees the end of the stream."""
    daemon = start_daemon("--idle-timeout", "0.2")
    with connect(daemon.port) as client:
        assert read_all(client) == b""
    daemon.wait_for("client")


def test_message_beyond_the_limit_closes_behind_the_replies_before(start_daemon: Start) -> None:
    """A message over `--max-message` is told with the limit; those before it keep their replies."""
    daemon = start_daemon("-f", "line", "-k", "--echo", "--max-message", "10")
    with connect(daemon.port) as client:
        client.sendall(b"0123456789\n0123456789a\nlater\n")
        assert read_all(client) == b"0123456789\n"
    daemon.wait_for("message longer than 10 bytes")
    assert ask_line(daemon.port) == b"ok\n"


def ask_line(port: int) -> bytes:
    """The reply to one line."""
    with connect(port) as client:
        client.sendall(b"ok\n")
        return read_bytes(client, 3)


def test_responder_that_raises_costs_its_connection_only(start_daemon: Start) -> None:
    """A responder that raises is logged once; its client sees the end, others their replies."""
    daemon = start_daemon("-f", "line", "-k", "--responder", f"{RESPONDERS}:parity")
    with connect(daemon.port) as other, connect(daemon.port) as client:
        client.sendall(b"1\nnone\n2\n")
        assert read_all(client) == b"odd\n"
        other.sendall(b"2\n")
        assert read_bytes(other, 5) == b"even\n"
    assert daemon.stop() == 0
    assert daemon.log.count("gets no reply") == 1
    assert "1 errors" in daemon.log


@pytest.mark.parametrize("message", ["", "안녕하세요"], ids=["empty", "text"])
def test_greeting(start_daemon: Start, message: str) -> None:
    """`--greeting` is sent, framed, before anything is asked; it is no reply."""
    daemon = start_daemon("-f", "line", "--greeting", message, "--reply", r"a\tb")
    with connect(daemon.port) as client:
        greeting = message.encode() + b"\n"
        assert read_bytes(client, len(greeting)) == greeting
        client.sendall(b"hello\n")
        assert read_all(client) == b"a\tb\n"


def test_without_keep_alive_only_the_first_message_is_answered(start_daemon: Start) -> None:
    """Without `-k` the connection is closed once its first message has been dealt with."""
    daemon = start_daemon("-f", "line", "--echo")
    with connect(daemon.port) as client:
        client.sendall(b"one\ntwo\n")
        assert read_all(client) == b"one\n"


def test_replies_leave_in_order(start_daemon: Start) -> None:
    """A reply that takes long holds back the later ones of its connection and of no other."""
    daemon = start_daemon("-f", "line", "-k", "--responder", f"{RESPONDERS}:waiting")
    with connect(daemon.port) as client, connect(daemon.port) as other:
        client.sendall(b"0.3\n0\n0.01\n0\n")
        other.sendall(b"0\n")
        assert read_bytes(other, 2) == b"0\n"
        assert select.select([client], [], [], 0)[0] == []
        assert read_bytes(client, 13) == b"0.3\n0\n0.01\n0\n"


def test_default_reply_is_the_textbooks(start_daemon: Start) -> None:
    """Without `--reply` the textbook server's reply is given, on any framing."""
    reply = b"%d:%s," % (len(TEXTBOOK_REPLY), TEXTBOOK_REPLY)
    assert ask(start_daemon("-f", "netstring").port, b"5:hello,") == reply

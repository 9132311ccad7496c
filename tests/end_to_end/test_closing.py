"""The end of a connection costs no reply, whoever begins it."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path

import pytest

from tests.end_to_end.clients import (
    TEXTBOOK_REPLY,
    connect,
    half_close_and_read,
    read_all,
    shake_hands,
)
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start
from tests.end_to_end.responders import BIG
from tests.end_to_end.waiting import PATIENCE


@pytest.fixture(scope="module")
def textbook(start_shared_daemon: Start) -> Daemon:
    """A daemon without options."""
    return start_shared_daemon()


def test_half_close_waits_for_replies_that_take_their_time(start_daemon: Start) -> None:
    """A client that half-closes gets, too, the replies that were not there yet."""
    daemon = start_daemon("-f", "line", "-k", "--responder", f"{RESPONDERS}:waiting")
    assert half_close_and_read(daemon.port, b"0.1\n0\n0.1\n") == b"0.1\n0\n0.1\n"


def test_half_close_behind_the_textbook_message(textbook: Daemon) -> None:
    """A client that half-closes gets the reply where one read is one message, too."""
    for _ in range(100):
        assert half_close_and_read(textbook.port, b"hello") == TEXTBOOK_REPLY


def test_unread_bytes_do_not_break_the_reply_off(textbook: Daemon) -> None:
    """A client that sends far more than is read as a message still gets the reply, not a reset."""
    for _ in range(200):
        with connect(textbook.port) as client:
            client.sendall(bytes(300_000))
            assert read_all(client) == TEXTBOOK_REPLY


@pytest.mark.parametrize("sent", [5, 300_000])
def test_big_reply_to_a_slow_reader_is_whole(start_daemon: Start, sent: int) -> None:
    """Five megabytes reach a client that reads little by little, whatever it had sent."""
    daemon = start_daemon("--responder", f"{RESPONDERS}:big")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", daemon.port))
        client.sendall(bytes(sent))
        got = bytearray()
        while piece := client.recv(50_000):
            got += piece
            time.sleep(0.002)  # this is what makes it slow
    assert got == BIG


def test_close_is_a_fin(start_daemon: Start) -> None:
    """`Close()` ends the stream in good order, behind what was said."""
    daemon = start_daemon("-f", "line", "-k", "--responder", f"{RESPONDERS}:closing")
    with connect(daemon.port) as client:
        client.sendall(b"whole\nignored\n")
        assert read_all(client) == b"bye\n"


def test_close_half_is_a_fin_that_leaves_the_other_way_open(start_daemon: Start) -> None:
    """After `Close("half")` the client may still send; it is read and dropped."""
    daemon = start_daemon("-f", "line", "-k", "--responder", f"{RESPONDERS}:closing")
    with connect(daemon.port) as client:
        client.sendall(b"half\n")
        assert read_all(client) == b"bye\n"
        for _ in range(20):
            client.sendall(bytes(100_000))  # more than a socket that nobody reads takes


def test_close_reset_is_an_rst(start_daemon: Start) -> None:
    """`Close("reset")` is seen as a reset."""
    daemon = start_daemon("-f", "line", "-k", "--responder", f"{RESPONDERS}:closing")
    with connect(daemon.port) as client:
        client.sendall(b"reset\n")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_close_notify_loses_no_reply_that_is_made(start_daemon: Start, certificate: Path) -> None:
    """A TLS client that says good-bye right behind 50 requests gets the 50 replies."""
    where = f"ssl:0:privateKey={certificate}:interface=127.0.0.1"
    daemon = start_daemon("--listen", where, "-f", "line", "-k", "--echo")
    sent = b"".join(b"%d\n" % n for n in range(50))
    for _ in range(10):
        assert say_over_tls_and_leave(daemon.port, certificate, sent) == sent


def say_over_tls_and_leave(port: int, certificate: Path, said: bytes) -> bytes:
    """What is answered when bytes and a close_notify are sent in one piece."""
    context = ssl.create_default_context(cafile=certificate)
    with connect(port) as client:
        tls, incoming, outgoing = shake_hands(client, context, "localhost")
        tls.write(said)
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        client.sendall(outgoing.read())
        incoming.write(read_all(client))
    incoming.write_eof()
    answered = bytearray()
    while True:
        try:
            answered += tls.read(65536)
        except ssl.SSLZeroReturnError:  # its own close_notify; a mere end is an error
            return bytes(answered)

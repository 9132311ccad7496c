"""Peers made of nothing but `socket`, each of whose waits ends."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Sequence

from tests.end_to_end.waiting import PATIENCE

TEXTBOOK_REPLY = "서버로부터 응답 메시지입니다.".encode()


def connect(port: int) -> socket.socket:
    """A connection to a daemon."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def connect_unix(path: str) -> socket.socket:
    """A connection to a daemon's UNIX socket."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(PATIENCE)
    try:
        client.connect(path)
    except OSError:
        client.close()
        raise
    return client


def read_all(client: socket.socket) -> bytes:
    """What comes until the end of the stream."""
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def read_bytes(client: socket.socket, size: int) -> bytes:
    """So many bytes, fewer only if the stream ends before."""
    pieces = []
    while size and (piece := client.recv(min(size, 65536))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def ask(port: int, message: bytes = b"hello") -> bytes:
    """All that is answered to a client that sends once and reads to the end."""
    with connect(port) as client:
        client.sendall(message)
        return read_all(client)


def half_close_and_read(port: int, sent: bytes) -> bytes:
    """What comes back when a client says everything it has to say, and that this was all."""
    with connect(port) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        try:
            return read_all(client)
        except ConnectionResetError:
            return b""


def ask_at_once(port: int, messages: Sequence[bytes]) -> list[bytes]:
    """What clients are answered that are all connected before the first of them sends."""
    clients = [connect(port) for _ in messages]
    try:
        for client, message in zip(clients, messages, strict=True):
            client.sendall(message)
        return [read_all(client) for client in clients]
    finally:
        for client in clients:
            client.close()


def reset(client: socket.socket) -> None:
    """Close with an RST instead of a FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def shake_hands(
    client: socket.socket, context: ssl.SSLContext, name: str | None = None
) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """TLS by hand, for what a socket wrapped by `ssl` would not do.

    Args:
        client: Is connected to the server.
        context: Tells whom to trust.
        name: Of the server, if the context wants to know.

    Returns:
        The connection, and its bytes: those received, and those to be sent.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            client.sendall(outgoing.read())
            incoming.write(client.recv(65536))
        else:
            return tls, incoming, outgoing

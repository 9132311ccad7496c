"""The peers that run in this process answer every line, however the stream is cut."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport

from benchmarks.asking import CUT, REQUEST
from benchmarks.peers import asyncio_protocol, twisted_lines, twisted_protocol

STREAMS = pytest.mark.parametrize(
    "reads",
    [CUT, [REQUEST * 3], [bytes([octet]) for octet in REQUEST * 3]],
    ids=["cut", "pipelined", "byte by byte"],
)
REPLIES = b"+PONG\r\n" * 3


@STREAMS
@pytest.mark.parametrize("protocol", [twisted_protocol.Pong, twisted_lines.Pong])
def test_twisted_peers_answer_every_line(protocol: type[Protocol], reads: list[bytes]) -> None:
    """Three requests get three replies."""
    transport = StringTransport()
    pong = protocol()
    pong.makeConnection(transport)
    for read in reads:
        pong.dataReceived(read)
    assert transport.value() == REPLIES


@STREAMS
def test_asyncio_peer_answers_every_line(reads: list[bytes]) -> None:
    """Three requests get three replies; uvloop runs the same Protocol."""
    transport = Mock(asyncio.Transport)
    pong = asyncio_protocol.Pong()
    pong.connection_made(transport)
    for read in reads:
        pong.data_received(read)
    assert b"".join(call.args[0] for call in transport.write.call_args_list) == REPLIES

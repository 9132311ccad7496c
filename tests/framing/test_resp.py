"""The two sides of Redis's protocol."""

from __future__ import annotations

import pytest

from sockreply.framing import Framing, Resp
from sockreply.framing.resp import RespClient
from tests.framing.table import receive
from tests.framing.test_all_framings import whole


def test_the_words_of_a_message_without_a_wire() -> None:
    """Of a message as it is given to `explain`, the words are what stands between spaces."""
    assert Resp().facts_of(b"SET a  1") == {"words": [b"SET", b"a", b"", b"1"]}
    assert RespClient().facts_of(b"SET a") == {}


@pytest.mark.parametrize(
    ("message", "wire", "received"),
    [
        (b"PING", b"*1\r\n$4\r\nPING\r\n", b"PING"),
        (b"SET a  1", b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n", b"SET a 1"),
        (b"GET 'a b'", b"*2\r\n$3\r\nGET\r\n$3\r\na b\r\n", b"GET a b"),
        (b"GET 'a", b"*2\r\n$3\r\nGET\r\n$2\r\n'a\r\n", b"GET 'a"),
        (b"", b"*1\r\n$0\r\n\r\n", b""),
    ],
)
def test_the_client_sends_words(message: bytes, wire: bytes, received: bytes) -> None:
    """A client sends the words of a message, which may be in quotes, and knows what arrives."""
    client = Resp().mirrored()
    assert client.frame(message) == wire
    assert client.received_as(message) == received
    assert receive(Resp().framer(100), whole(wire)).messages == (received,)


def test_both_sides_are_framings() -> None:
    """Both sides have all that a framing has."""
    for framing in (Resp(), RespClient()):
        assert isinstance(framing, Framing)
        assert framing.name == "resp"
    assert Resp().affixes == (b"", b"")
    assert RespClient().affixes is None

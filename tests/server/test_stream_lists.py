"""Services of a file whose framing is a list: what comes, and what is answered."""

from __future__ import annotations

import pytest

from tests.server.files import talk_of

TRACKER = """
rules = [
    { when = { starts_with = { hex = "00 0f" }, length = 17 }, reply = { hex = "01" } },
    { when.length.min = 18, reply.template = "\\u0000\\u0000\\u0000{{ message[9:10] }}" },
]
[[services.s.framing]]
starts_with = { hex = "00 00 00 00" }
framing = "length:bytes=4,offset=4,adjust=4,strip=no"
[[services.s.framing]]
starts_with = ["\\u0005", { hex = "04" }]
framing = "fixed:size=1"
[[services.s.framing]]
framing = "length:bytes=2,strip=no"
"""
LOGIN = bytes.fromhex("000f333532303933303831343532323531")
P = bytes.fromhex(
    "000000000000003608010000016b40d8ea30010000000000000000000000000000000105021503010101425e0f01f1"
    "0000601a014e0000000000000000010000c7cf"
)
ONE = bytes.fromhex("00000001")


def test_tracker() -> None:
    """A login has a length of two bytes, a packet four zeros and one of four; all may run together.

    https://wiki.teltonika-gps.com/view/Codec
    """
    peer = talk_of(TRACKER)
    peer.say(LOGIN)
    assert peer.hear() == b"\1"
    peer.say(P + P)
    assert peer.hear() == ONE + ONE
    peer.say(P[:20])
    peer.clock.advance(0.15)
    assert peer.hear() == b""
    peer.say(P[20:])
    assert peer.hear() == ONE
    peer.say(P + LOGIN + P[:2])
    assert peer.hear() == ONE + b"\1"
    peer.say(P[2:])
    assert peer.hear() == ONE


def test_gt06() -> None:
    """Packets with a length of one byte and of two come mixed; each is answered in its own form."""
    peer = talk_of("""
        [[services.s.framing]]
        starts_with = { hex = "7878" }
        framing = "length:bytes=1,offset=2,adjust=2,strip=no"
        [[services.s.framing]]
        starts_with = { hex = "7979" }
        framing = "length:bytes=2,offset=2,adjust=2,strip=no"
        [[services.s.rules]]
        when.starts_with.hex = "7878 ?? 13"
        reply.as = "hex"
        reply.template = '''
            {% set body = ('0513' ~ (message[-6:-4] | hex)) %}
            7878 {{ body }} {{ body | unhex | crc16_x_25 | pack('>H') }} 0d0a'''
    """)
    long = bytes.fromhex("797900209400" + 26 * "41" + "0015abcd0d0a")
    short = bytes.fromhex("78780a1340065e00010053759b0d0a")
    answer = bytes.fromhex("78780513005398660d0a")
    peer.say(long + short)
    assert peer.hear() == answer
    peer.say(short + long + short + long)
    assert peer.hear() == answer * 2
    for byte in long + short:
        peer.say(bytes([byte]))
    assert peer.hear() == answer
    assert peer.counters.messages == 2 + 4 + 2


def test_astm() -> None:
    """ENQ and EOT are messages of one byte; a frame is one too, and ends at its line end."""
    peer = talk_of("""
        framing = [
            { starts_with = ["\\u0005", { hex = "04" }], framing = "fixed:size=1" },
            { starts_with = "\\u0002", framing = 'delimited:end=\\n,reply_end=' },
        ]
        rules = [
            { when.equals.hex = "05", reply.hex = "06" },
            { when.starts_with.hex = "02", reply.hex = "06" },
        ]
    """)
    peer.say(b"\5\0021H|\\^&|||HOST\r\x0397\r\n")
    assert peer.hear() == b"\6\6"
    peer.say(b"\4\5")
    assert peer.hear() == b"\6"


def test_zebra() -> None:
    """A label is a message that gets nothing; a command in between is a line."""
    peer = talk_of("""
        framing = [
            { starts_with = "^XA", framing = "delimited:end=^XZ" },
            { framing = "line:ending=crlf" },
        ]
        rules = [{ when.equals = "~HS", reply = "\\u0002030,0,0\\u0003" }]
    """)
    peer.say(b"^XA^FDx^FS^XZ~HS\r\n~HS\r\n")
    assert peer.hear() == b"\x02030,0,0\x03\r\n" * 2


def test_a_reply_has_the_framing_of_its_request() -> None:
    """So have its later steps; the greeting and what is unasked have the last one."""
    peer = talk_of("""
        greeting = "hello"
        framing = [
            { starts_with = "#", framing = "length:bytes=1,offset=1,strip=no" },
            { starts_with = "$", framing = "delimited:end=;" },
            { framing = "line" },
        ]
        otherwise = [{ echo = true }, { delay = 1 }, "late", { truncate = "cut", at = 4 }]
    """)
    assert peer.hear() == b"hello\n"
    peer.say(b"$a;b\n#\1c")
    peer.session.send(b"news")
    heard = b""
    for _ in range(4):
        heard += peer.hear()
        peer.clock.advance(1)
    assert heard == b"$a;late;cut;news\nb\nlate\ncut\n#\1clatecut"


def test_what_fits_no_entry() -> None:
    """The messages before it are answered, and then the connection is closed."""
    peer = talk_of("""
        framing = [{ starts_with = "a", framing = "line" }, { starts_with = "b", framing = "line" }]
        otherwise = "yes"
    """)
    peer.say(b"a\nb\nca\n")
    assert peer.hear() == b"yes\nyes\n"
    assert peer.transport.disconnecting
    assert peer.counters.errors["malformed"] == 1


@pytest.mark.parametrize("cut", [0, 1, 3, 5, 20, 43])
def test_half_close(cut: int) -> None:
    """What has come by then is answered, and what is left is reported as lost."""
    peer = talk_of(TRACKER)
    peer.say(LOGIN + P[:cut])
    peer.finish_sending()
    assert peer.hear() == b"\1"
    assert peer.counters.errors["truncated"] == (cut > 0)

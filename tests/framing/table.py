r"""What every framing makes of a stream and of a reply: the table that drives the tests of all.

`KEYS` lists the framings with their keys, `STREAMS` what is received, `REPLIES` what is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sockreply.errors import FramingError, Malformed, MessageTooLong
from sockreply.framing import Framer

KEYS: dict[str, tuple[str, ...]] = {
    "chunk": (),
    "line": ("ending", "telnet", "blocks"),
    "delimited": ("end", "reply_end"),
    "length": (
        *("bytes", "digits", "until", "form", "base", "order"),
        *("adjust", "inclusive", "offset", "padding", "strip"),
    ),
    "netstring": (),
    "fixed": ("size",),
    "enclosed": ("start", "end", "trailer", "restart"),
    "fix": ("begin",),
    "json": (),
    "resp": (),
    "gap": ("seconds",),
    "eof": (),
}

BOUNDED_BY_READS = ("chunk", "gap")
"""Where the cuts between the reads decide what the messages are."""


@dataclass(frozen=True)
class Stream:
    """What is received on a connection until the peer sends no more, and the messages in it.

    Args:
        spec: The framing.
        wire: All bytes of the stream.
        messages: What comes out of it.
        error: How the stream stops making sense, behind these messages.
        left: The bytes of a message that was cut off by the end of the stream.
        dropped: The bytes outside of any message.
        limit: The most bytes that a message may have.
    """

    spec: str
    wire: bytes
    messages: tuple[bytes, ...] = ()
    error: type[FramingError] | None = None
    left: int = 0
    dropped: int = 0
    limit: int = 100

    def __str__(self) -> str:
        return f"{self.spec} {self.wire!r} {self.limit}"


@dataclass(frozen=True)
class Sent:
    """A reply, as it goes over the wire and as the client receives it.

    Args:
        spec: The framing.
        message: What is sent.
        wire: Its bytes on the wire.
        received: What the client makes of them, where that is not the one message.
    """

    spec: str
    message: bytes
    wire: bytes
    received: tuple[bytes, ...] | None = None

    def __str__(self) -> str:
        return f"{self.spec} {self.message!r}"


@dataclass(frozen=True)
class Outcome:
    """What came of a stream; after an error only the messages before it mean anything."""

    messages: tuple[bytes, ...]
    error: type[FramingError] | None = None
    left: int = 0
    dropped: int = 0


def receive(framer: Framer, reads: Iterable[bytes]) -> Outcome:
    """Ask a framer for its messages after every read and at the end of the stream."""
    messages: list[bytes] = []
    try:
        for read in reads:
            framer.receive_data(read)
            for message in iter(framer.next_message, None):
                messages.append(message)  # one by one: those before an error count
        framer.receive_eof()
        messages.extend(iter(framer.next_message, None))
    except FramingError as error:
        return Outcome(tuple(messages), type(error))
    return Outcome(tuple(messages), None, framer.buffered, framer.dropped)


MODBUS_READ = b"\x00\x01\x00\x00\x00\x06\x11\x03\x00\x6b\x00\x03"
MODBUS_COIL = b"\x00\x02\x00\x00\x00\x06\x11\x05\x00\xac\xff\x00"
HL7 = b"MSH|^~\\&|LAB|A|HIS|B|202611221100||ACK|1|P|2.5\rMSA|AA|1\r"
ISO_8583 = b"0800\x82\x20\x00\x00\x00\x00\x00\x00" + b"1122110000" + b"000001" + b"001"
ASTM_FRAME = b"\x021H|\\^&|||HOST\r\x0397\r\n"
TPKT = b"\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x01\x00"
MQTT_PUBLISH = b"\x32\x85\x01\x00\x01t\x00\x07" + b"x" * 128
MQTT_PING = b"\xc0\x00"
LDAP_UNBIND = b"\x30\x05\x02\x01\x03\x42\x00"
LDAP_BIND = b"\x30\x81\x8c\x02\x01\x01\x60\x81\x86\x02\x01\x03\x04\x7f" + b"x" * 127 + b"\x80\x00"
FASTCGI_BEGIN = b"\x01\x01\x00\x01\x00\x08\x00\x00" + b"\x00\x01\x00" + b"\x00" * 5
FASTCGI_PARAMS = b"\x01\x04\x00\x01\x00\x03\x05\x00" + b"a=b" + b"\x00" * 5
FASTCGI_NO_MORE = b"\x01\x04\x00\x01\x00\x00\x00\x00"
TEN_ROWS = b"\xff\xfa\x1f\x00\x50\x00\x0a\xff\xf0"
SMPP_ENQUIRE = b"\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01"


def fix(text: str) -> bytes:
    """A FIX message, or the fields of one, written with | for the byte 1."""
    return text.replace("|", "\x01").encode()


# As Wikipedia shows it in "Financial Information eXchange".
FIX_REPORT_FIELDS = fix(
    "35=8|49=PHLX|56=PERS|52=20071123-05:30:00.000|11=ATOMNOCCC9990900|20=3|150=E|39=E|55=MSFT|"
    "167=CS|54=1|38=15|40=2|44=15|58=PHLX EQUITY TESTING|59=0|47=C|32=0|31=0|151=15|14=0|6=0"
)
FIX_REPORT = fix("8=FIX.4.2|9=178|") + FIX_REPORT_FIELDS + fix("|10=128|")
FIX_HEARTBEAT = fix("8=FIXT.1.1|9=5|35=0|10=241|")

NUMBERS_AND_NAMES = (b"1", b"2", b"-1.5E+3", b"true", b"null", b"false")

CHUNK = "chunk"
LINE = "line"
ANY_END = "line:ending=any"
TELNET = "line:telnet=strip"
BLOCKS = "line:blocks=yes"
TELNET_USER = "line:ending=any,telnet=strip"
NUL = r"delimited:end=\0"
BLANK_LINE = r"delimited:end=\r\n\r\n"
SMTP_DOT = r"delimited:end=\r\n.\r\n"
HTTP = r"delimited:end=\r\n\r\n,reply_end="
SELF_OVERLAPPING = "delimited:end=abxyab"
ONE_BYTE = "length:bytes=1"
FOUR_DIGITS = "length:digits=4"
COUNTS_HEADER = "length:bytes=2,inclusive=yes"
HEADER_STAYS = "length:bytes=1,strip=no"
MODBUS = "length:bytes=2,offset=4,strip=no"
HEX_DIGITS = "length:digits=4,base=16"
PKT_LINE = "length:digits=4,base=16,inclusive=yes"
PKT_LINE_STAYS = "length:digits=4,base=16,inclusive=yes,strip=no"
OCTET_COUNT = r"length:until=\x20"
CHUNKS = r"length:until=\r\n,base=16,adjust=2"
COUNTS_DIGITS = "length:until=:,inclusive=yes"
VARINT = "length:form=leb128"
MQTT = "length:form=leb128,offset=1,strip=no"
BER = "length:form=ber"
LDAP = "length:form=ber,offset=1,strip=no"
FASTCGI = "length:bytes=2,offset=4,adjust=2,padding=6,strip=no"
NETSTRING = "netstring"
STX_ETX = r"enclosed:start=\x02,end=\x03"
MLLP = r"enclosed:start=\x0b,end=\x1c\r"
ANGLES = "enclosed:start=<<,end=>>"
ASTM = r"enclosed:start=\x02,end=\x03|\x17,trailer=4"
GDB = "enclosed:start=$,end=#,trailer=2,restart=no"
STX_AGAIN = r"enclosed:start=\x02,end=\x03,restart=yes"
NMEA = r"enclosed:start=$,end=\r\n|\n,restart=yes"
ALL_OF_IT = "enclosed:start=ab,end=bc|cd,trailer=3,restart=yes"
FIX = "fix"
FIX_42 = "fix:begin=FIX.4.2"
JSON = "json"
GAP = "gap:seconds=0.05"
EOF = "eof"
RESP = "resp"

STREAMS = (
    # chunk: what a read gives, at most `limit` of it
    Stream(CHUNK, b""),
    Stream(CHUNK, b"hello", (b"hello",)),
    Stream(CHUNK, b"one\ntwo\r\n\0", (b"one\ntwo\r\n\0",)),
    Stream(CHUNK, b"12345678", (b"12345678",), limit=8),
    Stream(CHUNK, b"123456789", (b"12345678", b"9"), limit=8),
    # line: LF ends it, one CR before that is dropped
    Stream(LINE, b""),
    Stream(LINE, b"*IDN?\n", (b"*IDN?",)),
    Stream(LINE, b"one\ntwo\r\nthree\n", (b"one", b"two", b"three")),
    Stream(LINE, b"\n\r\n\n", (b"", b"", b"")),
    Stream(LINE, b"a\r\r\nb\rc\n\rd\n", (b"a\r", b"b\rc", b"\rd")),
    Stream(LINE, "무게\n".encode(), ("무게".encode(),)),
    Stream(LINE, b"one\ntwo", (b"one",), left=3),
    Stream(LINE, b"one\r", left=4),
    Stream(LINE, b"\none\r", (b"",), left=4),
    Stream("line:ending=lf", b"up\ndown\r\n", (b"up", b"down")),
    Stream("line:ending=crlf", b"up\ndown\r\n", (b"up", b"down")),
    Stream(LINE, b"12345678\n", (b"12345678",), limit=8),
    Stream(LINE, b"12345678\r\n", (b"12345678",), limit=8),
    Stream(LINE, b"1234567\r\r\n", (b"1234567\r",), limit=8),
    Stream(LINE, b"12345678", left=8, limit=8),
    Stream(LINE, b"12345678\r", left=9, limit=8),
    Stream(LINE, b"123456789\n", error=MessageTooLong, limit=8),
    Stream(LINE, b"123456789\r\n", error=MessageTooLong, limit=8),
    Stream(LINE, b"123456789", error=MessageTooLong, limit=8),
    Stream(LINE, b"12345678\r\r\n", error=MessageTooLong, limit=8),
    Stream(LINE, b"12345678\r\r", error=MessageTooLong, limit=8),
    Stream(LINE, b"12345678\rx", error=MessageTooLong, limit=8),
    Stream(LINE, b"ok\n\n123456789\nok\n", (b"ok", b""), MessageTooLong, limit=8),
    # line:ending=any: LF, CR LF, CR NUL or CR, whichever comes
    Stream(ANY_END, b""),
    Stream(ANY_END, b"admin\r\0", (b"admin",)),
    Stream(ANY_END, b"admin\r", (b"admin",)),
    Stream(ANY_END, b"admin\r\n", (b"admin",)),
    Stream(ANY_END, b"admin\n", (b"admin",)),
    Stream(ANY_END, b"admin\r\0admin\radmin\r\nadmin\n", (b"admin",) * 4),
    Stream(ANY_END, b"\r\n\r\0\n\r\r", (b"",) * 5),
    Stream(ANY_END, b"\0a\n\rb\0\r\0\0c\r\n", (b"\0a", b"", b"b\0", b"\0c")),
    Stream(ANY_END, b"one\rtwo", (b"one",), left=3),
    Stream(ANY_END, b"one\r\n\0", (b"one",), left=1),
    Stream(ANY_END, b"12345678\r\n", (b"12345678",), limit=8),
    Stream(ANY_END, b"12345678", left=8, limit=8),
    Stream(ANY_END, b"123456789", error=MessageTooLong, limit=8),
    Stream(ANY_END, b"ok\r123456789\rok\r", (b"ok",), MessageTooLong, limit=8),
    # line:telnet=strip: the same without telnet's commands
    Stream(TELNET, b""),
    Stream(TELNET, b"one\r\ntwo\n\n", (b"one", b"two", b"")),
    Stream(TELNET, b"\xff\xfd\x01\xff\xfb\x1f" + TEN_ROWS + b"admin\r\n", (b"admin",)),
    Stream(TELNET, b"ad" + TEN_ROWS + b"m\xff\xf1in\xff\xfd\n\r\n", (b"admin",)),
    Stream(TELNET, b"a\xff\xffb\xff\xff\n\xff\xff\xff\xf1\n", (b"a\xffb\xff", b"\xff")),
    Stream(TELNET, b"a\r\xff\xf1\nb\r\r\n", (b"a", b"b\r")),
    Stream(TELNET, b"\xff\nb\xff\r\n\xff\xffc\xffd\n", (b"\xff", b"b\xff", b"\xffc\xffd")),
    Stream(TELNET, b"\xff\xfa\xff\xff\xff\x00\n\xff\xf1a\xff\xf0\n", (b"a",)),
    Stream(TELNET, b"a\xff\xfa\nb\xff\xfd\nc\n", (b"ac",)),
    Stream(TELNET, TEN_ROWS),
    Stream(TELNET, TEN_ROWS + b"\xff", left=1),
    Stream(TELNET, TEN_ROWS + b"\xff\xfd", left=2),
    Stream(TELNET, b"one\n" + TEN_ROWS[:-1], (b"one",), left=8),
    Stream(TELNET, b"one" + TEN_ROWS, left=12),
    Stream(TELNET, b"12345678\r\n", (b"12345678",), limit=8),
    Stream(TELNET, b"12345678\r", left=9, limit=8),
    Stream(TELNET, b"123456789\n", error=MessageTooLong, limit=8),
    Stream(TELNET, b"123456789\r\n", error=MessageTooLong, limit=8),
    Stream(TELNET, b"12345678\r\r\n", error=MessageTooLong, limit=8),
    Stream(TELNET, b"1234\xff\xff\xff\xff\n", (b"1234\xff\xff",), limit=8),
    Stream(TELNET, b"1234567\xff\xff\n", error=MessageTooLong, limit=8),
    Stream(TELNET, b"123456\xff\xfd\x01\n", error=MessageTooLong, limit=8),
    Stream(TELNET, b"\xff\xfa12345678\xff\xf0a\n", (b"a",), limit=8),
    Stream(TELNET, b"\xff\xfa123456789\xff\xf0a\n", error=MessageTooLong, limit=8),
    Stream(TELNET, b"a\n\xff\xfa123456789", (b"a",), MessageTooLong, limit=8),
    Stream(TELNET, b"a\xff\xfa1234567", error=MessageTooLong, limit=8),
    Stream("line:telnet=strip,ending=crlf", b"\xff\xf1a\r\n", (b"a",)),
    Stream("line:telnet=no", b"\xff\xf1a\n", (b"\xff\xf1a",)),
    Stream(TELNET_USER, b"admin\r\0admin\radmin\r\nadmin\n", (b"admin",) * 4),
    Stream(TELNET_USER, b"a\r\xff\xf1\nb\r\xff\xfd\x01\0c\r\n", (b"a", b"b", b"c")),
    Stream(TELNET_USER, b"a\r\n\n" + TEN_ROWS + b"\n\0b\r\n", (b"a", b"", b"", b"\0b")),
    Stream(TELNET_USER, b"12345678\r", (b"12345678",), limit=8),
    Stream(TELNET_USER, b"123456789", error=MessageTooLong, limit=8),
    # line:blocks=yes: the same, but a block outside strings may contain LF
    Stream(BLOCKS, b""),
    Stream(
        BLOCKS,
        b'MMEM:DATA "a",#16\n*IDN?\n*IDN?\n',
        (b'MMEM:DATA "a",#16\n*IDN?', b"*IDN?"),
    ),
    Stream(BLOCKS, b"CURV #0ab#15'\r\nc\n", (b"CURV #0ab#15'", b"c")),
    Stream(BLOCKS, b"A #H1F,#Q17,#B101,#,##\nB#\n#\n", (b"A #H1F,#Q17,#B101,#,##", b"B#", b"#")),
    Stream(BLOCKS, b"#2x5\n#21\n#9\n#15\n\n\n\n\n\n", (b"#2x5", b"#21", b"#9", b"#15" + b"\n" * 5)),
    Stream(BLOCKS, b'T "#15",\'#15\'\nT "a""#15"\n', (b"T \"#15\",'#15'", b'T "a""#15"')),
    Stream(BLOCKS, b"T \"it's\" #11\n\nT 'a\"' #11\n\n", (b'T "it\'s" #11\n', b"T 'a\"' #11\n")),
    Stream(BLOCKS, b"T 'a #15\n#11\n\n", (b"T 'a #15", b"#11\n")),
    Stream(BLOCKS, b"#12a\r\n#13a\r\n\r\nb\r\n", (b"#12a\r", b"#13a\r\n", b"b")),
    Stream(BLOCKS, b"#10\n#210abcdefgh\n\n,#11\n;'\n", (b"#10", b"#210abcdefgh\n\n,#11\n;'")),
    Stream(BLOCKS, b"one\r\n\n#1", (b"one", b""), left=2),
    Stream(BLOCKS, b"#", left=1),
    Stream(BLOCKS, b"#15ab", left=5),
    Stream(BLOCKS, b"T 'a\r", left=5),
    Stream(BLOCKS, b"#0a\r", left=4),
    Stream(BLOCKS, b"#15\n\n\n\n\n\r\n", (b"#15\n\n\n\n\n",), limit=8),
    Stream(BLOCKS, b"#151234\r\r", left=9, limit=8),
    Stream(BLOCKS, b"#16", error=MessageTooLong, limit=8),
    Stream(BLOCKS, b"ok\n#9999999999", (b"ok",), MessageTooLong, limit=100),
    Stream(BLOCKS, b"#151234\r\r\r\n", error=MessageTooLong, limit=8),
    Stream(BLOCKS, b"1234#11\n1\n", (b"1234#11\n1",), limit=9),
    Stream(BLOCKS, b"1234#12\n", error=MessageTooLong, limit=8),
    Stream(BLOCKS, b"'12345678", error=MessageTooLong, limit=8),
    Stream("line:blocks=no", b"#12\na\n", (b"#12", b"a")),
    Stream("line:blocks=yes,ending=crlf", b"#12\na\r\n", (b"#12\na",)),
    # delimited: a byte string ends it
    Stream(NUL, b"one\0\0two\n\0", (b"one", b"", b"two\n")),
    Stream(NUL, b"one\0tw", (b"one",), left=2),
    Stream(
        BLANK_LINE,
        b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
        (b"GET /a HTTP/1.1\r\nHost: a", b"GET /b HTTP/1.1"),
    ),
    Stream(BLANK_LINE, b"GET / HTTP/1.1\r\n\r", left=17),
    Stream(HTTP, b"GET /a HTTP/1.1\r\n\r\nGET", (b"GET /a HTTP/1.1",), left=3),
    Stream(SMTP_DOT, b"a\r\n.\r\n.\r\n\r\n.\r\n", (b"a", b".\r\n")),
    Stream("delimited:end=aab", b"aaabaab", (b"a", b"")),
    Stream(r"delimited:end=\,", b"a,b,,", (b"a", b"b", b"")),
    Stream("delimited:end=끝", "하나끝둘끝".encode(), ("하나".encode(), "둘".encode())),
    Stream(r"delimited:end=\x1e\,\\,reply_end=\t", b"a\x1e,\\b\t\x1e,\\", (b"a", b"b\t")),
    Stream(r"delimited:end=;,reply_end=\r\n", b"V?;\r\n;", (b"V?", b"\r\n")),
    Stream(NUL, b"12345678\0", (b"12345678",), limit=8),
    Stream(NUL, b"12345678", left=8, limit=8),
    Stream(NUL, b"123456789\0", error=MessageTooLong, limit=8),
    Stream(NUL, b"12345678\r", error=MessageTooLong, limit=8),
    Stream(SMTP_DOT, b"12345678\r\n.\r\n", (b"12345678",), limit=8),
    Stream(SMTP_DOT, b"12345678\r\n.\r", left=12, limit=8),
    Stream(SMTP_DOT, b"12345\r\n.\r", left=9, limit=8),
    Stream(SMTP_DOT, b"12345678\r\n.x", error=MessageTooLong, limit=8),
    Stream(SMTP_DOT, b"12345678\r\n\r\n.\r\n", error=MessageTooLong, limit=8),
    Stream(SMTP_DOT, b"123456789\r\n.\r\n", error=MessageTooLong, limit=8),
    Stream(SMTP_DOT, b"\r\n.\r\n123456789\r\n.\r\n", (b"",), MessageTooLong, limit=8),
    Stream(SELF_OVERLAPPING, b"abxyabxyabxyab", (b"", b"xy"), limit=2),
    Stream(SELF_OVERLAPPING, b"abxyabxy", (b"",), MessageTooLong, limit=1),
    # length: the header tells the count
    Stream(ONE_BYTE, b""),
    Stream(ONE_BYTE, b"\x02hi\x00\x01\x03", (b"hi", b"", b"\x03")),
    Stream(ONE_BYTE, b"\xff" + b"x" * 255, (b"x" * 255,), limit=255),
    Stream("length:bytes=2", b"\x00\x1f" + ISO_8583 + b"\x00\x02ok", (ISO_8583, b"ok")),
    Stream("length:bytes=2,order=big", b"\x00\x01a", (b"a",)),
    Stream("length:bytes=2,order=little", b"\x01\x00a\x00\x00", (b"a", b"")),
    Stream("length:bytes=3", b"\x00\x00\x02hi", (b"hi",)),
    Stream("length:bytes=4", b"\x00\x00\x00\x02hi\x00\x00\x00\x00", (b"hi", b"")),
    Stream("length:bytes=4,order=little", b"\x02\x00\x00\x00hi", (b"hi",)),
    Stream("length:bytes=8", b"\x00\x00\x00\x00\x00\x00\x00\x02hi", (b"hi",)),
    Stream("length:digits=1", b"2hi03abc", (b"hi", b"", b"abc")),
    Stream(FOUR_DIGITS, b"0005hello00000010" + b"0123456789", (b"hello", b"", b"0123456789")),
    Stream("length:digits=18", b"000000000000000002hi", (b"hi",)),
    Stream("length:bytes=1,adjust=2", b"\x03abcZZ\x00ZZ", (b"abcZZ", b"ZZ")),
    Stream("length:bytes=1,adjust=-1", b"\x03ab\x01", (b"ab", b"")),
    Stream("length:bytes=1,inclusive=no", b"\x02hi", (b"hi",)),
    Stream(COUNTS_HEADER, b"\x00\x07hello\x00\x02", (b"hello", b"")),
    Stream("length:digits=4,inclusive=yes", b"0009hello0004", (b"hello", b"")),
    Stream("length:bytes=2,inclusive=yes,adjust=1", b"\x00\x06hello", (b"hello",)),
    Stream("length:bytes=1,offset=0,strip=yes", b"\x02hi", (b"hi",)),
    Stream(HEADER_STAYS, b"\x02hi\x00", (b"\x02hi", b"\x00")),
    Stream("length:digits=2,strip=no", b"02hi00", (b"02hi", b"00")),
    Stream(MODBUS, MODBUS_READ + MODBUS_COIL, (MODBUS_READ, MODBUS_COIL)),
    Stream(MODBUS, MODBUS_READ + MODBUS_COIL[:5], (MODBUS_READ,), left=5),
    Stream("length:bytes=2,offset=2,inclusive=yes,strip=no", TPKT + TPKT, (TPKT, TPKT)),
    Stream("length:bytes=4,inclusive=yes,strip=no", SMPP_ENQUIRE * 2, (SMPP_ENQUIRE,) * 2),
    Stream(
        "length:bytes=1,offset=1,adjust=1,strip=no", b"A\x02hi!B\x00!", (b"A\x02hi!", b"B\x00!")
    ),
    Stream("length:bytes=2", b"\x00", left=1),
    Stream("length:bytes=2", b"\x00\x05", left=2),
    Stream("length:bytes=2", b"\x00\x05hell", left=6),
    Stream("length:bytes=2", b"\x00\x02hi\x00\x05hell", (b"hi",), left=6),
    Stream(ONE_BYTE, b"\x0812345678", (b"12345678",), limit=8),
    Stream(ONE_BYTE, b"\x08", left=1, limit=8),
    Stream(ONE_BYTE, b"\x09", error=MessageTooLong, limit=8),
    Stream(ONE_BYTE, b"\x01a\x09123456789\x01a", (b"a",), MessageTooLong, limit=8),
    Stream("length:bytes=8", b"\xff" * 8, error=MessageTooLong, limit=8),
    Stream("length:bytes=2,order=little", b"\x08\x0012345678", (b"12345678",), limit=8),
    Stream("length:bytes=2,order=little", b"\x09\x00", error=MessageTooLong, limit=8),
    Stream(FOUR_DIGITS, b"000812345678", (b"12345678",), limit=8),
    Stream(FOUR_DIGITS, b"0009", error=MessageTooLong, limit=8),
    Stream("length:bytes=1,adjust=1", b"\x0712345678", (b"12345678",), limit=8),
    Stream("length:bytes=1,adjust=1", b"\x08", error=MessageTooLong, limit=8),
    Stream(COUNTS_HEADER, b"\x00\x0a12345678", (b"12345678",), limit=8),
    Stream(COUNTS_HEADER, b"\x00\x0b", error=MessageTooLong, limit=8),
    Stream(HEADER_STAYS, b"\x071234567", (b"\x071234567",), limit=8),
    Stream(HEADER_STAYS, b"\x08", error=MessageTooLong, limit=8),
    Stream(MODBUS, MODBUS_READ, (MODBUS_READ,), limit=12),
    Stream(MODBUS, MODBUS_READ[:6], error=MessageTooLong, limit=11),
    Stream(FOUR_DIGITS, b"12x4", error=Malformed),
    Stream(FOUR_DIGITS, b"  12", error=Malformed),
    Stream(FOUR_DIGITS, b"-001", error=Malformed),
    Stream(FOUR_DIGITS, b"+001x", error=Malformed),
    Stream(FOUR_DIGITS, b"1_00", error=Malformed),
    Stream(FOUR_DIGITS, "²²".encode(), error=Malformed),
    Stream(FOUR_DIGITS, b"0002hi\0\0\0\2hi0002hi", (b"hi",), Malformed),
    Stream("length:bytes=1,adjust=-2", b"\x02\x01", (b"",), Malformed),
    Stream(COUNTS_HEADER, b"\x00\x03a\x00\x01", (b"a",), Malformed),
    # length: in hexadecimal digits, where a count below its header is git's
    Stream(HEX_DIGITS, b"000chost:version0000", (b"host:version", b"")),
    Stream(HEX_DIGITS, b"000Ahost:devsa000bhost:devsab", (b"host:devsa", b"host:devsab")),
    Stream("length:digits=2,base=10", b"02hi", (b"hi",)),
    Stream("length:digits=1,base=16", b"f" + b"x" * 15, (b"x" * 15,)),
    Stream("length:digits=18,base=16", b"000000000000000002hi", (b"hi",)),
    Stream(HEX_DIGITS, b"000", left=3),
    Stream(HEX_DIGITS, b"000ahost", left=8),
    Stream(HEX_DIGITS, b"0008" + b"12345678", (b"12345678",), limit=8),
    Stream(HEX_DIGITS, b"0009", error=MessageTooLong, limit=8),
    Stream(HEX_DIGITS, b"00g0", error=Malformed),
    Stream(HEX_DIGITS, b"0x0a", error=Malformed),
    Stream(HEX_DIGITS, b"1_00", error=Malformed),
    Stream(HEX_DIGITS, b" 001", error=Malformed),
    Stream(HEX_DIGITS, b"-001", error=Malformed),
    Stream(PKT_LINE, b"0006a\n00000005b00010004", (b"a\n", b"", b"b", b"", b"")),
    Stream(PKT_LINE_STAYS, b"0006a\n000000010004", (b"0006a\n", b"0000", b"0001", b"0004")),
    Stream(PKT_LINE, b"0007ab", left=6),
    Stream("length:digits=4,inclusive=yes", b"00030005a", (b"", b"a")),
    Stream("length:digits=1,inclusive=yes,adjust=-2", b"05ab", (b"", b"ab")),
    Stream("length:digits=1,adjust=-2", b"2" + b"1", (b"",), Malformed),
    Stream("length:digits=1,offset=1,inclusive=yes,strip=no", b"a1b2c3x", (b"a1", b"b2", b"c3x")),
    # length: in digits up to a mark
    Stream(OCTET_COUNT, b""),
    Stream(OCTET_COUNT, b"5 hello0 12 hello, 1 a! ", (b"hello", b"", b"hello, 1 a! ")),
    Stream(OCTET_COUNT, b"7 <13>one8 <13>two\n", (b"<13>one", b"<13>two\n")),
    Stream(OCTET_COUNT, b"005 hello00 01 a", (b"hello", b"", b"a")),
    Stream(OCTET_COUNT, b"0" * 17 + b"1 a", (b"a",)),
    Stream(OCTET_COUNT, b"1", left=1),
    Stream(OCTET_COUNT, b"000", left=3),
    Stream(OCTET_COUNT, b"5 ", left=2),
    Stream(OCTET_COUNT, b"2 hi5 hell", (b"hi",), left=6),
    Stream(OCTET_COUNT, b"8 12345678", (b"12345678",), limit=8),
    Stream(OCTET_COUNT, b"9", left=1, limit=8),
    Stream(OCTET_COUNT, b"9 ", error=MessageTooLong, limit=8),
    Stream(OCTET_COUNT, b"999 ", error=MessageTooLong, limit=8),
    Stream(OCTET_COUNT, b"12345678901234567890", error=MessageTooLong, limit=8),
    Stream(OCTET_COUNT, b"1 a00009 123456789", (b"a",), MessageTooLong, limit=8),
    Stream(OCTET_COUNT, b"0" * 19, error=Malformed),
    Stream(OCTET_COUNT, b" 5 hello", error=Malformed),
    Stream(OCTET_COUNT, b"<13>one", error=Malformed),
    Stream(OCTET_COUNT, b"-1 a", error=Malformed),
    Stream(OCTET_COUNT, b"1_0 a", error=Malformed),
    Stream(OCTET_COUNT, b"5hello", error=Malformed),
    Stream(OCTET_COUNT, b"2 hi\n2 hi", (b"hi",), Malformed),
    Stream(OCTET_COUNT, "² a".encode(), error=Malformed),
    Stream(r"length:until=\x20,strip=no", b"5 hello0 ", (b"5 hello", b"0 ")),
    Stream(r"length:until=\x20,strip=no", b"6 123456", (b"6 123456",), limit=8),
    Stream(r"length:until=\x20,strip=no", b"06 ", error=MessageTooLong, limit=8),
    Stream("length:until=:,offset=2,strip=no", b"ab2:hic00:", (b"ab2:hi", b"c00:")),
    Stream("length:until=:,offset=2,strip=no", b"a", left=1),
    Stream("length:until=:,offset=2,strip=no", b"ab", left=2),
    Stream("length:until=:,offset=2,strip=no", b"abc", error=Malformed),
    Stream(
        CHUNKS,
        b"5\r\nhello\r\n1A\r\n%b\r\n0\r\n\r\n" % (b"x" * 26),
        (b"hello\r\n", b"x" * 26 + b"\r\n", b"\r\n"),
    ),
    Stream(CHUNKS, b"5\r", left=2),
    Stream(CHUNKS, b"5\rhello", error=Malformed),
    Stream(CHUNKS, b"5\nhello", error=Malformed),
    Stream(CHUNKS, b"5;a=b\r\nhello\r\n", error=Malformed),
    Stream(CHUNKS, b"7\r\n", error=MessageTooLong, limit=8),
    Stream("length:until=<1>,adjust=-1", b"3<1>ab1<1>0<1>", (b"ab", b""), Malformed),
    Stream(COUNTS_DIGITS, b"3:a12:123456789" + b"2:1:0:", (b"a", b"123456789", b"", b"", b"")),
    # length: as a varint
    Stream(VARINT, b""),
    Stream(VARINT, b"\x05hello\x00\x01a", (b"hello", b"", b"a")),
    Stream(VARINT, b"\x80\x01" + b"x" * 128, (b"x" * 128,), limit=128),
    Stream(VARINT, b"\x7f" + b"x" * 127, (b"x" * 127,), limit=127),
    Stream(VARINT, b"\x82\x00hi\x80\x00\x80\x80\x00", (b"hi", b"", b"")),
    Stream(VARINT, b"\x82" + b"\x80" * 8 + b"\x00hi", (b"hi",)),
    Stream(VARINT, b"\x80", left=1),
    Stream(VARINT, b"\x05hell", left=5),
    Stream(VARINT, b"\x0812345678", (b"12345678",), limit=8),
    Stream(VARINT, b"\x09", error=MessageTooLong, limit=8),
    Stream(VARINT, b"\xff\xff\xff\xff", error=MessageTooLong, limit=8),
    Stream(VARINT, b"\x01a\xff\x7f", (b"a",), MessageTooLong, limit=8),
    Stream(VARINT, b"\x80" * 10, error=Malformed),
    Stream("length:form=leb128,inclusive=yes", b"\x03hi\x01\x82\x00", (b"hi", b"", b"")),
    Stream("length:form=leb128,inclusive=yes", b"\x01\x00", (b"",), Malformed),
    Stream("length:form=leb128,adjust=-1", b"\x03hi\x01\x00", (b"hi", b""), Malformed),
    Stream("length:form=leb128,adjust=2", b"\x00hi\x80\x00hi", (b"hi", b"hi")),
    Stream(MQTT, MQTT_PUBLISH + MQTT_PING, (MQTT_PUBLISH, MQTT_PING), limit=136),
    Stream(MQTT, MQTT_PUBLISH, error=MessageTooLong, limit=135),
    Stream(MQTT, b"\xc0", left=1),
    Stream(MQTT, MQTT_PING + b"\x32\x85", (MQTT_PING,), left=2),
    # length: as BER has it
    Stream(BER, b""),
    Stream(BER, b"\x05hello\x00\x01a", (b"hello", b"", b"a")),
    Stream(BER, b"\x81\x80" + b"x" * 128, (b"x" * 128,), limit=128),
    Stream(BER, b"\x7f" + b"x" * 127, (b"x" * 127,), limit=127),
    Stream(BER, b"\x81\x02hi\x84\x00\x00\x00\x02hi\x82\x00\x00", (b"hi", b"hi", b"")),
    Stream(BER, b"\x88" + b"\x00" * 7 + b"\x02hi", (b"hi",)),
    Stream(BER, b"\x82\x01", left=2),
    Stream(BER, b"\x82", left=1),
    Stream(BER, b"\x05hell", left=5),
    Stream(BER, b"\x0812345678", (b"12345678",), limit=8),
    Stream(BER, b"\x09", error=MessageTooLong, limit=8),
    Stream(BER, b"\x01a\x88" + b"\xff" * 8, (b"a",), MessageTooLong, limit=8),
    Stream(BER, b"\x02hi\x80ab\x00\x00", (b"hi",), Malformed),
    Stream(BER, b"\xff", error=Malformed),
    Stream(BER, b"\x89", error=Malformed),
    Stream("length:form=ber,adjust=1", b"\x00!\x81\x01?!", (b"!", b"?!")),
    Stream(LDAP, LDAP_BIND + LDAP_UNBIND, (LDAP_BIND, LDAP_UNBIND), limit=143),
    Stream(LDAP, LDAP_BIND[:4], error=MessageTooLong, limit=142),
    Stream(LDAP, b"\x30", left=1),
    Stream(LDAP, LDAP_UNBIND + LDAP_BIND[:2], (LDAP_UNBIND,), left=2, limit=143),
    Stream(LDAP, b"\x30\x80", error=Malformed),
    # length: and a byte that counts what is after that
    Stream(
        FASTCGI,
        FASTCGI_BEGIN + FASTCGI_PARAMS + FASTCGI_NO_MORE,
        (FASTCGI_BEGIN, FASTCGI_PARAMS, FASTCGI_NO_MORE),
    ),
    Stream(FASTCGI, FASTCGI_NO_MORE + FASTCGI_PARAMS[:6], (FASTCGI_NO_MORE,), left=6),
    Stream(FASTCGI, FASTCGI_PARAMS[:7], left=7),
    Stream(FASTCGI, FASTCGI_PARAMS[:13], left=13),
    Stream(FASTCGI, FASTCGI_PARAMS, (FASTCGI_PARAMS,), limit=16),
    Stream(FASTCGI, FASTCGI_PARAMS[:7], error=MessageTooLong, limit=15),
    Stream(
        "length:bytes=1,offset=1,padding=0,strip=no",
        b"\x01\x02ab-\x00\x00",
        (b"\x01\x02ab-", b"\x00\x00"),
    ),
    # netstring
    Stream(NETSTRING, b""),
    Stream(NETSTRING, b"5:hello,0:,12:hello, 1:a,!,", (b"hello", b"", b"hello, 1:a,!")),
    Stream(NETSTRING, b"100:" + b"x" * 100 + b",", (b"x" * 100,)),
    Stream(NETSTRING, b"1", left=1),
    Stream(NETSTRING, b"0", left=1),
    Stream(NETSTRING, b"0:", left=2),
    Stream(NETSTRING, b"5:", left=2),
    Stream(NETSTRING, b"5:hello", left=7),
    Stream(NETSTRING, b"2:hi,5:hell", (b"hi",), left=6),
    Stream(NETSTRING, b"999", left=3),
    Stream(NETSTRING, b"8:12345678,", (b"12345678",), limit=8),
    Stream(NETSTRING, b"8:12345678", left=10, limit=8),
    Stream(NETSTRING, b"9", left=1, limit=8),
    Stream(NETSTRING, b"9:", error=MessageTooLong, limit=8),
    Stream(NETSTRING, b"10", error=MessageTooLong, limit=8),
    Stream(NETSTRING, b"12345678901234567890", error=MessageTooLong, limit=8),
    Stream(NETSTRING, b"101:", error=MessageTooLong),
    Stream(NETSTRING, b"1000", error=MessageTooLong),
    Stream(NETSTRING, b"1:a,9:123456789,1:a,", (b"a",), MessageTooLong, limit=8),
    Stream(NETSTRING, b"5:hello5:hello,", error=Malformed),
    Stream(NETSTRING, b"5:hello!,", error=Malformed),
    Stream(NETSTRING, b"0:0:,", error=Malformed),
    Stream(NETSTRING, b"12345678\n", error=Malformed, limit=10**9),
    Stream(NETSTRING, b"05:hello,", error=Malformed),
    Stream(NETSTRING, b"00:,", error=Malformed),
    Stream(NETSTRING, b":hello,", error=Malformed),
    Stream(NETSTRING, b"hello", error=Malformed),
    Stream(NETSTRING, b"-1:a,", error=Malformed),
    Stream(NETSTRING, b" 1:a,", error=Malformed),
    Stream(NETSTRING, b"1 :a,", error=Malformed),
    Stream(NETSTRING, b"1,a,", error=Malformed),
    Stream(NETSTRING, b"2:hi,\n2:hi,", (b"hi",), Malformed),
    # fixed: after so many bytes
    Stream("fixed:size=1", b"ab\n", (b"a", b"b", b"\n")),
    Stream("fixed:size=3", b"abcdefgh", (b"abc", b"def"), left=2),
    Stream("fixed:size=8", b"1234567887654321", (b"12345678", b"87654321"), limit=8),
    # enclosed: between two marks, and nothing outside of them
    Stream(STX_ETX, b"\x02one\x03\x02\x03\x02two\x03", (b"one", b"", b"two")),
    Stream(STX_ETX, b"junk\x02one\x03\r\n\x03\x02two\x03.", (b"one", b"two"), dropped=8),
    Stream(STX_ETX, b"\x02one\x02two\x03", (b"one\x02two",)),
    Stream(STX_ETX, b"only junk", dropped=9),
    Stream(STX_ETX, b"\x02", left=1),
    Stream(STX_ETX, b"\x02one\x03\x02tw", (b"one",), left=3),
    Stream(MLLP, b"\x0b" + HL7 + b"\x1c\r" + b"\x0bA\x1cB\x1c\r", (HL7, b"A\x1cB")),
    Stream(MLLP, b"\x0bA\x1c", left=3),
    Stream(ANGLES, b"<<a>><<<b>>>>", (b"a", b"<b"), dropped=2),
    Stream(ANGLES, b"<-<<a>>>><", (b"a",), left=1, dropped=4),
    Stream(ANGLES, b"<<a>", left=4),
    Stream(r"enclosed:start=|,end=\x7c", b"|a||b|c|d", (b"a", b"b"), left=2, dropped=1),
    Stream("enclosed:start=ab,end=bc", b"xabcbcab", (b"c",), left=2, dropped=1),
    Stream(STX_ETX, b"\x0212345678\x03", (b"12345678",), limit=8),
    Stream(STX_ETX, b"123456789\x0212345678\x03", (b"12345678",), dropped=9, limit=8),
    Stream(STX_ETX, b"\x0212345678", left=9, limit=8),
    Stream(STX_ETX, b"\x02123456789", error=MessageTooLong, limit=8),
    Stream(STX_ETX, b"\x02123456789\x03", error=MessageTooLong, limit=8),
    Stream(MLLP, b"\x0b12345678\x1c\r", (b"12345678",), limit=8),
    Stream(MLLP, b"\x0b12345678\x1c", left=10, limit=8),
    Stream(MLLP, b"\x0b12345678\x1cx", error=MessageTooLong, limit=8),
    Stream(MLLP, b"\x0b12345678\x1c\x1c\r", error=MessageTooLong, limit=8),
    Stream(MLLP, b"\x0bok\x1c\r\x0b123456789\x1c\r", (b"ok",), MessageTooLong, limit=8),
    Stream("enclosed:start=ab,end=bc", b"abbbcabbb", (b"b",), left=4, limit=1),
    Stream("enclosed:start=ab,end=abxyz", b"abxy", error=MessageTooLong, limit=1),
    # enclosed: and a few bytes after the end mark
    Stream(ASTM, ASTM_FRAME * 2, (b"1H|\\^&|||HOST\r97\r\n",) * 2),
    Stream(ASTM, b"\x05\x02a\x1700\r\n\x02\x03b2\r\n\x04", (b"a00\r\n", b"b2\r\n"), dropped=2),
    Stream(ASTM, b"\x02a\x03\x02\x03\x17\x02\x02b", (b"a\x02\x03\x17\x02",), left=2),
    Stream(ASTM, b"\x02a\x0397\r", left=6),
    Stream(ASTM, b"\x02a\x03", left=3),
    Stream(ASTM, b"\x02", left=1),
    Stream(ASTM, b"\x021234\x0356\r\n", (b"123456\r\n",), limit=8),
    Stream(ASTM, b"\x021234\x17", left=6, limit=8),
    Stream(ASTM, b"\x021234", left=5, limit=8),
    Stream(ASTM, b"\x0212345", error=MessageTooLong, limit=8),
    Stream(ASTM, b"\x0212345\x0356\r\n", error=MessageTooLong, limit=8),
    Stream(ASTM, b"\x02\x031234\x0212345", (b"1234",), MessageTooLong, limit=8),
    Stream(GDB, b"+$qSupported#37+$?#3f", (b"qSupported37", b"?3f"), dropped=2),
    Stream(GDB, b"$#00$g#6", (b"00",), left=4),
    # enclosed: started over
    Stream(STX_AGAIN, b"\x02PI\x02PING\x03", (b"PING",), dropped=3),
    Stream(STX_AGAIN, b"\x02\x02\x02\x03\x02\x02", (b"",), left=1, dropped=3),
    Stream(STX_AGAIN, b"\x0212345678\x0212345678\x03", (b"12345678",), dropped=9, limit=8),
    Stream(STX_AGAIN, b"\x02123456789\x02\x03", error=MessageTooLong, limit=8),
    Stream(STX_AGAIN, b"\x02ok\x03\x02no\x02123456789", (b"ok",), MessageTooLong, limit=8),
    Stream(NMEA, b"$A\r\n$B\n$C$D\rE\r\n", (b"A", b"B", b"D\rE"), dropped=2),
    Stream(NMEA, b"$12345678\r\n$12345678\n", (b"12345678",) * 2, limit=8),
    Stream(NMEA, b"$12345678\r", left=10, limit=8),
    Stream(NMEA, b"$12345678\r$\n", error=MessageTooLong, limit=8),
    Stream(ALL_OF_IT, b"ab1ab2bcabc", (b"2abc",), dropped=3),
    Stream(ALL_OF_IT, b"ab1bcab2abcd", (b"1ab2",), left=4),
    Stream(ALL_OF_IT, b"abaab12cd123", (b"12123",), dropped=3, limit=5),
    Stream(ALL_OF_IT, b"abaaacd123", error=MessageTooLong, limit=5),
    # fix: between 8=, 9= and 10=
    Stream(FIX, b""),
    Stream(FIX, FIX_REPORT + FIX_HEARTBEAT, (FIX_REPORT_FIELDS, b"35=0"), limit=200),
    Stream(FIX, fix("8=X|9=0|10=117|8=X|9=1||10=119|8=X|9=2|||10=121|"), (b"", b"", b"\x01")),
    Stream(FIX, fix("8=FIX.4.4|9=0005|35=0|10=051|"), (b"35=0",)),
    Stream(FIX, fix("8=F|9=14|58=10=000|1=2|10=018|"), (fix("58=10=000|1=2"),)),
    Stream(FIX_42, FIX_HEARTBEAT * 2, (b"35=0",) * 2),
    Stream(FIX, FIX_HEARTBEAT + FIX_REPORT[:1], (b"35=0",), left=1),
    Stream(FIX, FIX_HEARTBEAT[:9], left=9),
    Stream(FIX, FIX_HEARTBEAT[:14], left=14),
    Stream(FIX, FIX_HEARTBEAT[:-1], left=len(FIX_HEARTBEAT) - 1),
    Stream(FIX, fix("8=X|9=9|12345678|10=035|"), (b"12345678",), limit=8),
    Stream(FIX, fix("8=X|9=9"), left=7, limit=8),
    Stream(FIX, fix("8=X|9=10"), error=MessageTooLong, limit=8),
    Stream(FIX, fix("8=X|9=10|123456789|10=068|"), error=MessageTooLong, limit=8),
    Stream(FIX, fix("8=X|9=10x"), error=MessageTooLong, limit=8),
    Stream(FIX, fix("8=X|9=999999999999999999"), error=MessageTooLong),
    Stream(FIX, FIX_HEARTBEAT + fix("8=X|9=999|"), (b"35=0",), MessageTooLong),
    Stream(FIX, b"8" * 2, error=Malformed),
    Stream(FIX, b"35=0", error=Malformed),
    Stream(FIX, fix("|8=X|"), error=Malformed),
    Stream(FIX, fix("8=|"), error=Malformed),
    Stream(FIX, fix("8=" + 21 * "X"), error=Malformed),
    Stream(FIX, b"8=FIX 4.4", error=Malformed),
    Stream(FIX, fix("8=FIX.4.4|35=A|"), error=Malformed),
    Stream(FIX, fix("8=FIX.4.4|9=|"), error=Malformed),
    Stream(FIX, fix("8=FIX.4.4|9=-1|"), error=Malformed),
    Stream(FIX, fix("8=FIX.4.4|9=5 |"), error=Malformed),
    Stream(FIX, fix("8=FIX.4.4|9=" + "0" * 19), error=Malformed),
    Stream(FIX, FIX_HEARTBEAT + fix("8=FIXT.1.1|9=5|35=0|10=242|"), (b"35=0",), Malformed),
    Stream(FIX, fix("8=FIXT.1.1|9=4|35=0|10=240|"), error=Malformed),
    Stream(FIX, fix("8=FIXT.1.1|9=6|35=0|10=242|8"), error=Malformed),
    Stream(FIX, fix("8=FIXT.1.1|9=5|35=0|10=24||"), error=Malformed),
    Stream(FIX, fix("8=FIXT.1.1|9=5|35=0|10=241="), error=Malformed),
    Stream(FIX, FIX_HEARTBEAT + b"\n", (b"35=0",), Malformed),
    # json: a value, whatever it says
    Stream(JSON, b""),
    Stream(JSON, b" \r\n\t\n", dropped=5),
    Stream(JSON, b'{"a":1}\n{"b":2}\r\n', (b'{"a":1}', b'{"b":2}')),
    Stream(JSON, b'{"a":1}{"b":[2]}[]""{}', (b'{"a":1}', b'{"b":[2]}', b"[]", b'""', b"{}")),
    Stream(JSON, b'\n [ 1 ,\n2 ] \r\n\n"a b" \n', (b"[ 1 ,\n2 ]", b'"a b"'), dropped=8),
    Stream(JSON, b"1 2\n-1.5E+3\r\ntrue\nnull false\n", NUMBERS_AND_NAMES, dropped=2),
    Stream(
        JSON, b'1{"a":1}2[]3"b"4 ', (b"1", b'{"a":1}', b"2", b"[]", b"3", b'"b"', b"4"), dropped=1
    ),
    Stream(
        JSON, b'{"}":"]","\\"}":"\\\\"}["\\\\\\"]"]', (b'{"}":"]","\\"}":"\\\\"}', b'["\\\\\\"]"]')
    ),
    Stream(JSON, '["무게","\U0001f4a9"]\n'.encode(), ('["무게","\U0001f4a9"]'.encode(),)),
    Stream(JSON, b'[nonsense, {here: "]"}, \x00\xff]', (b'[nonsense, {here: "]"}, \x00\xff]',)),
    Stream(JSON, b"[[[[[[[[]]]]]]]]", (b"[[[[[[[[]]]]]]]]",)),
    Stream(JSON, b"\r\n\n[]\r\n\n[]\n\r", (b"[]", b"[]"), dropped=5),
    Stream(JSON, b"[]\r[]\r\r\n", (b"[]", b"[]"), dropped=2),
    Stream(JSON, b"nonsense-0 ", (b"nonsense-0",), dropped=1),
    Stream(JSON, b'{"a":1} [1', (b'{"a":1}',), left=2, dropped=1),
    Stream(JSON, b'{"a":', left=5),
    Stream(JSON, b'"a\\', left=3),
    Stream(JSON, b'["a', left=3),
    Stream(JSON, b'["a\\', left=4),
    Stream(
        JSON, b'[123456]\n"123456"\n12345678\n', (b"[123456]", b'"123456"', b"12345678"), limit=8
    ),
    Stream(JSON, b"         [123456]", (b"[123456]",), dropped=9, limit=8),
    Stream(JSON, b"[1234567", left=8, limit=8),
    Stream(JSON, b"[12345678", error=MessageTooLong, limit=8),
    Stream(JSON, b"[1234567]", error=MessageTooLong, limit=8),
    Stream(JSON, b'"1234567', left=8, limit=8),
    Stream(JSON, b'"1234567"', error=MessageTooLong, limit=8),
    Stream(JSON, b'"123456\\"', error=MessageTooLong, limit=8),
    Stream(JSON, b"123456789", error=MessageTooLong, limit=8),
    Stream(JSON, b"[[[[[[[[]", error=MessageTooLong, limit=8),
    Stream(JSON, b"[] [1234567]", (b"[]",), MessageTooLong, limit=8),
    Stream(JSON, b"]", error=Malformed),
    Stream(JSON, b"{]", error=Malformed),
    Stream(JSON, b'{"a":[1}]', error=Malformed),
    Stream(JSON, b"[]]", (b"[]",), Malformed),
    Stream(JSON, b"1,2", (b"1",), Malformed),
    Stream(JSON, b"GET / HTTP/1.1\r\n", error=Malformed),
    Stream(JSON, b"[]\0", (b"[]",), Malformed),
    Stream(JSON, b"\xef\xbb\xbf[]", error=Malformed),
    # gap: a silence ends it, or the end of the stream
    Stream("gap", b""),
    Stream("gap", b"hello", (b"hello",)),
    Stream(GAP, b"one\ntwo", (b"one\ntwo",)),
    Stream(GAP, b"12345678", (b"12345678",), limit=8),
    Stream(GAP, b"123456789", error=MessageTooLong, limit=8),
    # eof: the end of the stream ends it
    Stream(EOF, b""),
    Stream(EOF, b"one\ntwo\r\n", (b"one\ntwo\r\n",)),
    Stream(EOF, b"12345678", (b"12345678",), limit=8),
    Stream(EOF, b"123456789", error=MessageTooLong, limit=8),
    # resp: arrays of words, and lines; what is empty is dropped
    Stream(RESP, b""),
    Stream(RESP, b"*1\r\n$4\r\nPING\r\n", (b"PING",)),
    Stream(
        RESP,
        b"*3\r\n$3\r\nSET\r\n$4\r\na\r\nb\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
        (b"SET a\r\nb ", b"GET a"),
    ),
    Stream(RESP, b"*1\r\n$0\r\n\r\nPING\r\nget  a\t\n", (b"", b"PING", b"get a")),
    Stream(RESP, b"\r\n \n*0\r\n*-1\r\n*-10\r\nPING\n", (b"PING",), dropped=19),
    Stream(RESP, b"PING\n\n\n", (b"PING",), dropped=2),
    Stream(RESP, b"set a \"b c\\x41\\n\" 'd\\'e'\n", (b"set a b cA\n d'e",)),
    Stream(RESP, b'""\n', (b"",)),
    Stream(RESP, b"*", left=1),
    Stream(RESP, b"*1\r", left=3),
    Stream(RESP, b"*2\r\n$3\r\nGET\r\n", left=13),
    Stream(RESP, b"*2\r\n$3\r\nGET\r\n$1\r\na\r", left=19),
    Stream(RESP, b"PING\r\n*1\r\n$4\r\nPI", (b"PING",), left=10),
    Stream(RESP, b"PING\r\nPING\r", (b"PING",), left=5),
    Stream(RESP, b"*2\r\n$3\r\nGET\r\n$4\r\nabcd\r\n", (b"GET abcd",), limit=8),
    Stream(RESP, b"*2\r\n$3\r\nGET\r\n$5\r\n", error=MessageTooLong, limit=8),
    Stream(RESP, b"*9\r\n" + b"$0\r\n\r\n" * 9, (b" " * 8,), limit=8),
    Stream(RESP, b"*10\r\n", error=MessageTooLong, limit=8),
    Stream(RESP, b"PING\r\n*1\r\n$536870912\r\n", (b"PING",), MessageTooLong, limit=8),
    Stream(RESP, b"GET abcd\r\n", (b"GET abcd",), limit=8),
    Stream(RESP, b"GET abcd\r", left=9, limit=8),
    Stream(RESP, b"GET abcde\n", error=MessageTooLong, limit=8),
    Stream(RESP, b"GET abcd\r\r\n", error=MessageTooLong, limit=8),
    Stream(RESP, b"GET abcdx", error=MessageTooLong, limit=8),
    Stream(RESP, b"*1048577\r\n", error=Malformed, limit=10**9),
    Stream(RESP, b"*1\r\n$536870913\r\n", error=Malformed, limit=10**9),
    Stream(RESP, b"*1\r\n$-1\r\n", error=Malformed),
    Stream(RESP, b"*1\r\n:1\r\n", error=Malformed),
    Stream(RESP, b"*1\r\n$1\r\nab\r\n", error=Malformed),
    Stream(RESP, b"*1\r\n$1\r\na\n\n", error=Malformed),
    Stream(RESP, b"*1\r\n$01\r\na\r\n", error=Malformed),
    Stream(RESP, b"*1\r\r\n", error=Malformed),
    Stream(RESP, b"*\r\n", error=Malformed),
    Stream(RESP, b"*+1\r\n", error=Malformed),
    Stream(RESP, b"*-0\r\n", error=Malformed),
    Stream(RESP, b"*a\r\n", error=Malformed),
    Stream(RESP, b"*1\n$4\nPING\n*1\r\n$4\r\nPING\r\n", error=Malformed),
    Stream(RESP, b"*" + b"1" * 23, error=Malformed),
    Stream(RESP, b"*" + b"1" * 22, left=23),
    Stream(RESP, b'PING\r\nget "a\r\n', (b"PING",), Malformed),
    Stream(RESP, b"get 'a'b\r\n", error=Malformed),
)

REPLIES = (
    Sent(CHUNK, b"hello\n", b"hello\n"),
    Sent(CHUNK, "서버로부터".encode(), "서버로부터".encode()),
    Sent(LINE, b"READY", b"READY\n"),
    Sent(LINE, b"", b"\n"),
    Sent(LINE, b"one\ntwo", b"one\ntwo\n", (b"one", b"two")),
    Sent("line:ending=lf", b"READY", b"READY\n"),
    Sent("line:ending=crlf", b"READY", b"READY\r\n"),
    Sent("line:ending=crlf", b"", b"\r\n"),
    Sent(ANY_END, b"READY", b"READY\r\n"),
    Sent(ANY_END, b"one\rtwo", b"one\rtwo\r\n", (b"one", b"two")),
    Sent(TELNET, b"a\xffb", b"a\xff\xffb\n"),
    Sent("line:telnet=strip,ending=crlf", b"\xff\xff", b"\xff\xff\xff\xff\r\n"),
    Sent(TELNET_USER, b"READY", b"READY\r\n"),
    Sent("line:telnet=no", b"a\xffb", b"a\xffb\n"),
    Sent(BLOCKS, b"#12\n\n", b"#12\n\n\n"),
    Sent("line:blocks=yes,ending=crlf", b"#12\n\r", b"#12\n\r\r\n"),
    Sent("line:blocks=no", b"a", b"a\n"),
    Sent(NUL, b"hello", b"hello\0"),
    Sent(BLANK_LINE, b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\n\r\n"),
    Sent(BLANK_LINE, b"a\r\n\r\nb", b"a\r\n\r\nb\r\n\r\n", (b"a", b"b")),
    Sent(HTTP, b"HTTP/1.1 200 OK\r\n\r\nhello", b"HTTP/1.1 200 OK\r\n\r\nhello"),
    Sent(HTTP, b"", b"", ()),
    Sent(r"delimited:end=;,reply_end=\r\n", b"1;2", b"1;2\r\n"),
    Sent(r"delimited:reply_end=\\,end=\,", b"1,2", b"1,2\\"),
    Sent(ONE_BYTE, b"", b"\x00"),
    Sent(ONE_BYTE, b"x" * 255, b"\xff" + b"x" * 255),
    Sent("length:bytes=2", ISO_8583, b"\x00\x1f" + ISO_8583),
    Sent("length:bytes=2,order=little", b"hi", b"\x02\x00hi"),
    Sent("length:bytes=3", b"hi", b"\x00\x00\x02hi"),
    Sent("length:bytes=4", b"hi", b"\x00\x00\x00\x02hi"),
    Sent("length:bytes=8,order=little", b"hi", b"\x02\x00\x00\x00\x00\x00\x00\x00hi"),
    Sent(FOUR_DIGITS, b"hello", b"0005hello"),
    Sent("length:digits=1", b"123456789", b"9123456789"),
    Sent("length:bytes=1,adjust=2", b"abcZZ", b"\x03abcZZ"),
    Sent("length:bytes=1,adjust=-1", b"ab", b"\x03ab"),
    Sent(COUNTS_HEADER, b"hello", b"\x00\x07hello"),
    Sent("length:digits=4,inclusive=yes", b"hello", b"0009hello"),
    Sent("length:bytes=2,inclusive=yes,adjust=1", b"hello", b"\x00\x06hello"),
    Sent(HEADER_STAYS, b"\x02hi", b"\x02hi"),
    Sent(MODBUS, MODBUS_COIL, MODBUS_COIL),
    Sent("length:bytes=2,offset=2,inclusive=yes,strip=no", TPKT, TPKT),
    Sent(HEX_DIGITS, b"OKAY", b"0004OKAY"),
    Sent(HEX_DIGITS, b"x" * 26, b"001a" + b"x" * 26),
    Sent(PKT_LINE, b"a\n", b"0006a\n"),
    Sent(PKT_LINE, b"", b"0004"),
    Sent(PKT_LINE_STAYS, b"0000", b"0000"),
    Sent(OCTET_COUNT, b"hello", b"5 hello"),
    Sent(OCTET_COUNT, b"", b"0 "),
    Sent(OCTET_COUNT, b"x" * 100, b"100 " + b"x" * 100),
    Sent("length:until=:,offset=2,strip=no", b"ab02:hi", b"ab02:hi"),
    Sent(CHUNKS, b"hello\r\n", b"5\r\nhello\r\n"),
    Sent(CHUNKS, b"x" * 26 + b"\r\n", b"1a\r\n" + b"x" * 26 + b"\r\n"),
    Sent(COUNTS_DIGITS, b"", b"2:"),
    Sent(COUNTS_DIGITS, b"1234567", b"9:1234567"),
    Sent(COUNTS_DIGITS, b"12345678", b"11:12345678"),
    Sent(COUNTS_DIGITS, b"x" * 96, b"99:" + b"x" * 96),
    Sent(COUNTS_DIGITS, b"x" * 97, b"101:" + b"x" * 97),
    Sent("length:until=:,inclusive=yes,adjust=2", b"a", b"1:a"),
    Sent(VARINT, b"hello", b"\x05hello"),
    Sent(VARINT, b"", b"\x00"),
    Sent(VARINT, b"x" * 127, b"\x7f" + b"x" * 127),
    Sent(VARINT, b"x" * 128, b"\x80\x01" + b"x" * 128),
    Sent("length:form=leb128,inclusive=yes", b"x" * 126, b"\x7f" + b"x" * 126),
    Sent("length:form=leb128,inclusive=yes", b"x" * 127, b"\x81\x01" + b"x" * 127),
    Sent("length:form=leb128,adjust=-1", b"x" * 127, b"\x80\x01" + b"x" * 127),
    Sent(MQTT, MQTT_PUBLISH, MQTT_PUBLISH),
    Sent(BER, b"hello", b"\x05hello"),
    Sent(BER, b"x" * 127, b"\x7f" + b"x" * 127),
    Sent(BER, b"x" * 128, b"\x81\x80" + b"x" * 128),
    Sent(BER, b"x" * 256, b"\x82\x01\x00" + b"x" * 256),
    Sent("length:form=ber,adjust=1", b"!", b"\x00!"),
    Sent(LDAP, LDAP_BIND, LDAP_BIND),
    Sent(FASTCGI, FASTCGI_PARAMS, FASTCGI_PARAMS),
    Sent(NETSTRING, b"hello", b"5:hello,"),
    Sent(NETSTRING, b"", b"0:,"),
    Sent(NETSTRING, b"1:a,", b"4:1:a,,"),
    Sent("fixed:size=3", b"abc", b"abc"),
    Sent("fixed:size=3", b"abcdef", b"abcdef", (b"abc", b"def")),
    Sent(STX_ETX, b"hello", b"\x02hello\x03"),
    Sent(STX_ETX, b"", b"\x02\x03"),
    Sent(STX_ETX, b"a\x03\x02b", b"\x02a\x03\x02b\x03", (b"a", b"b")),
    Sent(MLLP, HL7, b"\x0b" + HL7 + b"\x1c\r"),
    Sent(ASTM, b"1H|\\^&|||HOST\r97\r\n", ASTM_FRAME),
    Sent(ASTM, b"97\r\n", b"\x02\x0397\r\n"),
    Sent(GDB, b"OK9a", b"$OK#9a"),
    Sent(STX_AGAIN, b"PONG", b"\x02PONG\x03"),
    Sent(NMEA, b"GPGGA*47", b"$GPGGA*47\r\n"),
    Sent(ALL_OF_IT, b"2abc", b"ab2bcabc"),
    Sent(FIX_42, FIX_REPORT_FIELDS, FIX_REPORT),
    Sent(FIX, b"35=0", fix("8=FIX.4.4|9=5|35=0|10=163|")),
    Sent(FIX, b"", fix("8=FIX.4.4|9=0|10=200|")),
    Sent(FIX, fix("35=0|"), fix("8=FIX.4.4|9=5|35=0|10=163|"), (b"35=0",)),
    Sent(JSON, b'{"a": [1]}', b'{"a": [1]}\n'),
    Sent(JSON, b"12", b"12\n"),
    Sent(JSON, b'"a"1', b'"a"1\n', (b'"a"', b"1")),
    Sent(GAP, b"hello\n", b"hello\n"),
    Sent(EOF, b"hello\n", b"hello\n"),
    Sent(RESP, b"+PONG\r\n", b"+PONG\r\n"),
    Sent(RESP, b"$4\r\na\r\nb\r\n", b"$4\r\na\r\nb\r\n"),
    Sent(RESP, b"+OK\r\n:1\r\n", b"+OK\r\n:1\r\n", (b"+OK\r\n", b":1\r\n")),
    Sent(RESP, b"%1\r\n$5\r\nproto\r\n:3\r\n", b"%1\r\n$5\r\nproto\r\n:3\r\n"),
)

SPECS = tuple(dict.fromkeys(row.spec for row in (*STREAMS, *REPLIES)))
"""Every framing that the table speaks of."""

"""What a service makes of bytes as they come over the wire."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from sockreply.commands.wire import Piece, Subject, pieces, wire_explained
from sockreply.errors import ConfigError
from sockreply.framing import Choice, Entry, Framing, Switched, parse_framing
from sockreply.masks import Mask
from sockreply.replies import Responder, Session
from sockreply.replies.builtin import Echo
from sockreply.rules import Equals, PeerIn, Rule, RuleTable, reply, template
from sockreply.rules.explaining.explain import Explanation
from sockreply.rules.explaining.imagined import LOCAL
from sockreply.settings import Limits, ListenerSettings, ServiceSettings
from tests.framing.stand_ins import Stop, StopFramer
from tests.framing.table import fix

RULES = RuleTable(
    [
        Rule("open", Equals(b"OPEN"), reply(b"1"), next_state="open"),
        Rule("read", Equals(b"READ"), reply(b"2"), frozenset({"open"})),
        Rule("home", PeerIn([ip_network("10.0.0.0/8")]), reply(b"3")),
    ]
)


def subject(
    framing: str | Framing = "line",
    responder: Responder = RULES,
    *,
    keep_alive: bool = True,
    limits: Limits | None = None,
) -> Subject:
    """A service that is asked about."""
    made = parse_framing(framing) if isinstance(framing, str) else framing
    return Subject(
        "s",
        ServiceSettings(
            listen=(ListenerSettings("tcp:0"),),
            framing=made,
            responder=responder,
            keep_alive=keep_alive,
            limits=limits or Limits(),
        ),
        LOCAL,
    )


def told(of: Subject, wire: bytes) -> list[str]:
    """What is said of a wire."""
    return wire_explained(of, wire)[0]


def outline(of: Subject, wire: bytes) -> list[str]:
    """The same without the explanations of messages."""
    return [line for line in told(of, wire) if line[0] != " " or "; " in line]


def test_each_message_is_explained_in_its_order() -> None:
    """It comes in the state to which those before it have led."""
    lines, answered = wire_explained(subject(), b"OPEN\r\nREAD\n")
    assert answered
    assert lines == [
        "message 1: 'OPEN'",
        "  open: answers - the state becomes open",
        "  read: not reached",
        "  home: not reached",
        "  open:",
        "    send '1', on the wire '1\\n'",
        "message 2: 'READ'",
        "  open: does not match - equals: byte 0 (from 0) is 0x52 'R', not 0x4f 'O'",
        "  read: answers",
        "  home: not reached",
        "  read:",
        "    send '2', on the wire '2\\n'",
    ]


def test_the_first_state_is_the_one_that_was_asked_for() -> None:
    """And it stays where no rule leads elsewhere."""
    assert not wire_explained(subject(), b"READ\n")[1]
    assert wire_explained(replace(subject(), state="open"), b"READ\nREAD\n")[1]


def test_each_message_is_counted() -> None:
    """What answers sees the number that the message would have."""

    class Counting(RuleTable):
        def explain(self, message: bytes, session: Session) -> Explanation:
            counts.append(session.count)
            return super().explain(message, session)

    counts: list[int] = []
    told(subject(responder=Counting([])), b"1\n2\n3\n")
    assert counts == [1, 2, 3]


def test_what_a_message_says_of_itself() -> None:
    """Templates know what came with it, and a reply is framed as its own framing says."""
    framing = parse_framing("fix")
    of = subject(framing, RuleTable([], otherwise=reply(template("{{ begin }}", framing=framing))))
    assert told(of, fix("8=FIX.4.2|9=5|35=0|10=161|")) == [
        "message 1: '35=0'",
        "  there are no rules",
        "  otherwise:",
        r"    send 'FIX.4.2', on the wire '8=FIX.4.2\x019=8\x01FIX.4.2\x0110=120\x01'",
    ]
    explanation = of.explain(b"35=0")
    assert explanation is not None
    assert explanation.reply[0].startswith("send 'FIX.4.4', on the wire '8=FIX.4.4")


CLOSED = "after message_timeout (10 s) the connection is closed"


@pytest.mark.parametrize(
    ("framing", "wire", "said"),
    [
        ("line", b"OPEN", ["left over: 'OPEN'", f"  no LF yet; {CLOSED}"]),
        (
            "line",
            b"OPEN\r",
            [r"left over: 'OPEN\r' (hex 4f 50 45 4e 0d)", f"  no LF yet; {CLOSED}"],
        ),
        ("delimited:end=;;", b"OPEN;", ["left over: 'OPEN;'", f"  no ';;' yet; {CLOSED}"]),
        (r"delimited:end=\r\n", b"OPEN", ["left over: 'OPEN'", f"  no CR LF yet; {CLOSED}"]),
        ("enclosed:start=<<,end=>", b"<<OP", ["left over: '<<OP'", f"  no '>' yet; {CLOSED}"]),
        (
            "enclosed:start=<<,end=>",
            b"ab<<OPEN>c<",
            [
                "dropped, because it is outside any message: 'ab'",
                "message 1: 'OPEN'",
                "dropped, because it is outside any message: 'c'",
                "left over: '<'",
                f"  only the beginning of '<<' so far; {CLOSED}",
            ],
        ),
        (
            "enclosed:start=<,end=>",
            b"OPEN",
            [
                "dropped, because it is outside any message: 'OPEN'",
                "no message: after idle_timeout (75 s) the connection is closed",
            ],
        ),
        (
            "length:bytes=2",
            b"\0\4OPEN\0",
            [
                "message 1: 'OPEN'",
                r"left over: '\x00' (hex 00)",
                f"  1 byte of the header is missing; {CLOSED}",
            ],
        ),
        (
            r"length:until=\x20",
            b"4 OPEN1",
            ["message 1: 'OPEN'", "left over: '1'", f"  no ' ' after the count yet; {CLOSED}"],
        ),
        (
            "length:form=leb128",
            b"\x80",
            [r"left over: '\x80' (hex 80)", f"  the last byte of the count is missing; {CLOSED}"],
        ),
        (
            "length:form=ber,offset=3,strip=no",
            b"0",
            ["left over: '0'", f"  2 bytes before the count are missing; {CLOSED}"],
        ),
        (
            "length:form=ber,offset=1,strip=no",
            b"0",
            ["left over: '0'", f"  the count is missing; {CLOSED}"],
        ),
        (
            "length:form=ber",
            b"\x82\0",
            [r"left over: '\x82\x00' (hex 82 00)", f"  1 byte of the count is missing; {CLOSED}"],
        ),
        (
            "length:form=ber",
            b"\2O",
            [
                r"left over: '\x02O' (hex 02 4f)",
                f"  1 byte after the header is missing; {CLOSED}",
            ],
        ),
        (
            "length:digits=2",
            b"04OP",
            ["left over: '04OP'", f"  2 bytes after the header are missing; {CLOSED}"],
        ),
        (
            "length:digits=2",
            b"04OPENx4",
            [
                "message 1: 'OPEN'",
                "broken format: 'x4'",
                "  expected 2 digits, found b'x4'; the connection is closed",
            ],
        ),
        ("netstring", b"4", ["left over: '4'", f"  no ':' after the length yet; {CLOSED}"]),
        (
            "netstring",
            b"4:OPE",
            ["left over: '4:OPE'", f"  1 byte is missing, and the comma; {CLOSED}"],
        ),
        ("netstring", b"4:OPEN", ["left over: '4:OPEN'", f"  the comma is missing; {CLOSED}"]),
        (
            "fixed:size=4",
            b"OPENRE",
            ["message 1: 'OPEN'", "left over: 'RE'", f"  2 bytes are missing; {CLOSED}"],
        ),
        ("gap", b"OPEN", ["message 1, after 0.05 s of silence: 'OPEN'"]),
        ("eof", b"OPEN", ["message 1, when the peer half-closes: 'OPEN'"]),
        ("chunk", b"OPEN", ["message 1, if it arrives in one read: 'OPEN'"]),
        ("line", b"", ["no message: after idle_timeout (75 s) the connection is closed"]),
        (
            "chunk",
            "é\xa0".encode(),
            [r"message 1, if it arrives in one read: 'é\xa0' (hex c3 a9 c2 a0)"],
        ),
        ("chunk", b"\xff", [r"message 1, if it arrives in one read: '\xff' (hex ff)"]),
        ("chunk", "é".encode(), ["message 1, if it arrives in one read: 'é'"]),
    ],
)
def test_what_framings_make_of_bytes(framing: str, wire: bytes, said: list[str]) -> None:
    """The messages, what is dropped, and what is missing of the one that has begun."""
    assert outline(subject(framing), wire) == said


@pytest.mark.parametrize(
    ("limits", "fate"),
    [
        (Limits(message_timeout=2.5), "after message_timeout (2.5 s) the connection is closed"),
        (Limits(message_timeout=0), "after idle_timeout (75 s) the connection is closed"),
        (Limits(message_timeout=0, idle_timeout=0), "the connection stays open"),
    ],
)
def test_what_becomes_of_the_connection(limits: Limits, fate: str) -> None:
    """The timeouts are those of the service."""
    assert told(subject(limits=limits), b"x")[-1] == f"  no LF yet; {fate}"


def test_only_one_message_without_keep_alive() -> None:
    """What comes after it is not read, be it whole, begun or broken."""
    not_read = "  not read: without keep_alive the connection carries one message"
    lines, answered = wire_explained(subject("netstring", keep_alive=False), b"4:OPEN,1:x,2:")
    assert not answered
    assert lines[-4:] == ["message 2: 'x'", not_read, "left over: '2:'", not_read]
    broken = told(subject("netstring", keep_alive=False), b"4:OPEN,x")
    assert broken[-2:] == ["broken format: 'x'", not_read]
    assert wire_explained(subject("netstring", keep_alive=False), b"4:OPEN,")[1]


@pytest.mark.parametrize(
    ("wire", "answered"),
    [
        (b"OPEN\n", True),
        (b"OPEN\nOPEN\n", True),
        (b"OPEN\nSHUT\n", False),
        (b"OPEN\nO", False),
        (b"", False),
    ],
)
def test_all_is_answered(wire: bytes, answered: bool) -> None:
    """There are messages, each has its answer for certain, and nothing is left."""
    assert wire_explained(subject(), wire)[1] is answered


def test_code_that_does_not_explain_itself() -> None:
    """The messages are shown all the same."""
    lines, answered = wire_explained(subject(responder=Echo()), b"x\n")
    assert lines == ["message 1: 'x'", "  code answers, not rules"]
    assert answered


def test_a_message_that_is_too_long() -> None:
    """It breaks the format, as it does in earnest."""
    lines = told(subject(limits=Limits(max_message=3)), b"OPEN\n")
    assert lines[-1] == "  message longer than 3 bytes; the connection is closed"


def test_a_framing_of_somebody_elses() -> None:
    """It need not say what is missing, may end messages at the end, and is named if it fails."""
    assert told(subject(Stop()), b"OPENSTOPx")[-2:] == [
        "left over: 'x'",
        f"  the message is not complete; {CLOSED}",
    ]

    class AtEnd(StopFramer):
        def receive_eof(self) -> None:
            self.receive_data(b"STOP")

    assert list(pieces(AtEnd(9, b"STOP"), b"x")) == [
        Piece("message", b"x", "when the peer half-closes")
    ]

    class Failing(Stop):
        name = "failing"

        def framer(self, max_message: int) -> StopFramer:
            return FailingFramer(max_message, b"")

    class FailingFramer(StopFramer):
        def next_message(self) -> bytes | None:
            raise LookupError("no word")

    with pytest.raises(ConfigError, match=r"^framing failing: LookupError: no word \("):
        told(subject(Failing()), b"x")


LINE, TEXT = parse_framing("line"), parse_framing(r"delimited:end=\r\n.\r\n,reply_end=\r\n")
MAIL = RuleTable(
    [
        Rule("text", None, reply(b"250"), frozenset({"text"}), "start"),
        Rule("data", Equals(b"DATA"), reply(b"354"), next_state="text"),
        Rule("noop", Equals(b"NOOP"), reply(b"250")),
    ],
    framings={"text": TEXT},
)
SWITCHED = Switched(LINE, LINE, (TEXT,))


def messages(of: Subject, wire: bytes) -> list[str]:
    """The lines that name pieces, and what is sent."""
    return [line for line in told(of, wire) if line[0] != " " or "on the wire" in line]


def test_each_message_is_cut_as_those_before_it_ask() -> None:
    """The framing changes with the state, for what has come already and at the end."""
    mail = subject(SWITCHED, MAIL)
    lines, answered = wire_explained(mail, b"DATA\r\n.\r\nDATA\r\na\r\nNOOP\r\n.\r\nNOOP\r\n")
    assert answered
    assert [line for line in lines if line[0] != " " or "on the wire" in line] == [
        "message 1: 'DATA'",
        r"    send '354', on the wire '354\n'",
        "message 2: ''",
        r"    send '250', on the wire '250\r\n'",
        "message 3: 'DATA'",
        r"    send '354', on the wire '354\n'",
        r"message 4: 'a\r\nNOOP' (hex 61 0d 0a 4e 4f 4f 50)",
        r"    send '250', on the wire '250\r\n'",
        "message 5: 'NOOP'",
        r"    send '250', on the wire '250\n'",
    ]
    assert outline(mail, b"DATA\r\na\r\n.\r")[-2:] == [
        r"left over: 'a\r\n.\r' (hex 61 0d 0a 2e 0d)",
        rf"  no '\r\n.\r\n' yet; {CLOSED}",
    ]


def test_the_first_message_has_the_framing_of_the_state_that_was_asked_for() -> None:
    """It is as if the connection had come to it already."""
    inside = replace(subject(SWITCHED, MAIL), state="text")
    assert messages(inside, b"DATA\r\n.\r\nDATA\r\n")[::2] == [
        "message 1: 'DATA'",
        "message 2: 'DATA'",
    ]
    assert wire_explained(inside, b"\r\n.\r\n")[1]
    assert inside.framing_in("text") == TEXT
    assert inside.framing_in("start") == LINE


def test_a_state_in_which_the_end_of_the_stream_ends_the_message() -> None:
    """What is left is told to the framing that there is by then."""
    for spec, ended in (("eof", "when the peer half-closes"), ("gap", "after 0.05 s of silence")):
        rules = [Rule("a", Equals(b"a"), reply(b"1"), next_state="b"), Rule("b", None, reply(b"2"))]
        last = parse_framing(spec)
        table = RuleTable(rules, framings={"b": last})
        both = subject(Switched(LINE, LINE, (last,)), table)
        assert outline(both, b"a\nrest") == ["message 1: 'a'", f"message 2, {ended}: 'rest'"]
    chunk = parse_framing("chunk")
    both = subject(Switched(LINE, LINE, (chunk,)), RuleTable(rules, framings={"b": chunk}))
    assert outline(both, b"a\nrest")[1] == "message 2, if it arrives in one read: 'rest'"


def test_a_list_of_framings() -> None:
    """Each reply is framed as its message came, or would come."""
    both = Choice((Entry(TEXT, (Mask(b"#"),)), Entry(LINE)))
    listed = subject(both, RuleTable([Rule("all", None, reply(b"1"))]))
    assert messages(listed, b"#a\r\n.\r\nb\n") == [
        "message 1: '#a'",
        r"    send '1', on the wire '1\r\n'",
        "message 2: 'b'",
        r"    send '1', on the wire '1\n'",
    ]
    for message, wire in ((b"#a", r"1\r\n"), (b"a", r"1\n"), (b"a\nb", r"1\n")):
        explanation = listed.explain(message)
        assert explanation is not None
        assert explanation.reply == (f"send '1', on the wire '{wire}'",)
    narrow = Choice((Entry(parse_framing("length:bytes=1")),))
    explanation = replace(listed, service=replace(listed.service, framing=narrow)).explain(
        b"x" * 300
    )
    assert explanation is not None
    assert explanation.reply == (r"send '1', on the wire '\x011'",)
    strict = subject(Choice((Entry(LINE, (Mask(b"a"), Mask(b"b"))),)), RULES)
    assert outline(strict, b"b\nxyz")[-2:] == [
        "broken format: 'xyz'",
        "  expected a message that begins with 'a' or 'b', found b'x'; the connection is closed",
    ]

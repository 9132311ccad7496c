"""What only `fix` does."""

from __future__ import annotations

import pytest

from sockreply.errors import ConfigError, Malformed
from sockreply.framing import Fix, Message, parse_framing
from sockreply.replies import Reply, Send
from tests.framing.table import FIX, FIX_42, FIX_HEARTBEAT, FIX_REPORT, fix
from tests.server.stand_ins import Talk, always


def test_a_message_knows_its_version() -> None:
    """What answers it is sent in the same, whatever the service sends otherwise."""
    framer = parse_framing(FIX_42).framer(1000)
    framer.receive_data(FIX_HEARTBEAT + FIX_REPORT)
    for begin in (b"FIXT.1.1", b"FIX.4.2"):
        message = framer.next_message()
        assert isinstance(message, Message)
        assert message.framing == Fix(begin)
        assert dict(message.facts) == {"begin": begin}
    assert parse_framing(FIX_42).facts_of(b"35=0") == {"begin": b"FIX.4.2"}


def test_a_reply_has_the_version_of_its_request() -> None:
    """Also where it is one of several steps; a greeting has the version of the service."""
    reply = Reply(Send(b"35=0"), Send(b"35=0"))
    talk = Talk(always(reply), FIX_42, greeting=b"35=0")
    assert talk.hear() == Fix(b"FIX.4.2").frame(b"35=0")
    talk.say(FIX_HEARTBEAT + Fix().frame(b"35=0"))
    in_both = [Fix(version).frame(b"35=0") for version in (b"FIXT.1.1", b"FIX.4.4")]
    assert talk.hear() == in_both[0] * 2 + in_both[1] * 2


@pytest.mark.parametrize(
    ("wire", "expected", "found"),
    [
        ("35=0|", "8= at byte 0 (from 0)", "35"),
        ("8=|", "a version and SOH at byte 2 (from 0)", "|"),
        ("8=FIX 4.4|", "a version and SOH at byte 2 (from 0)", "FIX "),
        ("8=FIX.4.4|35=A|", "9= at byte 10 (from 0)", "35"),
        ("8=FIX.4.4|9=|", "the length of the body and SOH at byte 12 (from 0)", "|"),
        ("8=FIX.4.4|9=5x", "the length of the body and SOH at byte 12 (from 0)", "5x"),
        (
            "8=FIXT.1.1|9=4|35=0|10=241|",
            "SOH, 10=, three digits and SOH, as 9=4 says, at byte 18 (from 0)",
            "0|10=241",
        ),
        (
            "8=FIXT.1.1|9=6|35=0|10=241|8",
            "SOH, 10=, three digits and SOH, as 9=6 says, at byte 20 (from 0)",
            "10=241|8",
        ),
        (
            "8=FIXT.1.1|9=5|35=0|10=24 |",
            "SOH, 10=, three digits and SOH, as 9=5 says, at byte 19 (from 0)",
            "|10=24 |",
        ),
        ("8=FIXT.1.1|9=5|35=0|10=240|", "the checksum 241 at byte 23 (from 0)", "240"),
    ],
)
def test_what_is_wrong_and_where(wire: str, expected: str, found: str) -> None:
    """The error says which byte it is, and what should be there."""
    broken = parse_framing(FIX).framer(1000)
    broken.receive_data(FIX_HEARTBEAT + fix(wire))
    assert broken.next_message() == b"35=0"
    with pytest.raises(Malformed) as caught:
        broken.next_message()
    assert str(caught.value) == f"expected {expected}, found {fix(found)!r}"


def test_what_is_missing() -> None:
    """A message that has begun says what it waits for."""
    framer = parse_framing(FIX).framer(1000)
    for read, missing in (
        ("8=FIXT.1.1|9=5", "the fields 8= and 9= are not complete"),
        ("|35=0", "8 bytes up to the end of 10=, as 9=5 says, are missing"),
        ("|10=241", "1 byte up to the end of 10=, as 9=5 says, is missing"),
    ):
        framer.receive_data(fix(read))
        assert framer.next_message() is None
        assert framer.missing() == missing  # type: ignore[attr-defined]  # an optional method


def test_a_length_is_believed_only_so_far() -> None:
    """Zeros in front of it are legal, and do not have to end."""
    framer = parse_framing(FIX).framer(1000)
    framer.receive_data(fix("8=FIX.4.4|9=" + "0" * 18))
    assert framer.next_message() is None
    framer.receive_data(b"5")
    with pytest.raises(Malformed, match="expected the length of the body and SOH at byte 12 "):
        framer.next_message()


@pytest.mark.parametrize("begin", ["", "FIX 4.4", r"\x01", "x" * 21, "é"])
def test_versions_that_cannot_be(begin: str) -> None:
    """A version is a short word of ASCII."""
    with pytest.raises(ConfigError, match=r"^framing fix: begin: '.*' is not a version such as"):
        parse_framing(f"fix:begin={begin}")

"""The framings by name, and what is said of specs that name none."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.errors import ConfigError, MessageTooLong
from sockreply.extensions import CODE_HINT
from sockreply.framing import (
    Chunk,
    Delimited,
    Enclosed,
    Eof,
    Fixed,
    Framing,
    Gap,
    Length,
    Line,
    Netstring,
    parse_framing,
)
from sockreply.framing.foreign import ENTRY_POINT_GROUP
from sockreply.framing.registry import FRAMING_NAMES
from tests.framing.stand_ins import Stop
from tests.framing.table import KEYS, Outcome, receive


@given(st.text(st.sampled_from("ab=:,\\xn0"), max_size=12))
def test_nothing_but_config_errors(spec: str) -> None:
    """A spec is understood or is a ConfigError, whatever it is."""
    with suppress(ConfigError):
        parse_framing(spec)


@pytest.mark.parametrize(
    ("spec", "framing"),
    [
        ("chunk", Chunk()),
        ("line", Line()),
        ("line:ending=lf", Line(b"\n")),
        ("line:ending=crlf", Line(b"\r\n")),
        ("line:ending=any", Line(None)),
        ("line:telnet=strip", Line(telnet=True)),
        ("line:blocks=yes", Line(blocks=True)),
        ("line:telnet=no,ending=any", Line(None)),
        (r"delimited:end=\r\n\r\n", Delimited(b"\r\n\r\n")),
        (r"delimited:end=\0,reply_end=\,", Delimited(b"\0", b",")),
        (r"delimited:end=\0,reply_end=", Delimited(b"\0", b"")),
        ("length:bytes=1", Length(octets=1)),
        ("length:bytes=2", Length(octets=2)),
        ("length:bytes=3", Length(octets=3)),
        ("length:bytes=4", Length(octets=4)),
        ("length:bytes=8", Length(octets=8)),
        ("length:digits=1", Length(digits=1)),
        ("length:digits=18", Length(digits=18)),
        ("length:digits=4,base=16", Length(digits=4, base=16)),
        ("length:digits=4,base=10", Length(digits=4)),
        (r"length:until=\r\n", Length(until=b"\r\n")),
        ("length:form=leb128", Length(form="leb128")),
        ("length:form=ber", Length(form="ber")),
        (
            "length:bytes=2,adjust=1,padding=2,strip=no",
            Length(octets=2, adjust=1, padding=2, strip=False),
        ),
        ("length:bytes=2,order=big", Length(octets=2)),
        ("length:bytes=2,order=little", Length(octets=2, order="little")),
        ("length:bytes=2,adjust=0", Length(octets=2)),
        ("length:bytes=2,adjust=-12", Length(octets=2, adjust=-12)),
        ("length:bytes=2,adjust=12", Length(octets=2, adjust=12)),
        ("length:bytes=2,inclusive=yes", Length(octets=2, inclusive=True)),
        ("length:bytes=2,inclusive=no", Length(octets=2)),
        ("length:bytes=2,offset=0", Length(octets=2)),
        ("length:bytes=2,offset=4,strip=no", Length(octets=2, offset=4, strip=False)),
        ("length:strip=yes,bytes=2", Length(octets=2)),
        ("netstring", Netstring()),
        ("fixed:size=1", Fixed(1)),
        ("fixed:size=2147483647", Fixed(2**31 - 1)),
        (r"enclosed:start=\x0b,end=\x1c\r", Enclosed(b"\x0b", b"\x1c\r")),
        ("gap", Gap(0.05)),
        ("gap:seconds=2", Gap(2.0)),
        ("gap:seconds=1e-3", Gap(0.001)),
        ("eof", Eof()),
    ],
)
def test_parse_framing(spec: str, framing: Framing) -> None:
    """Every name makes its framing, and every key is one of its arguments."""
    assert parse_framing(spec) == framing


@pytest.mark.parametrize("spec", ["", "lines", "Line", " line", "line "])
def test_unknown_framing(spec: str) -> None:
    """An unknown name is an error that lists the known ones."""
    known = f"unknown framing {spec!r}; known: {', '.join(KEYS)}; {CODE_HINT}"
    with pytest.raises(ConfigError, match=f"^{re.escape(known)}$"):
        parse_framing(spec)


ONE_COUNT = "framing length: needs one of bytes=1|2|3|4|8, digits=N, until=... and form=leb128|ber"


@pytest.mark.parametrize("name", KEYS)
def test_unknown_key(name: str) -> None:
    """An unknown key is an error that lists the known ones, or says that there are none."""
    known = f"framing {name}: unknown key 'colour'; known: {', '.join(KEYS[name]) or 'none'}"
    with pytest.raises(ConfigError, match=f"^{re.escape(known)}$"):
        parse_framing(f"{name}:colour=red")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("line:ending=cr", "line: ending: 'cr' is not one of lf, crlf, any"),
        ("line:telnet=yes", "line: telnet: 'yes' is not one of no, strip"),
        ("line:ending=", "line: ending: '' is not one of lf, crlf, any"),
        ("delimited:end=", "delimited: end: an empty mark ends nothing"),
        (r"delimited:end=\q", r"delimited: end: '\q' is not an escape; known:"),
        ("delimited:end=a,", "delimited: '' is not key=value"),
        ("length:bytes=5", "length: bytes: '5' is not one of 1, 2, 3, 4, 8"),
        ("length:bytes=two", "length: bytes: 'two' is not one of 1, 2, 3, 4, 8"),
        ("length:digits=0", "length: digits: '0' is not a whole number from 1 to 18"),
        ("length:digits=19", "length: digits: '19' is not a whole number from 1 to 18"),
        ("length:digits=4.0", "length: digits: '4.0' is not a whole number from 1 to 18"),
        ("length:digits=٤", "length: digits: '٤' is not a whole number from 1 to 18"),
        ("length:digits=4,base=8", "length: base: '8' is not one of 10, 16"),
        ("length:until=", "length: until: an empty mark ends nothing"),
        ("length:form=der", "length: form: 'der' is not one of leb128, ber"),
        ("length:bytes=2,padding=-1", "length: padding: '-1' is not a whole number from 0"),
        ("length:order=middle", "length: order: 'middle' is not one of big, little"),
        ("length:adjust=", "length: adjust: '' is not a whole number from -2147483647"),
        ("length:adjust=1_0", "length: adjust: '1_0' is not a whole number"),
        ("length:adjust=2147483648", "length: adjust: '2147483648' is not a whole number"),
        ("length:inclusive=true", "length: inclusive: 'true' is not one of yes, no"),
        ("length:offset=-1", "length: offset: '-1' is not a whole number from 0"),
        ("length:strip=1", "length: strip: '1' is not one of yes, no"),
        ("length:bytes=2,bytes=4", "length: bytes is given twice"),
        ("fixed:size=0", "fixed: size: '0' is not a whole number from 1 to 2147483647"),
        ("fixed:size=1" + "0" * 20, "fixed: size: '100000000000000000000' is not a whole number"),
        (r"enclosed:start=,end=\x03", "enclosed: start: an empty mark ends nothing"),
        (r"enclosed:start=\x02,end=", "enclosed: end: an empty mark ends nothing"),
        ("gap:seconds=0", "gap: seconds: '0' is not a number of seconds above 0"),
        ("gap:seconds=-1", "gap: seconds: '-1' is not a number of seconds above 0"),
        ("gap:seconds=nan", "gap: seconds: 'nan' is not a number of seconds above 0"),
        ("gap:seconds=inf", "gap: seconds: 'inf' is not a number of seconds above 0"),
        ("gap:seconds=soon", "gap: seconds: 'soon' is not a number of seconds above 0"),
    ],
)
def test_impossible_value(spec: str, why: str) -> None:
    """A value that cannot be is an error that names framing, key and value, and what can be."""
    with pytest.raises(ConfigError, match=re.escape(why)):
        parse_framing(spec)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("delimited", "framing delimited: needs end=..."),
        ("delimited:reply_end=a", "framing delimited: needs end=..."),
        (
            "line:blocks=yes,ending=any",
            "framing line: blocks=yes cannot be combined with ending=any",
        ),
        ("line:blocks=yes,telnet=strip", "framing line: blocks=yes cannot be combined with telnet"),
        ("fixed", "framing fixed: needs size=..."),
        ("enclosed", "framing enclosed: needs start=... and end=..."),
        ("enclosed:start=a", "framing enclosed: needs end=..."),
        ("length", ONE_COUNT),
        ("length:bytes=2,digits=4", ONE_COUNT),
        ("length:until=:,form=ber", ONE_COUNT),
        ("length:bytes=2,offset=4", "framing length: offset needs strip=no, because"),
        ("length:bytes=2,offset=4,strip=yes", "framing length: offset needs strip=no, because"),
    ],
)
def test_missing_key(spec: str, why: str) -> None:
    """Keys that are missing, or that cannot stand together, are named."""
    with pytest.raises(ConfigError, match=f"^{re.escape(why)}"):
        parse_framing(spec)


def parse_failing(spec: str) -> str:
    """What is said of a spec that names no framing."""
    with pytest.raises(ConfigError) as caught:
        parse_framing(spec)
    return str(caught.value)


def test_entry_point(install: Callable[..., None]) -> None:
    """A name of an installed distribution's is called with the keys to make the framing."""
    install(ENTRY_POINT_GROUP, stop="tests.framing.stand_ins:Stop")
    framing = parse_framing("stop")
    assert isinstance(framing, Stop)
    assert framing.frame(b"HOME SAFE ") == b"HOME SAFE STOP"
    reads = [b"HOME SAFE S", b"TOPMONEY SPENT STOPSEND"]
    assert receive(framing.framer(100), reads) == Outcome((b"HOME SAFE ", b"MONEY SPENT "), left=4)
    assert receive(framing.framer(9), reads) == Outcome((), MessageTooLong)


@pytest.mark.parametrize(
    ("spec", "wire"),
    [
        ("stop:word=END", b"xEND"),
        (r"stop:word=\,\x20", b"x, "),
        ("stop:word=a=b:c", b"xa=b:c"),
        ("stop:word=끝", "x끝".encode()),
    ],
)
def test_entry_point_with_keys(install: Callable[..., None], spec: str, wire: bytes) -> None:
    """The keys of the spec are given as text, with their escapes undone."""
    install(ENTRY_POINT_GROUP, stop="tests.framing.stand_ins:Stop")
    assert parse_framing(spec).frame(b"x") == wire


def test_installed_framings_are_known(install: Callable[..., None]) -> None:
    """An unknown name is an error that lists the installed ones after ours, each once."""
    install(ENTRY_POINT_GROUP, stop="x:y", line="x:y", cobs="x:y")
    known = ", ".join(FRAMING_NAMES)
    for name in ("lines", "elsewhere"):
        said = f"unknown framing '{name}'; known: {known}, cobs, stop; {CODE_HINT}"
        assert parse_failing(name) == said
    install(ENTRY_POINT_GROUP)
    assert parse_failing("stop:word=x") == f"unknown framing 'stop'; known: {known}; {CODE_HINT}"


def test_built_in_names_win(install: Callable[..., None]) -> None:
    """A distribution cannot change what a built-in name means."""
    install(ENTRY_POINT_GROUP, line="tests.framing.stand_ins:Stop")
    assert parse_framing("line") == Line()
    assert (
        parse_failing("line:word=x")
        == "framing line: unknown key 'word'; known: ending, telnet, blocks"
    )


def test_built_in_names_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed is looked at only for a name that is not built in."""
    monkeypatch.delattr(importlib.metadata, "entry_points")
    for name in ("chunk", "line", "netstring", "gap", "eof"):
        parse_framing(name)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("none", "None is not a framing"),
        ("another", "<class 'tests.framing.stand_ins.Stop'> is not a framing"),
        ("leave", "SystemExit: 3 (tests/framing/stand_ins.py, line N)"),
        ("gone", "ModuleNotFoundError: No module named 'gone'"),
        ("missing", "AttributeError: module 'tests.framing.stand_ins' has no attribute 'missing'"),
        ("stop:word=", "ValueError: no word (tests/framing/stand_ins.py, line N)"),
        ("stop:colour=red", "TypeError: Stop.__init__() got an unexpected keyword argument"),
        (r"stop:word=\q", r"'\q' is not an escape; known: \r \n \t \0 \\ \, \xNN"),
        (r"stop:word=\xff", "UnicodeDecodeError: "),
    ],
)
def test_entry_point_that_does_not_do(
    monkeypatch: pytest.MonkeyPatch, install: Callable[..., None], spec: str, why: str
) -> None:
    """What cannot be loaded or made is an error of one line that names the framing."""
    monkeypatch.chdir(Path(__file__).parents[2])
    names = ("none", "another", "leave", "missing")
    install(
        ENTRY_POINT_GROUP,
        stop="tests.framing.stand_ins:Stop",
        gone="gone:make",
        **{name: f"tests.framing.stand_ins:{name}" for name in names},
    )
    said = re.sub(r"line \d+", "line N", parse_failing(spec))
    assert said.startswith(f"framing {spec.partition(':')[0]}: {why}")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("spec", "why"),
    [("stop:word=a,b", "stop: 'b' is not key=value"), ("stop:a=1,a=2", "stop: a is given twice")],
)
def test_spec_of_an_entry_point_that_is_wrong(
    install: Callable[..., None], spec: str, why: str
) -> None:
    """Its notation is that of ours."""
    install(ENTRY_POINT_GROUP, stop="tests.framing.stand_ins:Stop")
    assert parse_failing(spec) == why

"""Templates: exact in what they print, and of one error whatever goes wrong."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.errors import ConfigError, TemplateFailed
from sockreply.rules.replies.data import Data
from sockreply.rules.templates.bounds import LONGEST
from sockreply.rules.templates.template import compile_template
from tests.rules.stand_ins import asked, session

PIECES = (
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "-",
        "+",
        "|",
        "(",
        ")",
        "[",
        "]",
        "'",
        '"',
        ".",
        ",",
        " ",
    ),
    *(
        "\r",
        "\n",
        "\x1f",
        "\x1e",
        "0",
        "1",
        "9" * 30,
        "*",
        "**",
        "%",
        "/",
        "~",
        "=",
        "==",
        "<",
        ":",
    ),
    *(
        "message",
        "match",
        "count",
        "random",
        "uuid",
        "now",
        "peer",
        "local",
        "x",
        "self",
        "loop",
        "응",
        "\\",
    ),
    *(
        "if",
        "else",
        "endif",
        "for",
        "in",
        "endfor",
        "set",
        "raw",
        "endraw",
        "macro m()",
        "endmacro",
    ),
    *(
        "upper",
        "hex",
        "unhex",
        "pack",
        "int",
        "sum",
        "crc32",
        "join",
        "list",
        "tojson",
        "__class__",
    ),
    *("'x'", "'>H'", "range", "True", "None", "not", "is", "defined", "recursive", "autoescape"),
)
"""What templates are written with, and some of it in places where it makes none."""


def compiled(source: str, **named: Any) -> Data:
    """A template, of UTF-8 unless told otherwise, to a rule whose regex has two groups."""
    groups: Collection[str | int] | None = ("unit", 1, 2)
    return compile_template(source, **{"encoding": "utf-8", "groups": groups} | named)


def filled(source: str, message: bytes = b"", **named: Any) -> bytes:
    """What a template makes of a message."""
    return compiled(source, **named).bytes_for(asked(message))


@pytest.mark.parametrize(
    ("source", "message", "result"),
    [
        ("UNIT {{ message }}\r\n", b"kg", b"UNIT kg\r\n"),
        ("{{ message }}", b"\xff\x00\xfe", b"\xff\x00\xfe"),
        ("{{ message[:1] }}{{ message[1:] }}", "응".encode(), "응".encode()),
        ("{% if message == 'kg' %}yes{% else %}no{% endif %}", b"kg", b"yes"),
        ("{{ {'kg': 1, 'lb': 2}[message] }}", b"lb", b"2"),
        ("{% if message in ['kg', 'lb'] and 'k' in message %}yes{% endif %}", b"kg", b"yes"),
        ("{{ message | int + 1 }}", b"41", b"42"),
        ("{{ message | length }}", "응".encode(), b"3"),
        ("{{ message | upper }}{{ message.upper() }}", b"ab", b"ABAB"),
        ("{{ message.split(',') | map('upper') | join('-') }}", b"a,b", b"A-B"),
        ("{{ '%5s' | format(message) }}{{ '%s' % message }}", b"ab", b"   abab"),
        ("{{ message ~ '!' }}{{ 'x' + message + 'y' }}", b"ab", b"ab!xaby"),
        ("{{ {'id': message} | tojson }}", b'a"b', b'{"id": "a\\"b"}'),
        ("{{ message.split(',') }}", b"a,b", b"['a', 'b']"),
        ("{{ message | hex }}", b"\xab", b"ab"),
        ("{{ 258 | pack('>H') }}", b"", b"\x01\x02"),
        ("{{ message | crc16_modbus | hex(4) }}", b"123456789", b"4b37"),
        ("{{ message | sum }} {{ message | sum(16) }} {{ [1, 2] | sum }}", b"\xff\2", b"1 257 3"),
        ("{% set x %}<{{ message }}>{% endset %}{{ x }}{{ x[1:2] }}", b"\xff", b"<\xff>\xff"),
        ("{% macro m() %}{{ message }}{% endmacro %}{{ m() }}", b"\xff", b"\xff"),
        ("{% filter upper %}a{{ message }}{% endfilter %}", b"b", b"AB"),
        ("{% for x in [1, 2] %}{{ x }}{% endfor %}", b"", b"12"),
        ("{{ none }}{{ 1.5 }}{{ true }}", b"", b"None1.5True"),
        ("{# nothing #}a", b"", b"a"),
        ("{% raw %}{{ message }}{% endraw %}", b"x", b"{{ message }}"),
        ("{%- if true -%}\r\n x \r\n{%- endif %}\r\n", b"", b"x\r\n"),
    ],
)
def test_results(source: str, message: bytes, result: bytes) -> None:
    """A template prints text as it is written, and bytes as they are."""
    assert filled(source, message) == result


@pytest.mark.parametrize(
    ("encoding", "source", "message", "result"),
    [
        ("latin-1", "é{{ message }}{{ message.upper() }}", b"\xe9", b"\xe9\xe9\xc9"),
        ("cp949", "응{{ message }}{{ message == '답' }}", b"\xb4\xe4", b"\xc0\xc0\xb4\xe4True"),
        ("utf-16-le", "A{{ message }}{{ message | int + 1 }}", b"1\0", b"A\x001\x002\0"),
        ("utf-16", "A{{ message }}", b"B\0", b"\xff\xfeA\0B\0"),
        ("utf-16", "{{ message }}A", b"\xff\xfeB\0", b"\xff\xfeB\0A\0"),
        ("cp500", "A{{ message.lower() }}{{ 1 }}", b"\xc1", b"\xc1\x81\xf1"),
    ],
)
def test_encodings(encoding: str, source: str, message: bytes, result: bytes) -> None:
    """Text is of the service's encoding in both directions, and a mark stands in front only."""
    if encoding == "cp500":
        result = result.replace(b"A", b"\xc1")
    if encoding == "cp949":
        result = result.replace(b"True", "True".encode("cp949"))
    assert filled(source, message, encoding=encoding) == result


@pytest.mark.parametrize("data", [b"\x41", b"\x00\xd8", b"\xff"])
def test_what_is_no_text(data: bytes) -> None:
    """Bytes that no text of the encoding has are printed all the same, and have no text."""
    assert filled("{{ message }}", data, encoding="utf-16-le") == data
    assert filled("{{ message == 'A' }}", data, encoding="utf-16-le") == "False".encode("utf-16-le")


@pytest.mark.parametrize(
    ("source", "message", "result"),
    [
        ("01 03\n{{ message }}", b"\xff", b"\x01\x03\xff"),
        ("{{ message }}{{ message | crc16_modbus | pack('<H') }}", b"\1\3\0\0\0\x0a", None),
        ("{{ message ~ '00' }}{{ 5 | hex(2) }}", b"\xff", b"\xff\x00\x05"),
        ("{% set x = message ~ '00' %}{{ x }}{{ x | unhex | xor | hex(2) }}", b"\x02", b"\2\0\2"),
        ("{{ 10 }}{{ message.text() }}", b"20", b"\x10\x20"),
    ],
)
def test_hex(source: str, message: bytes, result: bytes | None) -> None:
    """With `as_hex` bytes print as digits, and the result is the bytes that all digits spell."""
    expected = bytes.fromhex("01030000000ac5cd") if result is None else result
    assert filled(source, message, as_hex=True) == expected


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("0{{ message }}", "template: an odd number of hex digits: 3"),
        ("{{ message }}xy", "template: expected hex digits, found 'xy'"),
        ("{{ message }}\u0663", "template: expected hex digits, found '\u0663'"),
        ("{{ message }}{{ '\x1b' }}", r"template: expected hex digits, found '\x1b'"),
    ],
)
def test_no_hex(source: str, reason: str) -> None:
    """A result that is no hex digits fails, and says what was found."""
    with pytest.raises(TemplateFailed) as caught:
        filled(source, b"\xff", as_hex=True)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("source", "named", "fixed"),
    [
        ("", {}, b""),
        ("a\r\nb\r", {}, b"a\r\nb\r"),
        ("{# a #}b{% raw %}{{{% endraw %}", {}, b"b{{"),
        ("é", {"encoding": "latin-1"}, b"\xe9"),
        ("01 0\n2", {"as_hex": True}, b"\x01\x02"),
        ("{{ message }}", {}, None),
        ("a{{ 1 }}", {}, None),
        ("{% if true %}a{% endif %}", {}, None),
    ],
)
def test_fixed(source: str, named: dict[str, Any], fixed: bytes | None) -> None:
    """Without an expression the result is known at once."""
    template = compiled(source, **named)
    assert template.fixed == fixed
    if fixed is not None:
        assert template.bytes_for(asked()) == fixed


def test_match() -> None:
    """Groups of the regex print as what they found; all are empty if it was not asked."""
    template = compiled("{{ match.unit }},{{ match[1] }},{{ match[2] }},{{ match }}")
    found = re.search(rb"(?P<unit>kg)(!)?", b"a kg")
    assert template.bytes_for(asked(b"a kg", match=found)) == b"kg,kg,,kg"
    assert template.bytes_for(asked(b"a kg")) == b",,,"


def test_names() -> None:
    """The other names are those of the message's connection and of its time."""
    source = "{{ peer }} {{ peer.port }} {{ count }} {{ state }} {{ now.strftime('%Y') }}"
    of = asked(of=session(count=3), state="ready")
    assert compiled(source).bytes_for(of) == b"192.0.2.1:40000 40000 3 ready 1970"


def test_chances() -> None:
    """Everything that is random is drawn from what was asked, also by the filter."""
    source = "{{ random }} {{ random.randint(1, 100) }} {{ range(100) | random }} {{ uuid }}"
    template = compiled(source)
    first = template.bytes_for(asked(random=Random(3)))
    assert template.bytes_for(asked(random=Random(3))) == first
    assert template.bytes_for(asked(random=Random(4))) != first
    by_name = compiled("{{ [[1, 2, 3], 'abcd'] | map('random') | join }}")
    assert by_name.bytes_for(asked(random=Random(3))) == by_name.bytes_for(asked(random=Random(3)))


def test_one_uuid_a_reply() -> None:
    """Within one reply the UUID is the same, and another in the next."""
    template, of = compiled("{{ uuid }},{{ uuid }}"), asked()
    first, second = template.bytes_for(of).split(b",")
    assert first == second
    assert template.bytes_for(of) != first + b"," + second


def test_only_what_is_used() -> None:
    """A template that draws nothing leaves the chances as they are."""
    of = asked(b"x", random=Random(3))
    compiled("{{ message }}{{ count }}").bytes_for(of)
    assert of.random.random() == Random(3).random()


@pytest.mark.parametrize(
    ("source", "named", "reason"),
    [
        ("{{ ", {}, "unexpected 'end of template'"),
        ("a\r\nb\n{{ 1 + }}", {}, "line 3: unexpected 'end of print statement'"),
        (
            "{{ mesage }}\n",
            {},
            "line 1: unknown name 'mesage'; known: message, match, peer, local, count",
        ),
        ("{{ mesage }}", {}, "unknown name 'mesage'"),
        ("\n{% endfor %}", {}, "line 2: Encountered unknown tag 'endfor'."),
        ("{{ match.unit }}", {"groups": None}, "match: the rule has no regex"),
        ("\né", {"encoding": "ascii"}, "line 2: 'é' is not in ascii"),
        ("0g", {"as_hex": True}, "expected hex digits, found 'g'"),
        ("x", {"encoding": "nope"}, "unknown encoding: nope"),
        ("x" * (LONGEST + 1), {}, f"the result is longer than {LONGEST} bytes"),
        ("{{" + "(" * 5000, {}, "RecursionError: "),
        ("{{ " + "9" * 5000 + " }}", {}, "Exceeds the limit"),
        ("{% for x in [1] %}" * 25 + "{% endfor %}" * 25, {}, "SyntaxError: too many statically"),
    ],
)
def test_config_errors(source: str, named: dict[str, Any], reason: str) -> None:
    """What can be known to be wrong is an error at once, with the line if there are several."""
    with pytest.raises(ConfigError) as caught:
        compiled(source, **named)
    assert str(caught.value).startswith(reason)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("{{ message.x }}", "'sockreply.rules.templates.octets.Bytes object' has no attribute 'x'"),
        ("{{ {}.x }}", "'dict object' has no attribute 'x'"),
        ("{{ {}.x | hex }}", "'dict object' has no attribute 'x'"),
        ("{{ x }}{% set x = 1 %}", "'x' is undefined"),
        ("{{ message.__class__ }}", "access to attribute '__class__' of 'Bytes' object is unsafe."),
        ("{{ 'x' * 99999999 }}", f"a text of more than {LONGEST}"),
        ("{{ 70000 | pack('>H') }}", "pack: 70000 does not fit into '>H'"),
        ("{{ 1 | pack('>' + 'HH') }}", "pack: '>HH' is not the format of one number"),
        ("{{ [1] | map('nope') | list }}", "No filter named 'nope'."),
        ("{{ [] | random }}", "IndexError: Cannot choose from an empty sequence"),
        ("{{ 'a\n\x1b' | unhex }}", r"expected hex digits, found '\x1b'"),
        ("{{ {} | tojson }}{{ range | tojson }}", "TypeError: JSON has no "),
        ("{{ 10 ** 8000 | int }}", "a number of more than"),
        ("{{ '\ud800' }}", r"'\ud800' is not in utf-8"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "RecursionError: maximum recursion"),
        ("{% for i in range(99999) %}{{ 'x' * 999 }}{% endfor %}", "the result is longer than"),
    ],
)
def test_failures(source: str, reason: str) -> None:
    """Whatever goes wrong is one error of one line."""
    with pytest.raises(TemplateFailed) as caught:
        filled(source, b"x")
    assert caught.value.reason.startswith(reason)
    assert caught.value.reason.isprintable()


def test_character_that_the_encoding_does_not_have() -> None:
    """What a template prints and the encoding does not have fails."""
    with pytest.raises(TemplateFailed, match="'é' is not in ascii"):
        filled("{{ 'é' }}", encoding="ascii")


def test_longest() -> None:
    """A result may have a mebibyte, and not a byte more."""
    assert len(filled("{{ message * 1024 }}", b"x" * 1024)) == LONGEST
    with pytest.raises(TemplateFailed, match=f"longer than {LONGEST} bytes"):
        filled("{{ message * 1024 }}.", b"x" * 1024)
    assert len(filled("{{ message * 1024 }}", b"x" * 1024, as_hex=True)) == LONGEST


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}")))
def test_any_text(text: str) -> None:
    """Text without braces is printed byte for byte, before and after an expression too."""
    expected = text.encode()
    assert compiled(text).fixed == expected
    assert filled(f"{text}{{{{ message }}}}{text}", b"-") == expected + b"-" + expected


@given(st.text(st.sampled_from("\r\n\t \x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028a")))
def test_any_white_space(text: str) -> None:
    """No white space is changed, whatever stands beside it."""
    assert compiled(text).fixed == text.encode()


@given(st.binary(), st.sampled_from(["utf-8", "latin-1", "cp949", "utf-16-le", "cp500", "cp932"]))
def test_any_message(message: bytes, encoding: str) -> None:
    """A message is printed byte for byte, be it text of the encoding or not."""
    assert filled("{{ message }}", message, encoding=encoding) == message
    assert filled("{{ message }}", message, as_hex=True) == message
    captured = "{% set x %}{{ message }}{% endset %}{{ x }}"
    assert filled(captured, message, encoding=encoding) == message


@given(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join), st.booleans(), st.binary()
)
def test_any_template(source: str, as_hex: bool, message: bytes) -> None:
    """Any template is compiled or is an error of one line, and so is what becomes of it."""
    with suppress(ConfigError, TemplateFailed):
        compiled(source, as_hex=as_hex).bytes_for(asked(message))


@given(st.lists(st.sampled_from(PIECES), max_size=6).map(" ".join), st.binary(max_size=8))
def test_any_expression(expression: str, message: bytes) -> None:
    """The same of an expression, which is compiled more often."""
    with suppress(ConfigError, TemplateFailed):
        compiled("{{ message" + expression + " }}").bytes_for(asked(message))

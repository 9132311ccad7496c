"""What is wrong with a template is known when it is loaded, and said in one line."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from jinja2 import TemplateAssertionError

from sockreply.rules.templates.checks import check_template
from sockreply.rules.templates.sandbox import environment

GROUPS: Collection[str | int] = ("unit", 1)


def check(
    source: str, groups: Collection[str | int] | None = GROUPS, encoding: str = "utf-8"
) -> set[str]:
    """Check a template."""
    sandbox = environment(encoding, False)
    return check_template(sandbox.parse(source), sandbox, groups)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("", set()),
        ("{{ message | crc16_modbus | pack('<H') }}", {"message"}),
        ("{{ match.unit }}{{ match['unit'] }}{{ match[1] }}{{ match[0] }}", {"match"}),
        ("{% for i in range(count) %}{{ loop.index }}{{ i }}{% endfor %}", {"count"}),
        ("{% if count is odd %}{% set x = state %}{% endif %}{{ x }}", {"count", "state"}),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(now) }}", {"now"}),
        ("{% set n = namespace(x=uuid) %}{% set n.x = 1 %}{{ n.x }}", {"uuid"}),
        ("{% with a = peer.host %}{{ a }}{% endwith %}", {"peer"}),
        ("{% block b %}{{ random }}{% endblock %}{{ self.b() }}", {"random"}),
        ("{% set match = 3 %}{{ match.other }}", set()),
        ("{% for g in [0, 1] %}{{ match[g] }}{% endfor %}", {"match"}),
        ("{% set f = '>H' %}{{ 1 | pack(f) }}", set()),
    ],
)
def test_names(source: str, names: set[str]) -> None:
    """Names that are filled in are told; what a template sets itself is none of them."""
    assert check(source) == names


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        (
            "{{ mesage }}",
            1,
            "unknown name 'mesage'; known: message, match, peer, local, count, state, now",
        ),
        ("\n{% if 0 %}\n{{ x.y }}{% endif %}", 3, "unknown name 'x'"),
        ("{{ lipsum() }}", 1, "unknown name 'lipsum'"),
        ("{{ loop.index }}", 1, "unknown name 'loop'"),
        ("{{ message | hexx }}", 1, "unknown filter 'hexx'; known: base64, bytes, hex, lrc, pack"),
        ("\n{% if 0 %}{{ 1 | crc16 }}{% endif %}", 2, "unknown filter 'crc16'; known: crc16_arc"),
        ("{{ 1 is prime }}", 1, "unknown test 'prime'; known: boolean"),
        ("\n\n{{ match.uint }}", 3, "match: the regex has no group 'uint'; it has 0, unit, 1"),
        ("{{ match[2] }}", 1, "match: the regex has no group 2"),
        ("{{ match['1'] }}", 1, "match: the regex has no group '1'"),
        ("{{ 1 | pack('>2H') }}", 1, "pack: '>2H' is not the format of one number, such as '>H'"),
        ("{{ message | unpack(2) }}", 1, "unpack: 2 is not the format of one number"),
        ("a\n{% include 'x' %}", 2, "include: there are no other templates"),
        ("{% import 'x' as y %}", 1, "import: there are no other templates"),
        ("{% from 'x' import y %}", 1, "import: there are no other templates"),
        ("{% extends 'x' %}", 1, "extends: there are no other templates"),
    ],
)
def test_what_there_is_not(source: str, line: int, reason: str) -> None:
    """A name, filter, test, group, format or template that there is not is told with its line."""
    with pytest.raises(TemplateAssertionError) as caught:
        check(source)
    assert str(caught.value.message).startswith(reason)
    assert caught.value.lineno == line


@pytest.mark.parametrize("source", ["{{ match }}", "{{ match[0] }}", "{% set m = match %}"])
def test_no_regex(source: str) -> None:
    """Without a regex in the rule there is no match."""
    with pytest.raises(TemplateAssertionError, match="match: the rule has no regex"):
        check(source, None)


@pytest.mark.parametrize("source", ["a\né", "{% if 1 %}\n{% raw %}é{% endraw %}{% endif %}"])
def test_characters(source: str) -> None:
    """Text of the template that the encoding does not have is told with its line."""
    with pytest.raises(TemplateAssertionError) as caught:
        check(source, encoding="ascii")
    assert caught.value.message == "'é' is not in ascii"
    assert caught.value.lineno == 2

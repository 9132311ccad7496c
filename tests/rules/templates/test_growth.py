"""Templates that would make much of little: each is stopped, and those beside them are not."""

from __future__ import annotations

import pytest
from jinja2.filters import FILTERS

from sockreply.errors import TemplateFailed
from sockreply.rules.templates import allowance
from sockreply.rules.templates.allowance import MOST_MADE
from sockreply.rules.templates.bounds import LONGEST, MOST_ITEMS
from sockreply.rules.templates.growth import bounded_filters
from sockreply.rules.templates.template import compile_template
from tests.rules.stand_ins import asked

LONG = b"a," * 32_500
"""As long as a message may be by default."""

VALUE = f"a value of more than {LONGEST}"
TEXT = f"a text of more than {LONGEST}"
WIDTH = "a width of more than"
MADE = f"it makes more than {MOST_MADE} bytes"


@pytest.fixture(autouse=True)
def _time_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at sizes alone: how long they take depends on the machine."""
    monkeypatch.setattr(allowance, "SECONDS", 60)


def filled(source: str, message: bytes = LONG) -> bytes:
    """What a template makes of a message."""
    template = compile_template(source, encoding="utf-8", groups=None)
    return template.bytes_for(asked(message))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ message | replace('a', message) }}", VALUE),
        ("{{ message | replace('', message) }}", VALUE),
        ("{{ message.replace('a', message) }}", VALUE),
        ("{{ (message | text).replace('a', message | text) }}", VALUE),
        ("{{ message | join(message) }}", VALUE),
        ("{{ [message] * 20 | length }}", "TypeError"),
        ("{{ ([message] * 20) | join }}", VALUE),
        ("{{ (message | text).join(message | text | list) }}", VALUE),
        ("{{ message.join([message] * 1000) }}", VALUE),
        ("{{ '-'.join(message | map('upper')) }}", "join: expected a list"),
        ("{{ [message, message] | map('upper') | join(message * 9) }}", VALUE),
        ("{{ message | replace(',', '\n') | indent(60000) }}", VALUE),
        ("{{ message | replace(',', '\n') | indent(message) }}", VALUE),
        ("{{ message.replace(',', '\t').expandtabs(60000) }}", VALUE),
        ("{{ (message | text).translate({97: message | text}) }}", VALUE),
        ("{{ message | wordwrap(1) }}", "a value of more than 16384"),
        ("{{ message[:9999] | wordwrap(1, wrapstring=message) }}", VALUE),
        ("{{ message[:9999] | wordwrap(1, true, message) }}", VALUE),
        ("{{ ('{0}' * 60) .format(message) }}", "a value of more than"),
        ("{{ ('{a}' * 60).format_map({'a': message}) }}", "a value of more than"),
        ("{{ ('%(a)s' * 60) | format(a=message) }}", "a value of more than"),
        ("{{ ('%(a)s' * 60) % {'a': message} }}", "a value of more than"),
        ("{{ [[message] * 30] }}", VALUE),
        ("{{ [message] * 30 }}", VALUE),
        ("{{ [message] * 30 ~ '' }}", VALUE),
        ("{{ [message] * 30 | string }}", "TypeError"),
        ("{{ ([message] * 30) | string }}", VALUE),
        ("{{ ([message] * 30) | tojson }}", VALUE),
        ("{{ [0] | tojson(indent=9999) }}", WIDTH),
        ("{{ message | urlize }}", "a value of more than 8192"),
        ("{{ message | title }}", "a value of more than 32768"),
        ("{{ message | list | pprint }}", "a value of more than 262144"),
        ("{{ [0] * 100001 }}", f"a list of more than {MOST_ITEMS}"),
        ("{{ (message | list) + (message | list) }}", f"a list of more than {MOST_ITEMS}"),
        ("{{ message * 9 + message * 9 }}", TEXT),
        ("{{ [1] | slice(100001) }}", WIDTH),
        ("{{ [1] | batch(100001) }}", WIDTH),
        ("{{ 'x' | center(2000000) }}", WIDTH),
        ("{{ 'x'.ljust(2000000) }}", WIDTH),
        ("{{ 1.5 | round(1000, 'ceil') }}", WIDTH),
        ("{{ [[1]] | sum(start=[]) }}", "sum: expected a number to begin with"),
        ("{{ now.strftime('%c' * 600) }}", "the layout of a time has at most 1000 characters"),
        ("{{ message | map('center', 1000000) | list }}", MADE),
        ("{{ message | map('center', 1000000) | map('length') | sum }}", MADE),
        ("{% for c in message %}{% set x = message[1:] %}{% endfor %}", MADE),
        ("{% for c in message %}{% set x = message ~ c %}{% endfor %}", MADE),
        ("{% set x = [1] %}" + "{% set x = [x, x] %}" * 40, VALUE),
        ("{% set x = [1] %}" + "{% set x = (x, x) %}" * 40, VALUE),
        ("{% set x = [1] %}" + "{% set x = {1: x, 2: x} %}" * 40, VALUE),
        ("{% set x = [1] %}" + "{% set x = dict(a=x, b=x) %}" * 40, VALUE),
        ("{% set x = [1] %}" + "{% set x = x + x %}" * 40, "a list of more than"),
        ("{% set x = message %}" + "{% set x = x + x %}" * 40, TEXT),
        ("{% set x = message %}" + "{% set x = x ~ x %}" * 40, MADE),
        ("{% set x = message %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 40, MADE),
    ],
)
def test_great_results(source: str, reason: str) -> None:
    """What would be too large is an error before it is made."""
    with pytest.raises(TemplateFailed) as caught:
        filled(source)
    assert caught.value.reason.startswith(reason), caught.value.reason


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("{{ message | replace('a', 'bc', 2) }}", b"bc,bc,a"),
        ("{{ message.replace('a', 'bc', 2) }}", b"bc,bc,a"),
        ("{{ message.split(',') | join(';') }}", b"a;a;a"),
        ("{{ [1, 'x', message] | join }}", b"1xa,a,a"),
        ("{{ [{'n': 1}, {'n': 2}] | join('-', attribute='n') }}", b"1-2"),
        ("{{ ', '.join(['a', 'b']) }}", b"a, b"),
        ("{{ 'a\nb' | indent(2) }}", b"a\n  b"),
        ("{{ 'a\nb' | indent('> ', first=true) }}", b"> a\n> b"),
        ("{{ 'a b' | wordwrap(1) }}", b"a\nb"),
        ("{{ 'a b' | wordwrap(1, wrapstring='|') }}", b"a|b"),
        ("{{ '{0!r:>3} {a}{{'.format(1, a=2) }}", b"  1 2{"),
        ("{{ '{a}'.format_map({'a': 2}) }}", b"2"),
        ("{{ '%s-%05.1f' | format('x', 2) }}", b"x-002.0"),
        ("{{ '%(a)s' | format(a=2) }}", b"2"),
        ("{{ 'x' ~ 1 ~ message ~ [1] }}", b"x1a,a,a[1]"),
        ("{{ [1, 2] | tojson(indent=1) }}", b"[\n 1,\n 2\n]"),
        ("{{ 1.26 | round(1) }} {{ 1.26 | round(1, 'floor') }}", b"1.3 1.2"),
        ("{{ [1, 2] | sum }} {{ [{'a': 1}] | sum('a') }} {{ [1] | sum(start=5) }}", b"3 1 6"),
        ("{{ [1, 2, 3] | batch(2, 0) | list }}", b"[[1, 2], [3, 0]]"),
        ("{{ [1, 2, 3] | slice(2) | list }}", b"[[1, 2], [3]]"),
        ("{{ 'x' | center(3) }}|{{ 'x' | center }}", b" x |" + b"x".center(80)),
        ("{{ 'a\tb'.expandtabs(4) }}{{ 'a\tb'.expandtabs() }}", b"a   ba       b"),
        ("{{ 'ab'.translate({97: 'x', 98: none}) }}", b"x"),
        ("{{ message | title }} {{ message | pprint }}", b"A,a,a 'a,a,a'"),
        ("{{ {'a': 1} | xmlattr }} {{ {'a': 'b c'} | urlencode }}", b' a="1" a=b+c'),
        ("{{ 'see www.example.com' | urlize }}", b"see <a href="),
        ("{{ now.strftime('%Y') | length }}", b"4"),
        ("{{ message[1:3] }}{{ message[0] }}", b",a97"),
        (
            "{% for i in range(3) %}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% endfor %}",
            b"1/3False 2/3False 3/3True ",
        ),
        ("{% for i in [] %}{% else %}none{% endfor %}", b"none"),
        (
            (
                "{% for i in [1, [2, [3]]] recursive %}{% if i is number %}{{ i }}{% else %}"
                "({{ loop(i) }}){% endif %}{% endfor %}"
            ),
            b"1(2(3))",
        ),
        ("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}", b"a1"),
        ("{% for i in range(9) if i is odd %}{{ i }}{% endfor %}", b"1357"),
        ("{% set a, b = (1, 2) %}{{ b }}{{ a }}", b"21"),
        (
            (
                "{% set ns = namespace(n=[]) %}{% for c in 'ab' %}{% set ns.n = ns.n + [c] %}"
                "{% endfor %}{{ ns.n }}"
            ),
            b"['a', 'b']",
        ),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m('a') }}{{ m(message) }}", b"<a><a,a,a>"),
        ("{{ cycler('a', 'b').next() }}{{ (1, 2) in [(1, 2)] }}", b"aTrue"),
    ],
)
def test_small_results(source: str, result: bytes) -> None:
    """Everything that is not too large is as Jinja2 has it."""
    assert filled(source, b"a,a,a").startswith(result)


def test_filters() -> None:
    """All filters of Jinja2 are there, and take what they took."""
    filters = bounded_filters()
    assert filters.keys() == FILTERS.keys()
    for name, each in filters.items():
        assert getattr(each, "jinja_pass_arg", None) == getattr(
            FILTERS[name], "jinja_pass_arg", None
        )


def test_a_message_of_the_greatest_size() -> None:
    """What is done once with the longest of messages does not make too much."""
    for source in (
        "{{ message | upper }}",
        "{{ message.split(',') | join(';') }}",
        "{{ message | hex }}",
        "{{ message | crc32 }}",
        "{{ message | urlencode }}",
        "{{ message | tojson }}",
        "{{ '<%s>' % message }}",
        "{{ message ~ message }}",
        "{{ message | replace(',', '::') | indent(2) }}",
        "{{ message[::2] | sum }}",
    ):
        assert filled(source)

"""How Jinja2 is kept exact and bounded; what templates make of it is tested with them."""

from __future__ import annotations

import pytest
from jinja2.exceptions import SecurityError

from sockreply.rules.templates.octets import Bytes
from sockreply.rules.templates.sandbox import environment


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("a\rb\r\nc\n", "a\rb\r\nc\n"),
        ("\x1f\x1e\r\x1d\x1f", "\x1f\x1e\r\x1d\x1f"),
        ("{{ '\r\n\x1f' }}", "\r\n\x1f"),
        ("{% raw %}\r{% endraw %}\r", "\r\r"),
        ("{{\r\n1\r}}", "1"),
        ("a\r\n {%- if 1 -%}\r\n b {%- endif %}", "ab"),
        ("{# \r #}", ""),
    ],
)
def test_line_ends(source: str, result: str) -> None:
    """Line ends stay as they are written, and are white space where that is ignored or removed."""
    assert environment("utf-8", False).from_string(source).render() == result


def test_what_is_captured() -> None:
    """What a block prints is text if it is only that, and bytes if there are bytes in it."""
    sandbox = environment("latin-1", False)
    text = sandbox.concat(["a", 1])
    assert text == "a1"
    assert isinstance(text, str)
    data = sandbox.concat(["é", b"\xff", 1])
    assert data == b"\xe9\xff1"
    assert isinstance(data, Bytes)
    assert environment("latin-1", True).concat(["0", b"\xff"]) == "0ff"


@pytest.mark.parametrize(
    "expression",
    [
        "'x' * 99999999",
        "10 ** 99999999",
        "'%99999999d' % 1",
        "'{:99999999}'.format(1)",
        "'x'.ljust(99999999)",
        "'x'.ljust(width=99999999)",
        "(1).to_bytes(99999999, 'big')",
        "'x' | center(99999999)",
        "'%99999999d' | format(1)",
        "range(99999999)",
    ],
)
def test_bounds(expression: str) -> None:
    """What would take a machine's memory fails before it is computed."""
    template = environment("utf-8", False).from_string("{{ " + expression + " }}")
    with pytest.raises((ValueError, TypeError, OverflowError)):
        template.render()


@pytest.mark.parametrize("expression", ["''.__class__", "''.__class__.__mro__", "[].append(1)"])
def test_sandbox(expression: str) -> None:
    """A template reaches nothing of Python, and changes nothing."""
    template = environment("utf-8", False).from_string("{{ " + expression + " }}")
    with pytest.raises(SecurityError):
        "".join(map(str, template.root_render_func(template.new_context())))


def test_one_an_encoding() -> None:
    """Templates of the same encoding share an environment."""
    assert environment("utf-8", False) is environment("utf-8", False)
    assert environment("utf-8", False) is not environment("utf-8", True)
    with pytest.raises(LookupError):
        environment("nope", False)

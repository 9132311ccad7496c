"""What is taken of Jinja2's insides to keep line ends and bytes as they are.

What comes of it is tested in test_sandbox.py.
"""

from __future__ import annotations

import inspect
from importlib.metadata import version

from jinja2 import Environment
from jinja2.compiler import CodeGenerator
from jinja2.lexer import Lexer

from tests.private_names import check_names

SEEN_IN = "Jinja2 3.1.6"


def test_jinja_still_has_the_names() -> None:
    """The private names are there, and take what they took."""
    now = version("jinja2")
    check_names(Lexer, "_normalize_newlines", seen_in=SEEN_IN, now=now)
    hooks = "_output_child_to_const _output_child_pre _output_child_post"
    check_names(CodeGenerator, f"{hooks} _FinalizeInfo", seen_in=SEEN_IN, now=now)
    for name in hooks.split():
        taken = inspect.signature(getattr(CodeGenerator, name)).parameters
        assert list(taken) == ["self", "node", "frame", "finalize"]


def test_jinja_still_changes_what_we_keep() -> None:
    """Jinja2 alone makes every line end a line feed, and text of all that is printed."""
    environment = Environment()
    assert environment.from_string("a\r\nb").render() == "a\nb"
    assert environment.from_string("{{ x }}").render(x=b"\xff") == "b'\\xff'"

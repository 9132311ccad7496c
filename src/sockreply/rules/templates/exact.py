"""Jinja2's reading and writing of templates, made exact: no line end and no byte is changed.

Jinja2 has no public hook for either, so this is the only module that knows how it does them.
"""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.lexer import Lexer


class ExactLexer(Lexer):
    """Leaves line ends as they are written, where Jinja2 makes each of them a line feed.

    It never sees a carriage return: that stands as two other characters which are white space too,
    and the first of which is nowhere else.
    """

    def tokeniter(
        self,
        source: str,
        name: str | None,
        filename: str | None = None,
        state: str | None = None,
    ) -> Iterator[tuple[int, str, str]]:
        hidden = source.replace("\x1f", "\x1f\x1d").replace("\r", "\x1f\x1e")
        return super().tokeniter(hidden, name, filename, state)

    def _normalize_newlines(self, value: str) -> str:
        return value.replace("\x1f\x1e", "\r").replace("\x1f\x1d", "\x1f")


class ExactCode(CodeGenerator):
    """Hands on what is printed as it is, where Jinja2 makes text of it: bytes stay bytes."""

    def _output_child_to_const(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> str:
        if isinstance(node.as_const(frame.eval_ctx), bytes):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)

    def _output_child_pre(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        """Open no `str(`."""

    def _output_child_post(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        """Close none."""

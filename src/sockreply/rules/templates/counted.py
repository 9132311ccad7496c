"""What in a template costs time again and again: its syntax is changed so that this is counted.

Jinja2 calls us for operators, filters and calls; loops, slices, `~` and lists it compiles without.
"""

from __future__ import annotations

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

# Filters that stand for it; no template can name them.
ROUNDS = " rounds"
MADE = " made"
JOINED = " joined"


class Counted(NodeTransformer):
    """Puts these filters around what has to be counted."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja2's name
        self.generic_visit(node)
        node.iter = _filtered(node.iter, ROUNDS)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802 - Jinja2's name
        self.generic_visit(node)
        return _filtered(node, MADE) if isinstance(node.arg, nodes.Slice) else node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802 - Jinja2's name
        self.generic_visit(node)
        return _filtered(nodes.Tuple(node.nodes, "load", lineno=node.lineno), JOINED)

    def visit_List(self, node: nodes.List) -> nodes.Expr:  # noqa: N802 - Jinja2's name
        return self._literal(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:  # noqa: N802 - Jinja2's name
        return self._literal(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802 - Jinja2's name
        return self._literal(node) if node.ctx == "load" else node

    def _literal(self, node: nodes.Expr) -> nodes.Expr:
        self.generic_visit(node)
        return _filtered(node, MADE)


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    options = {"lineno": node.lineno, "environment": node.environment}
    return nodes.Filter(node, name, [], [], None, None, **options)

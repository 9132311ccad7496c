"""What is put around the parts of a template that cost time again and again."""

from __future__ import annotations

import pytest
from jinja2 import nodes

from sockreply.rules.templates.counted import JOINED, MADE, ROUNDS, Counted
from sockreply.rules.templates.sandbox import environment


@pytest.mark.parametrize(
    ("source", "filters"),
    [
        ("{% for a in b %}{{ a }}{% endfor %}", [ROUNDS]),
        ("{% for a, b in c recursive %}{% for d in a %}{% endfor %}{% endfor %}", [ROUNDS] * 2),
        ("{{ a[1:2] }}{{ a[1] }}{{ a.b }}", [MADE]),
        ("{{ a ~ 1 ~ 'x' }}", [JOINED]),
        ("{{ [a, (1, 2), {1: a}] }}", [MADE] * 3),
        ("{% set a, b = c %}{{ a + 1 }}{{ a == b }}{{ a | upper }}", ["upper"]),
    ],
)
def test_what_is_counted(source: str, filters: list[str]) -> None:
    """Loops, slices, texts put together and lists; Jinja2 asks us for all else."""
    tree = Counted().visit(environment("utf-8", False).parse(source))
    assert sorted(each.name for each in tree.find_all(nodes.Filter)) == sorted(filters)

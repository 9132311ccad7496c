"""What can be known of a template to be wrong before it is used."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from jinja2 import TemplateAssertionError, nodes
from jinja2.meta import find_undeclared_variables

from sockreply.rules.templates.filters import known_filters, wrong_format
from sockreply.rules.templates.octets import Bytes
from sockreply.rules.templates.sandbox import ReplyEnvironment
from sockreply.rules.templates.values import NAMES

_OTHER_TEMPLATES = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)


def check_template(
    tree: nodes.Template,
    sandbox: ReplyEnvironment,
    groups: Collection[str | int] | None,
    known: Collection[str] = NAMES,
) -> set[str]:
    """Look for what the template uses and there is not.

    Args:
        tree: The template as it was read.
        sandbox: Read it.
        groups: The names and numbers of the groups of the rule's regex; None: it has none.
        known: The names that are filled in.

    Returns:
        Those of the known names that are in it.

    Raises:
        TemplateAssertionError: Something is not there.
    """
    for other in tree.find_all(_OTHER_TEMPLATES):
        kind = type(other).__name__.replace("FromImport", "Import").lower()
        raise TemplateAssertionError(f"{kind}: there are no other templates", other.lineno)
    _check_filters(tree, sandbox)
    names = _check_names(tree, known)
    if "match" in names:
        _check_groups(tree, groups)
    if not sandbox.kind.as_hex:
        _check_text(tree, sandbox.kind)
    return names


def _check_filters(tree: nodes.Template, sandbox: ReplyEnvironment) -> None:
    """Is each filter and each test one that there is?"""
    for node in tree.find_all(nodes.Filter):
        if node.name not in sandbox.filters:
            known = known_filters(node.name)
            raise TemplateAssertionError(
                f"unknown filter {node.name!r}; known: {known}", node.lineno
            )
        if node.name in ("pack", "unpack") and node.args:
            layout = _constant(node.args[0])
            if layout is not None and (wrong := wrong_format(layout)):
                raise TemplateAssertionError(f"{node.name}: {wrong}", node.lineno)
    for test in tree.find_all(nodes.Test):
        if test.name not in sandbox.tests:
            known = ", ".join(sorted(filter(str.isalpha, sandbox.tests)))
            raise TemplateAssertionError(f"unknown test {test.name!r}; known: {known}", test.lineno)


def _check_names(tree: nodes.Template, known: Collection[str]) -> set[str]:
    """Is each name one that there is, or that the template itself sets?"""
    used = find_undeclared_variables(tree)
    named = list(tree.find_all(nodes.Name))
    unknown = used.difference(known) - {node.name for node in named if node.ctx != "load"}
    for node in named:
        if node.name in unknown:
            names = ", ".join(known)
            raise TemplateAssertionError(f"unknown name {node.name!r}; known: {names}", node.lineno)
    return used.intersection(known)


def _check_groups(tree: nodes.Template, groups: Collection[str | int] | None) -> None:
    """Is each group one that the rule's regex has, as far as it is named plainly?"""
    for node in tree.find_all(nodes.Name):
        if node.name == "match" and groups is None:
            raise TemplateAssertionError("match: the rule has no regex", node.lineno)
    known = [0, *(groups or ())]
    for group, line in _groups(tree):
        if group not in known:
            has = ", ".join(map(str, known))
            raise TemplateAssertionError(
                f"match: the regex has no group {group!r}; it has {has}", line
            )


def _groups(tree: nodes.Template) -> Iterator[tuple[object, int]]:
    """The groups that are named, and the lines where."""
    for dotted in tree.find_all(nodes.Getattr):
        if isinstance(dotted.node, nodes.Name) and dotted.node.name == "match":
            yield dotted.attr, dotted.lineno
    for place in tree.find_all(nodes.Getitem):
        if isinstance(place.node, nodes.Name) and place.node.name == "match":
            group = _constant(place.arg)
            if group is not None:
                yield group, place.lineno


def _constant(node: nodes.Node) -> object:
    return node.value if isinstance(node, nodes.Const) else None


def _check_text(tree: nodes.Template, kind: type[Bytes]) -> None:
    """Does the encoding have all characters that stand in the template?"""
    for node in tree.find_all(nodes.TemplateData):
        try:
            kind.encoded(node.data)
        except UnicodeEncodeError as error:
            line = node.lineno + node.data.count("\n", 0, error.start)
            character = node.data[error.start]
            raise TemplateAssertionError(f"{character!r} is not in {kind.encoding}", line) from None

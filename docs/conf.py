"""How Sphinx builds the documentation: `make docs`."""

from __future__ import annotations

import re
from importlib.metadata import version as installed
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "sockreply"
copyright = "the sockreply contributors"  # noqa: A001 - the name that Sphinx reads
version = release = installed("sockreply")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # included files begin with a title of their own

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autodoc_inherit_docstrings = False  # Twisted's are in another markup
autodoc_type_aliases = {  # interfaces of zope have no form as a type: show them by name
    name: name
    for name in (
        "IAddress",
        "IProtocol",
        "IReactorTime",
        "IStreamClientEndpoint",
        "IStreamServerEndpoint",
    )
}
default_role = "literal"  # a word in backticks is code, as in Markdown
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"sockreply {release}"
html_copy_source = False


def without_type(*event: Any) -> None:
    """Keep napoleon from taking what stands before a colon for the type of an attribute."""
    _, what, *_, lines = event
    if what in ("attribute", "data", "property") and lines:
        lines[0] = lines[0].replace(": ", " - ", 1)


def readable(*event: Any) -> tuple[str | None, str | None]:
    """Shorten the types of a signature to what a reader wants to know."""
    signature, returned = (_short(each) if each else each for each in event[-2:])
    return signature, returned


def _short(types: str) -> str:
    types = re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", types)
    types = re.sub(r"~?\w+\.Annotated\[(.*?), ~?[\w.]+\.Key\(.*?\)\]", r"\1", types)
    return re.sub(r"~(?:\w+\.)+", "", types)


def setup(app: Sphinx) -> None:
    """Show blocks that no highlighter knows as plain text, and tidy what autodoc finds."""
    for language in ("talk", "layers", "logrotate", "haproxy"):
        app.add_lexer(language, TextLexer)
    app.connect("autodoc-process-docstring", without_type, priority=400)
    app.connect("autodoc-process-signature", readable)

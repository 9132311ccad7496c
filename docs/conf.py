"""How Sphinx builds the documentation: `make docs`."""

from __future__ import annotations

from importlib.metadata import version as installed

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
default_role = "literal"  # a word in backticks is code, as in Markdown
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"sockreply {release}"
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Show the blocks that no highlighter knows as plain text."""
    for language in ("talk", "layers", "logrotate", "haproxy"):
        app.add_lexer(language, TextLexer)

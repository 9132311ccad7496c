"""Replies that are filled in with what was asked; Jinja2 does it.

The syntax and most filters are Jinja2's. Ours are the names (values.py), the filters for bytes
(filters.py), and that what is printed is exactly what was written or received (sandbox.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.runtime import Context

from sockreply.errors import ConfigError, TemplateFailed
from sockreply.framing.interfaces import Framing
from sockreply.rules.asked import Asked
from sockreply.rules.replies.data import Data
from sockreply.rules.templates.allowance import Allowance
from sockreply.rules.templates.bounds import LONGEST
from sockreply.rules.templates.checks import check_template
from sockreply.rules.templates.counted import Counted
from sockreply.rules.templates.filters import from_hex
from sockreply.rules.templates.joined import joined
from sockreply.rules.templates.octets import Bytes
from sockreply.rules.templates.sandbox import ReplyEnvironment, environment
from sockreply.rules.templates.values import NAMES, Make, names_of
from sockreply.shown import show_text

_Piece = TypeVar("_Piece", str, bytes)


class Template:
    """A compiled template. It is a `Data`.

    Args:
        sandbox: What it is filled in by.
        jinja: What Jinja2 made of it.
        names: Those that it uses, and what makes what each stands for.
        fixed: The result, if it is always the same.
    """

    __slots__ = ("_jinja", "_names", "_sandbox", "fixed")

    def __init__(
        self,
        sandbox: ReplyEnvironment,
        jinja: JinjaTemplate,
        names: Mapping[str, Make],
        fixed: bytes | None,
    ) -> None:
        self._sandbox = sandbox
        self._jinja = jinja
        self._names = list(names.items())
        self.fixed = fixed

    def bytes_for(self, asked: Asked) -> bytes:
        """The result for a message.

        Raises:
            TemplateFailed: Whatever went wrong.
        """
        sandbox = self._sandbox
        sandbox.spending.allowance = Allowance()
        try:
            known = sandbox.globals.copy()
            for name, make in self._names:
                known[name] = make(asked, sandbox.kind)
            context = Context(sandbox, known, None, self._jinja.blocks)
            return _bytes_of(self._jinja.root_render_func(context), sandbox.kind)
        except Exception as error:  # a template can raise anything that Python has
            raise TemplateFailed(_reason(error)) from None
        finally:
            sandbox.spending.allowance = None


def compile_template(
    source: str,
    *,
    encoding: str,
    as_hex: bool = False,
    groups: Collection[str | int] | None,
    framing: Framing | None = None,
    join: bool = True,
) -> Data:
    """Read a template.

    Args:
        source: The template.
        encoding: Of the text in it, and of what it prints.
        as_hex: Does it spell the bytes of the reply as hex digits?
        groups: The names and numbers of the groups of the rule's regex; None: it has none.
        framing: That of the messages, if the template may name what it knows of them.
        join: Whether the template is joined if it can be; if not, Jinja2 fills it in.

    Raises:
        ConfigError: It cannot be read, or uses what there is not.
    """
    names = NAMES if framing is None else NAMES | names_of(framing)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's, on code that Jinja2 makes of odd constants
            return _compiled(source, environment(encoding, as_hex), groups, names, join)
    except TemplateSyntaxError as error:
        place = f"line {error.lineno}: " if source.count("\n") else ""
        raise ConfigError(place + _line(str(error.message))) from None
    except Exception as error:  # Python cannot compile what Jinja2 makes of it, for one
        raise ConfigError(_reason(error)) from None


def _compiled(
    source: str,
    sandbox: ReplyEnvironment,
    groups: Collection[str | int] | None,
    known: Mapping[str, Make],
    join: bool,
) -> Data:
    tree = sandbox.parse(source)
    names = check_template(tree, sandbox, groups, known)
    if "random" in source:
        names.add("random")  # the filter of that name draws from it
    literals = list(_literals(tree))
    fixed = None if None in literals else _bytes_of(literals, sandbox.kind)
    jinja = JinjaTemplate.from_code(sandbox, sandbox.compile(Counted().visit(tree)), {})
    # Its code would keep itself alive until all garbage is collected, as many others with it.
    for name in ("root", "__jinja_template__"):
        jinja.root_render_func.__globals__.pop(name, None)
    made = {name: make for name, make in known.items() if name in names}
    template = Template(sandbox, jinja, made, fixed)
    quick = joined(tree, names, sandbox.kind, template) if join and fixed is None else None
    return template if quick is None else quick


def _literals(tree: nodes.Template) -> Iterator[str | None]:
    """The text of a template; None for whatever is no text."""
    for node in tree.body:
        for printed in node.nodes if isinstance(node, nodes.Output) else (node,):
            yield printed.data if isinstance(printed, nodes.TemplateData) else None


def _bytes_of(printed: Iterable[object], kind: type[Bytes]) -> bytes:
    """What a template printed, as the bytes that it stands for.

    Raises:
        ValueError: They are too many, or no hex digits where they should be, or the encoding does
            not have one of the characters.
    """
    if kind.as_hex:
        digits = "".join(_bounded(map(kind.printed, printed), 2 * LONGEST))
        return from_hex(digits)
    whole = b"".join(_bounded(map(kind.printed_bytes, printed), LONGEST))
    return whole if whole.startswith(kind.mark) else kind.mark + whole


def _bounded(pieces: Iterable[_Piece], left: int) -> Iterator[_Piece]:
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise ValueError(f"the result is longer than {LONGEST} bytes")
        yield piece


def _reason(error: Exception) -> str:
    """What is wrong, in one line that quotes no controls."""
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object[error.start]!r} is not in {error.encoding}"
    if isinstance(error, (TemplateError, ValueError)) or type(error) is LookupError:
        return _line(str(error))
    return _line(f"{type(error).__name__}: {error}")


def _line(text: str) -> str:
    return " ".join(show_text(text).splitlines())

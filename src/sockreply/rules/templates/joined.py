"""Templates of text and plain values only, made by joining bytes.

Most templates are of this kind, and Jinja2 takes ten times as long to fill them in. It remains the
authority: it gets every template with anything else in it, and every result that may be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import TypeAlias

from jinja2 import nodes

from sockreply.rules.asked import Asked
from sockreply.rules.replies.data import Data
from sockreply.rules.templates.bounds import LONGEST
from sockreply.rules.templates.filters import from_hex
from sockreply.rules.templates.octets import Bytes
from sockreply.rules.templates.values import NAMES, Match

Part: TypeAlias = bytes | Callable[[Asked], bytes]
"""Text, or what gives the bytes of a value."""

_PLAIN = frozenset({"message", "match", "peer", "local", "tls", "count", "state"})
"""The names whose values may be looked up again each time they are printed. The others are made
once for a reply: `now` must not pass, and `uuid` and `random` are drawn."""


class Joined:
    """A template that is joined. It is a `Data`.

    Args:
        parts: In their order.
        mark: The result begins with it.
        longest: A result of more bytes, without the mark, may be too long.
        general: The same template as Jinja2 fills it in.
    """

    __slots__ = ("_general", "_longest", "_mark", "_texts", "_values")

    fixed = None

    def __init__(self, parts: Iterable[Part], mark: bytes, longest: int, general: Data) -> None:
        parts = tuple(parts)
        self._texts = [part if isinstance(part, bytes) else b"" for part in parts]
        self._values = [(at, part) for at, part in enumerate(parts) if not isinstance(part, bytes)]
        self._mark = mark
        self._longest = longest
        self._general = general

    def bytes_for(self, asked: Asked) -> bytes:
        """The result for a message.

        Raises:
            TemplateFailed: Whatever went wrong.
        """
        pieces = self._texts.copy()
        try:
            for place, value in self._values:
                pieces[place] = value(asked)
            whole = b"".join(pieces)
        except Exception:  # an encoding, or a user's address class, can raise anything
            whole = None
        if whole is None or len(whole) > self._longest:
            return self._general.bytes_for(asked)  # which says what is wrong, if anything is
        return whole if whole.startswith(self._mark) else self._mark + whole


def joined(
    tree: nodes.Template, names: Collection[str], kind: type[Bytes], general: Data
) -> Joined | None:
    """The template as one that is joined; None: it cannot be.

    Args:
        tree: The template as it was read.
        names: Those that are filled in.
        kind: The bytes that it prints.
        general: The same template as Jinja2 fills it in.
    """
    if len(tree.body) != 1 or not _PLAIN.issuperset(names):
        return None
    try:
        parts = list(_parts(tree.body[0], kind))
    except ValueError:
        return None
    if not kind.as_hex:
        return Joined(parts, kind.mark, LONGEST, general)
    digits = sum(len(text.data) for text in tree.find_all(nodes.TemplateData))
    return Joined(parts, b"", LONGEST - digits, general)


def _parts(output: nodes.Node, kind: type[Bytes]) -> Iterator[Part]:
    """The parts of what is printed.

    Raises:
        ValueError: There is something else, or hex digits between two values are no whole bytes.
    """
    if not isinstance(output, nodes.Output):
        raise ValueError(f"a statement: {output}")
    for is_text, run in groupby(output.nodes, lambda node: isinstance(node, nodes.TemplateData)):
        if is_text:  # in one piece, as it is one to Jinja2: some encodings shift to and fro
            text = "".join(node.data for node in run if isinstance(node, nodes.TemplateData))
            yield from_hex(text) if kind.as_hex else kind.encoded(text)
        else:
            yield from (_value(node, kind) for node in run)


def _value(node: nodes.Expr, kind: type[Bytes]) -> Callable[[Asked], bytes]:
    """What gives the bytes of a value.

    Raises:
        ValueError: It is not a plain one.
    """
    match node:
        case nodes.Name(name="message"):
            return attrgetter("message")
        case nodes.Name(name="match") if kind.as_hex:
            return _group(0)
        case nodes.Getattr(node=nodes.Name(name="match"), attr=group) if not hasattr(Match, group):
            return _group(group)
        case nodes.Getitem(
            node=nodes.Name(name="match"), arg=nodes.Const(value=int() | str() as group)
        ):
            return _group(group)
        case _ if kind.as_hex:
            raise ValueError(f"its digits may be half a byte: {node}")
        case nodes.Name(name=name) if name in _PLAIN:
            make = NAMES[name]
            return lambda asked: kind.printed_bytes(make(asked, kind))
        case nodes.Getattr(
            node=nodes.Name(name="peer" | "local" as end), attr="host" | "port" as name
        ):
            return _attribute(end, name, kind)
        case nodes.Getattr(
            node=nodes.Name(name="tls"), attr="version" | "cipher" | "subject" | "sni" as name
        ):
            return _attribute("tls", name, kind)
        case _:
            raise ValueError(f"not a plain value: {node}")


def _attribute(of: str, name: str, kind: type[Bytes]) -> Callable[[Asked], bytes]:
    """What gives something that is known of one of the names."""
    make = NAMES[of]
    return lambda asked: kind.printed_bytes(getattr(make(asked, kind), name))


def _group(group: int | str) -> Callable[[Asked], bytes]:
    """What gives a group of the regex."""

    def found(asked: Asked) -> bytes:
        return (asked.match and asked.match[group]) or b""

    return found

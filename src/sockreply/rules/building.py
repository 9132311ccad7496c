"""Short ways to write the replies of rules in Python."""

from __future__ import annotations

from collections.abc import Collection

from sockreply.framing.interfaces import Framing
from sockreply.rules.replies import Constant, Part, Recipe, SendPart


def reply(*parts: bytes | Part) -> Recipe:
    """What a rule replies with.

    Args:
        parts: Its steps, in order; bytes are a message, sent framed. None is silence.

    Raises:
        TypeError: A step is neither.
        ValueError: A step comes after one that nothing can follow.
    """
    return Recipe(list(map(_part_of, parts)))


def _part_of(part: bytes | Part) -> Part:
    if isinstance(part, bytes):
        return SendPart(Constant(part))
    if not callable(getattr(part, "steps", None)):
        kind = type(part).__name__
        raise TypeError(f"a step is bytes or a part such as DelayPart(1, 2), not {kind}")
    return part


def template(
    source: str,
    *,
    encoding: str = "utf-8",
    groups: Collection[str | int] | None = None,
    framing: Framing | None = None,
) -> SendPart:
    """A message that is filled in with what was asked.

    Args:
        source: The template, in Jinja2's syntax.
        encoding: Of the text in it, and of what it prints.
        groups: The names and numbers of the groups of the rule's regex that it may name; None: it
            has no regex.
        framing: That of the messages, if the template may name what it knows of them.

    Raises:
        ConfigError: It cannot be read, or uses something that does not exist.
    """
    from sockreply.rules.templates.template import compile_template  # now, because it needs Jinja2

    return SendPart(compile_template(source, encoding=encoding, groups=groups, framing=framing))

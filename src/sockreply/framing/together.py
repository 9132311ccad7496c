"""What is true of messages that may come in any of several framings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sockreply.framing.interfaces import Framing


def message_size_in(framings: Sequence[Framing]) -> int | None:
    """The bytes that every message has, in any of them; None: they may differ in size."""
    sizes = {each.message_size for each in framings}
    return sizes.pop() if len(sizes) == 1 else None


def never_in_any(framings: Sequence[Framing], data: bytes) -> bytes | None:
    """The part of the data that no message can contain in any of them; None: some can."""
    parts = {each.never_in(data) for each in framings}
    if None in parts:
        return None
    return parts.pop() if len(parts) == 1 else data


def facts_in_any(framings: Sequence[Framing], message: bytes) -> Mapping[str, Any]:
    """What the framings know about a message; what several know, as the first of them does."""
    facts: dict[str, Any] = {}
    for each in framings:
        facts = {**each.facts_of(message), **facts}
    return facts

"""A message that carries more than its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sockreply.framing.interfaces import Framing

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Message(bytes):
    """The bytes of a message, and what else its framer knows about it.

    It is equal to the bytes, and can be used in their place.
    """

    framing: Framing | None = None
    """Frames what answers it; None: what frames everything else on its connection."""

    facts: Mapping[str, Any] = _NOTHING
    """What templates may know about it, by name, such as the mark that ended it."""

    def __new__(
        cls, data: bytes, *, framing: Framing | None = None, facts: Mapping[str, Any] = _NOTHING
    ) -> Message:
        message = super().__new__(cls, data)
        if framing is not None:
            message.framing = framing
        if facts:
            message.facts = facts
        return message


def come_in(framing: Framing, data: bytes) -> Message:
    """The message, marked as having come in that framing, unless it names one itself."""
    if not isinstance(data, Message):
        return Message(data, framing=framing)
    if data.framing is None:
        return Message(data, framing=framing, facts=data.facts)
    return data

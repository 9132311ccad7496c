"""What a reply is made of: bytes, or what makes them of a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from sockreply.rules.asked import Asked


class Data(Protocol):
    """Bytes, or what makes them of a message."""

    @property
    def fixed(self) -> bytes | None:
        """The bytes, when they are the same for every message."""

    def bytes_for(self, asked: Asked) -> bytes:
        """The bytes for this one.

        Raises:
            ResponderError: There are none.
        """


@dataclass(frozen=True, slots=True)
class Constant:
    """The same bytes for every message.

    Args:
        fixed: The bytes.
    """

    fixed: bytes

    def bytes_for(self, asked: Asked) -> bytes:  # noqa: ARG002 - the same for all
        return self.fixed


@dataclass(frozen=True, slots=True)
class Echoed:
    """The message itself."""

    fixed: None = field(default=None, init=False)

    def bytes_for(self, asked: Asked) -> bytes:
        return asked.message

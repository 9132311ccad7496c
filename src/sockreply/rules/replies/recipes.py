"""What a rule replies with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from sockreply.errors import SockreplyError
from sockreply.replies.reply import Reply, Step
from sockreply.rules.asked import Asked
from sockreply.rules.replies.data import Data
from sockreply.rules.replies.parts import EndPart, Part, SendPart


class Recipe:
    """A reply as a rule gives it.

    Args:
        parts: In their order; none of them is silence.

    Raises:
        ValueError: A part stands behind one that nothing can follow.
    """

    fixed: bytes | Reply | None
    """The reply, when it is the same for every message."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        for part in self._parts[:-1]:
            if isinstance(part, EndPart):
                raise ValueError(f"no step can follow {part.step}")
        # Most replies are one message, and bytes are sent faster than a `Reply`.
        match self._parts:
            case (SendPart(data),):
                self._message: Data | None = data
                self.fixed = data.fixed
            case _:
                self._message = None
                self.fixed = self._fixed_reply()

    def _fixed_reply(self) -> Reply | None:
        steps: list[Step] = []
        for part in self._parts:
            if part.fixed is None:
                return None
            steps += part.fixed
        return Reply(steps)

    def make(self, asked: Asked) -> bytes | Reply:
        """The reply to a message.

        Raises:
            SockreplyError: It cannot be made.
        """
        if self.fixed is not None:
            return self.fixed
        if self._message is not None:
            return self._message.bytes_for(asked)
        return Reply(*chain.from_iterable(part.steps(asked) for part in self._parts))

    def told(self, asked: Asked) -> list[str]:
        """What the reply would do, a line a part; nothing is run for it."""
        return [_told(part, asked) for part in self._parts] or ["send nothing"]


def _told(part: Part, asked: Asked) -> str:
    try:
        return part.told(asked)
    except SockreplyError as error:  # TemplateFailed, CannotFrame
        return f"fail: {error}"

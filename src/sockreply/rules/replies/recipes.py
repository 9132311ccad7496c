"""What a rule replies with."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sockreply.errors import SockreplyError
from sockreply.replies.reply import Await, Reply, Step
from sockreply.rules.asked import Asked
from sockreply.rules.replies.data import Data, Echoed
from sockreply.rules.replies.parts import (
    CommandPart,
    DelayPart,
    DripPart,
    EndPart,
    Part,
    SendPart,
)
from sockreply.rules.replies.starttls import StartTLSPart


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
        self._in_time = tuple(_with_time(self._parts))
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
        steps: list[Step] = []
        for part, is_late in self._in_time:
            steps += (Await(_Later(part, asked)),) if is_late else part.steps(asked)
        return Reply(steps)

    def told(self, asked: Asked) -> list[str]:
        """What the reply would do, a line a part; nothing is run for it."""
        return [_told(part, asked) for part in self._parts] or ["send nothing"]


def _with_time(parts: Iterable[Part]) -> Iterator[tuple[Part, bool]]:
    """Each part, and whether it is made only when its turn has come, since one before it waits.

    A template then knows the time, and what has happened since the message came.
    """
    waits = False
    for part in parts:
        data: Data | None = getattr(part, "data", None)
        is_filled_in = data is not None and data.fixed is None and not isinstance(data, Echoed)
        yield part, waits and is_filled_in
        waits = waits or isinstance(part, DelayPart | CommandPart | DripPart | StartTLSPart)


@dataclass(frozen=True, slots=True)
class _Later:
    """The steps of a part, made when they are awaited."""

    part: Part
    asked: Asked

    def __await__(self) -> Generator[Any, Any, Reply]:
        yield from ()  # there is nothing to wait for
        return Reply(*self.part.steps(self.asked))


def _told(part: Part, asked: Asked) -> str:
    try:
        return part.told(asked)
    except SockreplyError as error:  # TemplateFailed, CannotFrame
        return f"fail: {error}"

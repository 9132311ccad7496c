"""One message, as rules and what they reply with see it."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from sockreply.replies.session import Session


class Asked:
    """A message, with all that an answer may depend on.

    Args:
        message: Without what framed it.
        session: The connection that it came on.
        state: The connection's state in which it came.
        random: All chances are drawn from it.
        match: What the regex of the rule that matched found.
        positions: Where the sequences with scope "connection" stand, by sequence; None: at their
            beginning, and not remembered.
    """

    __slots__ = ("match", "message", "positions", "random", "session", "state")

    def __init__(
        self,
        message: bytes,
        session: Session,
        state: str,
        random: Random,
        match: re.Match[bytes] | None = None,
        positions: dict[Any, int] | None = None,
    ) -> None:
        self.message = message
        self.session = session
        self.state = state
        self.random = random
        self.match = match
        self.positions = {} if positions is None else positions

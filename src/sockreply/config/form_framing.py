"""The form of framings: a spec, a table, or a list of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from sockreply.config.form_data import Fixed
from sockreply.config.scalars import Whole
from sockreply.notation import SIZE_LIMIT

Adjustment: TypeAlias = Annotated[int, Whole(-SIZE_LIMIT, SIZE_LIMIT)]


@dataclass(frozen=True)
class Head:
    """A head that says how many bytes follow it."""

    head: str
    length: str
    adjust: Adjustment = 0
    base: Literal[10, 16] = 10


@dataclass(frozen=True)
class Entry:
    """A framing for the messages that begin with certain bytes; None: with any."""

    framing: str | Head
    starts_with: Fixed | list[Fixed] | None = None


Framing: TypeAlias = str | Head | list[Entry]

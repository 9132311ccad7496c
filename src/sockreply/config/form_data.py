"""The form of data that is always the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Hex:
    """Bytes by their digits; in conditions `??` stands for any byte."""

    hex: str


@dataclass(frozen=True)
class Base64:
    """Bytes in base64."""

    base64: str


@dataclass(frozen=True)
class Contents:
    """What a file holds when the configuration is read."""

    file: str


Fixed: TypeAlias = str | Hex | Base64 | Contents

"""The text of a configuration file becomes a document, by Python's own parser of TOML."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from sockreply.config.document import DEPTH_LIMIT, TOO_DEEP
from sockreply.errors import ConfigError

_KEY_PART = re.compile(
    r"""(?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*')[ \t]*(\.[ \t]*)?""", re.ASCII
)  # with the dot after it, if another part follows

_HINTS = {
    "Unescaped '\\'": r"; between single quotes it stands for itself, elsewhere write \\",
    "Invalid initial character for a key part": "; a table in braces must be on one line",
    "Unclosed inline table": "; a table in braces must be on one line",
    "Invalid value": "; text must be in quotes",
    "Cannot declare": "; each of several rules begins with [[services.NAME.rules]]",
}
"""What usually causes what the parser says, by how that begins."""


def parse_toml(data: bytes) -> dict[str, Any]:
    """The document that a file holds.

    Raises:
        ConfigError: It is not UTF-8, or not TOML.
    """
    try:
        text = data.decode("utf-8-sig")  # some editors put a mark before it
        if any(map(_has_long_key, text.split("\n"))):
            raise ConfigError(TOO_DEEP)
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8: byte {error.start} (from 0): {error.reason}") from None
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        hint = next((hint for said, hint in _HINTS.items() if str(error).startswith(said)), "")
        raise ConfigError(f"is not TOML: {error}{hint}") from None
    except RecursionError:
        raise ConfigError("nests tables or lists too deeply") from None


def _has_long_key(line: str) -> bool:
    """Does it begin with a key of too many parts? tomllib takes the square of them in memory."""
    if line.count(".") < DEPTH_LIMIT:
        return False
    parts, dot, end = 0, True, len(line) - len(line.lstrip(" \t["))
    while dot and (part := _KEY_PART.match(line, end)):
        parts, dot, end = parts + 1, bool(part[1]), part.end()
    return parts > DEPTH_LIMIT and line[end : end + 1] in ("=", "]")

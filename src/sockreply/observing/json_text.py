"""Texts in lines of JSON that are put together by hand."""

from __future__ import annotations

from json import JSONEncoder

_as_it_is = JSONEncoder(ensure_ascii=False).encode
_escaped = JSONEncoder(ensure_ascii=True).encode


def json_text(text: str) -> str:
    """A text in JSON; readable, but with nothing in it that drives a screen or ends a line."""
    encoded = _as_it_is(text)
    return encoded if encoded.isprintable() else _escaped(text)

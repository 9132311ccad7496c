"""Differences that nobody sees: letters in the other case, white space, a line end."""

from __future__ import annotations

from collections.abc import Callable

IN_CASE = "it differs only in case"
IN_WHITE_SPACE = "it differs only in white space"

LOOKED_AT_MOST = 1_000
"""Bytes of a message in which case and white space are looked at: enough for all that people type,
and little enough to do it for every rule of a table."""

_WHITE_SPACE = b" \t\n\r\v\f\0"  # NUL prints as nothing, too
_LINE_ENDS = {
    b"\r\n": 'CR LF: framing = "line"?',
    b"\n": 'LF: framing = "line"?',
    b"\r": r'CR: framing = "line" for CR LF, "delimited:end=\r" for CR?',
}
"""What a message may end with, and what would have taken it off."""


def folded(data: bytes) -> bytes:
    """The same for all that differ in nothing that is seen."""
    return _without_white_space(data).lower()


def unseen_difference(
    message: bytes, data: bytes, fits: Callable[[bytes, bytes], bool]
) -> str | None:
    """What alone keeps a message from fitting, if that is something that nobody sees.

    Args:
        message: It does not fit.
        data: What it is compared with.
        fits: Compares the two.

    Returns:
        A clause for the end of a reason; None: something that is seen differs.
    """
    if (ends := unseen_end(message, lambda bare: fits(bare, data))) is not None:
        return ends
    if len(message) > LOOKED_AT_MOST or not _without_white_space(data):
        return None  # of white space nothing would be left to compare
    if fits(message.lower(), data.lower()):
        return IN_CASE
    if fits(_without_white_space(message), _without_white_space(data)):
        return IN_WHITE_SPACE
    return f"{IN_CASE} and white space" if fits(folded(message), folded(data)) else None


def unseen_end(message: bytes, fits: Callable[[bytes], bool]) -> str | None:
    """The same of a line end alone.

    Args:
        message: It does not fit.
        fits: Does another message?
    """
    for end, said in _LINE_ENDS.items():
        if message.endswith(end):
            return f"the message ends with {said}" if fits(message.removesuffix(end)) else None
    return None


def stripped(message: bytes) -> bytes:
    """The message without white space around it."""
    return message.strip(_WHITE_SPACE)


def _without_white_space(data: bytes) -> bytes:
    return data.translate(None, _WHITE_SPACE)

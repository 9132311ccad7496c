"""The errors: who raised what can be told, and in one line."""

from __future__ import annotations

import re

import pytest

from sockreply import errors


def test_the_tree_is_as_drawn() -> None:
    """The docstring draws every error below its parent, and there are no others."""
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in str(errors.__doc__).splitlines():
        if found := re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line):
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            drawn[found[2]] = above[depth - 1] if depth else "Exception"
    drawn["CannotStart"] = "SystemExit"
    defined = {
        name: thing.__bases__[0].__name__
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and thing.__module__ == errors.__name__
    }
    assert defined == drawn


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.MessageTooLong(limit=65536), "message longer than 65536 bytes"),
        (errors.Malformed("a comma", b";\n"), "expected a comma, found b';\\n'"),
        (
            errors.Malformed("a comma", b";", at=7),
            "expected a comma at byte 7 (from 0), found b';'",
        ),
        (
            errors.CannotFrame(size=300, least=0, most=255),
            "300 bytes, but the length field can only hold 0 to 255",
        ),
        (
            errors.CannotFrame(size=0, least=0, most=0),
            "0 bytes, but the length field can only hold 0 to 0",
        ),
        (errors.CannotFrame(size=1, least=4), "1 bytes, but a message has at least 4"),
        (errors.BadEndpoint("tcp:x", reason="no port"), "endpoint tcp:x: no port"),
        (errors.ReplyTimeout(seconds=30.0), "no reply within 30 s"),
        (errors.RequestTimeout(seconds=0.5), "no reply within 0.5 s"),
        (
            errors.BadReply(found="secret"),
            "a responder returned str, not bytes, a Reply, None or an awaitable",
        ),
        (
            errors.ConnectionEnded("peer closed"),
            "connection ended before the reply: peer closed",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_texts(error: errors.SockreplyError, text: str) -> None:
    """An error says in one line what it is about, with the sizes and times."""
    assert str(error) == text


def test_fields() -> None:
    """What an error was built from can be read from it."""
    assert errors.MessageTooLong(8).limit == 8
    malformed = errors.Malformed("a comma", b";")
    assert (malformed.expected, malformed.found) == ("a comma", b";")
    cannot_frame = errors.CannotFrame(300, 0, 255)
    assert (cannot_frame.size, cannot_frame.least, cannot_frame.most) == (300, 0, 255)
    assert errors.ReplyTimeout(30.0).seconds == 30.0
    assert errors.RequestTimeout(10.0).seconds == 10.0
    assert errors.ConnectionEnded("peer closed").why == "peer closed"


def test_kinds() -> None:
    """Errors of the peers are counted under their own names."""
    kinds = [errors.FramingError.kind, errors.MessageTooLong.kind, errors.Malformed.kind]
    assert kinds == ["framing", "too_long", "malformed"]


def test_cannot_start_ends_the_process() -> None:
    """Not caught, it exits with its line as the message, which makes the status 1."""
    error = errors.CannotStart("port 80: permission denied")
    assert error.code == str(error) == "port 80: permission denied"
    assert isinstance(error, Exception)

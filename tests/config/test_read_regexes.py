"""Regular expressions, in the encoding of their service."""

from __future__ import annotations

import warnings

import pytest

from tests.config.texts import SERVICE, problems_of, rule, settings_of
from tests.rules.stand_ins import session


def regex_rule(regex: str, encoding: str = "utf-8") -> str:
    """A file with one regex."""
    head = f"{SERVICE}encoding = '{encoding}'\n[[services.s.rules]]\n"
    return f"{head}when = {{ regex = '{regex}' }}\nreply = 'x'\n"


@pytest.mark.parametrize(
    ("regex", "encoding", "matching"),
    [
        ("^caf\u00e9$", "utf-8", "caf\u00e9".encode()),
        ("^caf\u00e9$", "latin-1", b"caf\xe9"),
        ("^\u8868$", "shift_jis", b"\x95\\"),  # its second byte is a backslash
        ("^\u3042?$", "iso2022_jp", "\u3042".encode("iso2022_jp")),
        ("[\u00e9\u00e8]", "latin-1", b"\xe8"),
    ],
)
def test_encodings(regex: str, encoding: str, matching: bytes) -> None:
    """Letters that are not ASCII stand for their bytes, whichever these are."""
    responder = settings_of(regex_rule(regex, encoding)).services["s"].responder
    assert responder.respond(matching, session()) == "x".encode(encoding)


def test_encodings_without_ascii() -> None:
    """Where ASCII has other bytes, a regex would mean something else."""
    for encoding in ("utf-16-le", "cp037", "utf-16", "utf-8-sig"):
        (problem, *_) = problems_of(regex_rule("^a", encoding))
        place = "services.s.rules.rule-1.when.regex"
        assert problem.startswith(f"{place}: {encoding} has other bytes than ASCII for the")


def test_warnings_of_letters_taken_apart() -> None:
    """A set or a repeat of letters that are several bytes is not what it looks like."""
    for regex, letter in (
        ("[a\u00e9]", "\u00e9"),
        ("\u00e9+", "\u00e9"),
        ("[\uac00-\ud7a3]+", "\uac00"),
    ):
        (warning,) = settings_of(regex_rule(regex)).warnings
        assert warning.startswith(
            f"services.s.rules.rule-1.when.regex: {letter} is more than one byte, and a set"
        )
    for regex in ("\u00e9", "(?:\u00e9)+", "[a]\u00e9", "\u00e9[a]"):
        assert settings_of(regex_rule(regex)).warnings == ()
    assert settings_of(regex_rule("[a\u00e9]", "latin-1")).warnings == ()


def test_warnings_of_regexes() -> None:
    """A regex that may take for ever is legal, and told."""
    for regex, reason in (
        ("(a+)+$", "a repeat within a repeat"),
        ("^(a|ab|b)*$", "repeated alternatives that can match the same"),
        ("a+$", "the search starts over at each byte of a long run"),
    ):
        (warning,) = settings_of(regex_rule(regex)).warnings
        assert warning.startswith(f"services.s.rules.rule-1.when.regex: {reason}")


def test_searches_of_short_messages() -> None:
    """Where messages are short, a search that starts over takes no time."""
    short = f"{SERVICE}max_message = 4095\n[[services.s.rules]]\n"
    assert settings_of(short + "when = { regex = 'a+$' }\nreply = 'x'\n").warnings == ()


def test_warnings_of_python_do_not_leak() -> None:
    """What Python warns of in a regex is not for the operator."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settings_of(SERVICE + rule("when = { regex = '[[a]' }\nreply = 'x'"))

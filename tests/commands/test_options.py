"""What all commands understand, and how their words are read."""

from __future__ import annotations

import pytest
from twisted.python import usage

from sockreply.commands.options import CommandOptions, hexadecimal


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the installed distribution."""
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"1.2.3 of {name}")
    with pytest.raises(SystemExit) as caught:
        CommandOptions().parseOptions(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == "sockreply 1.2.3 of sockreply\n"


@pytest.mark.parametrize("written", ["0aff", "0A FF", " 0a\tff "])
def test_hexadecimal(written: str) -> None:
    """Digits in either case; white space may stand between bytes."""
    assert hexadecimal(written) == b"\x0a\xff"


@pytest.mark.parametrize("written", ["0", "0g", "0x0a", "\uff10\uff11", "\udcff"])
def test_what_is_not_hexadecimal(written: str) -> None:
    """Anything else is wrong usage, and the line shows it."""
    with pytest.raises(usage.UsageError) as caught:
        hexadecimal(written)
    assert str(caught.value) == f"{written!r} is not hexadecimal"

"""The framing of a service, where it is somebody else's code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sockreply.config import read
from sockreply.framing import Framing
from tests.config.texts import SERVICE, problems_of

CODE = """
from tests.framing.stand_ins import Stop

class Ending(Stop):
    def __init__(self, word="STOP"):
        super().__init__(word + "{}")
"""


def file_with(directory: Path, spec: str, more: str = "") -> Path:
    """A file of a service with that framing."""
    path = directory / "a.toml"
    path.write_text(f"{SERVICE}framing = '{spec}'\notherwise = 'x'\n{more}")
    return path


def test_code_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is searched for there first, whatever else has that name."""
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    for directory, name in ((tmp_path / "elsewhere", "elsewhere"), (tmp_path, "beside")):
        directory.mkdir(exist_ok=True)
        (directory / "framing_beside_the_file.py").write_text(CODE.format(name))
    path = file_with(tmp_path, "framing_beside_the_file:Ending:word=END ")
    assert read(path).services["s"].framing.frame(b"x") == b"xEND beside"


@pytest.mark.parametrize(
    ("spec", "calls"), [("tests.framing.stand_ins:Stop", 1), ("line:ending=crlf", 0)]
)
def test_code_is_called_where_it_is_asked_for(tmp_path: Path, spec: str, calls: int) -> None:
    """That of others may need the loop's thread, as that of responders may; ours does not."""
    called: list[Framing] = []

    def in_loop(load: Callable[[], Any]) -> Any:
        called.append(load())
        return called[-1]

    framing = read(file_with(tmp_path, spec), in_loop).services["s"].framing
    assert called == [framing] * calls


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            "no_such:Framing",
            "framing no_such:Framing: ModuleNotFoundError: No module named 'no_such'",
        ),
        (
            "tests.framing.stand_ins:none",
            "framing tests.framing.stand_ins:none: None is not a framing",
        ),
        (
            "tests.framing.stand_ins:Failing:at=framer",
            "framing tests.framing.stand_ins:Failing: LookupError: no framer (",
        ),
        (
            "tests.framing.stand_ins:Stop:word=",
            "framing tests.framing.stand_ins:Stop: ValueError: no",
        ),
    ],
)
def test_code_that_does_not_do(spec: str, why: str) -> None:
    """It is one problem of the file, at its place."""
    (line,) = problems_of(f"{SERVICE}framing = '{spec}'\notherwise = 'x'\n")
    assert line.startswith(f"services.s.framing: {why}")


def test_messages_that_cannot_be_as_short() -> None:
    """A framing says so itself when it is asked for a framer."""
    spec = "tests.framing.stand_ins:Long"
    text = f"{SERVICE}framing = '{spec}'\nmax_message = 8\notherwise = 'x'\n"
    assert problems_of(text) == ("services.s.framing: long needs 9 bytes",)
    assert problems_of(text.replace("8", "9")) == ()

"""Framings that somebody else wrote: code by its name, and what is wrong with it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sockreply.errors import ConfigError
from sockreply.framing import parse_framing

TRACKER = """
from sockreply.framing import BufferedFramer, Framing
from sockreply.framing import Line

class Tracker(Framing):
    def __init__(self, order="big", mark=""):
        self.said = (order, mark)
    def framer(self, max_message):
        return TrackerFramer(max_message)
    def frame(self, message):
        return b"<" + message + b">"

class TrackerFramer(BufferedFramer):
    def next_message(self):
        return None

def make(order="big"):
    return Tracker(order)

tracker = Tracker("none")
number = 3

class Box:
    Inner = Tracker

class Wanting(Tracker):
    def __init__(self, order):
        pass

class Abstract(Framing):
    def frame(self, message):
        return message

class Plain:
    def framer(self, max_message):
        return TrackerFramer(max_message)
    def frame(self, message):
        return message

def returns(name, value):
    # a class of framings that has that
    return type(name, (Tracker,), value)

NoFramer = returns("NoFramer", {"framer": lambda self, most: None})
Bare = returns("Bare", {"framer": lambda self, most: object()})
NoMessages = returns("NoMessages", {"framer": lambda self, most: BufferedFramer(most)})
class Deaf(TrackerFramer):
    receive_eof = None
    @property
    def silence(self):
        raise AttributeError("silence")
HardOfHearing = returns("HardOfHearing", {"framer": lambda self, most: Deaf(most)})
Silent = returns("Silent", {"speaks": True})
Fixed = returns("Fixed", {"switches": True})
Numb = returns("Numb", {"frame": lambda self, message: None})
Picky = returns("Picky", {"frame": lambda self, message: message[0]})
Nameless = returns("Nameless", {"name": None})
Broken = returns("Broken", {"framer": lambda self, most: 1 / 0})
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current directory with that module; what is imported from it is forgotten again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    (tmp_path / "tracker.py").write_text(TRACKER)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def said(spec: str) -> object:
    """What the framing that a spec names was made with."""
    framing = parse_framing(spec)
    assert framing.name == "tracker"
    assert framing.frame(b"x") == b"<x>"
    return vars(framing)["said"]


@pytest.mark.parametrize(
    ("spec", "made_with"),
    [
        ("tracker:Tracker", ("big", "")),
        ("tracker:Tracker:order=little", ("little", "")),
        (r"tracker:Tracker:mark=\x41:\,=,order=b", ("b", "A:,=")),
        ("tracker:make", ("big", "")),
        ("tracker:make:order=little", ("little", "")),
        ("tracker:tracker", ("none", "")),
        ("tracker:Box.Inner:order=x", ("x", "")),
    ],
)
def test_code(spec: str, made_with: object) -> None:
    """A class, a function that makes one, or one that is made; the first two take keys, as text."""
    assert said(spec) == made_with


def test_code_beside_a_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is searched for there first, and then where Python looks."""
    (here / "beside").mkdir()
    (here / "beside" / "tracker.py").write_text(TRACKER.replace('"big"', '"beside"'))
    framing = parse_framing("tracker:Tracker", here / "beside")
    assert vars(framing)["said"] == ("beside", "")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("tracker:Tracker:colour=red", "TypeError: Tracker.__init__() got an unexpected keyword"),
        ("tracker:Wanting", "TypeError: Wanting.__init__() missing 1 required positional argument"),
        ("tracker:Abstract", "TypeError: Can't instantiate abstract class Abstract with"),
        ("tracker:missing", "AttributeError: module 'tracker' has no attribute 'missing'"),
        ("nowhere:Tracker", "ModuleNotFoundError: No module named 'nowhere'"),
        ("broken:Tracker", "ZeroDivisionError: division by zero (broken.py, line 1)"),
        ("tracker:number", "3 is not a framing: its class has to derive from sockreply.framing.Fr"),
        ("tracker:TRACKER", "AttributeError: "),
        ("tracker:Box", "<tracker.Box object at 0x> is not a framing: its class has to derive"),
        ("tracker:Plain", "<tracker.Plain object at 0x> is not a framing: its class has to derive"),
        ("tracker:returns:name=a,value=", "TypeError: "),
        ("tracker:tracker:order=b", "it takes no keys, because it is a framing already"),
        ("tracker:", "code is named package.module:callable"),
        (":Tracker", "code is named package.module:callable"),
        ("tra cker:Tracker", "code is named package.module:callable"),
        ("os:path", "posixpath is a module; code is named package.module:callable"),
        ("tracker:NoFramer", "its framer is None"),
        (
            "tracker:Bare",
            "its framer, object, lacks buffered, dropped, empty, next_message, ready, receive_da",
        ),
        ("tracker:NoMessages", "its framer, BufferedFramer, lacks next_message"),
        ("tracker:HardOfHearing", "its framer, Deaf, lacks receive_eof, silence; BufferedFramer h"),
        ("tracker:Silent", "its framer, TrackerFramer, lacks said"),
        ("tracker:Fixed", "its framer, TrackerFramer, lacks switch"),
        ("tracker:Numb", "frame(b'') returned NoneType, not bytes"),
        ("tracker:Nameless", "its name is None, not text"),
        ("tracker:Broken", "ZeroDivisionError: division by zero (tracker.py, line"),
        (r"tracker:Tracker:order=\q", r"'\q' is not an escape; known: "),
    ],
)
def test_code_that_does_not_do(here: Path, spec: str, why: str) -> None:
    """What cannot be imported, made or used is one line that names the code, and says why."""
    (here / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ConfigError) as caught:
        parse_framing(spec)
    line = re.sub("0x[0-9a-f]+", "0x", str(caught.value))
    name = ":".join(spec.split(":")[:2])
    assert line.startswith(f"framing {name}: {why}")
    assert "\n" not in line


def test_a_framing_that_cannot_carry_everything() -> None:
    """A `frame` that raises something for an empty message may be right."""
    assert parse_framing("tracker:Picky").name == "picky"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("tracker:Tracker:", "tracker:Tracker: '' is not key=value"),
        ("tracker:Tracker:a=1,b", "tracker:Tracker: 'b' is not key=value"),
        ("tracker:Tracker:a=1,a=2", "tracker:Tracker: a is given twice"),
    ],
)
def test_keys_that_are_wrong(spec: str, why: str) -> None:
    """Their notation is that of our own framings."""
    with pytest.raises(ConfigError, match=f"^{re.escape(why)}$"):
        parse_framing(spec)


def test_built_in_names_are_no_modules(here: Path) -> None:
    """A module cannot change what a built-in name means."""
    (here / "line.py").write_text(TRACKER)
    with pytest.raises(ConfigError, match="line: 'Tracker' is not key=value"):
        parse_framing("line:Tracker")


def test_installed_framing_that_is_made_already(install: Callable[..., None]) -> None:
    """An entry point may name one that is made, and is looked at like any other code."""
    install("sockreply.framings", here="tracker:tracker", bare="tracker:Bare")
    sys.path.insert(0, str(Path.cwd()))
    assert said("here") == ("none", "")
    with pytest.raises(ConfigError, match="framing bare: its framer, object, lacks buffered"):
        parse_framing("bare")

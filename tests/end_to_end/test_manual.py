"""The manual pages: what they say is so, and man and mandoc read them without complaint."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.daemons import ROOT, SCRIPTS

PAGE = ROOT / "etc" / "man" / "sockreply.1"
TEXT = PAGE.read_text(encoding="utf-8")
COMMON = {"--help", "--version"}


def section(command: str) -> str:
    """What the page says of a command."""
    return re.split(r"^\.S[sh] ", TEXT.split(f"\n.Ss {command}\n")[1], flags=re.MULTILINE)[0]


def help_of(command: str) -> str:
    """What a command says of itself, its lines joined."""
    done = subprocess.run(
        [SCRIPTS / "sockreply", command, "--help"], capture_output=True, text=True, check=True
    )
    return re.sub(r"\n {12,}", " ", done.stdout)


def options_told(command: str) -> dict[str, str | None]:
    """The long options of a command in the page, each with its default if one is said."""
    told: dict[str, str | None] = {}
    for item in re.split(r"^\.It ", section(command), flags=re.MULTILINE)[1:]:
        head, _, body = item.partition("\n")
        names = ["-" + name for name in re.findall(r"Fl (-[a-z-]+)", head)]
        default = re.search(r"^Default: (.*)\.$", body, re.MULTILINE)
        defaults = default[1].split(", ") if default else [None]
        told.update(zip(names, defaults, strict=True))
    return told


def options_known(command: str) -> dict[str, str | None]:
    """The long options of a command in its help, each with its default if one is said."""
    known: dict[str, str | None] = {}
    for line in help_of(command).splitlines():
        if found := re.match(r" .*?(--[a-z-]+)", line):
            default = re.search(r"\[default: (.*)\]", line)
            known[found[1]] = default[1].removesuffix(".0") if default else None
    return {name: default for name, default in known.items() if name not in COMMON}


def read_by(*words: str | Path, stdin: str | None = None) -> str:
    """What a reader of manual pages complains of."""
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", ["serve", "send", "explain"])
def test_page_has_the_options_of_help(command: str) -> None:
    """The page names each option that a command's help lists, with its default, and no other."""
    assert options_told(command) == options_known(command)


def test_commands_of_the_page_are_those_of_help() -> None:
    """The synopsis has each command."""
    listed = subprocess.run(
        [SCRIPTS / "sockreply", "--help"], capture_output=True, text=True, check=True
    )
    known = re.findall(r"^    ([a-z]+) ", listed.stdout, re.MULTILINE)
    assert sorted(re.findall(r"^\.Cm ([a-z]+)$", TEXT.split(".Sh DESC")[0], re.MULTILINE)) == known


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_page_of_the_command_is_well_formed() -> None:
    """sockreply(1) gives mandoc no reason to complain."""
    assert read_by("mandoc", "-Tlint", "-Wwarning", PAGE) == ""


@pytest.mark.skipif(
    None in (shutil.which("mandoc"), shutil.which("lowdown")),
    reason="mandoc or lowdown is not installed",
)
def test_page_of_the_file_is_well_formed() -> None:
    """sockreply.toml(5) is made of docs/rules.md, all of it, and mandoc has no complaint."""
    made = subprocess.run(
        ["sh", ROOT / "etc" / "debian" / "rules_page", ROOT / "docs" / "rules.md"],
        env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stderr == ""
    assert read_by("mandoc", "-Tlint", "-Wwarning", stdin=made.stdout) == ""
    rules = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    keys = re.findall(r"^\| `([a-z_]+)` \|", rules, re.MULTILINE)
    assert [key for key in keys if f"\\fB{key}\\fR" not in made.stdout] == []
    for heading in re.findall(r"^## (.*)$", rules, re.MULTILINE):
        assert f".SH {heading.upper()}\n" in made.stdout

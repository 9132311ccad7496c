"""The pages that people read, README.md and docs/*.md, and the code blocks in them.

An info string may say more than the language:

- `toml file=scale.toml`: the block is this file, for the commands below it on the page.
- `console continues`: the block goes on where the console block above it stopped, in the same
  directory and with the same daemons. Any other console block starts in a directory of its own.

In what a command prints, `...` stands for anything within a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.end_to_end.daemons import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^```([^\s{`]+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced code block.

    Args:
        page: The name of the page.
        line: The number of its first line.
        language: What it is written in.
        words: The rest of its info string.
        text: What is in it.
    """

    page: str
    line: int
    language: str
    words: str
    text: str

    @property
    def file(self) -> str | None:
        """The name of the file that it is, if it is one."""
        named = re.search(r"\bfile=(\S+)", self.words)
        return named[1] if named else None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass
class Session:
    """A console block, with those that continue it.

    Args:
        first: The first block.
        steps: Files to write, and pairs of a command and what it prints, in their order.
    """

    first: Block
    steps: list[Block | tuple[str, str]] = field(default_factory=list)

    @property
    def commands(self) -> list[str]:
        return [step[0] for step in self.steps if isinstance(step, tuple)]

    def __str__(self) -> str:
        return str(self.first)


def blocks(path: Path) -> list[Block]:
    """The code blocks of a page, but for the directives of Sphinx."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(path.name, text.count("\n", 0, found.start()) + 2, found[1], found[2], found[3])
        for found in _FENCE.finditer(text)
    ]


def all_blocks(language: str) -> list[Block]:
    """The blocks of a language on all pages."""
    return [block for path in PAGES for block in blocks(path) if block.language == language]


def files_above(block: Block) -> list[Block]:
    """The files that a page has named by the end of a block."""
    (path,) = (path for path in PAGES if path.name == block.page)
    return [each for each in blocks(path) if each.file and each.line <= block.line]


def sessions(path: Path) -> Iterator[Session]:
    """What is typed on a page."""
    session: Session | None = None
    since: list[Block] = []
    for block in blocks(path):
        if block.file:
            since.append(block)
        elif block.language == "console":
            if "continues" in block.words.split():
                assert session is not None, f"{block} continues nothing"
                session.steps += since
            else:
                if session is not None:
                    yield session
                session = Session(block, [*files_above(block)])
            since = []
            session.steps += [(found[1], found[2]) for found in _COMMAND.finditer(block.text)]
    if session is not None:
        yield session


def _sessions_of(pages: Iterable[Path]) -> list[Session]:
    return [session for page in pages for session in sessions(page)]


EARLY = _sessions_of(page for page in PAGES if page.name < "p")
"""What is typed on about half of the pages."""
LATE = _sessions_of(page for page in PAGES if page.name >= "p")
"""What is typed on the others."""


def looks_like(expected: str) -> re.Pattern[str]:
    """What matches the text that a page shows."""
    return re.compile(".*".join(map(re.escape, expected.rstrip("\n").split("..."))))

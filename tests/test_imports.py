"""What importing does, and which module may know which."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import sockreply

SOURCE = Path(sockreply.__file__).parent
DRAWING = Path(__file__).parents[1] / "docs" / "architecture.md"


def module_of(path: Path) -> str:
    """The dotted name of a file of ours."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imported(path: Path) -> Iterator[str]:
    """What a file imports, wherever in it: in functions and under TYPE_CHECKING, too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def graph() -> dict[str, set[str]]:
    """By module: the modules of ours that it imports."""
    return {
        module: {name for name in imported(path) if name in MODULES} - {"sockreply"}
        for module, path in MODULES.items()
        if module != "sockreply"
    }


def part(module: str) -> str:
    """The folder, or the single module, right below `sockreply` that a module belongs to."""
    return module.split(".")[1]


def rows() -> list[list[str]]:
    """The parts in rows, from the bottom up: each stands on the lowest row that it can."""
    below: dict[str, set[str]] = defaultdict(set)
    for module, others in graph().items():
        below[part(module)] |= {part(other) for other in others} - {part(module)}
    height: dict[str, int] = {}
    for name in TopologicalSorter(below).static_order():
        height[name] = max((height[other] + 1 for other in below[name]), default=0)
    found: dict[int, list[str]] = defaultdict(list)
    for name in sorted(height):
        found[height[name]].append(name)
    return [found[number] for number in sorted(found)]


def test_no_import_circle() -> None:
    """No module comes to know itself through others, not even under TYPE_CHECKING."""
    TopologicalSorter(graph()).prepare()  # raises CycleError, which names the circle


def test_the_drawing_of_the_layers_is_true() -> None:
    """Each line of the drawing knows only lines below it, and no part could stand lower."""
    drawing = DRAWING.read_text().split("```layers\n")[1].split("```")[0]
    drawn = [sorted(line.split("-")[0].split()) for line in drawing.splitlines() if line.strip()]
    expected = list(reversed(rows()))
    assert drawn == expected, "\n".join("  ".join(row) for row in expected)


def test_root_package_imports_nothing() -> None:
    """`import sockreply` costs nothing."""
    assert not list(imported(MODULES["sockreply"]))


def test_framing_knows_nothing_of_twisted() -> None:
    """Framing does no input or output of its own."""
    for path in (SOURCE / "framing").glob("*.py"):
        assert not [name for name in imported(path) if name.startswith("twisted")]


def test_a_dialogue_knows_no_transport() -> None:
    """Of Twisted, it has the time, what is awaited and the log; the rest is the server's."""
    known = {"twisted.internet.defer", "twisted.internet.interfaces", "twisted.logger"}
    known |= {"twisted.python.failure"}
    for path in (SOURCE / "conversation").glob("*.py"):
        assert {name for name in imported(path) if name.startswith("twisted")} <= known


def test_importing_installs_no_reactor() -> None:
    """Importing any module, all at once, leaves the choice of a reactor open."""
    code = f"import sys, {', '.join(MODULES)}; assert 'twisted.internet.reactor' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

"""What importing does, and which module may know which."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sockreply

SOURCE = Path(sockreply.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
)

LAYERS = [
    {"addresses", "errors", "shown"},
    {"notation"},
    {"extensions"},
    {"framing", "replies"},
    {"settings"},
    {"rules", "conversation", "client"},
    {"server"},
    {"config", "observing"},
    {"daemon"},
    {"commands"},
]
"""A part knows only parts of the lines above its own, but for these."""

WITHIN = {("conversation", "server")}
"""Who knows whom on one line."""


def layer(part: str) -> int:
    """The line on which a part stands."""
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


def imported(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    """What a module imports stands before it in the order of the parts."""
    path = SOURCE.parent.joinpath(*module.split("."))
    own = module.split(".")[1:2]
    for name in imported(path / "__init__.py" if path.is_dir() else path.with_suffix(".py")):
        root, _, rest = name.partition(".")
        if root != "sockreply" or not rest:
            continue
        assert own, "the root package imports nothing"
        part = rest.split(".")[0]
        if part != own[0] and (own[0], part) not in WITHIN:
            assert layer(part) < layer(own[0]), f"{module} imports {name}"


def test_framing_knows_nothing_of_twisted() -> None:
    """Framing does no input or output of its own."""
    for path in (SOURCE / "framing").glob("*.py"):
        assert not [name for name in imported(path) if name.startswith("twisted")]


def test_importing_installs_no_reactor() -> None:
    """Importing any module, all at once, leaves the choice of a reactor open."""
    code = f"import sys, {', '.join(MODULES)}; assert 'twisted.internet.reactor' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

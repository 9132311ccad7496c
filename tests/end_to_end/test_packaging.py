"""What is handed out: the sdist, the wheel and the editable install, each in an environment anew.

The environments borrow sockreply's dependencies and the build tools from the running one, so that
nothing is downloaded.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = "twisted/plugins/sockreply_plugin.py"


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; the test fails with it when the command does."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def borrow(theirs: Path, ours: Path) -> None:
    """Link to all that a directory has, but for what is sockreply's."""
    for entry in theirs.iterdir():
        if entry.name in {"twisted", "plugins"}:  # no links: our plugin comes to lie in them
            (ours / entry.name).mkdir()
            borrow(entry, ours / entry.name)
        elif not re.search(r"sockreply|\.pth$|\.cache$|^__pycache__$", entry.name):
            (ours / entry.name).symlink_to(entry)


@dataclass(frozen=True)
class Environment:
    """A virtual environment that has what sockreply needs, but not sockreply."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> Environment:
        venv.create(path, symlinks=True)
        environment = cls(path)
        borrow(Path(sysconfig.get_path("purelib")), environment.packages)
        return environment

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def packages(self) -> Path:
        base = str(self.path)
        return Path(sysconfig.get_path("purelib", "venv", vars={"base": base, "platbase": base}))

    def install(self, *what: str | Path) -> None:
        """Install with pip, from disk alone."""
        pip = (sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet")
        run(*pip, "--no-index", "--no-deps", "--no-build-isolation", *what, cwd=self.path)

    def run(self, *command: str) -> str:
        """Run a program that a borrowed package has in `bin/` of its own environment."""
        name, *arguments = command
        code = (
            "import sys; from importlib.metadata import entry_points; "
            f"(program,) = entry_points(group='console_scripts', name={name!r}); "
            "sys.exit(program.load()())"
        )
        return self.evaluate(code, *arguments)

    def evaluate(self, code: str, *arguments: str) -> str:
        return run(self.python, "-I", "-c", code, *arguments, cwd=self.path)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist of this tree and the wheel built from that sdist."""
    directory = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", directory, ROOT, cwd=directory)
    return directory


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    """The wheel."""
    (wheel,) = distributions.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def sdist(distributions: Path) -> Path:
    """The sdist."""
    (sdist,) = distributions.glob("*.tar.gz")
    return sdist


@pytest.fixture(scope="module", params=["wheel", "sdist", "editable"])
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """An environment with sockreply installed in one of the three ways."""
    environment = Environment.create(tmp_path_factory.mktemp(request.param))
    if request.param == "editable":
        environment.install("--editable", ROOT)
    else:
        environment.install(request.getfixturevalue(request.param))
    return environment


@pytest.mark.parametrize("runner", ["twistd", "twist"])
def test_runners_list_sockreply(installed: Environment, runner: str) -> None:
    """Once sockreply is installed, the help of Twisted's runners names it as a command."""
    commands = [line.split()[:1] for line in installed.run(runner, "--help").splitlines()]
    assert ["sockreply"] in commands


def test_command_is_installed(installed: Environment) -> None:
    """Once sockreply is installed, so is its own command, which explains itself."""
    told = run(installed.path / "bin" / "sockreply", "--help", cwd=installed.path)
    assert "send" in told
    assert "serve" in told


def test_plugin_is_found(installed: Environment) -> None:
    """Once sockreply is installed, Twisted finds its service maker, once."""
    found = installed.evaluate(
        "from twisted.application.service import IServiceMaker; "
        "from twisted.plugin import getPlugins; "
        "print(*(x.module for x in getPlugins(IServiceMaker) if x.tapname == 'sockreply'))"
    )
    assert found.split() == ["sockreply.commands.tap"]


def test_wheel_has_only_the_package_and_the_plugin(wheel: Path) -> None:
    """The wheel has all of the package and the plugin, and no `__init__.py` over Twisted's own."""
    source = ROOT / "src"
    modules = {str(path.relative_to(source)) for path in files_under(source / "sockreply")}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == modules | {PLUGIN}


@pytest.mark.parametrize(
    "name",
    ["pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile"],
)
def test_sdist_has_the_file(sdist: Path, name: str) -> None:
    """The sdist has each file that building, testing and reading take."""
    assert name in names_in(sdist)


@pytest.mark.parametrize(
    "name", ["src", "twisted_plugins", "tests", "etc", "examples", "docs", "benchmarks"]
)
def test_sdist_has_the_whole_directory(sdist: Path, name: str) -> None:
    """The sdist has every file of each directory that is worked in."""
    there = {str(path.relative_to(ROOT)) for path in files_under(ROOT / name)}
    assert {path for path in names_in(sdist) if path.startswith(f"{name}/")} == there


def files_under(directory: Path) -> Iterator[Path]:
    """The files in a directory and below, but for what Python leaves behind."""
    for path in directory.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.name != "dropin.cache":
            yield path


def names_in(sdist: Path) -> set[str]:
    """The files of an sdist, without its one directory."""
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}

"""Where our code uses what a library keeps to itself: in few places, each with its reason."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import sockreply

SOURCE = Path(sockreply.__file__).parent

ALLOWED = {
    "commands.reacting": ("twisted", "only the reactor knows which signal ended it"),
    "config.regex_tree": ("re", "only its parser tells how an expression is built"),
    "rules.replies.process_group": ("twisted", "it starts no process in a group of its own"),
    "rules.templates.exact": ("jinja2", "its compiler has no public hook for what is constant"),
    "server.accepting": ("socket", "its `accept` looks up two enumerations for every connection"),
    "server.inherited_port": ("twisted", "it adopts UNIX sockets by no public method"),
    "server.twisted_buffers": ("twisted", "it tells nobody what it has not sent yet"),
}
"""The modules that may, with the library and why."""

BY_NAME = {"getattr", "setattr", "hasattr", "delattr"}


@cache
def trees() -> dict[str, ast.Module]:
    """What each module of ours says."""
    return {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts): ast.parse(path.read_text())
        for path in sorted(SOURCE.rglob("*.py"))
    }


def is_private(name: str) -> bool:
    """Does its owner keep a thing of this name to itself?"""
    return name.startswith("_") and not name.startswith("__") and name.strip("_") != ""


def is_ours(module: str) -> bool:
    """Is a module part of this package?"""
    return module.split(".")[0] == "sockreply"


def defined(tree: ast.Module) -> Iterator[str]:
    """The private names that a module gives to things of its own."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.Attribute(attr=name, value=ast.Name(id="self"), ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)):
                yield name


@cache
def ours() -> set[str]:
    """The private names of all our modules."""
    return {name for tree in trees().values() for name in defined(tree) if is_private(name)}


def used(tree: ast.Module) -> Iterator[str]:
    """The private names that a module takes from somebody else."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for each in names:
                    parts = each.name.split(".")
                    yield from [] if is_ours(each.name) else filter(is_private, parts)
            case ast.ImportFrom(module=str(module), names=names) if not is_ours(module):
                for name in (*module.split("."), *(each.name for each in names)):
                    if is_private(name):
                        yield name
            case ast.Attribute(attr=name) if is_private(name) and name not in ours():
                yield name
            case ast.Call(func=ast.Name(id=function), args=[_, ast.Constant(value=str(name)), *_]):
                if function in BY_NAME and is_private(name) and name not in ours():
                    yield name


def overridden(module: str) -> Iterator[str]:
    """The private names that classes of a module take over from a library's class."""
    written = {
        node.name: {name for name in defined(ast.Module(node.body, [])) if is_private(name)}
        for node in trees()[module].body
        if isinstance(node, ast.ClassDef)
    }
    things = vars(importlib.import_module(f"sockreply.{module}".removesuffix(".__init__")))
    for name, names in written.items():
        bases = [base for base in things[name].__mro__ if not is_ours(base.__module__)]
        yield from (each for each in names if any(each in vars(base) for base in bases))


def test_private_names_of_libraries() -> None:
    """No other module uses any, and each of these still does."""
    found = {module: sorted({*used(tree), *overridden(module)}) for module, tree in trees().items()}
    users = {module: names for module, names in found.items() if names}
    assert users.keys() == ALLOWED.keys(), users


def test_the_search_finds_each_kind() -> None:
    """Whichever way a private name is used, it is found."""
    for code in (
        "import a._b",
        "from a._b import c",
        "from a import _b",
        "a._b_of_theirs",
        "self._b_of_theirs",
        "a.c()._b_of_theirs = 1",
        "getattr(a, '_b_of_theirs', None)",
    ):
        assert list(used(ast.parse(code))), code
    for code in ("import sockreply.x._b", "from a import b", "a.b", "a.__b__", "getattr(a, 'b')"):
        assert not list(used(ast.parse(code))), code
    assert set(overridden("server.inherited_port")) == {"_shouldShutdown"}

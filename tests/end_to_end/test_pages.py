"""README.md and docs/ are true: what they show runs, and prints what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sockreply.config import read
from tests.end_to_end.certificates import DAY, make_certificate
from tests.end_to_end.clients import connect_unix, read_all
from tests.end_to_end.daemons import ROOT, SCRIPTS
from tests.end_to_end.pages import (
    EARLY,
    LATE,
    PAGES,
    Block,
    Session,
    all_blocks,
    files_above,
    sessions,
)
from tests.end_to_end.shell import Shell
from tests.end_to_end.waiting import PATIENCE, eventually

EXAMPLES_OF_RULES = "rules.md"
"""The page whose TOML stands for whole files, which tests/test_docs_rules.py makes of it."""

TOML = [
    block
    for block in all_blocks("toml")
    if block.page != EXAMPLES_OF_RULES and not str(block.file).endswith("pyproject.toml")
]


@pytest.mark.parametrize("session", EARLY, ids=str)
def test_commands_print_what_the_page_says(shell: Shell, session: Session) -> None:
    """Each command runs, and prints the lines below it; see `test_pages_late.py` for the others."""
    shell.play(session)


def test_wrong_output_is_noticed(shell: Shell) -> None:
    """A page that shows another output fails, and so does a command that fails in silence."""
    block = Block("page", 1, "console", "", "")
    for command, shown in (("echo one", "two\n"), ("false", "")):
        with pytest.raises(AssertionError):
            shell.play(Session(block, [(command, shown)]))
    shell.play(Session(block, [("echo 'took 1.5 s'", "took ... s\n")]))


def test_every_console_block_is_typed() -> None:
    """No command on a page is left out."""
    lines = [
        line[2:]
        for block in all_blocks("console")
        for line in block.text.splitlines()
        if line.startswith("$ ")
    ]
    typed = [command for each in (*EARLY, *LATE) for command in each.commands]
    assert sorted(lines) == sorted(typed)
    assert all(block.text.startswith("$ ") for block in all_blocks("console"))


@pytest.mark.parametrize("block", TOML, ids=str)
def test_toml_is_a_configuration(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file, and each piece of one, is loaded without an error or a warning."""
    for each in files_above(block):
        assert each.file is not None
        (tmp_path / each.file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / each.file).write_text(each.text, encoding="utf-8")
    if "certificate" in block.text:
        pair = make_certificate(tmp_path / "server.pem", ends=90 * DAY).read_bytes()
        for name in ("server.key", "ca.pem", "mail.pem", "mail.key", "wild.pem", "wild.key"):
            (tmp_path / name).write_bytes(pair)
    text = block.text
    if "[services" not in text:
        text += '\n[services.default]\nlisten = "tcp:0"\nrules = [{ reply = "me" }]\n'
    elif "rules" not in text and "responder" not in text:
        text += '\nrules = [{ reply = "me" }]\n'
    file = tmp_path / "block.toml"
    file.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    try:
        assert not read(file).warnings
    finally:
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
                del sys.modules[name]


@pytest.mark.parametrize("block", all_blocks("python"), ids=str)
def test_python_is_valid(block: Block) -> None:
    """Each block of Python compiles, and one that is not a file runs."""
    code = compile(block.text, str(block), "exec")
    if block.file is None:
        exec(code, {})


@pytest.mark.parametrize("block", all_blocks("sh"), ids=str)
def test_shell_is_well_formed(block: Block) -> None:
    """Commands that nobody can try here, such as those for root, are at least well formed."""
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True, timeout=PATIENCE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    """Each link to a file of this tree leads to one."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_kill_ends_the_daemon_in_the_background(shell: Shell, tmp_path: Path) -> None:
    """The first commands of README put a daemon into the background, and end it."""
    shell.play(next(sessions(ROOT / "README.md")))
    eventually(lambda: not (tmp_path / "twistd.pid").exists())
    assert "응답" in (tmp_path / "twistd.log").read_text(encoding="utf-8")


def test_readme_is_a_front_page() -> None:
    """README is read in a few minutes; what is longer has a page in docs/."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_example_on_the_page_is_the_file() -> None:
    """The responder that docs/responders.md shows is the one in examples/."""
    (shown,) = (block.text for block in all_blocks("python") if "def shout" in block.text)
    assert shown in (ROOT / "examples" / "shout.py").read_text(encoding="utf-8")


def test_every_stand_in_is_on_the_front_page() -> None:
    """README's table names each file in examples/, and no other."""
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("<!-- end of stand-ins -->")[0]
    named = re.findall(r"^\| `(\w+\.toml)` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(file.name for file in (ROOT / "examples").glob("*.toml"))


def test_modules_of_the_architecture_exist() -> None:
    """docs/architecture.md names no module that is not there."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_/]+\.py)`", text)
    source = ROOT / "src" / "sockreply"
    assert len(named) > 10
    assert [
        name for name in named if not ((source / name).exists() or (ROOT / name).exists())
    ] == []


def test_metrics_of_the_page_are_those_of_the_daemon(shell: Shell) -> None:
    """docs/metrics.md names each metric that a daemon shows, and no other."""
    shell.run("sockreply serve --port 12345 --metrics unix:metrics.sock &")
    shell.run("sockreply send --port 12345 hello")
    with connect_unix(str(shell.home / "metrics.sock")) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        shown = read_all(client).decode()
    known = set(re.findall(r"^# TYPE (\S+)", shown, re.MULTILINE))
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(sockreply_\w+)`", page, re.MULTILINE))
    assert named == known


@pytest.mark.parametrize(
    ("command", "heading"),
    [(("twistd", "sockreply"), "## The daemon"), (("sockreply", "send"), "## sockreply send")],
    ids=["the daemon", "send"],
)
def test_options_of_the_page_are_those_of_help(command: tuple[str, str], heading: str) -> None:
    """The table in docs/options.md names each option that --help lists, and no other."""
    words = [str(SCRIPTS / command[0]), command[1], "--help"]
    listed = subprocess.run(words, capture_output=True, check=True, timeout=PATIENCE).stdout
    known = set(re.findall(r"^ .*?(--[a-z-]+)", listed.decode(), re.MULTILINE))
    page = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    table = page.split(heading)[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(--[a-z-]+)", row)}
    assert named == known - {"--help", "--version"}

"""The `sockreply` command: its subcommands, and what it says when it cannot understand."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from twisted.python import usage

from sockreply.commands import cli
from sockreply.commands.cli import SUBCOMMANDS, Subcommand, main
from sockreply.commands.options import CommandOptions
from sockreply.errors import (
    BadFile,
    CannotPrint,
    CannotStart,
    ConfigError,
    EndedBySignal,
    RequestError,
    WrongSettings,
)
from tests.commands.test_send import parse as parse_send


@pytest.mark.parametrize("subcommand", SUBCOMMANDS, ids=lambda subcommand: subcommand.name)
def test_modules_of_subcommands_have_one_shape(subcommand: Subcommand) -> None:
    """Each has options that know --help and --version, and a `run` that takes them."""
    module = import_module(f"sockreply.commands.{subcommand.module}")
    assert issubclass(module.Options, CommandOptions)
    signature = inspect.signature(module.run, eval_str=True)
    assert [each.annotation for each in signature.parameters.values()] == [module.Options]
    assert signature.return_annotation is int


def test_a_subcommand_waits_for_no_imports_of_another() -> None:
    """`sockreply` imports none of them, and `send` neither the daemon nor what reads files."""
    code = """if True:
        import sys
        from sockreply.commands.cli import SUBCOMMANDS, main
        modules = {f"sockreply.commands.{each.module}" for each in SUBCOMMANDS}
        assert not modules & set(sys.modules)
        try:
            main(["send", "--help"])
        except SystemExit:
            pass
        assert modules & set(sys.modules) == {"sockreply.commands.send"}
        assert not {"sockreply.daemon.daemon", "sockreply.config.load"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], int]:
    """The exit status of a subcommand that fails with an error."""

    def status(error: Exception) -> int:
        def run(_: CommandOptions) -> int:
            raise error

        module = SimpleNamespace(Options=CommandOptions, run=run)
        monkeypatch.setitem(sys.modules, "sockreply.commands.failing", module)
        row = Subcommand("fail", "failing", "Fail.")
        monkeypatch.setattr(cli, "SUBCOMMANDS", (row,))
        monkeypatch.setattr(cli.Options, "subCommands", [["fail", None, row.options, row.summary]])
        return main(["fail"])

    return status


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RequestError("no reply"), 1, "sockreply: no reply\n"),
        (CannotStart("port 1: taken"), 1, "sockreply: port 1: taken\n"),
        (WrongSettings("x.toml: no"), 78, "sockreply: x.toml: no\n"),
        (BadFile(Path("x.toml"), ("line 1: no",)), 1, "sockreply: x.toml: line 1: no\n"),
        (ConfigError("--peer: no address"), 2, "sockreply: --peer: no address\n"),
        (usage.UsageError("'x' is not it"), 2, "sockreply: 'x' is not it\n"),
        (CannotPrint(OSError(28, "full")), 1, "sockreply: cannot write standard output: full\n"),
        (CannotPrint(BrokenPipeError(32, "gone")), 1, ""),
        (EndedBySignal(15), 143, ""),
    ],
)
def test_errors_become_exit_statuses(
    fails: Callable[[Exception], int],
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    status: int,
    said: str,
) -> None:
    """Each has its status, and one line on standard error unless nothing needs saying."""
    assert fails(error) == status
    assert capsys.readouterr() == ("", said)


def test_what_nobody_expects_is_not_hidden(fails: Callable[[Exception], int]) -> None:
    """A mistake of ours has its traceback."""
    with pytest.raises(ZeroDivisionError):
        fails(ZeroDivisionError())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "which command?"),
        (("explode",), "Unknown command: explode"),
        (("send", "--bogus"), "option --bogus not recognized"),
        (("send", "--port", "0"), "--port: '0' is not a whole number from 1 to 65535"),
        (
            ("send", "--port", "1", "--to", "tcp:h:2"),
            "--to cannot be combined with --host or --port",
        ),
        (("send", "--framing", "morse"), "--framing: unknown framing 'morse'"),
        (("send", "--timeout", "soon"), "--timeout: 'soon' is not a number of seconds"),
        (("send", "--hex", "0g"), "'0g' is not hexadecimal"),
        (("send", "-f", "line", "one\ntwo"), r"'one\ntwo' is not a message of framing line ("),
        (
            ("send", "-f", "fixed:size=1", "--hex", "0aff"),
            "'0aff' is not a message of framing fixed",
        ),
        (
            ("send", "-f", "length:digits=1", "0123456789"),
            "'0123456789' is not a message of framing length:digits=1: 10 bytes, but ",
        ),
        (("send", "-f", "line", "long\n" * 50), r"'long\nlong"),
        (("send", "-f", "eof", "one", "two"), "eof carries one message per connection"),
        (("serve", "--framing", "morse"), "--framing: unknown framing 'morse'"),
        (("serve", "surplus"), "unexpected argument 'surplus'"),
        (("check",), "FILE is missing"),
        (("check", "FILE", "surplus"), "unexpected argument 'surplus'"),
        (("explain",), "FILE and MESSAGE are missing"),
        (("explain", "FILE"), "MESSAGE is missing"),
        (("explain", "--hex", "FILE"), "MESSAGE is missing"),
        (("explain", "FILE", "two", "words"), "unexpected argument 'words'"),
        (("explain", "FILE", "--bogus", "x"), "option --bogus not recognized"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    """What cannot be understood is named, on standard error."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"sockreply: {says}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-f", "stop", "a STOP b"), "'a STOP b' is not a message of framing stop ("),
        (("-f", "gone", "x"), "--framing: framing gone: ModuleNotFoundError: No module named"),
        (("-f", "leave", "x"), "--framing: framing leave: SystemExit: 3 ("),
        (("-f", "none", "x"), "--framing: framing none: None is not a framing"),
        (("-f", "stops", "x"), "--framing: unknown framing 'stops'; known: chunk, line, "),
    ],
)
def test_what_send_says_of_installed_framings(
    install: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    says: str,
) -> None:
    """What one cannot carry, and what is wrong with it, is one line as with ours."""
    names = {"stop": "Stop", "leave": "leave", "none": "none"}
    points = {name: f"tests.framing.stand_ins:{value}" for name, value in names.items()}
    install("sockreply.framings", gone="gone:make", **points)
    assert parse_send("-f", "stop", "HOME SAFE ").messages == [b"HOME SAFE "]
    test_wrong_usage_is_one_line_and_status_2(capsys, ("send", *words), says)


@pytest.mark.parametrize("at", ["framer", "frame", "next_message"])
def test_an_installed_framing_that_fails(
    install: Callable[..., None], capsys: pytest.CaptureFixture[str], at: str
) -> None:
    """`send` and `serve` say in a line what failed, and where."""
    install("sockreply.framings", failing="tests.framing.stand_ins:Failing")
    says = f"framing failing: LookupError: no {at.removeprefix('next_')} (tests/framing/stand_ins"
    spec = f"failing:at={at}"
    told = f"--framing: {says}" if at == "framer" else says
    test_wrong_usage_is_one_line_and_status_2(capsys, ("send", "-f", spec, "x"), told)
    if at != "next_message":
        what = "--framing" if at == "framer" else "--reply"
        test_wrong_usage_is_one_line_and_status_2(
            capsys, ("serve", "-f", spec), says.replace("framing", f"{what}: framing", 1)
        )


@pytest.mark.parametrize(
    "words",
    [("check", "no.toml"), ("explain", "no.toml", "x"), ("serve", "--config", "no.toml")],
)
def test_a_file_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    """Every command says so in the same words, with the path as it was written."""
    monkeypatch.chdir(tmp_path)
    assert main(words) == (78 if words[0] == "serve" else 1)
    assert capsys.readouterr() == ("", "sockreply: no.toml: No such file or directory\n")
    (tmp_path / "no.toml").mkdir()
    assert main(words) == (78 if words[0] == "serve" else 1)
    assert capsys.readouterr() == ("", "sockreply: no.toml: is a directory\n")


@pytest.mark.parametrize("words", [("explain", "bad.toml", "x"), ("serve", "--config", "bad.toml")])
def test_a_file_that_is_wrong(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    """The first problem is told, and how to see all."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.toml").write_text("colour = 1\n")
    assert main(words) == (78 if words[0] == "serve" else 1)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("sockreply: bad.toml: colour: unknown key; ")
    assert err.endswith("(and 1 more; sockreply check bad.toml shows all)\n")


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (["--help"], "sockreply COMMAND [options]"),
        (["-h"], "sockreply COMMAND [options]"),
        (["send", "--help"], "sockreply send [options] [MESSAGE ...]"),
        (["send", "-h"], "sockreply send [options] [MESSAGE ...]"),
        (["serve", "--help"], "sockreply serve [options]"),
        (["explain", "--help"], "sockreply explain FILE [options] MESSAGE"),
    ],
)
def test_help_begins_with_how_to_call_it(
    capsys: pytest.CaptureFixture[str], words: list[str], usage: str
) -> None:
    """The program's name, the command's, and what follows."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code
    assert capsys.readouterr().out.splitlines()[0] == f"Usage: {usage}"


@pytest.mark.parametrize("words", [["--version"], ["send", "--version"], ["serve", "--version"]])
def test_version_is_told(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Each command tells the version of sockreply, not of Twisted."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("sockreply ")

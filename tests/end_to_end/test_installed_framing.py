"""A framing of an installed distribution's, in processes that find it as pip left it."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.daemons import ROOT, SCRIPTS, Start, python_path, start_to_end


def test_served_and_asked(start_daemon: Start, tmp_path: Path) -> None:
    """A daemon and `sockreply send` speak it, and a name that is unknown is told with it."""
    site = tmp_path / "site"
    (site / "telegrams-1.dist-info").mkdir(parents=True)
    (site / "telegrams-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: telegrams\nVersion: 1\n"
    )
    (site / "telegrams-1.dist-info" / "entry_points.txt").write_text(
        "[sockreply.framings]\nstop = tests.framing.stand_ins:Stop\n"
    )
    finding_it = ("env", f"PYTHONPATH={python_path(ROOT, site)}")
    send = (*finding_it, str(SCRIPTS / "sockreply"), "send")
    options = ("--framing", "stop:word=END")
    daemon = start_daemon(*options, "--keep-alive", "--echo", under=finding_it)
    words = (*options, "--port", str(daemon.port), "HOME SAFE ", "MONEY SPENT ")
    done = start_to_end(*send, *words, directory=tmp_path)
    assert (done.stdout, done.stderr) == ("HOME SAFE \nMONEY SPENT \n", "")
    done = start_to_end(*send, "--framing", "stops", "x", directory=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("sockreply: --framing: unknown framing 'stops'; known: chunk, ")
    assert done.stderr.endswith("eof, stop; code is named package.module:callable\n")

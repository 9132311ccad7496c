"""The commands of what is measured."""

from __future__ import annotations

from pathlib import Path

from benchmarks.servers import BEFORE, SCRIPTS, SERVERS, Place, other_build


def test_another_build_differs_in_its_commands_alone(tmp_path: Path) -> None:
    """Each of its servers is started as ours is, from the directory of the other build."""
    place, there = Place(12345, tmp_path), tmp_path / "bin"
    for name, server in other_build(there).items():
        ours = SERVERS[name.removeprefix(BEFORE)]
        expected = [word.replace(str(SCRIPTS), str(there)) for word in ours.command(place)]
        assert server.command(place) == expected != ours.command(place)
        assert server.works == ours.works

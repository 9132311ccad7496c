"""What a start does not load: most of the time that a start takes goes into loading modules."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

MAKE_SERVICE = """
import sys
from sockreply.commands.tap import Options, makeService
options = Options()
options.parseOptions(sys.argv[1:])
makeService(options)
print(*sys.modules)
"""

LIBRARIES = {"cattrs", "jinja2", "prometheus_client", "tomllib"}
PARTS = {
    *("sockreply.client", "sockreply.config", "sockreply.rules"),
    *("sockreply.commands.overrides", "sockreply.server.activation"),
    *(f"sockreply.server.{name}" for name in ("crowd", "datagram", "datagram_session", "quietly")),
    *("sockreply.server.proxy.arriving", "sockreply.server.proxy.header"),
    *("sockreply.observing.json_lines", "sockreply.observing.line_writer"),
    *("sockreply.observing.metrics", "sockreply.observing.record"),
}
FRAMINGS = {
    *(f"sockreply.framing.{name}" for name in ("any_ending", "blocks", "lines", "telnet")),
    *(f"sockreply.framing.{name}" for name in ("counted", "delimited", "length", "stream")),
    *(f"sockreply.framing.{name}" for name in ("enclosed", "fix", "json_values")),
    *(f"sockreply.framing.{name}" for name in ("choice", "foreign", "head", "resp", "switched")),
    *(f"sockreply.framing.{name}" for name in ("digits", "headers", "marks", "message", "numbers")),
}


def loaded_by(*words: str) -> set[str]:
    """The modules that are loaded once the daemon of a command line is made."""
    told = subprocess.run(
        [sys.executable, "-c", MAKE_SERVICE, *words],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(told.stdout.split())


def within(modules: set[str], parts: set[str]) -> set[str]:
    """Those of the modules that are these parts, or in them."""
    return {name for name in modules if any(f"{name}.".startswith(f"{part}.") for part in parts)}


@pytest.mark.parametrize(
    ("words", "framing"),
    [
        (["--port", "0"], {"stream"}),
        (["--port", "0", "--framing", "line", "--reply", "OK"], {"delimited", "lines", "marks"}),
        (["--port", "0", "--framing", "length:bytes=2", "--echo"], {"digits", "headers", "length"}),
    ],
)
def test_a_daemon_without_a_file_loads_only_what_it_uses(
    words: list[str], framing: set[str]
) -> None:
    """No configuration, no rules, no record, no metrics, and one family of framings."""
    loaded = loaded_by(*words)
    assert "sockreply.daemon.daemon" in loaded
    assert within(loaded, LIBRARIES) == set()
    assert within(loaded, PARTS) == set()
    assert within(loaded, FRAMINGS) == {f"sockreply.framing.{name}" for name in framing}


@pytest.mark.parametrize("name", sorted(LIBRARIES | PARTS | FRAMINGS))
def test_what_is_not_loaded_is_there(name: str) -> None:
    """Else the test above would look for modules that have another name by now."""
    assert find_spec(name) is not None

"""Files that commands are asked about."""

from __future__ import annotations

from pathlib import Path

import pytest

TWO = """
[log]
json = "-"
[metrics]
listen = "tcp:9464"
[ready]
file = "/run/ready.json"
[services.one]
listen = ["tcp:0:interface=127.0.0.1", "unix:one.sock"]
framing = "line"
keep_alive = true
greeting = "hello"
max_message = 9
rules = [
  { name = "in", when = { equals = "In", ignore_case = true }, next_state = "in", reply = "yes" },
  { name = "home", state = "in", when = { peer = "10.0.0.0/8", regex = '^\\d$' }, reply = "no" },
]
[services.two]
listen = "tcp:0:interface=127.0.0.1"
responder = "tests.end_to_end.responders:upper"
"""


@pytest.fixture
def two(tmp_path: Path) -> str:
    """A file with two services."""
    path = tmp_path / "two.toml"
    path.write_text(TWO.replace("tests.end_to_end.responders:upper", "operator:add"))
    return str(path)

"""The configuration files of examples/, as tests run them: on ports that the kernel chooses."""

from __future__ import annotations

import re
from pathlib import Path

from tests.end_to_end.daemons import ROOT


def on_free_ports(name: str, directory: Path) -> Path:
    """A copy of an example that listens on free ports of this machine.

    Args:
        name: That of the file.
        directory: Where the copy goes.
    """
    text = (ROOT / "examples" / name).read_text(encoding="utf-8")
    copy = directory / name
    copy.write_text(re.sub(r"\btcp:\d+", "tcp:0", text), encoding="utf-8")
    return copy

"""The daemon, but with its file read in the loop: a control."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import execute

from sockreply.commands.cli import main
from sockreply.daemon import rereading


def at_once(_: object, work: Callable[..., Any]) -> Any:
    """What `aside` does, without its thread."""
    return execute(work, lambda call: call())


if __name__ == "__main__":
    vars(rereading)["aside"] = at_once
    sys.exit(main())

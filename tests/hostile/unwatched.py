"""The daemon, but with nothing that ends its commands when it is killed: a control."""

from __future__ import annotations

import sys

from sockreply.commands.cli import main
from sockreply.rules.replies import watcher

if __name__ == "__main__":
    vars(watcher)["WATCHER"] = ("/nonesuch",)
    sys.exit(main())

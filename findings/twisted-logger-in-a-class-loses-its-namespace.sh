#!/usr/bin/env bash
# A twisted.logger.Logger that is made with namespace="mine" and kept in a class logs under the name of the class instead.
#
# Seen with Twisted 26.10.0. Logger is a descriptor, so that a logger in a class can add the instance to its events as
# log_source; reading it through the class or an instance makes another logger, whose namespace is always the module and the
# class, also where one was given. So a filter on "mine" misses these events without a word. The same logger at the top of a
# module keeps its namespace.
set -euo pipefail

here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv" || exit 2
"$here/venv/bin/pip" install --quiet --disable-pip-version-check Twisted==26.10.0 || exit 2
cd "$here"

cat > app.py <<'PYTHON'
from twisted.logger import Logger, globalLogPublisher

at_the_top = Logger(namespace="mine")


class Service:
    log = Logger(namespace="mine")

    def work(self):
        self.log.info("from a class")
        at_the_top.info("from the module")


globalLogPublisher.addObserver(lambda event: print(f"{event['log_format']}: {event['log_namespace']}"))
Service().work()
PYTHON
said=$(PYTHONPATH=. venv/bin/python -c 'import app')
printf '%s\n' "$said"

[ "$said" = $'from a class: app.Service\nfrom the module: mine' ] || { echo "this has changed" >&2; exit 1; }

"""`sockreply serve`: the daemon in the foreground, with the options of `twistd sockreply`."""

from __future__ import annotations

import sys

from sockreply.commands.tap import Options, makeService
from sockreply.observing.journal import text_observer

__all__ = ["Options", "run"]


def run(options: Options) -> int:
    """Run the daemon until it is told to stop; the exit status.

    Raises:
        CannotStart: It cannot start; one line says why.
        WrongSettings: It never can with such settings.
    """
    from twisted.application.app import startApplication  # now, because it takes its time
    from twisted.application.service import Application, IServiceCollection
    from twisted.internet import reactor  # now, because importing it chooses one
    from twisted.logger import globalLogBeginner

    daemon = makeService(options)
    application = Application("sockreply")
    daemon.setServiceParent(IServiceCollection(application))
    json = daemon.settings.log.json
    text = sys.stderr if json == "-" else sys.stdout  # one form on one stream
    globalLogBeginner.beginLoggingTo([text_observer(text)], redirectStandardIO=False)
    daemon.privilegedStartService()
    startApplication(application, save=False)
    reactor.run()
    return 0

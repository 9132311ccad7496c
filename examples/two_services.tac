"""A sockreply service next to one of your own, in one process: twistd -ny two_services.tac

The uptime service answers each line with the number of seconds since its start; the other service
counts these seconds. One MultiService starts and stops both.
"""

import os

from twisted.application.internet import TimerService
from twisted.application.service import Application, MultiService
from twisted.internet import reactor

from sockreply.framing import parse_framing
from sockreply.replies import Session, as_responder
from sockreply.server import ReplyFactory, ReplyService

uptime = 0


def tick() -> None:
    """Count a second."""
    global uptime
    uptime += 1


def respond(message: bytes, session: Session) -> bytes:
    """Answer with the uptime, whatever was asked."""
    return b"up %d s" % uptime


factory = ReplyFactory(parse_framing("line"), as_responder(respond), reactor, keep_alive=True)
endpoint = os.environ.get("ENDPOINT", "tcp:12345:interface=127.0.0.1")

services = MultiService()
ReplyService(reactor, factory, [endpoint]).setServiceParent(services)
TimerService(1, tick).setServiceParent(services)

application = Application("two services")
services.setServiceParent(application)

"""The service of twistd_service.py as a file for `twistd -y`, which looks for no plugins."""

import os

from twisted.application.service import Application

from benchmarks.peers.twistd_service import makeService

application = Application("pong")
makeService({"port": int(os.environ["PORT"])}).setServiceParent(application)

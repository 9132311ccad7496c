"""Makes `twistd benchmark-pong`, when the directory `plugin` is on Python's path."""

from twisted.application.service import ServiceMaker

pong = ServiceMaker("Pong", "benchmarks.peers.twistd_service", "Nothing else", "benchmark-pong")

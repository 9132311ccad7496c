"""One service: its listeners, its connections, and what it allows."""

from sockreply.server.counters import Counters
from sockreply.server.factory import ExchangeLog, ReplyFactory
from sockreply.server.limits import Limits
from sockreply.server.protocol import ReplyProtocol
from sockreply.server.service import ReplyService

__all__ = [
    "Counters",
    "ExchangeLog",
    "Limits",
    "ReplyFactory",
    "ReplyProtocol",
    "ReplyService",
]

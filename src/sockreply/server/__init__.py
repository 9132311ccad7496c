"""One service: its listeners, its connections, and what it allows."""

from sockreply.conversation.counters import Counters
from sockreply.server.factory import ExchangeLog, ReplyFactory
from sockreply.server.service import ReplyService
from sockreply.server.stream import ReplyProtocol
from sockreply.settings import Limits

__all__ = [
    "Counters",
    "ExchangeLog",
    "Limits",
    "ReplyFactory",
    "ReplyProtocol",
    "ReplyService",
]

"""One service: its listeners, its connections, and what it allows."""

from sockreply.conversation.counters import Counters
from sockreply.conversation.exchanges import Exchanges
from sockreply.server.factory import ReplyFactory
from sockreply.server.service import ReplyService
from sockreply.server.stream import ReplyProtocol
from sockreply.settings import Limits, PeerLimits, Rate

__all__ = [
    "Counters",
    "Exchanges",
    "Limits",
    "PeerLimits",
    "Rate",
    "ReplyFactory",
    "ReplyProtocol",
    "ReplyService",
]

"""What a reply is, and who gives it."""

from sockreply.replies.builtin import Echo, FixedReply
from sockreply.replies.reply import (
    Await,
    Close,
    Raw,
    Reply,
    Send,
    Stall,
    StartTLS,
    Step,
    Wait,
    corrupt,
    drip,
    truncate,
)
from sockreply.replies.responder import Responder, as_reply, as_responder
from sockreply.replies.session import Session

__all__ = [
    "Await",
    "Close",
    "Echo",
    "FixedReply",
    "Raw",
    "Reply",
    "Responder",
    "Send",
    "Session",
    "Stall",
    "StartTLS",
    "Step",
    "Wait",
    "as_reply",
    "as_responder",
    "corrupt",
    "drip",
    "truncate",
]

"""Makes `twistd sockreply` and `twist sockreply` known to Twisted."""

from twisted.application.service import ServiceMaker

sockreply = ServiceMaker(
    "sockreply",
    "sockreply.commands.tap",
    "Receives messages on a socket and answers them.",
    "sockreply",
)

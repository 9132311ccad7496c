"""A responder in a few lines, used from the directory of this file.

twistd -n sockreply --framing line --keep-alive --responder shout:shout
"""

from sockreply.replies import Close, Reply, Session


def shout(message: bytes, session: Session) -> bytes | Reply:
    """Answer in capitals, with the number of the message; answer a goodbye and close."""
    if message == b"bye":
        return Reply(b"BYE", Close())
    return b"%d %s" % (session.count, message.upper())

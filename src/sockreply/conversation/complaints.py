"""What the log says of peers that do wrong: so much a second, and then how much more there was."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger

from sockreply.second import Second
from sockreply.shown import UNNAMED, show_address

COMPLAINTS_A_SECOND = 20
"""How many lines: enough to see what is wrong, too few for a rude peer to fill a disk with."""


class Complaints:
    """Logs complaints of peers, up to a number a second; what is not logged is counted.

    Lines begin with the name of the service, where it has one.

    Args:
        clock: Tells when a second is over.
        service: The service's name.
    """

    _log = Logger()

    room: int
    """How many more lines there may be in this second."""

    def __init__(self, clock: IReactorTime, service: str = "") -> None:
        self.room = COMPLAINTS_A_SECOND
        self._service = service or UNNAMED
        self._untold = 0
        self._second = Second(clock, self._end_second)

    def tell(self, log: Callable[..., None], peer: IAddress, text: str, **fields: object) -> None:
        """Log something of a peer, or count it.

        Args:
            log: Of the level that it has, of the module that tells it.
            peer: Its address.
            text: With `{peer}` and the names of the fields.
            fields: What is put in their places; a log may have them apart, too.
        """
        if not self.room:
            self._untold += 1
            return
        self.room -= 1
        self._second.begin()
        self._say(log, text, peer=show_address(peer), **fields)

    def close(self) -> None:
        """Tell what is still untold; to be called at the end."""
        if self._second.cancel():
            self._end_second()

    def _end_second(self) -> None:
        self.room = COMPLAINTS_A_SECOND
        if self._untold:
            untold, self._untold = self._untold, 0
            text = "{count} more complaints about peers in this second"
            self._say(self._log.warn, text, count=untold)

    def _say(self, log: Callable[..., None], text: str, **fields: object) -> None:
        if self._service != UNNAMED:
            text = "{service}: " + text
        log(text, service=self._service, **fields)

"""What the log says about peers that misbehave: so many lines a second, and a count of the rest."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger

from sockreply.second import Second
from sockreply.shown import UNNAMED, show_address

COMPLAINTS_A_SECOND = 20
"""How many lines: enough to see what is wrong, too few for a rude peer to fill a disk with."""


class Complaints:
    """Logs complaints about peers, up to a number per second; what is not logged is counted.

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
        """Log something about a peer, or count it.

        Args:
            log: The method for its level, of the logger of the module that complains.
            peer: Its address.
            text: With `{peer}` and the names of the fields.
            fields: What is put in their places; a log may also keep them separately.
        """
        if not self.room:
            self._untold += 1
            return
        self.room -= 1
        self._second.begin()
        self._say(log, text, peer=show_address(peer), **fields)

    def close(self) -> None:
        """Log what is counted but not logged yet; to be called at the end."""
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

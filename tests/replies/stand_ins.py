"""What stands in for a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address

from sockreply.framing import Framing
from sockreply.replies import Reply


class StandInConnection:
    """Keeps what a session asks of it."""

    def __init__(self, tls: object = None) -> None:
        self.sent: list[bytes | Reply] = []
        self.remarks: list[str] = []
        self.asked = 0
        self.switched_to: Framing | None = None
        self._tls = tls

    def peer(self) -> IPv4Address:
        self.asked += 1
        return IPv4Address("TCP", "192.0.2.1", 40000)

    def host(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.2", 12345)

    def tls(self) -> Any:
        return self._tls

    def frame(self, message: bytes) -> bytes:
        return message + b"\n"

    def switches(self) -> bool:
        return True

    def switch(self, framing: Framing | None) -> None:
        self.switched_to = framing

    def send(self, reply: bytes | Reply) -> None:
        self.sent.append(reply)

    def proxy(self) -> None:
        return None

    def service(self) -> str:
        return "scale"

    def shown_as(self) -> str:
        return "utf-8"

    def reactor(self) -> str:
        return "a reactor"

    def remark(self, say: Callable[[], str]) -> None:
        self.remarks.append(say())

"""The step of a rule's reply with which TLS begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sockreply.replies.reply import StartTLS, Step
from sockreply.rules.asked import Asked


@dataclass(frozen=True, slots=True)
class StartTLSPart:
    """Begin TLS. It is a `Part`."""

    @property
    def fixed(self) -> tuple[Step, ...]:
        return (StartTLS(),)

    def steps(self, asked: Asked) -> Iterator[Step]:  # noqa: ARG002 - the same for all
        yield StartTLS()

    def told(self, asked: Asked) -> str:  # noqa: ARG002 - the same for all
        return "begin TLS, and drop what has come in clear"

"""What the readers of a configuration share.

A reader is a function `read_NAME(written, reading)`. It turns `written`, a part of the form, into
what the daemon uses. If the part is wrong as a whole, it raises a `ConfigError`, which the `with`
statement around it collects together with the place. If something within the part is wrong, that
is collected already, and the reader returns None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

from sockreply.config import form
from sockreply.config.named_files import NamedFiles
from sockreply.config.problems import Problems
from sockreply.config.wording import Key, place
from sockreply.framing.interfaces import Framing
from sockreply.framing.stream import Chunk
from sockreply.rules.replies.commands import Commands
from sockreply.server.endpoint_address import EndpointAddress

Listening: TypeAlias = tuple[tuple[Key, ...], EndpointAddress]
"""The place of an endpoint string, and the address that it takes."""


@dataclass(frozen=True)
class Reading:
    """One reading of a configuration: what was found so far, and what its parts depend on.

    Args:
        files: Those that the configuration names.
        problems: What is wrong.
        warnings: What is legal and yet probably wrong, a line each.
        listening: All endpoints.
        commands: Gives what runs the commands of all services, always the same.
        encoding: That of the service's text.
        framing: The service's.
        max_message: The most bytes that a message of the service may have.
        starttls: Has the service a listener whose connections can come to speak TLS?
        begins_tls: The places of the steps with which they do.
    """

    files: NamedFiles
    problems: Problems = field(default_factory=Problems)
    warnings: list[str] = field(default_factory=list)
    listening: list[Listening] = field(default_factory=list)
    commands: Callable[[], Commands] = field(default_factory=lambda: cache(Commands))
    encoding: str = form.Service.encoding
    framing: Framing = field(default_factory=Chunk)
    max_message: int = form.Service.max_message
    starttls: bool = False
    begins_tls: list[str] = field(default_factory=list)

    def warn(self, reason: str) -> None:
        """Warn of what stands at the present place."""
        self.warnings.append(f"{place(self.problems.keys())}: {reason}")

"""What the readers of a configuration share.

A reader is a function `read_NAME(written, reading)`. It turns `written`, a part of the form, into
what the daemon uses. If the part is wrong as a whole, it raises a `ConfigError`, which the `with`
statement around it collects together with the place. If something within the part is wrong, that
is collected already, and the reader returns None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from sockreply.config import form
from sockreply.config.named_files import NamedFiles
from sockreply.config.problems import Problems
from sockreply.config.wording import Key, place
from sockreply.framing.interfaces import Framing
from sockreply.framing.stream import Chunk
from sockreply.rules.replies.commands import Commands
from sockreply.server.endpoint_address import EndpointAddress

Call: TypeAlias = Callable[[Callable[[], Any]], Any]
"""Calls a function, somewhere, and gives what it returns or raises."""

Listening: TypeAlias = tuple[tuple[Key, ...], EndpointAddress]
"""The place of an endpoint string, and the address that it takes."""


def at_once(function: Callable[[], Any]) -> Any:
    """What the function returns."""
    return function()


@dataclass(frozen=True)
class Reading:
    """One reading of a configuration: what was found so far, and what its parts depend on.

    Args:
        files: Those that the configuration names.
        problems: What is wrong.
        warnings: What is legal and yet probably wrong, a line each.
        listening: All endpoints.
        commands: What runs the commands of all services, once there is one.
        encoding: That of the service's text.
        framing: The service's.
        by_state: The framings of the states that have one of their own.
        framings: Those that the messages at hand may come in, each with the state in which they do;
            empty: the service's.
        asked: Does what is read answer a message?
        knows_framing: Is it? If not, its spec is wrong, and templates are checked once it is right.
        max_message: The most bytes that a message of the service may have.
        starttls: Has the service a listener whose connections can come to speak TLS?
        begins_tls: The places of the steps with which they do.
        streams: Does the service listen for anything but datagrams?
        in_loop: Calls responders' code.
    """

    files: NamedFiles
    problems: Problems = field(default_factory=Problems)
    warnings: list[str] = field(default_factory=list)
    listening: list[Listening] = field(default_factory=list)
    commands: list[Commands] = field(default_factory=list)
    encoding: str = form.Service.encoding
    framing: Framing = field(default_factory=Chunk)
    by_state: Mapping[str, Framing] = field(default_factory=dict)
    framings: tuple[tuple[str, Framing], ...] = ()
    asked: bool = True
    knows_framing: bool = True
    max_message: int = form.Service.max_message
    starttls: bool = False
    begins_tls: list[str] = field(default_factory=list)
    streams: bool = True
    in_loop: Call = at_once

    def in_states(self, states: Iterable[str]) -> Reading:
        """The same for messages that come in these states."""
        if not self.by_state:
            return self
        framings: list[tuple[str, Framing]] = []
        for state in states:
            framing = self.by_state.get(state, self.framing)
            if all(framing != known for _, known in framings):
                framings.append((state, framing))
        return replace(self, framings=tuple(framings))

    @property
    def possible(self) -> tuple[Framing, ...]:
        """The framings that the messages at hand may come in."""
        return tuple(framing for _, framing in self.framings) or (self.framing,)

    def shared_commands(self) -> Commands:
        """What runs the commands of all services, from now on at the latest."""
        if not self.commands:
            self.commands.append(Commands())
        return self.commands[0]

    def warn(self, reason: str) -> None:
        """Warn of what stands at the present place."""
        self.warnings.append(f"{place(self.problems.keys())}: {reason}")

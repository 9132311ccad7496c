"""Several framings, from which the first bytes of each message choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sockreply.errors import CannotFrame, ConfigError
from sockreply.framing.choice_framer import Beginning, ChoiceFramer, Kind, as_buffered, listed
from sockreply.framing.interfaces import Framer, Framing
from sockreply.framing.together import facts_in_any, message_size_in, never_in_any
from sockreply.masks import Mask
from sockreply.shown import show_text


@dataclass(frozen=True)
class Entry:
    """A framing, and the messages that have it.

    Args:
        framing: The framing.
        starts_with: Such a message begins on the wire with one of these; none: it may begin with
            anything.
        spec: How the framing was written, to tell entries apart; empty: its name has to do.
    """

    framing: Framing
    starts_with: tuple[Mask, ...] = ()
    spec: str = field(default="", compare=False)

    def takes(self, wire: bytes) -> bool:
        """Does a message that looks like this on the wire belong to the entry?"""
        return not self.starts_with or any(
            len(wire) >= len(mask) and mask.differs(wire) is None for mask in self.starts_with
        )


def check_entry(framing: Framing) -> None:
    """See whether a framing can be one of several.

    Raises:
        ConfigError: It cannot; says why.
    """
    if isinstance(framing, Choice):
        raise ConfigError("a list cannot be in a list")
    for wrong, why in (
        (framing.switches, "connections may change to another one"),
        (_has_no_end(framing), "its bytes do not say where a message ends"),
        (framing.speaks, "it answers by itself between messages"),
    ):
        if wrong:
            raise ConfigError(f"{framing.name} cannot be in a list, because {why}")


def _has_no_end(framing: Framing) -> bool:
    return framing.may_run_together or framing.one_message_each_way


@dataclass(frozen=True)
class Choice(Framing):
    """Each message has the framing of the first entry that takes it, and so has its reply.

    Args:
        entries: At least one. What answers no message has the framing of the last one.

    Raises:
        ConfigError: There is none, or one that cannot be one of several.
    """

    entries: tuple[Entry, ...]

    _tried: set[int] = field(init=False, repr=False, compare=False, default_factory=set)
    """The limits of messages for which all framings have made a framer."""

    varies = True

    def __post_init__(self) -> None:
        if not self.entries:
            raise ConfigError("an empty list; it needs at least one framing")
        for entry in self.entries:
            check_entry(entry.framing)

    @property
    def all(self) -> tuple[Framing, ...]:
        """The framings."""
        return tuple(entry.framing for entry in self.entries)

    @property
    def name(self) -> str:
        return " or ".join(dict.fromkeys(each.name for each in self.all))

    def describe(self) -> Iterator[str]:
        for entry in self.entries:
            which = "all other messages" if len(self.entries) > 1 else "all messages"
            if entry.starts_with:
                which = f"messages that begin with {listed(entry.starts_with)}"
            yield f"framing {show_text(entry.spec or entry.framing.name)} for {which}"

    @property
    def binary(self) -> bool:
        return all(each.binary for each in self.all)

    @property
    def message_size(self) -> int | None:
        return message_size_in(self.all)

    def never_in(self, data: bytes) -> bytes | None:
        return never_in_any(self.all, data)

    def facts_of(self, message: bytes) -> Mapping[str, Any]:
        return facts_in_any(self.all, message)

    def framer(self, max_message: int) -> ChoiceFramer:
        return self.framer_after(b"", max_message)

    def framer_after(self, end: bytes, max_message: int) -> ChoiceFramer:
        if max_message not in self._tried:
            self._try(max_message)
        return ChoiceFramer(max_message, self._kinds, end)

    def _try(self, max_message: int) -> None:
        """See that each framing has messages as short as that."""
        for entry in self.entries:
            as_buffered(entry.framing, entry.framing.framer(max_message))
            for mask in entry.starts_with:
                if len(mask) > max_message:
                    raise ConfigError(
                        f"a beginning of {len(mask)} bytes is more than max_message = {max_message}"
                    )
        self._tried.add(max_message)

    def frame(self, message: bytes) -> bytes:
        return self.entries[-1].framing.frame(message)

    def check_reply(self, message: bytes) -> None:
        wrong: CannotFrame | None = None
        for each in self.all:
            try:
                each.check_reply(message)
            except CannotFrame as error:
                wrong = error
            else:
                return
        if wrong is not None:
            raise wrong

    def mirrored(self) -> ChoiceClient:
        return ChoiceClient(self.entries)

    @cached_property
    def _kinds(self) -> tuple[Kind, ...]:
        return tuple(
            Kind(
                entry.framing,
                tuple(Beginning(mask, mask.pattern()) for mask in entry.starts_with),
            )
            for entry in self.entries
        )


@dataclass(frozen=True)
class ChoiceClient(Framing):
    """The other side of a `Choice`.

    A message has the first framing in which it begins as the server expects; if there is none, the
    last one. For a reply, the first bytes decide.

    Args:
        entries: The server's.
    """

    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        return Choice(self.entries).name

    @property
    def _mirrored(self) -> tuple[Entry, ...]:
        return tuple(replace(each, framing=each.framing.mirrored()) for each in self.entries)

    @property
    def may_run_together(self) -> bool:
        return any(each.framing.may_run_together for each in self._mirrored)

    def framer(self, max_message: int) -> Framer:
        if self.may_run_together:  # then replies may run together
            from sockreply.framing.stream import ChunkFramer  # now, because few want it

            return ChunkFramer(max_message)
        return Choice(self._mirrored).framer(max_message)

    def frame(self, message: bytes) -> bytes:
        return self._framing_for(message).frame(message)

    def received_as(self, message: bytes) -> bytes:
        return self._framing_for(message).received_as(message)

    def mirrored(self) -> Choice:
        return Choice(self.entries)

    def _framing_for(self, message: bytes) -> Framing:
        *others, last = self._mirrored
        for entry in others:
            with suppress(CannotFrame):
                if entry.takes(entry.framing.frame(message)):
                    return entry.framing
        return last.framing

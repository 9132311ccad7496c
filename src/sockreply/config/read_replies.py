"""Replies become recipes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sockreply.config import form
from sockreply.config.named_files import NamedFiles
from sockreply.config.problems import Place
from sockreply.config.read_data import Groups, read_data, warn_of_template
from sockreply.config.reading import Reading
from sockreply.config.wording import excerpt, place
from sockreply.errors import CannotFrame, ConfigError
from sockreply.extensions import crashes_of
from sockreply.replies.reply import Close, Stall
from sockreply.rules import (
    CommandPart,
    CorruptPart,
    Data,
    DelayPart,
    DripPart,
    EndPart,
    InTurn,
    Part,
    RawPart,
    Recipe,
    ReplySource,
    SendPart,
    StartTLSPart,
    TruncatePart,
)


def read_reply(written: form.Reply, reading: Reading, groups: Groups = None) -> Recipe | None:
    """The recipe of a reply.

    Args:
        written: A step, or a list of steps.
        reading: What it depends on.
        groups: What templates can know of the regex that has matched.
    """
    steps: list[tuple[Place, form.Step]] = list(reading.problems.each(written))
    parts: list[Part] = []
    ended: str | None = None
    for at, step in steps:
        with at:
            if ended is not None:
                raise ConfigError(f"unreachable: nothing can follow {ended}")
            part = _read_step(step, reading, groups)
            if isinstance(part, EndPart):
                (ended,) = _telling_key(step)
            parts += [part] if part else []
    return Recipe(parts) if len(parts) == len(steps) else None


def read_sequence(written: form.Rule, reading: Reading, groups: Groups) -> ReplySource | None:
    """What gives the replies of a rule in turn."""
    if not written.replies:
        raise ConfigError("an empty list; it needs at least one reply")
    recipes: list[ReplySource] = []
    for at, reply in reading.problems.entries(written.replies):
        with at:
            recipe = read_reply(reply, reading, groups)
            recipes += [recipe] if recipe else []
    if len(recipes) < len(written.replies):
        return None
    after_last, scope = written.after_last or "repeat", written.scope or "connection"
    return InTurn(recipes, after_last=after_last, scope=scope)


def _telling_key(step: form.Step) -> tuple[str, ...]:
    """The key by which a step is known; none for data, which have their own place."""
    return () if isinstance(step, form.Data) else form.telling_key(step)


def _read_step(step: form.Step, reading: Reading, groups: Groups) -> Part | None:
    """One step, framed unless it is raw."""

    def framed(written: form.Data) -> Data | None:
        data = read_data(written, reading, groups)
        return None if data is None else _carried(data, reading)

    with reading.problems.at(*_telling_key(step)):
        match step:
            case form.Raw():
                data = read_data(step.raw, reading, groups)
                return None if data is None else RawPart(data)
            case form.Drip():
                data = framed(step.drip)
                return None if data is None else DripPart(data, step.size, step.every)
            case form.Truncate():
                data = framed(step.truncate)
                return None if data is None else TruncatePart(data, step.at)
            case form.Corrupt():
                data = framed(step.corrupt)
                return None if data is None else CorruptPart(data, step.bits)
            case form.Delay():
                return _delay(step.delay)
            case form.Command():
                for at, word in reading.problems.entries(step.command):
                    with at:
                        warn_of_template(word, reading)
                argv = _argv(step.command, reading.files)
                return CommandPart(
                    argv, step.timeout, reading.shared_commands(), tuple(step.env.items())
                )
            case form.Stall():
                return EndPart(Stall(read=step.read))
            case form.Close():
                if step.close == "half" and not reading.streams:
                    raise ConfigError("over UDP there is nothing to half-close")
                return EndPart(Close("half" if step.close == "half" else "whole"))
            case form.StartTLS():
                if not reading.starttls:
                    raise ConfigError("no listener of the service has tls with starttls = true")
                reading.begins_tls.append(place(reading.problems.keys()))
                return StartTLSPart()
            case form.Reset():
                if not reading.streams:
                    raise ConfigError("over UDP there is no connection to reset")
                return EndPart(Close("reset"))
            case _:
                data = framed(step)
                return None if data is None else SendPart(data)
    return None


def _carried(data: Data, reading: Reading) -> Data:
    """The same data, once it is known that they can be sent.

    Raises:
        ConfigError: They cannot.
    """
    if data.fixed is None:
        return data
    for state, framing in reading.framings or (("", reading.framing),):
        try:
            with crashes_of(f"framing {framing.name}"):
                (framing.check_reply if reading.asked else framing.frame)(data.fixed)
        except CannotFrame as error:
            whose = f" of state {excerpt(state)}" if state else ""
            raise ConfigError(f"the framing{whose} cannot carry it: {error}") from None
    return data


def _delay(seconds: float | list[float]) -> DelayPart:
    if isinstance(seconds, list):
        if len(seconds) != 2 or seconds[0] > seconds[1]:
            raise ConfigError("expected the least and the most seconds, as in [0.1, 0.5]")
        return DelayPart(*seconds)
    return DelayPart(seconds, seconds)


def _argv(words: list[str], files: NamedFiles) -> tuple[str, ...]:
    """A command with its program's path, so that it is the same in every current directory.

    Raises:
        ConfigError: There is no such program, or a word cannot be handed to any.
    """
    if not all(words[:1]) or not words:
        raise ConfigError("expected a program and its arguments, as in ['date', '-u']")
    for word in words:
        try:
            usable = b"\0" not in os.fsencode(word)
        except UnicodeEncodeError:
            usable = False
        if not usable:
            raise ConfigError(f"{excerpt(word)} cannot be an argument of a program")
    return (_program(words[0], files), *words[1:])


def _program(name: str, files: NamedFiles) -> str:
    if "/" not in name:
        found = shutil.which(name)
        if found is None:
            raise ConfigError(
                f"no program {excerpt(name)} is on the PATH (beside this file it is ./NAME)"
            )
        return str(Path(found).absolute())
    path = files.path(name)
    if not path.is_file():
        raise ConfigError(f"there is no program {path}")
    if not os.access(path, os.X_OK):
        raise ConfigError(f"{path} is not executable")
    return str(path)

"""The replies of the file become recipes."""

from __future__ import annotations

import os
import shutil
from dataclasses import fields
from pathlib import Path

from sockreply.config import form
from sockreply.config.files import Files
from sockreply.config.problems import shown_text
from sockreply.config.read_data import Context, Groups, reply_data
from sockreply.errors import CannotFrame, ConfigError
from sockreply.replies.reply import Close, Stall
from sockreply.rules.replies import (
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
    SendPart,
    TruncatePart,
)
from sockreply.rules.table import ReplySource


def build_reply(written: form.Reply, context: Context, groups: Groups = None) -> Recipe | None:
    """The recipe of a reply.

    Args:
        written: The reply as it is written.
        context: What it depends on.
        groups: What templates can know of the regex that has matched.

    Returns:
        None: there is a problem, which `context.problems` were told.
    """
    steps = written if isinstance(written, list) else [written]
    parts: list[Part] = []
    ended: str | None = None
    for number, step in enumerate(steps, 1):
        with context.problems.at(*([number] if isinstance(written, list) else [])):
            if ended is not None:
                raise ConfigError(f"never comes, for nothing can follow {ended}")
            part = _part(step, context, groups)
            if isinstance(part, EndPart):
                (ended,) = _telling_key(step)
            parts += [part] if part else []
    return Recipe(parts) if len(parts) == len(steps) else None


def build_sequence(rule: form.Rule, context: Context, groups: Groups) -> ReplySource | None:
    """What gives the replies of a rule in turn; None: a problem.

    Raises:
        ConfigError: There are none.
    """
    if not rule.replies:
        raise ConfigError("an empty list; it takes one reply or more")
    recipes: list[ReplySource] = []
    for number, written in enumerate(rule.replies, 1):
        with context.problems.at(number):
            recipe = build_reply(written, context, groups)
            recipes += [recipe] if recipe else []
    if len(recipes) < len(rule.replies):
        return None
    return InTurn(recipes, after_last=rule.after_last or "repeat", scope=rule.scope or "connection")


def _telling_key(step: form.Step) -> tuple[str, ...]:
    """The key by which a step is known; data say themselves where they are."""
    return () if isinstance(step, form.Data) else (fields(step)[0].name,)


def _part(step: form.Step, context: Context, groups: Groups) -> Part | None:
    """One step; None: a problem."""

    def framed(written: form.Data) -> Data | None:
        data = reply_data(written, context, groups)
        return None if data is None else _carried(data, context)

    with context.problems.at(*_telling_key(step)):
        match step:
            case form.Raw():
                data = reply_data(step.raw, context, groups)
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
                argv = _argv(step.command, context.files)
                return CommandPart(argv, step.timeout, context.commands())
            case form.Stall():
                return EndPart(Stall())
            case form.Close():
                return EndPart(Close("half" if step.close == "half" else "whole"))
            case form.Reset():
                return EndPart(Close("reset"))
            case _:
                data = framed(step)
                return None if data is None else SendPart(data)
    return None


def _carried(data: Data, context: Context) -> Data:
    """The same data, once it is known that the framing can carry it.

    Raises:
        ConfigError: It cannot.
    """
    if data.fixed is not None:
        try:
            context.framing.frame(data.fixed)
        except CannotFrame as error:
            raise ConfigError(f"the framing cannot carry it: {error}") from None
    return data


def _delay(seconds: float | list[float]) -> DelayPart:
    if isinstance(seconds, list):
        if len(seconds) != 2 or seconds[0] > seconds[1]:
            raise ConfigError("expected the least and the most seconds, as in [0.1, 0.5]")
        return DelayPart(*seconds)
    return DelayPart(seconds, seconds)


def _argv(words: list[str], files: Files) -> tuple[str, ...]:
    """A command with its program's path; so it is the same whatever the current directory is.

    Raises:
        ConfigError: There is no such program, or a word that no program can be given.
    """
    if not all(words[:1]) or not words:
        raise ConfigError("expected a program and its arguments, as in ['date', '-u']")
    for word in words:
        try:
            usable = b"\0" not in os.fsencode(word)
        except UnicodeEncodeError:
            usable = False
        if not usable:
            raise ConfigError(f"{shown_text(word)} cannot be an argument of a program")
    return (_program(words[0], files), *words[1:])


def _program(name: str, files: Files) -> str:
    if "/" not in name:
        found = shutil.which(name)
        if found is None:
            raise ConfigError(
                f"no program {shown_text(name)} is on the PATH (beside this file it is ./NAME)"
            )
        return str(Path(found).absolute())
    path = files.path(name)
    if not path.is_file():
        raise ConfigError(f"there is no program {path}")
    if not os.access(path, os.X_OK):
        raise ConfigError(f"{path} is not executable")
    return str(path)

"""The data of the file - text, hex, base64, files, templates - become bytes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from typing import TypeAlias

from sockreply.config import form
from sockreply.config.files import Files
from sockreply.config.problems import Problems, place, shown_text
from sockreply.errors import ConfigError
from sockreply.framing.interfaces import Framing
from sockreply.framing.stream import Chunk
from sockreply.rules.conditions import Mask
from sockreply.rules.replies import Constant, Data, Echoed
from sockreply.rules.replies.commands import Commands

Groups: TypeAlias = Collection[str | int] | None
"""The groups of a rule's regex, which its templates can name; None: it has no regex."""

_BRACES = re.compile(r"\{\{[^{}]+\}\}|\{%[^{}]+%\}")

UNKNOWN_GROUPS: Groups = frozenset()
"""Of a rule whose condition is wrong: what its templates can name will be seen once it is right."""


@dataclass(frozen=True)
class Context:
    """What the parts of a service depend on.

    Args:
        problems: Are told what is wrong.
        files: Those of the configuration.
        commands: Gives what runs the commands of all services, always the same.
        warnings: Are told what is probably wrong.
        encoding: Of the service's text.
        framing: Its framing.
        max_message: The most bytes that a message may have.
    """

    problems: Problems
    files: Files
    commands: Callable[[], Commands]
    warnings: list[str]
    encoding: str = form.Service.encoding
    framing: Framing = field(default_factory=Chunk)
    max_message: int = form.Service.max_message


def encoded(text: str, encoding: str) -> bytes:
    """Text in a service's encoding.

    Raises:
        ConfigError: The encoding has no bytes for some of it.
    """
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        what = shown_text(text[error.start : error.end])
        raise ConfigError(f"{encoding} cannot encode {what}") from None
    except ValueError as error:  # of codecs with rules of their own, such as idna
        raise ConfigError(f"{encoding} cannot encode {shown_text(text)}: {error}") from None


def check_encoding(name: str, context: Context) -> None:
    """See whether text can be encoded so; the warnings are told of byte order marks.

    Raises:
        ConfigError: It cannot; says why.
    """
    try:
        "text".encode(name)
        marked = "".encode(name)
    except (LookupError, ValueError) as error:
        unknown = isinstance(error, LookupError) and "unknown" in str(error)
        reason = "unknown" if unknown else "no encoding of text"
        raise ConfigError(f"{shown_text(name)} is {reason}; for example utf-8, latin-1") from None
    if marked:
        context.warnings.append(
            f"{place(context.problems.keys())}: {name} puts a byte order mark before every text, "
            "also those of conditions; utf-8, utf-16-le and utf-16-be put none"
        )


def mask(written: form.Fixed, context: Context) -> Mask | None:
    """What a condition compares with; None: a problem."""
    if isinstance(written, form.Hex):
        with context.problems.at("hex"):
            return Mask.from_hex(written.hex)
        return None
    data = constant(written, context)
    return None if data is None else Mask.of(data)


def constant(written: form.Fixed, context: Context) -> bytes | None:
    """Bytes that are known now; None: a problem."""
    with context.problems.at(*_key(written)):
        match written:
            case str():
                return encoded(written, context.encoding)
            case form.Hex():
                return _from_hex(written.hex)
            case form.Base64():
                return _from_base64(written.base64)
            case form.Contents():
                return context.files.read(written.file)
    return None


def reply_data(written: form.Data, context: Context, groups: Groups) -> Data | None:
    """What a step of a reply sends; None: a problem."""
    match written:
        case form.Echo():
            return Echoed()
        case form.Template() if groups is UNKNOWN_GROUPS:
            return Echoed()
        case form.Template():
            with context.problems.at("template"):
                return _template(written, context, groups)
            return None
        case _:
            _warn_of_braces(written, context)
            data = constant(written, context)
            return None if data is None else Constant(data)


def _warn_of_braces(written: form.Fixed, context: Context) -> None:
    """Tell of text that looks like a template."""
    if isinstance(written, str) and _BRACES.search(written):
        context.warnings.append(
            f"{place(context.problems.keys())}: {shown_text(written)} is sent as it is written; "
            "to be filled in it stands in { template = ... }"
        )


def _template(written: form.Template, context: Context, groups: Groups) -> Data:
    from sockreply.rules.templates.template import compile_template  # only now, for it needs Jinja2

    return compile_template(
        written.template, encoding=context.encoding, as_hex=written.as_ == "hex", groups=groups
    )


def _key(written: form.Fixed) -> tuple[str, ...]:
    return () if isinstance(written, str) else (fields(written)[0].name,)


def _from_hex(text: str) -> bytes:
    read = Mask.from_hex(text)
    if read.wild:
        raise ConfigError("?? is any byte, which only a condition can ask for")
    return read.data


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise ConfigError(f"{shown_text(text)} is not base64: {error}") from None

"""The data of the file - text, hex, base64, files, templates - become bytes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from typing import TypeAlias

from sockreply.config import file
from sockreply.config.files import Files
from sockreply.config.problems import Problems, place, shown_text
from sockreply.errors import ConfigError
from sockreply.framing.interfaces import Framing
from sockreply.framing.stream import Chunk
from sockreply.rules.commands import Commands
from sockreply.rules.masks import Mask
from sockreply.rules.recipes import Constant, Data, Echoed

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
    encoding: str = file.Service.encoding
    framing: Framing = field(default_factory=Chunk)
    max_message: int = file.Service.max_message


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


def mask(form: file.Fixed, context: Context) -> Mask | None:
    """What a condition compares with; None: a problem."""
    if isinstance(form, file.Hex):
        with context.problems.at("hex"):
            return Mask.from_hex(form.hex)
        return None
    data = constant(form, context)
    return None if data is None else Mask.of(data)


def constant(form: file.Fixed, context: Context) -> bytes | None:
    """Bytes that are known now; None: a problem."""
    with context.problems.at(*_key(form)):
        match form:
            case str():
                return encoded(form, context.encoding)
            case file.Hex():
                return _from_hex(form.hex)
            case file.Base64():
                return _from_base64(form.base64)
            case file.Contents():
                return context.files.read(form.file)
    return None


def reply_data(form: file.Data, context: Context, groups: Groups) -> Data | None:
    """What a step of a reply sends; None: a problem."""
    match form:
        case file.Echo():
            return Echoed()
        case file.Template() if groups is UNKNOWN_GROUPS:
            return Echoed()
        case file.Template():
            with context.problems.at("template"):
                return _template(form, context, groups)
            return None
        case _:
            _warn_of_braces(form, context)
            data = constant(form, context)
            return None if data is None else Constant(data)


def _warn_of_braces(form: file.Fixed, context: Context) -> None:
    """Tell of text that looks like a template."""
    if isinstance(form, str) and _BRACES.search(form):
        context.warnings.append(
            f"{place(context.problems.keys())}: {shown_text(form)} is sent as it is written; "
            "to be filled in it stands in { template = ... }"
        )


def _template(form: file.Template, context: Context, groups: Groups) -> Data:
    from sockreply.rules.templates import compile_template  # only now, for it needs Jinja2

    return compile_template(
        form.template, encoding=context.encoding, as_hex=form.as_ == "hex", groups=groups
    )


def _key(form: file.Fixed) -> tuple[str, ...]:
    return () if isinstance(form, str) else (fields(form)[0].name,)


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

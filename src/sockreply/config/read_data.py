"""Data - text, hex, base64, files, templates - become bytes."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from typing import TypeAlias

from sockreply.config import form, form_data
from sockreply.config.reading import Reading
from sockreply.config.wording import excerpt
from sockreply.errors import ConfigError
from sockreply.extensions import crashes_of
from sockreply.framing.interfaces import Framing
from sockreply.rules import Constant, Data, Echoed, Mask

Groups: TypeAlias = Collection[str | int] | None
"""The groups of a rule's regex, which its templates can name; None: it has no regex."""

_BRACES = re.compile(r"\{\{[^{}]+\}\}|\{%[^{}]+%\}")

UNKNOWN_GROUPS: Groups = frozenset()
"""Those of a rule whose condition is wrong: its templates are checked once it is right."""


def encoded(text: str, encoding: str) -> bytes:
    """Text in a service's encoding.

    Raises:
        ConfigError: The encoding has no bytes for some of it.
    """
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        what = excerpt(text[error.start : error.end])
        raise ConfigError(f"{encoding} cannot encode {what}") from None
    except ValueError as error:  # of codecs with rules of their own, such as idna
        raise ConfigError(f"{encoding} cannot encode {excerpt(text)}: {error}") from None


def read_encoding(written: str, reading: Reading) -> str:
    """The name of an encoding of text, with a warning of byte order marks."""
    try:
        "text".encode(written)
        marked = "".encode(written)
    except (LookupError, ValueError) as error:
        unknown = isinstance(error, LookupError) and "unknown" in str(error)
        reason = "unknown" if unknown else "not an encoding of text"
        raise ConfigError(f"{excerpt(written)} is {reason}; for example utf-8, latin-1") from None
    if marked:
        reading.warn(
            f"{written} puts a byte order mark before every text, "
            "including those in conditions; utf-8, utf-16-le and utf-16-be do not"
        )
    return written


def read_mask(written: form_data.Fixed, reading: Reading) -> Mask | None:
    """What a condition compares with."""
    if isinstance(written, form_data.Hex):
        with reading.problems.at("hex"):
            return Mask.from_hex(written.hex)
        return None
    warn_of_template(written, reading)
    data = read_fixed(written, reading)
    return None if data is None else Mask.of(data)


def read_fixed(written: form_data.Fixed, reading: Reading) -> bytes | None:
    """Bytes that are known now."""
    with reading.problems.at(*form.telling_key(written)):
        match written:
            case str():
                return encoded(written, reading.encoding)
            case form_data.Hex():
                return _from_hex(written.hex)
            case form_data.Base64():
                return _from_base64(written.base64)
            case form_data.Contents():
                warn_of_template(written.file, reading)
                return reading.files.contents(written.file)
    return None


def read_data(written: form.Data, reading: Reading, groups: Groups) -> Data | None:
    """What a step of a reply sends."""
    match written:
        case form.Echo():
            return Echoed()
        case form.Template() if groups is UNKNOWN_GROUPS or not reading.knows_framing:
            return Echoed()
        case form.Template():
            with reading.problems.at("template"):
                return _read_template(written, reading, groups)
            return None
        case _:
            _warn_of_braces(written, reading)
            data = read_fixed(written, reading)
            return None if data is None else Constant(data)


def _warn_of_braces(written: form_data.Fixed, reading: Reading) -> None:
    """Warn of text that looks like a template, and is sent."""
    if isinstance(written, str) and _BRACES.search(written):
        reading.warn(
            f"{excerpt(written)} is sent literally; "
            "to have it filled in, write { template = ... }"
        )


def warn_of_template(written: object, reading: Reading) -> None:
    """Warn of text that looks like a template where there are none."""
    if isinstance(written, str) and _BRACES.search(written):
        reading.warn(
            f"{excerpt(written)} is taken literally; only what a reply sends can be a template"
        )


def _read_template(written: form.Template, reading: Reading, groups: Groups) -> Data:
    from sockreply.rules.templates.template import compile_template  # now, because it needs Jinja2

    with crashes_of(f"framing {reading.framing.name}"):
        return compile_template(
            written.template,
            encoding=reading.encoding,
            as_hex=written.as_ == "hex",
            groups=groups,
            framing=_any_of(reading),
        )


def _any_of(reading: Reading) -> Framing:
    """The service's framing; if states have others, one that knows what any of them knows."""
    if not reading.by_state:
        return reading.framing
    from sockreply.framing.switched import Switched  # now, because few want it

    return Switched(reading.framing, reading.framing, tuple(reading.by_state.values()))


def _from_hex(text: str) -> bytes:
    read = Mask.from_hex(text)
    if read.wild:
        raise ConfigError("?? stands for any byte, and only a condition can have it")
    return read.data


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise ConfigError(f"{excerpt(text)} is not base64: {error}") from None

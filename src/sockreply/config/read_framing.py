"""A framing becomes what makes messages of bytes: from a spec, a table, or a list of those."""

from __future__ import annotations

from functools import partial

from sockreply.config import form_framing
from sockreply.config.read_data import warn_of_template
from sockreply.config.reading import Reading
from sockreply.errors import ConfigError
from sockreply.extensions import crashes_of
from sockreply.framing.interfaces import Framing
from sockreply.framing.registry import is_built_in, parse_framing


def read_framing(written: form_framing.Framing, reading: Reading) -> Framing:
    """The framing, which has messages as short as `reading.max_message`."""
    match written:
        case str():
            warn_of_template(written, reading)
            framing = read_spec(written, reading)
        case form_framing.Head():
            raise ConfigError("tables are not known yet")
        case _:
            raise ConfigError("lists are not known yet")
    with crashes_of(f"framing {framing.name}"):
        framing.framer(reading.max_message)
    return framing


def read_spec(written: str, reading: Reading) -> Framing:
    """The framing that a spec names; code of others is searched for beside the file first."""
    parse = partial(parse_framing, written, reading.files.directory)
    framing: Framing = parse() if is_built_in(written) else reading.in_loop(parse)
    return framing

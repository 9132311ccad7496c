"""Regular expressions are compiled, and looked at for what surprises."""

from __future__ import annotations

import re
import warnings

from sockreply.config.read_data import encoded, warn_of_template
from sockreply.config.reading import Reading
from sockreply.config.regex_overlaps import repeats_overlapping
from sockreply.config.regex_repeats import repeats_within_repeats
from sockreply.config.regex_searches import searches_long_runs
from sockreply.errors import ConfigError

_SLOW = (
    "a repeat within a repeat, as in (a+)+, takes for ever on some messages that almost match, "
    "and the daemon answers nobody meanwhile"
)

_OVERLAPPING = (
    "repeated alternatives that can match the same, as in (a|ab|b)*, take for ever on some "
    "messages that almost match, and the daemon answers nobody meanwhile"
)
_ANEW = (
    "the search starts over at each byte of a long run, as with \\d+x: a long message stops the "
    "daemon for seconds; begin with ^, or set a max_message of less than {least}"
)
_LEAST = 4096  # bytes of a message with which such a search takes some hundredths of a second

_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_FOREIGN_AS_ONE = re.compile(r"\[[^\]]*?([^\x00-\x7f])|([^\x00-\x7f])[*+?{]")


def read_regex(written: str, reading: Reading, ignore_case: bool) -> re.Pattern[bytes]:
    """A regular expression on bytes, with warnings of what is legal and yet surprises."""
    warn_of_template(written, reading)
    pattern = _on_bytes(written, reading.encoding)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Python may read in another way one day
            made = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, ValueError, OverflowError) as error:
        raise ConfigError(str(error)) from None
    except RecursionError:
        raise ConfigError("groups are nested too deeply") from None
    if repeats_within_repeats(pattern):
        reading.warn(_SLOW)
    elif repeats_overlapping(pattern):
        reading.warn(_OVERLAPPING)
    elif reading.max_message >= _LEAST and searches_long_runs(pattern):
        reading.warn(_ANEW.format(least=_LEAST))
    if letter := _taken_apart(written, reading.encoding):
        reading.warn(
            f"{letter} is more than one byte, and a set in brackets or a repeat is of "
            f"single bytes; (?:{letter}) keeps them together"
        )
    return made


def _on_bytes(text: str, encoding: str) -> bytes:
    """The expression in an encoding; bytes of other letters never act as signs of the notation."""
    ascii_only = _FOREIGN.sub("", text)
    if encoded(ascii_only, encoding) != ascii_only.encode():
        raise ConfigError(
            f"{encoding} has other bytes than ASCII for the characters of regular expressions; "
            "use equals, starts_with, ends_with and contains instead"
        )
    parts: list[bytes] = []
    end = 0
    for foreign in _FOREIGN.finditer(text):
        parts += [text[end : foreign.start()].encode(), re.escape(encoded(foreign[0], encoding))]
        end = foreign.end()
    return b"".join([*parts, text[end:].encode()])


def _taken_apart(text: str, encoding: str) -> str | None:
    """A letter of several bytes of which only some are in a set, or repeated."""
    for found in _FOREIGN_AS_ONE.finditer(text):
        letter = found[1] or found[2]
        if len(encoded(letter, encoding)) > 1:
            return letter
    return None

"""What commands print on standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from sockreply.errors import CannotPrint


def print_bytes(data: bytes) -> None:
    """Write bytes at once.

    Raises:
        CannotPrint: Standard output does not take them.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        # Python would write what is left once more when it exits, and complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CannotPrint(error) from error


def print_lines(lines: Iterable[str]) -> None:
    """Write lines of text, escaping what the encoding of standard output lacks.

    Nothing is written if standard output is closed: the exit status says what matters most.

    Raises:
        CannotPrint: Standard output does not take them.
    """
    if sys.stdout is None:
        return
    text = "".join(f"{line}\n" for line in lines)
    print_bytes(text.encode(sys.stdout.encoding, "backslashreplace"))

"""What a log shows of what comes from outside."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress

from sockreply.shown import SHOWN_BYTES, show_address, show_bytes, show_error, show_text


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (IPv4Address("TCP", "127.0.0.1", 80), "127.0.0.1:80"),
        (IPv6Address("TCP", "::1", 80), "[::1]:80"),
        (UNIXAddress("/run/x.sock"), "unix:/run/x.sock"),
        (UNIXAddress("\0name"), "unix:@name"),
        (UNIXAddress("/run/a\nb"), r"unix:/run/a\nb"),
        (UNIXAddress(None), "unix"),
        (IPv4Address("TCP", "1.2.3.4:1\n<2>\x1b[2J", 80), r"1.2.3.4:1\n<2>\x1b[2J:80"),
        (UNIXAddress(""), "unix"),
    ],
)
def test_addresses(address: IAddress, shown: str) -> None:
    """Each kind of address is shown as operators write it."""
    assert show_address(address) == shown


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", "''"),
        (b"plain", "'plain'"),
        ("서버".encode(), "'서버'"),
        (b"a\r\nb\tc\0", r"'a\r\nb\tc\x00'"),
        (b"\x1b[2J", r"'\x1b[2J'"),
        (b"\xff\xfe", r"'\xff\xfe'"),
        (b"a\xe2\x82", r"'a\xe2\x82'"),
        (rb"\n", r"'\\n'"),
        ("\u202eevil\u2066".encode(), r"'\u202eevil\u2066'"),
        ("\u2028\u0085".encode(), r"'\u2028\x85'"),
    ],
)
def test_bytes(data: bytes, shown: str) -> None:
    """Text is shown as text, all that could forge a line or drive a screen as escapes."""
    assert show_bytes(data) == shown


def test_long_bytes_are_cut() -> None:
    """Of a long message its beginning is shown, and its size."""
    assert SHOWN_BYTES == 200
    assert show_bytes(b"x" * 200) == f"'{'x' * 200}'"
    assert show_bytes(b"x" * 201) == f"'{'x' * 200}'... (201 bytes)"


def test_cut_leaves_characters_whole() -> None:
    """A character that the cut goes through is left out."""
    shown = show_bytes(b"x" * 199 + "é".encode() + b"y" * 100)
    assert shown == f"'{'x' * 199}'... (301 bytes)"


@given(st.binary(max_size=300))
def test_any_bytes_are_one_printable_line(data: bytes) -> None:
    """Whatever a peer sends is shown as one line that prints."""
    assert show_bytes(data).isprintable()


def test_text_keeps_its_lines() -> None:
    """A text of lines stays one; what its lines quote is escaped."""
    assert show_text("one\ntwo \x1b[2J\rthree\n") == "one\ntwo \\x1b[2J\nthree"


@given(st.text())
def test_any_text_prints(text: str) -> None:
    """Whatever a traceback quotes, its lines print."""
    assert all(line.isprintable() for line in show_text(text).split("\n"))


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("bad port"), "bad port"),
        (FileNotFoundError(2, "No such file"), "[Errno 2] No such file"),
        (TypeError("port missing"), "TypeError: port missing"),
        (AssertionError(), "AssertionError"),
        (ValueError(), "ValueError"),
    ],
)
def test_errors_that_do_not_speak_for_themselves_are_named(error: Exception, shown: str) -> None:
    """Other people's code may raise anything, even without a word."""
    assert show_error(error) == shown


def test_nothing_is_loaded_later() -> None:
    """What shows a message needs no file that was not read when the daemon began."""
    code = "import sys, sockreply.shown; print('encodings.unicode_escape' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"

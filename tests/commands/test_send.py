"""The options of `sockreply send`; tests/end_to_end/test_send.py sends with them."""

from __future__ import annotations

import pytest

from sockreply.commands.send import Options


def parse(*words: str) -> Options:
    """The options of `sockreply send`."""
    options = Options()
    options.parseOptions(words)
    return options


def test_send_has_the_daemons_defaults() -> None:
    """Nothing said is the textbook's address, and chunk."""
    options = parse("hello")
    assert options.endpoint == "tcp:127.0.0.1:12345"
    assert options["framing"] == "chunk"
    assert options.messages == [b"hello"]


@pytest.mark.parametrize(
    ("words", "endpoint"),
    [
        (("--host", "::1", "-p", "7"), r"tcp:\:\:1:7"),
        (("--to", "unix:/run/x.sock"), "unix:/run/x.sock"),
    ],
)
def test_send_goes_where_it_is_told(words: tuple[str, ...], endpoint: str) -> None:
    """Hosts are quoted into an endpoint string; one that is given is taken as it is."""
    assert parse(*words).endpoint == endpoint


def test_what_follows_a_message_is_a_message() -> None:
    """Also when it begins with a dash."""
    assert parse("one", "--hex").messages == [b"one", b"--hex"]

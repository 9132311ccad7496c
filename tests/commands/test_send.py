"""The options of `sockreply send`; tests/end_to_end/test_send.py sends with them."""

from __future__ import annotations

import pytest
from twisted.python import usage

from sockreply.commands.send import Options
from sockreply.errors import ConfigError


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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--replies", "-1", "x"), "--replies: '-1' is not a whole number from 0 to 1000"),
        (("-f", "eof", "--replies", "2", "x"), "eof carries one reply per connection"),
        (("--replies", "0", "x", "y"), "--replies 0: nothing but replies keeps messages of chunk"),
        (("--replies", "0", "-f", "gap", "x", "y"), "--replies 0: nothing but replies keeps"),
    ],
)
def test_replies_that_cannot_be(words: tuple[str, ...], says: str) -> None:
    """What the framing cannot tell apart is refused."""
    with pytest.raises((ConfigError, usage.UsageError)) as caught:
        parse(*words)
    assert str(caught.value).startswith(says)


def test_replies_that_can_be() -> None:
    """One message stays apart from others, and many do with a framing that ends them."""
    assert parse("--replies", "0", "x").messages == [b"x"]
    several = parse("--replies", "0", "-f", r"delimited:end=\n,reply_end=", "x", "y")
    assert several.messages == [b"x", b"y"]
    assert parse("--replies", "2", "x", "y")["replies"] == 2
    assert parse("x")["replies"] == 1


def test_escapes_are_not_read() -> None:
    """But the first one is known, for what is said when there is no reply."""
    options = parse("-f", "line", "plain", r"*IDN?\r\n", r"\t")
    assert options.messages[1] == rb"*IDN?\r\n"
    assert options.escape == r"\r"
    assert parse("--hex", "5c6e").escape is None

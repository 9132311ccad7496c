"""The environment of commands."""

from __future__ import annotations

from sockreply.rules.replies.environment import KEPT, kept, variables


def test_what_every_command_gets() -> None:
    """Where programs are, who runs it, and the locale; nothing that is only for the daemon."""
    ours = dict.fromkeys((*KEPT, "LC_ALL", "LC_TIME"), "ours")
    secret = {
        "SECRET_TOKEN": "x",
        "CREDENTIALS_DIRECTORY": "/run",
        "NOTIFY_SOCKET": "/n",
        "LC": "x",
    }
    assert kept({**ours, **secret}) == ours
    assert kept({}) == {}


def test_what_is_wanted_more() -> None:
    """Values that are given, and the daemon's own where it has one."""
    wanted = (("A", "1"), ("TOKEN", None), ("NONE", None), ("EMPTY", ""))
    assert dict(variables(wanted, {"TOKEN": "t", "A": "2"})) == {
        "A": "1",
        "TOKEN": "t",
        "EMPTY": "",
    }

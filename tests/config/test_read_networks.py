"""Networks of peers."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

from sockreply.config.named_files import NamedFiles
from sockreply.config.read_networks import read_networks
from sockreply.config.reading import Reading


def test_networks() -> None:
    """A network has a mask or is a single address; there is one, or a list of them."""
    reading = Reading(NamedFiles(Path("/")))
    assert read_networks("192.0.2.1", reading) == (ip_network("192.0.2.1/32"),)
    several = read_networks(["10.0.0.0/8", "::/0"], reading)
    assert several == (ip_network("10.0.0.0/8"), ip_network("::/0"))
    assert reading.problems.lines() == ()


def test_what_is_not_a_network() -> None:
    """What is wrong has the number of its entry, and hides no other."""
    reading = Reading(NamedFiles(Path("/")))
    right = read_networks(["localhost", "10.0.0.1/8", "::1"], reading)
    assert right == (ip_network("::1"),)
    assert reading.problems.lines() == (
        "[1]: 'localhost' is not a network; for example 192.0.2.0/24, ::1",
        "[2]: '10.0.0.1/8' has bits set after its mask; the network is 10.0.0.0/8",
    )

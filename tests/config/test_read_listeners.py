"""Where a service listens, of which kind each listener is, and how many there are."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

from sockreply.config import settings_from
from sockreply.settings import ListenerSettings, PartOfRange
from tests.config.texts import problems_of
from tests.end_to_end.certificates import make_certificate


def read(listen: object, directory: Path = Path("/")) -> tuple[ListenerSettings, ...]:
    """The listeners of a service."""
    document = {"services": {"s": {"listen": listen, "otherwise": "x"}}}
    return settings_from(document, directory).services["s"].listen


def test_ranges_among_others() -> None:
    """Each port of a range is a listener, in its place among the others."""
    listeners = read(["tcp:7", "tcp:8-9:backlog=5", {"endpoint": "tcp6:10-11"}])
    assert [each.endpoint for each in listeners] == [
        *("tcp:7", "tcp:8:backlog=5", "tcp:9:backlog=5", "tcp6:10", "tcp6:11")
    ]
    assert listeners[2].part == PartOfRange("tcp:8-9:backlog=5", 1, 2)


def test_a_table_is_for_all_ports_of_a_range(tmp_path: Path) -> None:
    """They have the same TLS, read once, and the same proxies."""
    make_certificate(tmp_path / "a.pem", names=("localhost",))
    table = {"endpoint": "tcp:1-3", "proxy_from": "::1", "tls": {"certificate": "a.pem"}}
    listeners = read(table, tmp_path)
    assert len(listeners) == 3
    assert {each.proxy_from for each in listeners} == {(ip_network("::1/128"),)}
    assert len({id(each.tls) for each in listeners}) == 1
    assert listeners[0].tls is not None


def test_ranges_that_overlap() -> None:
    """That is one error for two ranges, however many ports they share, and one for two others."""
    found = problems_of(
        """
        [services.a]
        listen = "tcp:100-300"
        [services.b]
        listen = ["tcp:250-350", "tcp:400-500:interface=127.0.0.1"]
        [metrics]
        listen = "tcp:450"
        """
    )
    assert found == (
        "services.b.listen[1]: tcp port 250 is already used by services.a.listen",
        "metrics.listen: tcp port 450 is already used by services.b.listen[2]",
    )


def test_a_long_range() -> None:
    """It is read in one go: only its first string is taken apart."""
    listeners = read("tcp6:55536-65535")
    assert (listeners[0].endpoint, listeners[-1].endpoint) == ("tcp6:55536", "tcp6:65535")

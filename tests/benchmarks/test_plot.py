"""The picture."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.plot import BARS, LABELS, MOST, SCALE, picture
from benchmarks.servers import PEERS
from tests.benchmarks.samples import complete, cpu, results

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str | None]:
    """What can be read in it."""
    return [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def widths(svg: str) -> list[float]:
    """Of its bars, without the legend's squares."""
    bars = list(ElementTree.fromstring(svg).iter(f"{SVG}rect"))[len(BARS) :]
    return [float(bar.attrib["width"]) for bar in bars]


def test_every_peer_has_its_bars() -> None:
    """One for each load that is shown, as long as the ratio says."""
    svg = picture(complete())
    assert {peer.title.strip("*").replace("`", "") for peer in PEERS.values()} <= set(texts(svg))
    assert widths(svg) == [SCALE / MOST] * len(PEERS) * len(BARS)


def test_a_bar_beyond_the_scale_is_cut() -> None:
    """Its figure says how long it would be."""
    svg = picture(results(cpu(1, "redis", 10.0), cpu(1, "streams", 90.0)))
    assert widths(svg) == [SCALE / MOST, SCALE]
    assert "… 9.00" in texts(svg)


def test_nothing_stands_outside() -> None:
    """Lines of spreads end where the scale does."""
    svg = picture(results(cpu(1, "redis", 10.0), cpu(1, "c", 90.0), cpu(2, "c", 1.0)))
    lines = ElementTree.fromstring(svg).iter(f"{SVG}line")
    assert max(float(line.attrib["x2"]) for line in lines) == LABELS + SCALE

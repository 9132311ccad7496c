"""The picture: bars of CPU time per request, as ratios to Redis.

SVG, written by hand, so that the same results make the same file. Its colours are such that it can
be read on white and on black.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from benchmarks.results import Results, Summary
from benchmarks.servers import OURS, PEERS, REDIS
from benchmarks.table import shown
from benchmarks.works import LOADS

BARS = {"one": "#2f81c7", "pipelined": "#d1802a"}
"""The loads that are shown, and their colours."""
TEXT = "#7d8590"
MOST = 4.0
"""Where the scale ends; a longer bar is cut, and its number tells."""
LABELS, SCALE, NUMBERS = 170, 480, 70
"""The widths of what stands side by side, in pixels."""
TOP, ROW, BAR = 62, 38, 14


def picture(results: Results) -> str:
    """The whole file."""
    width, height = LABELS + SCALE + NUMBERS, TOP + ROW * len(PEERS) + 24
    parts = [*_legend(), *_scale(height)]
    for number, name in enumerate(PEERS):
        parts += _row(results, name, TOP + ROW * number)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="13" '
        f'fill="{TEXT}">\n<title>CPU time per request, as a ratio to Redis</title>\n'
        f"{body}\n</svg>\n"
    )


def _legend() -> Iterator[str]:
    yield _text(LABELS, 16, "Server CPU time per request, as a ratio to Redis; less is better")
    for number, (work, colour) in enumerate(BARS.items()):
        at = LABELS + 210 * number
        yield f'<rect x="{at}" y="28" width="12" height="12" fill="{colour}"/>'
        yield _text(at + 18, 39, LOADS[work].title)


def _scale(height: int) -> Iterator[str]:
    for ratio in range(int(MOST) + 1):
        at, dashes = _x(ratio), "" if ratio == 1 else ' stroke-dasharray="1 4"'
        yield (
            f'<line x1="{at}" x2="{at}" y1="{TOP - 10}" y2="{height - 20}" '
            f'stroke="{TEXT}" stroke-opacity="0.6"{dashes}/>'
        )
        yield _text(at, height - 4, str(ratio), "middle")


def _row(results: Results, name: str, top: int) -> Iterator[str]:
    title = PEERS[name].title.replace("`", "").replace("*", "")
    yield _text(LABELS - 12, top + BAR + 4, title, "end", bold=name == OURS)
    for number, (work, colour) in enumerate(BARS.items()):
        ratio = results.ratio(name, work, "cpu_us", (REDIS, work))
        if ratio is not None:
            yield from _bar(ratio, top + number * BAR, colour)


def _bar(ratio: Summary, top: int, colour: str) -> Iterator[str]:
    end, middle = _x(ratio.median), top + BAR // 2 - 1
    number = ("… " if ratio.median > MOST else "") + shown(ratio.median)
    yield (
        f'<rect x="{LABELS}" y="{top}" width="{end - LABELS:.1f}" height="{BAR - 2}" '
        f'fill="{colour}"/>'
    )
    yield (
        f'<line x1="{_x(ratio.least)}" x2="{_x(ratio.most)}" y1="{middle}" y2="{middle}" '
        f'stroke="{TEXT}" stroke-width="2"/>'
    )
    yield _text(max(end, _x(ratio.most)) + 5, top + BAR - 3, number)


def _x(ratio: float) -> float:
    return round(LABELS + SCALE * min(ratio, MOST) / MOST, 1)


def _text(x: float, y: float, text: str, anchor: str = "start", *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'

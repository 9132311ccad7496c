"""What is counted of a daemon, as Prometheus wants it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from itertools import accumulate
from typing import NamedTuple, Protocol

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from twisted.logger import Logger

from sockreply.conversation.counters import Counters
from sockreply.conversation.shared import Shared
from sockreply.replies.responder import Responder, optional

_log = Logger()

_TOTALS = {
    "connections": "Connections accepted.",
    "messages": "Complete messages received.",
    "replies": "Messages answered with at least one write.",
    "silences": "Messages answered with silence.",
    "received_bytes": "Bytes received.",
    "sent_bytes": "Bytes handed over for sending.",
    "dropped_bytes": "Bytes received outside any message, or once no more was answered.",
}
"""What is counted for each service, under its name in `Counters`."""


class _Kinds(NamedTuple):
    """Things that are counted separately.

    Args:
        name: The name of all of them in `Counters`.
        label: What they differ in.
        known: Those that are known before they happen; a user's own framing may have others.
        what: What they are.
    """

    name: str
    label: str
    known: str
    what: str


_KINDS = (
    _Kinds(
        "closed",
        "reason",
        "answered close displaced drain drained error idle lost malformed message_timeout overrun"
        " peer per_peer_rate reset tls too_long write_timeout",
        "Connections that have ended, by reason.",
    ),
    _Kinds(
        "refused",
        "reason",
        "bad_header no_header no_place not_a_proxy not_allowed per_peer per_peer_rate",
        "Connections refused, which are closed at once, by reason.",
    ),
    _Kinds(
        "limited",
        "limit",
        "bytes connections messages",
        "How often a peer exceeded one of its limits, and had to wait or was refused.",
    ),
    _Kinds(
        "errors",
        "kind",
        "abandoned internal malformed overrun reply reply_timeout tls too_long truncated unasked",
        "What went wrong, by kind; reply, reply_timeout and abandoned: messages left unanswered.",
    ),
    _Kinds(
        "handshakes",
        "version",
        "TLSv1.2 TLSv1.3",
        "TLS handshakes that succeeded, by the version of TLS.",
    ),
    _Kinds(
        "unsent",
        "reason",
        "amplification full too_long unreachable",
        "Datagrams that were not sent, by reason.",
    ),
)


class Watched(Protocol):
    """What is asked of a daemon."""

    def services(self) -> Mapping[str, Shared]:
        """What the connections of each service have in common, by its name."""

    @property
    def ready(self) -> bool:
        """Is it listening, and not about to stop?"""

    @property
    def reloads(self) -> Counter[str]:
        """How often the configuration was reloaded, by the result: "good" or "bad"."""

    @property
    def record_lost(self) -> int:
        """How many lines could not be recorded."""


class Counts(Collector):
    """The counts of a daemon, read when they are asked for.

    Args:
        watched: The daemon.
    """

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._version = version("sockreply")

    def collect(self) -> Iterator[Metric]:
        services = {_printable(name): each for name, each in self._watched.services().items()}
        counters = {name: shared.counters for name, shared in services.items()}
        yield from _counted(counters)
        yield from _counted_by_kind(counters)
        yield _rule_matches(services)
        yield _reply_seconds(counters)
        yield from self._of_the_daemon()

    def _of_the_daemon(self) -> Iterator[Metric]:
        reloads = _counter("reloads", "Configuration reloads, by result.", "result")
        for result, count in {"good": 0, "bad": 0, **self._watched.reloads}.items():
            reloads.add_metric([result], count)
        lost = _counter("record_lost", "Lines that could not be recorded.")
        lost.add_metric([], self._watched.record_lost)
        what = "Always 1; the label says which version is running."
        build = GaugeMetricFamily("sockreply_build_info", what, labels=["version"])
        build.add_metric([self._version], 1)
        yield from (reloads, lost, build)


def _counted(services: Mapping[str, Counters]) -> Iterator[Metric]:
    now = GaugeMetricFamily("sockreply_connections", "Open connections.", labels=["service"])
    for service, counters in services.items():
        now.add_metric([service], counters.open_connections)
    yield now
    for name, what in _TOTALS.items():
        family = _counter(name, what, "service")
        for service, counters in services.items():
            family.add_metric([service], getattr(counters, name))
        yield family


def _counted_by_kind(services: Mapping[str, Counters]) -> Iterator[Metric]:
    for name, label, known, what in _KINDS:
        family = _counter(name, what, "service", label)
        for service, counters in services.items():
            # From 0, so that the rate is right when it happens for the first time.
            counts = {**dict.fromkeys(known.split(), 0), **getattr(counters, name)}
            for kind, count in counts.items():
                family.add_metric([service, _printable(kind)], count)
        yield family


def _rule_matches(services: Mapping[str, Shared]) -> Metric:
    what = "Messages answered, by rule; otherwise: those that no rule matched."
    family = _counter("rule_matches", what, "service", "rule")
    for service, shared in services.items():
        try:
            matches = _counts_of(shared.responder)
        except KeyboardInterrupt:
            raise
        except BaseException:  # a user's code may raise anything
            _log.failure("{service}: the counts of its responder cannot be read", service=service)
            continue
        for name, count in matches.items():
            family.add_metric([service, name], count)
    return family


def _counts_of(responder: Responder) -> Mapping[str, float]:
    """What a responder counts by name, if it does.

    Raises:
        TypeError, ValueError, OverflowError: It gives something other than names and numbers that
            can only grow.
    """
    counts, matches = optional(responder, "counts"), Counter[str]()
    for name, count in counts().items() if counts is not None else ():
        if not isinstance(count, int) or count < 0:
            raise ValueError(f"{name!r}: {count!r} is not a count")
        matches[_printable(name)] += count
    return {name: float(count) for name, count in matches.items()}


def _reply_seconds(services: Mapping[str, Counters]) -> Metric:
    what = "Seconds from the read that completed a message to the write of its reply."
    family = HistogramMetricFamily("sockreply_reply_seconds", what, labels=["service"])
    for service, counters in services.items():
        if (histogram := counters.reply_seconds) is not None:
            bounds = [*map(str, histogram.bounds), "+Inf"]
            buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
            family.add_metric([service], buckets, histogram.sum)
    return family


def _counter(name: str, what: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"sockreply_{name}", what, labels=labels)


def _printable(name: str) -> str:
    """A name without what UTF-8 has no form for."""
    return name.encode("utf-8", "backslashreplace").decode()

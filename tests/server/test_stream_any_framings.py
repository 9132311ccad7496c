"""Connections that come from any framing to any other: what is answered, however they are cut."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.observing.record import RecordedExchanges
from sockreply.settings import PeerLimits, Rate, ServiceSettings
from tests.config.texts import service
from tests.framing.test_all_framings import byte_by_byte, cut, places_in
from tests.observing.test_record import Lines, wire
from tests.server.stand_ins import NotingLog, Talk

FRAMINGS = {
    "'line'": (b"x\r\n", b"y\n", b".\r\n"),
    "'line:ending=any'": (b"x\r", b"y\r\0", b"z\n"),
    "'line:ending=any,telnet=strip'": (b"x\r\n", b"y\r", b"z\r\0"),
    "'json'": (b'{"x":1}\n', b"[y]\r\n", b'"z"', b"0 "),
    "'resp'": (b"*1\r\n$1\r\nx\r\n", b"y\r\n", b"*0\r\n"),
    "'length:bytes=1'": (b"\1x", b"\2yz", b"\0"),
    "'enclosed:start=$,end=#|!,trailer=1,restart=yes'": (b"$x#1", b"$y!2", b"$$z#3"),
    r"'delimited:end=\r\n.\r\n'": (b"x\r\n.\r\n", b"y\r\n.\r\n", b".\r\n"),
    r"""{ head = "line", length = '^set (?P<length>\d)' }""": (
        b"set 2\nxx",
        b"y\r\n",
        b"set 0\r\n",
    ),
    "[{ starts_with = '{', framing = 'json' }, { framing = 'line:ending=any' }]": (
        *(b"{x}\r\n", b"{y}\n", b"x\r", b"y\r\n"),
    ),
    "[{ starts_with = ['$', '{'], framing = 'enclosed:start=$,end=#' }, { framing = 'line' }]": (
        *(b"$x#", b"$y#", b"x\n", b"{z$y#"),
    ),
}
"""Each with parts of a stream that mean something to it."""
RULES = """
    { when.contains = "x", next_state = "other", reply = "ok" },
    { state = "other", when.contains = "y", next_state = "start", reply = { echo = true } },
    { when.contains = "z", next_state = "start", reply = ["1", { delay = 1 }, "2"] },
    { reply.template = "{{ message | hex }}" },
"""
LIMITS = [None, PeerLimits(messages=Rate(1, 1)), PeerLimits(bytes=Rate(3, 7))]


@cache
def services(first: str, other: str) -> ServiceSettings:
    """A service that begins with one framing, and has another one in its other state."""
    return service(f"framing = {first}\nstates.other.framing = {other}\nrules = [{RULES}]")


def connected(built: ServiceSettings, **options: Any) -> Talk:
    """A peer of a service, whose silence nothing ends."""
    forever = {"idle_timeout": 0, "message_timeout": 0}
    return Talk(built.responder, built.framing, **forever, **options)  # type: ignore[arg-type]  # a responder


def talk(peer: Talk, reads: list[bytes]) -> bytes:
    """Send as soon as the service reads, and half-close. Returns what it answers to all of it."""
    with capturedLogs():
        for read in [*reads, b""]:
            while peer.transport.paused and not peer.transport.disconnecting:
                peer.clock.advance(1)
            if not peer.transport.disconnecting:
                peer.say(read) if read else peer.finish_sending()
        peer.clock.pump([1] * 150)
        peer.leave()
    return peer.hear()


def dialogues(framings: tuple[str, str]) -> st.SearchStrategy[bytes]:
    """Streams that mean something to these framings, at least in part."""
    first, other = (FRAMINGS[each] for each in framings)
    parts = st.sampled_from([*first, *other]) | st.sampled_from([b"\n", b"\r\n", b"x"])
    return st.lists(parts, min_size=1, max_size=9).map(b"".join)


@settings(max_examples=100, deadline=None)
@given(st.tuples(st.sampled_from(list(FRAMINGS)), st.sampled_from(list(FRAMINGS))), st.data())
def test_any_framings_however_cut(framings: tuple[str, str], data: st.DataObject) -> None:
    """What is answered and counted depends on nothing but the bytes; the record has them all."""
    built, said = services(*framings), data.draw(dialogues(framings))
    limits = data.draw(st.sampled_from(LIMITS))
    whole, lines = connected(built), Lines(Clock())
    answers = talk(whole, [said])
    for reads in (byte_by_byte(said), cut(said, data.draw(places_in(said)))):
        lines.given.clear()
        peer = connected(built, per_peer=limits, exchanges=RecordedExchanges(NotingLog(), lines))
        assert talk(peer, reads) == answers
        assert peer.counters.messages == whole.counters.messages
        assert peer.counters.errors == whole.counters.errors
        parts = [each.get("request", each) for each in lines.all]
        recorded = sorted((each["at"], wire(each)) for each in parts if "at" in each)
        come = b"".join(each for _, each in recorded)
        assert said.startswith(come)
        assert come == said or +peer.counters.errors

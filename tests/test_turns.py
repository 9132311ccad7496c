"""Turns, and who gets the next."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred

from sockreply.turns import Turns


class Crowd:
    """Peers that wait for turns.

    Args:
        at_once: How many turns there are.
        share: How many are kept.
    """

    def __init__(self, at_once: int = 8, share: int = 2) -> None:
        self.turns = Turns(at_once, share)
        self.has: Counter[str] = Counter()
        self.came: list[str] = []

    def want(self, peers: str) -> list[Deferred[None]]:
        """Each letter is a peer that wants one."""
        return [self._want(peer) for peer in peers]

    def _want(self, peer: str) -> Deferred[None]:
        def came(_: None) -> None:
            self.has[peer] += 1
            self.came.append(peer)

        return self.turns.take(peer).addCallback(came)

    def end(self, peers: str) -> None:
        """Each letter is a peer that gives one back."""
        for peer in peers:
            self.has[peer] -= 1
            self.turns.give_back(peer)


def test_a_lone_peer_leaves_some() -> None:
    """However many a lone peer wants, the next peer is not kept waiting."""
    crowd = Crowd()
    crowd.want("a" * 20)
    assert crowd.has == {"a": 6}
    crowd.want("b" * 20)
    assert crowd.has == {"a": 6, "b": 2}


def test_who_has_fewer_is_next() -> None:
    """A turn that is given back goes to the peer with the fewest."""
    crowd = Crowd()
    crowd.want("a" * 20 + "b" * 20)
    crowd.end("aaa")
    assert crowd.has == {"a": 3, "b": 3}
    crowd.want("c")
    assert crowd.has == {"a": 3, "b": 3, "c": 1}


def test_among_equals_the_oldest_is_next() -> None:
    """Peers that have the same number get turns in the order in which they began to wait."""
    crowd = Crowd(2, 0)
    crowd.want("xxabcabc")
    crowd.end("x")
    crowd.end("x")
    assert crowd.came == ["x", "x", "a", "b"]
    crowd.end("a")
    assert crowd.came[4:] == ["c"]


def test_all_may_be_taken_by_many() -> None:
    """Peers that have less than the share may have those that are kept."""
    crowd = Crowd()
    crowd.want("abcdefghij")
    assert crowd.came == list("abcdefgh")


def test_cancelled() -> None:
    """A turn that is not wanted any more is nobody's."""
    crowd = Crowd(1, 1)
    _, unwanted, _ = crowd.want("abc")
    unwanted.addErrback(lambda failure: failure.trap(CancelledError))
    unwanted.cancel()
    crowd.end("a")
    assert crowd.came == ["a", "c"]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["want", "end", "cancel"]))))
def test_whatever_happens(steps: list[tuple[str, str]]) -> None:
    """At no time are there too many, and nobody waits who may have one."""
    crowd, waiting = Crowd(4, 1), dict[str, list[Deferred[None]]]()
    for peer, step in steps:
        mine = waiting.setdefault(peer, [])
        mine[:] = [each for each in mine if not each.called]
        if step == "want":
            mine += crowd.want(peer)
        elif step == "end" and crowd.has[peer]:
            crowd.end(peer)
        elif step == "cancel" and mine:
            mine[0].addErrback(lambda failure: failure.trap(CancelledError))
            mine.pop(0).cancel()
        taken = crowd.has.total()
        wait = [who for who in waiting if not all(each.called for each in waiting[who])]
        assert taken <= 4
        assert not wait or taken >= 3
        assert taken == 4 or all(crowd.has[who] for who in wait)
    for peer, number in list(crowd.has.items()):
        crowd.end(peer * number)
    while crowd.has.total():
        crowd.end(next(peer for peer in crowd.has if crowd.has[peer]))
    assert crowd.turns._taken == {}
    assert crowd.turns._waiting == {}
    assert not any(crowd.turns._peers)

"""Token buckets of many peers, in bounded memory."""

from __future__ import annotations

from random import Random

import pytest

from sockreply.conversation.buckets import SLOTS, Buckets
from sockreply.settings import Rate

ONE, TWO, FLOODER = 1, 2, 0


def taken(buckets: Buckets, key: int, now: float, most: int = 1000) -> int:
    """How many single tokens are in a bucket."""
    count = 0
    while count < most and buckets.take(key, 1, now):
        count += 1
    return count


@pytest.mark.parametrize(
    ("rate", "burst"), [(1, 1), (10, 10), (10, 3), (0.001, 1), (0.5, 4), (1e6, 7), (2.5, 2.5)]
)
def test_rate_and_burst(rate: float, burst: float) -> None:
    """A burst at once, and then so many a second, exactly."""
    buckets = Buckets(Rate(rate, burst))
    assert taken(buckets, ONE, 0.0) == int(burst)
    now, counted = 0.0, 0
    for _ in range(100):
        now += 0.5 / rate
        counted += taken(buckets, ONE, now)
    assert counted in (49, 50)


def test_a_bucket_fills_up_to_its_burst() -> None:
    """However long nothing is taken, there is no more than a burst."""
    buckets = Buckets(Rate(10, 5))
    assert taken(buckets, ONE, 0.0) == 5
    assert taken(buckets, ONE, 0.3) == 3
    assert taken(buckets, ONE, 1e6) == 5


def test_peers_have_buckets_of_their_own() -> None:
    """What one takes is not missing from another's."""
    buckets = Buckets(Rate(10, 5))
    assert taken(buckets, ONE, 0.0) == 5
    assert taken(buckets, TWO, 0.0) == 5


def test_more_than_there_is_is_owed() -> None:
    """One token is enough to take many; the others are paid for in time."""
    buckets = Buckets(Rate(10, 5))
    assert buckets.take(ONE, 25, 0.0)
    assert not buckets.take(ONE, 1, 2.05)
    assert buckets.ready_in(ONE, 2.05) == pytest.approx(0.05, abs=1e-5)
    assert buckets.take(ONE, 1, 2.1)


def test_whole_amounts() -> None:
    """If all of it has to be there, nothing is taken as long as it is not."""
    buckets = Buckets(Rate(10, 5))
    assert not buckets.take(ONE, 6, 0.0, whole=True)
    assert buckets.take(ONE, 5, 0.0, whole=True)
    assert not buckets.take(ONE, 2, 0.1, whole=True)
    assert buckets.take(ONE, 2, 0.2, whole=True)


def test_a_token_is_there_when_it_was_foretold() -> None:
    """After the seconds that `ready_in` tells, it can be taken, however odd the rate."""
    random = Random(7)
    for _ in range(200):
        buckets = Buckets(Rate(random.uniform(0.001, 1e5), random.randint(1, 9)))
        now = random.uniform(0, 1e6)
        for _ in range(20):
            seconds = buckets.ready_in(ONE, now)
            now += seconds
            assert buckets.take(ONE, 1, now)


def test_full_buckets_are_forgotten() -> None:
    """Peers that come and do not come back leave nothing, long before there are too many."""
    buckets = Buckets(Rate(10, 10))
    for number in range(10_000):
        assert buckets.take(number, 1, number / 100)
    assert len(buckets) < 40


def test_no_more_than_so_many() -> None:
    """Of more peers at once than are remembered, some are forgotten."""
    buckets = Buckets(Rate(1, 10), most=100)
    for number in range(1000):
        assert buckets.take(number, 1, 0.0)
    assert len(buckets) == 100


def test_the_flooder_is_not_forgotten() -> None:
    """Others push out those who have asked for least, never one who has used up everything."""
    buckets = Buckets(Rate(1, 10), most=100)
    assert taken(buckets, FLOODER, 0.0) == 10
    for number in range(1, 500):
        buckets.take(number, 1, 0.0)
        assert not buckets.take(FLOODER, 1, 0.0)
    assert taken(buckets, FLOODER, 3.0) == 3


@pytest.mark.parametrize("burst", [1, 2, 10])
def test_the_flooder_that_asks_no_more_than_others(burst: int) -> None:
    """Where all have used up as much, those who wanted more are remembered longest."""
    buckets = Buckets(Rate(1, burst), most=100)
    assert taken(buckets, FLOODER, 0.0) == burst
    assert not buckets.take(FLOODER, 1, 0.0)
    for number in range(1, 1000):
        while not buckets.ready_in(number, 0.0):
            assert buckets.take(number, 1, 0.0)
    assert not buckets.take(FLOODER, 1, 0.5)


def test_every_newcomer_has_a_token() -> None:
    """However many have come before it, and however much those have taken."""
    buckets = Buckets(Rate(0.01, 3), most=100)
    for number in range(5000):
        assert buckets.take(number, 1, number / 1000)


def test_a_newcomer_begins_where_the_most_modest_is() -> None:
    """When all that are remembered owe something, whoever takes a place takes on what was owed."""
    buckets = Buckets(Rate(1, 10), most=10)
    for number in range(10):
        for _ in range(number + 3):
            buckets.take(number, 1, 0.0)
    assert taken(buckets, 100, 0.0) == 10  # nobody was forgotten before it came
    assert taken(buckets, 101, 0.0) == 7  # one that had taken 3 was
    assert taken(buckets, 102, 0.0) == 6
    assert taken(buckets, 103, 20.0) == 10


def test_peers_that_push_each_other_out() -> None:
    """Two that take turns in a full table get no more than their buckets hold."""
    buckets = Buckets(Rate(1, 10), most=10)
    for number in range(10):
        assert taken(buckets, number, 0.0, most=5) == 5
    got = sum(buckets.take(100 + at % 2, 1, 0.0) for at in range(1000))
    assert got <= 2 * 10


def test_flooders_in_a_crowd() -> None:
    """As many as are remembered get what they may, whatever crowd comes and goes around them."""
    random = Random(3)
    buckets, got, seconds = Buckets(Rate(1, 5), most=50), [0] * 20, 30
    for at in range(seconds * 1000):
        if at % 2:
            buckets.take(1000 + at, 1, at / 1000)
        else:
            peer = random.randrange(20)
            got[peer] += buckets.take(peer, 1, at / 1000)
    assert max(got) <= seconds + 5 + 1


def test_slots_do_not_pile_up() -> None:
    """A peer that goes on for hours leaves nothing behind, beside one that came once."""
    buckets = Buckets(Rate(100, 100))
    buckets.take(ONE, 1, 0.0)
    for at in range(50_000):
        buckets.take(TWO, 1, at / 100)
    assert len(buckets._slots) == len(buckets._order) < SLOTS + 3
    assert len(buckets) == 1


def test_another_rate() -> None:
    """The tokens that are missing stay so when the rate changes, and come back at the new one."""
    buckets = Buckets(Rate(0.01, 10))
    assert taken(buckets, FLOODER, 0.0) == 10
    buckets.change(Rate(10, 10), 0.0)
    assert not buckets.take(FLOODER, 1, 0.0)
    assert taken(buckets, FLOODER, 0.5) == 5
    buckets.change(Rate(10, 15), 0.5)
    assert taken(buckets, FLOODER, 0.5) == 5
    buckets.change(Rate(0.1, 2), 0.5)
    assert not buckets.take(FLOODER, 1, 10.0)
    assert buckets.take(FLOODER, 1, 10.5)
    assert taken(buckets, ONE, 10.0) == 2
    buckets.change(Rate(1, 1), 100.0)
    assert len(buckets) == 0


def test_another_rate_for_newcomers() -> None:
    """They begin with as many tokens missing as before, and have one in any case."""
    buckets = Buckets(Rate(0.1, 10), most=10)
    for number in range(11):
        assert taken(buckets, number, 0.0, most=5) == 5
    buckets.change(Rate(100, 20), 0.0)
    assert taken(buckets, 100, 0.0) == 15
    buckets.change(Rate(100, 3), 0.0)
    assert taken(buckets, 101, 0.0) == 1


@pytest.mark.parametrize("seed", range(20))
def test_nothing_gets_lost(seed: int) -> None:
    """Each remembered bucket has one place; as long as all are remembered, they are exact."""
    random = Random(seed)
    per_second, burst = 10 ** random.uniform(-2, 4), random.randint(1, 30)
    rate, most = Rate(per_second, burst), random.choice([5, 10_000])
    buckets, full_at, now = Buckets(rate, most), dict[int, float](), 0.0
    for _ in range(3000):
        now += random.expovariate(per_second * 3) * random.choice([0, 1, 1, 50])
        key, tokens, whole = random.randrange(20), random.randint(1, 3), random.random() < 0.5
        after = max(full_at.get(key, 0.0), now) + tokens / per_second
        needed = after if whole else after - (tokens - 1) / per_second
        allowed = needed - now <= (burst + 0.001) / per_second
        ready = buckets.ready_in(key, now) == 0
        taken = buckets.take(key, tokens, now, whole=whole)
        if most > 20:
            assert taken == allowed
            full_at[key] = after if taken else full_at.get(key, 0.0)
        assert ready or not taken
        assert len(buckets) <= most
        placed = [each for slot in buckets._slots.values() for each in slot]
        assert sorted(placed) == sorted(buckets._full_at)
        assert sorted(buckets._order) == sorted(buckets._slots)


def test_a_flooder_among_equals() -> None:
    """One that comes back after every newcomer of a crowd is found out, though all look alike."""
    buckets = Buckets(Rate(0.001, 1), most=100)
    for number in range(1, 200):
        assert buckets.take(number, 1, 0.0)
    got = 0
    for number in range(200, 2200):
        got += buckets.take(FLOODER, 1, 0.0)
        buckets.take(number, 1, 0.0)
    assert got < 20

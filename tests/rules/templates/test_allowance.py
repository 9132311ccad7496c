"""What a template may use up, on a clock that stands still."""

from __future__ import annotations

from threading import Thread

import pytest

from sockreply.rules.templates.allowance import MOST_MADE, SECONDS, Allowance, Spending


class Times:
    """The time on the wall, and the processor's."""

    def __init__(self) -> None:
        self.wall = self.processor = 100.0

    def perf_counter(self) -> float:
        return self.wall

    def thread_time(self) -> float:
        return self.processor

    def work(self, seconds: float) -> None:
        """Both pass."""
        self.wall += seconds
        self.processor += seconds


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    """What the allowances of a test look at."""
    made = Times()
    for name in ("perf_counter", "thread_time"):
        monkeypatch.setattr(f"sockreply.rules.templates.allowance.{name}", getattr(made, name))
    return made


def test_time(times: Times) -> None:
    """Work for longer than may be is an error at the next step."""
    allowance = Allowance()
    times.work(SECONDS * 0.9)
    assert allowance.spend("made") == "made"
    times.work(SECONDS * 0.2)
    with pytest.raises(ValueError, match=r"it takes more than 0\.1 s"):
        allowance.spend(None)


def test_time_of_others(times: Times) -> None:
    """While the processor does other things, a template has all the time that it needs."""
    allowance = Allowance()
    for _ in range(10):
        times.wall += SECONDS
        times.work(SECONDS * 0.09)
        allowance.spend(None)
    times.work(SECONDS)
    with pytest.raises(ValueError, match="it takes more than"):
        allowance.spend(None)


@pytest.mark.parametrize("made", ["x" * 1_000_000, b"x" * 1_000_000, [0] * 1_000_000])
def test_what_is_made(made: object, times: Times) -> None:
    """So is to make more than may be; numbers and what is made later are nothing."""
    allowance = Allowance()
    for _ in range(MOST_MADE // 1_000_000):
        allowance.spend(made)
        allowance.spend(10**9)
        allowance.spend(map(str, range(10**9)))
    with pytest.raises(ValueError, match="it makes more than 33554432 bytes on the way"):
        allowance.spend(made)


def test_rounds(times: Times) -> None:
    """A loop that takes longer than may be does not come to its end."""
    seen: list[int] = []

    def loop() -> None:
        for number in Allowance().each(range(1_000)):
            seen.append(number)
            times.work(SECONDS / 100)

    with pytest.raises(ValueError, match="it takes more than"):
        loop()
    assert seen == list(range(len(seen)))
    assert 100 <= len(seen) < 200


def test_without_an_allowance(times: Times) -> None:
    """What is computed while a template is read is not counted, nor what another thread does."""
    spending = Spending()
    spending.allowance = Allowance()
    times.work(SECONDS * 2)
    seen: list[object] = []

    def work() -> None:
        seen.extend([spending.spend("made"), *spending.each([1, 2])])

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["made", 1, 2]
    with pytest.raises(ValueError, match="it takes more than"):
        spending.spend("made")


def test_functions(times: Times) -> None:
    """What a function makes counts, and Jinja2 finds what it is to be called with."""
    spending = Spending()
    spending.allowance = Allowance()

    def double(text: str, times: int = 2) -> str:
        """Doubled."""
        return text * times

    double.jinja_pass_arg = "what"  # type: ignore[attr-defined]  # as Jinja2 marks it
    spent = spending.spent_by(double)
    assert spent("a", times=3) == "aaa"
    assert spent.jinja_pass_arg == "what"  # type: ignore[attr-defined]  # as Jinja2 marks it
    with pytest.raises(ValueError, match="it makes more than"):
        spent("a", times=MOST_MADE)

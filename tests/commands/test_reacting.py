"""The reactor of a command: how it is left, and what Twisted says of that."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest
import twisted
import twisted.internet
from twisted.internet.base import ReactorBase
from twisted.internet.testing import MemoryReactorClock
from twisted.python import usage

from sockreply.commands.reacting import ending_signal, react_to
from sockreply.errors import EndedBySignal, RequestError

SEEN_IN = "26.10.0"
"""The version of Twisted in which `ending_signal` was written."""


@pytest.fixture(autouse=True)
def reactor(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The process's reactor, which runs until the work that it starts with is done."""
    reactor = MemoryReactorClock()
    monkeypatch.setattr(twisted.internet, "reactor", reactor, raising=False)
    return reactor


def test_work_is_done_on_the_reactor(reactor: Any) -> None:
    """It is given the reactor, and the reactor stops after it."""
    given = []

    async def work(reactor: Any) -> None:
        given.append(reactor)

    react_to(work)
    assert given == [reactor]
    assert reactor.hasStopped


@pytest.mark.parametrize("error", [RequestError("no reply"), usage.UsageError("no message")])
def test_errors_of_ours_are_raised(error: Exception) -> None:
    """Whoever called it is told, and nothing is logged."""

    async def work(_: Any) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        react_to(work)
    assert caught.value is error


def test_signal_comes_before_what_it_caused(reactor: Any) -> None:
    """A signal cuts the work off; what fails because of that is not what ended it."""

    async def work(_: Any) -> None:
        reactor._exitSignal = signal.SIGTERM
        raise RequestError("the connection went")

    with pytest.raises(EndedBySignal) as caught:
        react_to(work)
    assert caught.value.number == signal.SIGTERM


@pytest.mark.parametrize("handler", ["sigInt", "sigTerm"])
def test_twisted_keeps_the_signal_where_we_look(handler: str) -> None:
    """`_exitSignal` is private: a Twisted that has it no longer is to fail here, not for a user."""
    gone = (
        f"Twisted {twisted.__version__} keeps no signal in ReactorBase._exitSignal, as "
        f"{SEEN_IN} did: see how its twist finds its exit status, and correct ending_signal()"
    )
    assert hasattr(ReactorBase, "_exitSignal"), gone
    stopped: Any = SimpleNamespace(callFromThread=lambda _: None, stop=None)
    getattr(ReactorBase, handler)(stopped, signal.SIGINT)
    assert ending_signal(stopped) == signal.SIGINT, gone


def test_no_signal() -> None:
    """A reactor that stopped by itself was ended by none."""
    assert ending_signal(SimpleNamespace(_exitSignal=None)) is None
    assert ending_signal(SimpleNamespace()) is None

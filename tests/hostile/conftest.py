"""What the tests of the promises share, and the figures that they print at the end."""

from __future__ import annotations

import sys

import pytest

from tests.end_to_end.conftest import certificate, start_daemon
from tests.hostile.figures import Figure, Promise
from tests.hostile.load import Load, compile_load

__all__ = ["certificate", "figure", "load", "start_daemon"]

FIGURES = pytest.StashKey[list[tuple[Promise, bool, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep no figures yet."""
    config.stash[FIGURES] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what was measured, promise by promise."""
    figures = config.stash[FIGURES]
    if figures:
        terminalreporter.section("figures")
    order = list(Promise)
    for promise, control, text in sorted(figures, key=lambda each: (order.index(each[0]), each[1])):
        terminalreporter.write_line(f"{promise:13}  {'control: ' * control}{text}")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Keeps what a test measured."""

    def keep(promise: Promise, text: str, *, control: bool = False) -> None:
        request.config.stash[FIGURES].append((promise, control, text))

    return keep


@pytest.fixture(autouse=True)
def _on_linux() -> None:
    """Skip all of this elsewhere: the crowd, its counts and the limits are Linux's."""
    if sys.platform != "linux":
        pytest.skip("only Linux has what these tests look with")


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """The crowd of clients, compiled."""
    return compile_load(tmp_path_factory.mktemp("load"))

"""What the tests of the promises share, and the figures that they print at the end."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import certificate, start_daemon
from tests.hostile.figures import Figure, number_of
from tests.hostile.load import Load, compile_load

__all__ = ["certificate", "figure", "load", "start_daemon"]

FIGURES = pytest.StashKey[list[tuple[str, str]]]()


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
    for promise, text in sorted(figures, key=lambda each: number_of(each[0])):
        terminalreporter.write_line(f"{promise:3} {text}")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Keeps what a test measured."""

    def keep(promise: str, text: str) -> None:
        request.config.stash[FIGURES].append((promise, text))

    return keep


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """The crowd of clients, compiled."""
    return compile_load(tmp_path_factory.mktemp("load"))

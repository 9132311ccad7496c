"""What the tests that run real processes share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.certificates import make_certificate
from tests.end_to_end.daemons import Start, daemons_in
from tests.end_to_end.shell import Shell


@pytest.fixture
def start_daemon(tmp_path: Path) -> Iterator[Start]:
    """Starts daemons that work in `tmp_path`."""
    with daemons_in(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts daemons that all tests of a module may talk to."""
    with daemons_in(tmp_path_factory.mktemp("shared")) as start:
        yield start


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with a key and its own certificate for `localhost`."""
    return make_certificate(tmp_path_factory.mktemp("certificate") / "localhost.pem")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A place to type commands in."""
    shell = Shell(tmp_path)
    yield shell
    shell.end()

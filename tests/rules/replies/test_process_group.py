"""Processes at the head of a group, and what is taken of Twisted's insides for them.

What they do is tested with the commands that are run in them.
"""

from __future__ import annotations

import inspect
import os

import twisted
from twisted.internet import process

from tests.private_names import check_names

SEEN_IN = "Twisted 26.10.0"


def test_twisted_still_has_the_names() -> None:
    """The private names are there, and take what we give them."""
    check_names(process, "_getFileActions", seen_in=SEEN_IN, now=twisted.__version__)
    check_names(process.Process, "_fork", seen_in=SEEN_IN, now=twisted.__version__)
    actions = inspect.signature(process._getFileActions)
    assert list(actions.parameters) == ["fdState", "childToParentFD", "doClose", "doDup2"]
    fork = inspect.signature(process.Process._fork)
    overridden = ["self", "path", "uid", "gid", "executable", "args", "environment", "kwargs"]
    assert list(fork.parameters) == overridden


def test_file_actions() -> None:
    """Descriptors are laid over each other so that none is overwritten before it is used."""
    actions = process._getFileActions(
        [(5, True), (6, True)],
        {0: 5, 1: 6},
        doClose=os.POSIX_SPAWN_CLOSE,
        doDup2=os.POSIX_SPAWN_DUP2,
    )
    assert (os.POSIX_SPAWN_DUP2, 5, 0) in actions
    assert (os.POSIX_SPAWN_DUP2, 6, 1) in actions

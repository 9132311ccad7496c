"""Says which private name of a library is gone, and in which version it was last seen."""

from __future__ import annotations


def check_names(owner: object, names: str, *, seen_in: str, now: str) -> None:
    """See whether something still has all of these names.

    Args:
        owner: A module, a class or an object of a library.
        names: With spaces between them.
        seen_in: The name and the version of the library that had them.
        now: The version that is installed.
    """
    gone = [name for name in names.split() if not hasattr(owner, name)]
    assert not gone, f"{owner} has no {', '.join(gone)} in version {now}; it had in {seen_in}"

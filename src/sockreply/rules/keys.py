"""Which conditions hold for a few messages only, so that these can be looked up."""

from __future__ import annotations

from dataclasses import dataclass

from sockreply.rules.conditions import AllOf, AnyOf, Condition, Equals, Mask

_NONE: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class ExactKeys:
    """The only messages for which a condition can hold.

    Args:
        as_they_are: Byte for byte.
        lowered: With ASCII's capital letters made small.
        enough: Does it hold for all of them, whatever else is the case?
    """

    as_they_are: frozenset[bytes]
    lowered: frozenset[bytes]
    enough: bool

    def __len__(self) -> int:
        return len(self.as_they_are) + len(self.lowered)


def exact_keys(condition: Condition | None) -> ExactKeys | None:
    """The only messages for which a condition can hold; None: they are not so few."""
    match condition:
        case Equals(data=Mask(data=data, wild=wild)) if not wild:
            key = frozenset({data})
            if condition.ignore_case and data != data.upper():
                return ExactKeys(_NONE, key, True)
            return ExactKeys(key, _NONE, True)
        case AnyOf(conditions=alternatives):
            each = [exact_keys(alternative) for alternative in alternatives]
            few = [keys for keys in each if keys is not None]
            if len(few) < len(each):
                return None
            return ExactKeys(
                _NONE.union(*(keys.as_they_are for keys in few)),
                _NONE.union(*(keys.lowered for keys in few)),
                all(keys.enough for keys in few),
            )
        case AllOf(conditions=needed):
            few = [keys for keys in map(exact_keys, needed) if keys is not None]
            if not few:
                return None
            fewest = min(few, key=len)
            enough = fewest.enough and len(needed) == 1
            return ExactKeys(fewest.as_they_are, fewest.lowered, enough)
        case _:
            return None

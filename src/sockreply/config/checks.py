"""What is right by itself, but cannot be meant: rules that never act, addresses taken twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

from sockreply.config import form
from sockreply.config.problems import Problems
from sockreply.config.reading import Listening
from sockreply.config.wording import excerpt, place

START = "start"
"""The state that connections begin in, unless the configuration names another."""

NO_MEMORY = "has no effect without keep_alive = true, because a connection then carries one message"

_States: TypeAlias = frozenset[str] | None


def states_of(rule: form.Rule) -> _States:
    """The states in which a rule counts; None: all."""
    if rule.state is None:
        return None
    return frozenset(rule.state if isinstance(rule.state, list) else [rule.state])


def counts_in(rule: form.Rule, state: str) -> bool:
    """Does a rule count in that state?"""
    states = states_of(rule)
    return states is None or state in states


def initial_state(service: form.Service) -> str:
    """The state that connections begin in."""
    return START if service.initial_state is None else service.initial_state


def all_states(service: form.Service) -> set[str]:
    """The states that a connection can be in."""
    led_to = {rule.next_state for rule in service.rules if rule.next_state is not None}
    return {initial_state(service)} | led_to


def check_rules(service: form.Service, problems: Problems) -> None:
    """Find what never acts.

    Args:
        service: With a name in each of its rules.
        problems: Collect it.
    """
    _check_order(service, problems)
    _check_states(service, problems)
    if not service.keep_alive:
        if service.states:
            problems.add(NO_MEMORY, "states")
        for rule in service.rules:
            _check_memory(rule, problems)


def check_addresses(listening: Sequence[Listening], problems: Problems) -> None:
    """Find addresses that are listened on twice.

    Args:
        listening: The places in the configuration, and the addresses there.
        problems: Collect them.
    """
    by_key = defaultdict[object, list[Listening]](list)
    told = set[object]()
    for keys, address in listening:
        same = by_key[address.key]
        for other_keys, other in same:
            if address.collides(other):
                if (keys, other_keys) not in told:  # of two ranges, the first port is enough
                    problems.add(f"{address.name} is already used by {place(other_keys)}", *keys)
                    told.add((keys, other_keys))
                break
        same.append((keys, address))


def _check_order(service: form.Service, problems: Problems) -> None:
    """Find rules, and `otherwise`, that come after one that answers all that they would."""
    everything = _said(None)
    before = defaultdict[str, list[tuple[str, _States]]](list)
    for rule in service.rules:
        name, when, states = str(rule.name), _said(rule.when), states_of(rule)
        for other, others in (*before[everything], *(before[when] if rule.when else ())):
            if others is None or (states is not None and states <= others):
                problems.add(
                    f"unreachable: {other} already answers everything this rule would",
                    "rules",
                    name,
                )
                break
        if rule.chance == 1:
            before[when].append((name, states))
    for name, states in before[everything]:
        if states is None and service.otherwise is not None:
            problems.add(f"unreachable: {name} already answers every message", "otherwise")
            break


def _said(when: form.When | list[form.When] | None) -> str:
    """The same text for the same conditions."""
    tables = when if isinstance(when, list) else [] if when is None else [when]
    return repr(sorted(map(repr, tables)))


def _check_states(service: form.Service, problems: Problems) -> None:
    """Find rules and framings for states that no connection comes to."""
    known = all_states(service)
    places: list[tuple[str, tuple[str, ...]]] = [
        (state, ("states", state)) for state in service.states if state not in known
    ]
    for rule in service.rules:
        for state in sorted((states_of(rule) or known) - known):
            places.append((state, ("rules", str(rule.name), "state")))
    for state, keys in places:
        reason = f"no rule leads to state {excerpt(state)}; known: {', '.join(sorted(known))}"
        problems.add(reason, *keys)


def _check_memory(rule: form.Rule, problems: Problems) -> None:
    """Find what a connection with one message has no use for."""
    for key in ("state", "next_state"):
        if getattr(rule, key) is not None:
            problems.add(NO_MEMORY, "rules", str(rule.name), key)
    if rule.replies is not None and rule.scope != "service":
        reason = "only the first is used without keep_alive = true or scope = 'service'"
        problems.add(reason, "rules", str(rule.name), "replies")

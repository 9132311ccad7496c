"""The rules of a service become a table that answers."""

from __future__ import annotations

from dataclasses import replace

from sockreply.config import form
from sockreply.config.checks import all_states, counts_in, initial_state, states_of
from sockreply.config.problems import Problems
from sockreply.config.read_conditions import GroupedCondition, read_condition
from sockreply.config.read_data import UNKNOWN_GROUPS, Groups, warn_of_template
from sockreply.config.read_replies import read_reply, read_sequence
from sockreply.config.reading import Reading
from sockreply.config.wording import Key
from sockreply.errors import ConfigError
from sockreply.rules import ReplySource, Rule, RuleTable


def read_rules(written: form.Service, reading: Reading) -> RuleTable | None:
    """The table of a service's rules."""
    problems = reading.problems
    rules: list[Rule] = []
    every = left = sorted(all_states(written))  # left: where a message may come to the next rule
    for rule in written.rules:
        here = [state for state in left if counts_in(rule, state)]
        with problems.at("rules", str(rule.name)):
            read = _read_rule(rule, reading.in_states(here or every))
            rules += [read] if read else []
        if rule.when is None and rule.chance == 1:
            left = [state for state in left if state not in here]
    otherwise = None
    with problems.at("otherwise"):
        if written.otherwise is not None:
            otherwise = read_reply(written.otherwise, reading.in_states(left or every))
    if problems.here():
        return None
    return RuleTable(
        rules,
        otherwise=otherwise,
        initial_state=initial_state(written),
        seed=written.seed,
        framings=reading.by_state,
    )


def read_rules_again(
    written: form.Service, reading: Reading, keys: tuple[Key, ...], encoding: str
) -> RuleTable:
    """The same table with its text in another encoding.

    Args:
        written: The service.
        reading: What its rules were read with.
        keys: The service's place.
        encoding: The other encoding.

    Raises:
        ConfigError: That encoding cannot encode it all.
    """
    problems, table = Problems(), None
    reading = replace(reading, problems=problems, encoding=encoding, warnings=[])
    with problems.at(*keys):
        table = read_rules(written, reading)
    if table is None:
        raise ConfigError(problems.lines()[0])
    return table


def _read_rule(written: form.Rule, reading: Reading) -> Rule | None:
    problems = reading.problems
    if not problems.here():
        _check_keys(written, problems)
    for key in ("name", "state", "next_state"):
        for at, text in problems.each(getattr(written, key)):
            with problems.at(key), at:
                warn_of_template(text, reading)
    when: GroupedCondition | None = None
    groups: Groups = None
    if written.when is not None:
        with problems.at("when"):
            when = read_condition(written.when, reading)
        groups = when.groups if when else UNKNOWN_GROUPS
    reply: ReplySource | None = None
    if written.reply is not None:
        with problems.at("reply"):
            reply = read_reply(written.reply, reading, groups)
    elif written.replies is not None:
        with problems.at("replies"):
            reply = read_sequence(written, reading, groups)
    if reply is None or problems.here():
        return None
    condition = when and when.condition
    return Rule(
        str(written.name), condition, reply, states_of(written), written.next_state, written.chance
    )


def _check_keys(written: form.Rule, problems: Problems) -> None:
    """Find keys that go together, or do not."""
    if written.reply is None and written.replies is None:
        problems.add("replies with nothing: it takes reply or replies; reply = [] is silence")
    if written.reply is not None and written.replies is not None:
        problems.add("reply and replies cannot be combined", "replies")
    for key in ("after_last", "scope"):
        if getattr(written, key) is not None and written.replies is None:
            problems.add("needs replies as well", key)
    if written.state == []:
        problems.add("an empty list; leave it out if the state does not matter", "state")

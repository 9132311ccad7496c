"""The rules of a service become a table that answers."""

from __future__ import annotations

from dataclasses import replace

from sockreply.config import form
from sockreply.config.checks import START, states_of
from sockreply.config.problems import Key, Problems
from sockreply.config.read_conditions import Built, build_condition
from sockreply.config.read_data import UNKNOWN_GROUPS, Context, Groups
from sockreply.config.read_replies import build_reply, build_sequence
from sockreply.errors import ConfigError
from sockreply.rules.table import ReplySource, Rule, RuleTable


def build_table(written: form.Service, context: Context) -> RuleTable:
    """The rules of a service, as far as they are right; the problems are told what is wrong."""
    problems = context.problems
    rules: list[Rule] = []
    for rule in written.rules:
        with problems.at("rules", str(rule.name)):
            built = _rule(rule, context)
            rules += [built] if built else []
    otherwise = None
    with problems.at("otherwise"):
        otherwise = None if written.otherwise is None else build_reply(written.otherwise, context)
    initial_state = START if written.initial_state is None else written.initial_state
    return RuleTable(rules, otherwise=otherwise, initial_state=initial_state, seed=written.seed)


def table_in(
    encoding: str, written: form.Service, context: Context, keys: tuple[Key, ...]
) -> RuleTable:
    """The same rules with their text in another encoding.

    Args:
        encoding: That one.
        written: The service.
        context: What it was built with.
        keys: Its place.

    Raises:
        ConfigError: That encoding cannot encode it all.
    """
    problems = Problems()
    context = replace(context, problems=problems, encoding=encoding, warnings=[])
    with problems.at(*keys):
        table = build_table(written, context)
    if problems.lines():
        raise ConfigError(problems.lines()[0])
    return table


def _rule(written: form.Rule, context: Context) -> Rule | None:
    problems = context.problems
    if not problems.here():
        _check_keys(written, problems)
    built: Built | None = None
    groups: Groups = None
    if written.when is not None:
        with problems.at("when"):
            built = build_condition(written.when, context)
        groups = built.groups if built and not problems.here("when") else UNKNOWN_GROUPS
    reply: ReplySource | None = None
    if written.reply is not None:
        with problems.at("reply"):
            reply = build_reply(written.reply, context, groups)
    elif written.replies is not None:
        with problems.at("replies"):
            reply = build_sequence(written, context, groups)
    if reply is None or problems.here():
        return None
    condition = built and built.condition
    return Rule(
        str(written.name), condition, reply, states_of(written), written.next_state, written.chance
    )


def _check_keys(written: form.Rule, problems: Problems) -> None:
    """Find keys that go together, or do not."""
    if written.reply is None and written.replies is None:
        problems.add("replies with nothing: it takes reply or replies; reply = [] is silence")
    if written.reply is not None and written.replies is not None:
        problems.add("reply and replies exclude each other", "replies")
    for key in ("after_last", "scope"):
        if getattr(written, key) is not None and written.replies is None:
            problems.add("stands only beside replies", key)
    if written.state == []:
        problems.add("an empty list; leave it out if the state does not matter", "state")

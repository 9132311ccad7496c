"""A service becomes its settings: where it listens, its framing, its limits and what answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial

from sockreply.config import form
from sockreply.config.check_datagrams import check_datagrams
from sockreply.config.checks import check_rules, initial_state
from sockreply.config.read_data import read_encoding, warn_of_template
from sockreply.config.read_framing import read_framing
from sockreply.config.read_listeners import read_listeners
from sockreply.config.read_networks import read_networks
from sockreply.config.read_per_peer import read_per_peer
from sockreply.config.read_replies import read_reply
from sockreply.config.read_rules import read_rules, read_rules_again
from sockreply.config.reading import Reading
from sockreply.framing.interfaces import Framing
from sockreply.replies.named import load_responder
from sockreply.replies.responder import Greeting, Responder
from sockreply.rules import Recipe, RuleTable
from sockreply.settings import Limits, ServiceSettings, shown_as


def read_service(written: form.Service, reading: Reading) -> ServiceSettings | None:
    """The settings of a service."""
    problems = reading.problems
    listen = read_listeners(written.listen, reading)
    starts_tls = any(each.tls is not None and each.tls.starttls for each in listen)
    known = starts_tls or problems.here("listen")
    reading = replace(reading, starttls=known, begins_tls=[])
    reading = _with_notation(written, reading)
    reading = replace(reading, streams=check_datagrams(written, listen, reading))
    limits = _read_limits(written, reading)
    responder, responder_in, rules = _read_responder(written, reading)
    greeting = None
    unasked = replace(reading.in_states([initial_state(written)]), asked=False)
    with problems.at("greeting"):
        greeting = None if written.greeting is None else read_reply(written.greeting, unasked)
    if problems.here() or responder is None:
        return None
    if starts_tls and rules is not None and not reading.begins_tls:
        with problems.at("listen"):
            reading.warn("has starttls, but no reply begins TLS: { starttls = true }")
    return ServiceSettings(
        listen=listen,
        framing=_whole_framing(written, reading),
        responder=responder,
        encoding=reading.encoding,
        shown_as=shown_as(written.show, reading.framing, reading.encoding),
        responder_in=responder_in,
        keep_alive=written.keep_alive,
        greeting=None if greeting is None else _greet(greeting, rules or RuleTable(())),
        limits=limits,
        max_connections_asked=written.max_connections is not None,
    )


def _with_notation(written: form.Service, reading: Reading) -> Reading:
    """The same with the service's framing and encoding, where they are right."""
    reading = replace(reading, max_message=written.max_message)
    with reading.problems.at("encoding"):
        reading = replace(reading, encoding=read_encoding(written.encoding, reading))
    with reading.problems.at("initial_state"):
        warn_of_template(written.initial_state, reading)
    with reading.problems.at("framing"):
        framing = read_framing(written.framing, reading)
        reading = reading if framing is None else replace(reading, framing=framing)
    known = not reading.problems.here("framing")
    by_state: dict[str, Framing] = {}
    for name, state in written.states.items():
        with reading.problems.at("states", name, "framing"):
            framing = read_framing(state.framing, reading)
            by_state |= {} if framing is None else {name: framing}
    known &= len(by_state) == len(written.states)
    return replace(reading, by_state=by_state, knows_framing=known)


def _whole_framing(written: form.Service, reading: Reading) -> Framing:
    """The service's framing, with those of its states."""
    if not reading.by_state:
        return reading.framing
    from sockreply.framing.switched import Switched  # now, because few want it

    first = reading.by_state.get(initial_state(written), reading.framing)
    return Switched(first, reading.framing, tuple(reading.by_state.values()))


def _read_limits(written: form.Service, reading: Reading) -> Limits:
    same = {each.name for each in fields(Limits)} - {"allow", "max_connections", "per_peer"}
    limits = Limits(**{name: getattr(written, name) for name in same})
    if written.max_connections is not None:
        limits = replace(limits, max_connections=written.max_connections)
    if written.allow is not None:
        with reading.problems.at("allow"):
            limits = replace(limits, allow=read_networks(written.allow, reading))
    if written.per_peer is not None:
        with reading.problems.at("per_peer"):
            limits = replace(limits, per_peer=read_per_peer(written, written.per_peer, reading))
    return limits


def _read_responder(
    written: form.Service, reading: Reading
) -> tuple[Responder | None, Callable[[str], Responder] | None, RuleTable | None]:
    """The responder, what makes it with its text in another encoding, and the rules, if any."""
    problems = reading.problems
    if written.responder is None:
        keys = problems.keys()
        known = not any(map(problems.here, ("rules", "initial_state", "states", "keep_alive")))
        table = read_rules(written, reading)
        if known:
            check_rules(written, problems)
        return table, partial(read_rules_again, written, reading, keys), table
    for key in ("rules", "otherwise", "initial_state", "states", "seed"):
        if getattr(written, key) not in (None, [], {}):
            problems.add(f"responder and {key} cannot be combined", key)
    with problems.at("responder"):
        load = partial(load_responder, written.responder, reading.files.directory)
        return reading.in_loop(load), None, None
    return None, None, None


def _greet(recipe: Recipe, table: RuleTable) -> Greeting:
    if recipe.fixed is not None:
        return recipe.fixed
    return lambda session: recipe.make(table.asked(b"", session))

"""What the policy would ask if more were the case than is known: rules that may still come to apply, one by one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.core.conditions import either
from bot.core.demand import Demand
from bot.core.evaluation import evaluate
from bot.core.policy import Policy
from bot.core.policy_channels import excepted, undecided
from bot.core.policy_rule import Facts, Rule
from bot.core.policy_words import explain
from bot.core.risk_codes import RISKS, clauses
from bot.core.slots import filled

KINDS = ("plans", "regions", "engines", "channels", "when")
"""The conditions of a rule, by their keys."""

NOTHING_MORE = "It asks for nothing that is not asked for anyway."


@dataclass(frozen=True, slots=True)
class Unknown:
    """What may turn out otherwise than the facts say, so that a rule which does not apply may yet."""

    kinds: frozenset[str] = frozenset()
    """Conditions whose facts are missing, at least in part: `plans` where a plan's name is, or may become another."""
    risks: frozenset[str] = frozenset(RISKS)
    """Codes of risks that may be there besides those in the facts."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What one rule would ask in addition."""

    headline: str
    lines: tuple[str, ...]
    hangs_on: frozenset[str]
    """The kinds of conditions that are open."""
    risks: frozenset[str] = frozenset()
    """Any of these would bring it, where `when` is among them."""


def outlook(policy: Policy, facts: Facts, unknown: Unknown, at: datetime) -> list[WhatIf]:
    """Return what each rule that does not apply, but may, would ask in addition; none where all is denied anyway.

    Behind them, what would be asked without each rule that applies, but may be excepted. Nobody is counted in it, so
    `facts.members` may be without the groups of these rules. Lines are mrkdwn.
    """
    asked = evaluate(policy, facts)
    said = explain(asked, at, counted=False)
    found: list[WhatIf] = []
    rules = sorted(policy.rules, key=lambda rule: rule.name)
    for rule in () if asked.denied else rules:
        if rule.meets(facts) is not None or excepted(rule.except_channels, facts):
            continue
        conditions = dict(_open_conditions(rule, facts, unknown))
        if not all(conditions.values()):
            continue
        without = rule.model_copy(update={kind: [] for kind in conditions})
        others = [without if other is rule else other for other in policy.rules]
        then = evaluate(policy.model_copy(update={"rules": others}), facts).model_copy(update={"rules": asked.rules})
        headline = f"If {' and '.join(conditions.values())}, rule “{rule.name}” applies as well."
        if rule.reason and not rule.deny:
            headline += f" {rule.reason}"
        more = [line for line in explain(then, at, counted=False) if line not in said]
        risks = unknown.risks.intersection(rule.when) if "when" in conditions else frozenset[str]()
        found.append(WhatIf(headline, tuple(more or [NOTHING_MORE]), frozenset(conditions), risks))
    return found + [one for rule in rules if (one := _if_excepted(rule, policy, facts, unknown, at)) is not None]


def _if_excepted(rule: Rule, policy: Policy, facts: Facts, unknown: Unknown, at: datetime) -> WhatIf | None:
    """Return what would be asked if an exception turned out to hold, None where none can."""
    patterns = [str(one) for one in undecided(rule.except_channels, facts)]
    if rule.meets(facts) is None or "channels" not in unknown.kinds or not patterns:
        return None
    said = explain(evaluate(policy, facts), at, counted=False)
    others = [other for other in policy.rules if other is not rule]
    then = explain(evaluate(policy.model_copy(update={"rules": others}), facts), at, counted=False)
    headline = f"If {_in_channel(patterns)}, rule “{rule.name}” does not apply."
    return WhatIf(headline, tuple(line for line in then if line not in said), frozenset({"channels"}))


def _open_conditions(rule: Rule, facts: Facts, unknown: Unknown) -> Iterator[tuple[str, str]]:
    """Yield each kind of condition that is not met, with what would have to be the case; "" for what cannot be."""
    for kind in KINDS:
        alone = rule.model_copy(update={other: [] for other in KINDS if other != kind})
        if alone.meets(facts) is None:
            yield kind, _clause(kind, rule, facts, unknown)


def _clause(kind: str, rule: Rule, facts: Facts, unknown: Unknown) -> str:
    if kind == "when":
        risks = clauses(tuple(code for code in dict.fromkeys(rule.when) if code in unknown.risks))
        return either(risks) if risks else ""
    if kind not in unknown.kinds:
        return ""
    if kind == "channels":
        patterns = [str(one) for one in undecided(rule.channels, facts)]
        return _in_channel(patterns) if patterns else ""
    begin = {
        "plans": "the plan gets a name that matches" if facts.plan_name else "the plan’s name matches",
        "regions": "the region matches",
        "engines": "the engine matches",
    }[kind]
    return f"{begin} {_in_code(getattr(rule, kind))}"


def _in_channel(patterns: list[str]) -> str:
    return f"it is asked for in a channel that matches {_in_code(patterns)}"


def _in_code(patterns: list[str]) -> str:
    return either([f"`{pattern}`" for pattern in patterns])


def only_elsewhere(policy: Policy, channel_id: str) -> str:
    """Say where changes may be posted if not in this channel; "" if they may, or where none is given."""
    allowed = policy.defaults.channels
    if not channel_id or not allowed or channel_id in allowed:
        return ""
    listed = either([f"<#{one}>" for one in allowed])
    return f"The policy allows changes only in {listed}, not in <#{channel_id}>."


def shortage(asked: Demand) -> str:
    """Say that those who may approve are too few; "" where they are enough. Its pools must be looked up."""
    missing = filled(asked, asked.pool)
    return "" if missing.done else f"As the groups are now, nobody can get it approved: it takes {missing.sentence}."


def without_markup(text: str) -> str:
    """Return a sentence of the policy's as plain text: ids in the place of Slack's mentions."""
    return re.sub(r"<(?:!subteam\^|@|#)([A-Z0-9]+)>", r"\1", text).replace("`", "")

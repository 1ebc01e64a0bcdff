"""What the policy would ask if more were the case than is known: rules that may still come to apply, one by one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.core.conditions import either
from bot.core.demand import Demand
from bot.core.evaluation import evaluate
from bot.core.policy import Policy
from bot.core.policy_rule import RISKS, Facts, Rule
from bot.core.policy_words import explain
from bot.core.slots import filled

IF_RISK: Mapping[str, str] = {
    "retention-shortened": "backups are kept for less time",
    "log-backup-off": "log backup is turned off",
    "source-changed": "the source changes",
    "storage-changed": "the place where backups are kept changes",
    "account-changed": "the account whose database is backed up changes",
    "schedule-manual": "the strategy becomes manual",
}
"""The condition that each risk is, as a clause."""

KINDS = ("plans", "regions", "engines", "channels", "when")
"""The conditions of a rule, by their keys."""

NOTHING_MORE = "It asks for nothing that is not asked for anyway."


@dataclass(frozen=True, slots=True)
class Unknown:
    """What may turn out otherwise than the facts say, so that a rule which does not apply may yet."""

    kinds: frozenset[str] = frozenset()
    """Conditions whose facts are missing, at least in part: `plans` where a plan's name is, for example."""
    risks: frozenset[str] = frozenset(RISKS)
    """Codes of risks that may be there besides those in the facts."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What one rule would ask in addition."""

    headline: str
    lines: tuple[str, ...]
    hangs_on: frozenset[str]
    """The kinds of conditions that are open."""


def outlook(policy: Policy, facts: Facts, unknown: Unknown, at: datetime) -> list[WhatIf]:
    """Return what each rule that does not apply, but may, would ask in addition; none where all is denied anyway.

    Nobody is counted in it, so `facts.members` may be without the groups of these rules. Lines are mrkdwn.
    """
    asked = evaluate(policy, facts)
    said = explain(asked, at, counted=False)
    found: list[WhatIf] = []
    for rule in () if asked.denied else sorted(policy.rules, key=lambda rule: rule.name):
        if rule.meets(facts) is not None:
            continue
        conditions = dict(_open_conditions(rule, facts, unknown))
        if not all(conditions.values()):
            continue
        without = rule.model_copy(update={kind: [] for kind in conditions})
        rules = [without if other is rule else other for other in policy.rules]
        then = evaluate(policy.model_copy(update={"rules": rules}), facts).model_copy(update={"rules": asked.rules})
        headline = f"If {' and '.join(conditions.values())}, rule “{rule.name}” applies as well."
        if rule.reason and not rule.deny:
            headline += f" {rule.reason}"
        more = [line for line in explain(then, at, counted=False) if line not in said]
        found.append(WhatIf(headline, tuple(more or [NOTHING_MORE]), frozenset(conditions)))
    return found


def _open_conditions(rule: Rule, facts: Facts, unknown: Unknown) -> Iterator[tuple[str, str]]:
    """Yield each kind of condition that is not met, with what would have to be the case; "" for what cannot be."""
    for kind in KINDS:
        alone = rule.model_copy(update={other: [] for other in KINDS if other != kind})
        if alone.meets(facts) is None:
            yield kind, _clause(kind, rule, facts, unknown)


def _clause(kind: str, rule: Rule, facts: Facts, unknown: Unknown) -> str:
    if kind == "when":
        risks = [IF_RISK[code] for code in dict.fromkeys(rule.when) if code in unknown.risks]
        return either(risks) if risks else ""
    patterns: list[str] = getattr(rule, kind)
    if kind == "channels":
        patterns = _channels(patterns, facts)
    if kind not in unknown.kinds or not patterns:
        return ""
    begin = {
        "plans": "the plan’s name matches",
        "regions": "the region matches",
        "engines": "the engine matches",
        "channels": "it is asked for in a channel that matches",
    }[kind]
    return f"{begin} {either([f'`{pattern}`' for pattern in patterns])}"


def _channels(patterns: list[str], facts: Facts) -> list[str]:
    """Leave out the patterns that are decided: Slack's ids are in capitals, names of channels never are."""
    if facts.channel_id:
        return [pattern for pattern in patterns if pattern == pattern.lower()]
    if facts.channel_name:
        return [pattern for pattern in patterns if pattern == pattern.upper()]
    return patterns


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

"""What whoever keeps a policy may want to know of it, although nothing is wrong with the file."""

from collections.abc import Iterator

from bot.core.conditions import either
from bot.core.policy import Policy
from bot.core.policy_channels import MadeBy
from bot.core.policy_rule import Rule
from bot.core.policy_words import both
from bot.core.risk_codes import RISKS


def notes(policy: Policy) -> Iterator[str]:
    """Yield one sentence for each."""
    named = {code for rule in policy.rules for code in rule.when}
    if unnamed := [code for code in RISKS if code not in named]:
        yield f"No rule names {', '.join(unnamed)}."
    for rule in policy.rules:
        yield from _replacing(rule, policy)
        if rule.binds and rule.channels and not _everywhere(rule, policy.defaults.channels):
            yield (
                f"The rule “{rule.name}” asks for more only in some channels, and whoever asks chooses the channel: "
                "leave channels out, and name in except_channels where it is too much."
            )
        if escapes := [one for one in rule.except_channels if not isinstance(one, MadeBy) and not _is_id(one)]:
            listed = ", ".join(map(str, escapes))
            yield (
                f"The rule “{rule.name}” does not apply in channels called {listed}, and everybody can call a channel "
                "that: write the id, or add created_by."
            )


def _replacing(rule: Rule, policy: Policy) -> Iterator[str]:
    """Say whether whoever asks can choose to be approved by others than the people whom the defaults ask for.

    A rule without conditions always applies, so nobody chooses it: the people who step in for it are no surprise.
    """
    by = [one for one, is_open in (
        ("by the plan’s new name", bool(rule.plans)),
        ("by the channel they choose", bool(rule.channels) and not _everywhere(rule, policy.defaults.channels)),
        ("by a risk that they add", bool(rule.when)),
    ) if is_open]  # fmt: skip
    if rule.deny or not by or (rule.channels and all(isinstance(one, MadeBy) for one in rule.channels)):
        return
    defaults = policy.defaults
    ours = {*defaults.approvers}
    anyway = ours.union(*(one.escalate_to for one in policy.rules if _always(one)))
    places = rule.places(defaults.approvals)
    theirs = sum(one.at_least for one in places if ours.issuperset(one.who))
    others = [] if theirs >= defaults.approvals else [one for each in places for one in each.who if one not in ours]
    others += [one for one in rule.escalate_to if one not in anyway]
    if others:
        yield (
            f"Whoever makes the rule “{rule.name}” apply, {either(by)}, may be approved by "
            f"{both(list(dict.fromkeys(others)))} instead of the defaults’ {both(defaults.approvers)}: have the rule "
            f"ask for {defaults.approvals} of these as well, in a place of their own."
        )


def _always(rule: Rule) -> bool:
    conditions = (rule.plans, rule.regions, rule.engines, rule.channels, rule.except_channels, rule.when)
    return not any(conditions)


def _everywhere(rule: Rule, allowed: list[str]) -> bool:
    """Whether changes are posted only in channels that the rule names by their ids."""
    return bool(allowed) and set(allowed) <= {one for one in rule.channels if isinstance(one, str)}


def _is_id(pattern: str) -> bool:
    """Whether a pattern can match nothing but ids: Slack writes them in capitals, and names of channels never."""
    return pattern != pattern.lower() and pattern == pattern.upper()

"""What whoever keeps a policy may want to know of it, although nothing is wrong with the file."""

from collections.abc import Iterator

from bot.core.policy import Policy
from bot.core.policy_channels import MadeBy
from bot.core.policy_rule import Rule
from bot.core.risk_codes import RISKS


def notes(policy: Policy) -> Iterator[str]:
    """Yield one sentence for each."""
    named = {code for rule in policy.rules for code in rule.when}
    if unnamed := [code for code in RISKS if code not in named]:
        yield f"No rule names {', '.join(unnamed)}."
    for rule in policy.rules:
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


def _everywhere(rule: Rule, allowed: list[str]) -> bool:
    """Whether changes are posted only in channels that the rule names by their ids."""
    return bool(allowed) and set(allowed) <= {one for one in rule.channels if isinstance(one, str)}


def _is_id(pattern: str) -> bool:
    """Whether a pattern can match nothing but ids: Slack writes them in capitals, and names of channels never."""
    return pattern != pattern.lower() and pattern == pattern.upper()

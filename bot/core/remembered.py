"""What this bot last set on a plan, and how much of that can still be relied on: what DBS shows, DBS knows better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.core.change import Change, State
from bot.core.diff import compare_read_back
from bot.core.plan import parameters
from bot.core.reading import Reading, Values


@dataclass(frozen=True, slots=True)
class LastSet:
    """The last change of a plan that was applied, less what a later one may have overtaken."""

    sent: Values = field(default_factory=dict)
    """Everything that it sent, {} for nothing."""
    at: str = ""
    """When it was applied."""
    overtaken: frozenset[str] = frozenset()
    """The parameters that a later change, of which nobody knows what came of it, would have set otherwise."""

    def known(self, reading: Reading) -> dict[str, str]:
        """Return what of it tells something that DBS does not show; nothing once somebody else changed the plan."""
        if compare_read_back(self.sent, reading):
            return {}
        hidden = [one.name for one in parameters() if not one.readable]
        return {name: self.sent[name] for name in hidden if name in self.sent and name not in self.overtaken}


def last_set(changes: Iterable[Change]) -> LastSet:
    """Return it from the changes of a plan that may have reached DBS, newest first, as far as one that was applied."""
    later: list[Mapping[str, str]] = []
    for change in changes:
        sent = change.request.proposed
        if change.state is State.APPLIED:
            overtaken = {name for other in later for name in {*sent, *other} if sent.get(name) != other.get(name)}
            return LastSet(sent, change.ended_at, frozenset(overtaken))
        later.append(sent)
    return LastSet()


def still_known(claimed: Values, now: Values) -> bool:
    """Whether what was remembered when a form was filled is what is remembered now."""
    return all(now.get(name) == text for name, text in claimed.items())

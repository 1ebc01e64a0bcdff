"""What this bot last set on a plan, and how much of that can still be relied on: what DBS shows, DBS knows better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.core.change import Change, State
from bot.core.diff import compare_read_back
from bot.core.plan import derived, normalise, parameter, parameters
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
    tried: tuple[Values, ...] = ()
    """Everything that each of these later changes sent, newest first; also where none was ever applied."""

    def known(self, reading: Reading) -> dict[str, str]:
        """Return what of it tells something that DBS does not show.

        That is what DBS shows no value of, unless it shows the plan otherwise than this change left it: then somebody
        else changed it. And it is that people set what DBS could find by itself, for as long as DBS shows it so.
        """
        by_people = self._set_over_dbs(reading)
        if self._is_changed_since(reading):
            return by_people
        hidden = [one.name for one in parameters() if not one.readable]
        return by_people | {name: self.sent[name] for name in hidden if name in self.sent.keys() - self.overtaken}

    def _is_changed_since(self, reading: Reading) -> bool:
        """Tell whether DBS shows something otherwise, or something that was left out and that it did not find."""
        left_out = normalise(reading.values).keys() - self.sent.keys()
        found = {name for name in left_out if derived(name, reading.values)}
        return bool(left_out - found) or bool(compare_read_back(self.sent, reading))

    def _set_over_dbs(self, reading: Reading) -> dict[str, str]:
        shown = reading.values
        return {
            name: text
            for sent in (*self.tried, self.sent)
            for name, text in sent.items()
            if name in shown and derived(name, shown) and parameter(name).same(text, shown[name])
        }


def last_set(changes: Iterable[Change]) -> LastSet:
    """Return it from the changes of a plan that may have reached DBS, newest first, as far as one that was applied."""
    later: list[Mapping[str, str]] = []
    for change in changes:
        sent = change.request.proposed
        if change.state is State.APPLIED:
            overtaken = {name for other in later for name in {*sent, *other} if sent.get(name) != other.get(name)}
            return LastSet(sent, change.ended_at, frozenset(overtaken), tuple(later))
        later.append(sent)
    return LastSet(tried=tuple(later))


def still_known(claimed: Values, now: Values) -> bool:
    """Whether what was remembered when a form was filled is what is remembered now."""
    return all(now.get(name) == text for name, text in claimed.items())

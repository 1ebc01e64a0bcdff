"""What the policy says, in the words people read. Mentions are Slack's; nothing in here is anybody's free text."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from bot.core.calendar import HORIZON, closes_at, opens_at
from bot.core.demand import Demand, Slot
from bot.core.duration import say_duration
from bot.core.policy_section import is_group

MOST_NAMED = 20
"""People named in a sentence, before it only counts the rest."""

MOST_FREEZES = 3


def people(number: int) -> str:
    """Return the noun after a number."""
    return "person" if number == 1 else "people"


def mention(who: str) -> str:
    """Write a user or a group so that Slack shows its name."""
    return f"<!subteam^{who}>" if is_group(who) else f"<@{who}>"


def listed(who: Sequence[str]) -> str:
    """Name people and groups, counting those that are too many."""
    names = ", ".join(mention(one) for one in who[:MOST_NAMED])
    return names + (f" and {len(who) - MOST_NAMED} more" if len(who) > MOST_NAMED else "")


def either_of(who: Sequence[str]) -> str:
    """Name people and groups of whom any will do."""
    if len(who) > MOST_NAMED:
        return listed(who)
    names = [mention(one) for one in who]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def both(parts: Sequence[str]) -> str:
    """Join what holds together."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def card_line(
    number: int,
    slots: Sequence[Slot],
    requester: str,
    because: Sequence[str],
    windows: Sequence[Sequence[str]],
    freezes: Sequence[str],
) -> str:
    """Say in one line how many must approve, who, why and when; `because` are names of rules."""
    if len(slots) == 1:
        line = f"{number} {people(number)} out of {listed(slots[0].who)} must approve"
    else:
        line = f"{number} {people(number)} must approve, at least {_places(slots)}"
    if requester:
        line += f", not counting <@{requester}>"
    if because:
        line += f", because of {both([f'“{name}”' for name in because])}"
    if windows:
        line += f"; may be carried out {say_windows(windows)}"
    if freezes:
        line += f"; not during {say_freezes(freezes)}"
    return line + "."


def _places(slots: Sequence[Slot]) -> str:
    return both([f"{slot.at_least} of {either_of(slot.who)}" for slot in slots])


def say_windows(windows: Iterable[Iterable[str]]) -> str:
    """Say when it is open: `Mon–Fri 09:00–18:00 Asia/Shanghai or …`."""
    return ", and only then also ".join(" or ".join(map(_dashed, rule)) for rule in windows)


def _dashed(window: str) -> str:
    days, hours, zone = window.split(" ")
    return f"{days} {hours} ".replace("-", "–") + zone


def say_freezes(freezes: Sequence[str]) -> str:
    """Say when it is closed: `2026-12-24 to 2027-01-02 UTC`."""
    parts = []
    for freeze in freezes[:MOST_FREEZES]:
        days, _, zone = freeze.partition(" ")
        parts.append(f"{days.replace('/', ' to ')} {zone or 'UTC'}")
    if len(freezes) > MOST_FREEZES:
        parts.append(f"{len(freezes) - MOST_FREEZES} more freezes")
    return both(parts)


def say_opening(result: Demand, at: datetime) -> str:
    """Say whether it may be carried out at this moment, and until or from when; "" where it always may."""
    if not result.windows and not result.freezes:
        return ""
    opens = opens_at(result.windows, result.freezes, at)
    if opens is None:
        return f"It may not be carried out within the next {HORIZON} days."
    if opens > at:
        return f"It may be carried out from {_minute(opens)} on."
    closes = closes_at(result.windows, result.freezes, at)
    return f"It may be carried out now, until {_minute(closes)}." if closes else "It may be carried out now."


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def explain(result: Demand, at: datetime, *, counted: bool = True) -> list[str]:
    """Say line by line which rules apply and why, who may approve, how many, until when, and what follows.

    Not `counted`: nobody has looked up who is in which group.
    """
    lines = [
        f"Rule “{rule.name}” applies ({rule.because})." + (f" {rule.reason}" if rule.reason else "")
        for rule in result.rules
    ]
    lines = lines or ["No rule applies, so the defaults hold."]
    if result.denied:
        return [*lines, f"It may not be asked for: {result.denied}"]
    lines += [result.sentence, *_who(result, counted=counted)]
    if result.expires_after:
        or_opening = " or of the opening after it" if result.windows or result.freezes else ""
        lines.append(
            f"It expires {_duration(result.expires_after)} after the request, or when nothing was sent within "
            f"{_duration(result.execute_within)} of the last approval{or_opening}."
        )
    lines += [say_opening(result, at)] if result.windows or result.freezes else []
    if result.remind_after:
        lines.append(f"A reminder comes after {both([_duration(seconds) for seconds in result.remind_after])}.")
    if result.escalate_to:
        lines.append(f"With the last reminder {either_of(result.escalate_to)} may step in as well.")
    if result.on_call:
        lines.append(
            f"On call {'for this incident ' * result.incident}is {both([mention(w) for w in result.on_call])}."
        )
    if result.notify:
        lines.append(f"The outcome is also told in {both([f'<#{channel}>' for channel in result.notify])}.")
    return lines


def _who(result: Demand, *, counted: bool) -> list[str]:
    if not counted and len(result.seats) == 1:
        return []  # the sentence says it all
    lines = []
    for slot in result.seats:
        able = f": {len(slot.pool)} {people(len(slot.pool))} at present" if counted else ""
        wanted_by = f"Rule “{slot.rule}”" if slot.rule else "The policy"
        lines.append(f"{wanted_by} wants {slot.at_least} of {either_of(slot.who)}{able}.")
    free = result.approvals - sum(slot.at_least for slot in result.seats)
    if free > 0:
        lines.append(f"The other {free} may be anybody of those.")
    return lines


def _duration(seconds: int) -> str:
    return say_duration(timedelta(seconds=seconds))

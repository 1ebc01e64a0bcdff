"""When people are reminded of a change that still waits for them, and what is written down before they are."""

from datetime import datetime, timedelta

from bot.core.calendar import reminders_past
from bot.core.change import Change, State
from bot.core.decisions import BOT, Decision
from bot.core.events import Reminded, moment


def reminder_times(change: Change) -> list[datetime]:
    """Return when the policy wants people to be reminded, in order."""
    since = moment(change.requested_at)
    return [since + timedelta(seconds=after) for after in change.request.demand.remind_after]


def remind(change: Change | None, now: datetime) -> Decision:
    """Use up the reminder times that have come; however many were slept through, people are told once."""
    if change is None or not reminder_is_due(change, now):
        return None
    come = _come(change, now)
    return BOT, Reminded(number=come, last=come == len(change.request.demand.remind_after))


def reminder_is_due(change: Change, now: datetime) -> bool:
    """Whether a reminder time has come while approvals are still awaited, on a card that people can see."""
    waiting = change.state is State.PENDING and change.card is not None and now < change.expires_at
    return waiting and _come(change, now) > change.reminded


def _come(change: Change, now: datetime) -> int:
    return len(reminders_past(change.request.demand.remind_after, moment(change.requested_at), now))

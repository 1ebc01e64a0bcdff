"""When somebody should look at a change again."""

from datetime import datetime, timedelta

from bot.core.change import Change, State
from bot.core.events import moment
from bot.core.reminders import reminder_times


def due_at(change: Change, grace: timedelta) -> datetime | None:
    """Return when somebody should look at this change again, None when nothing is left to do.

    Whoever recorded an event acts on it at once; `grace` is how long others leave it to them.
    """
    times = []
    if change.card is None and change.open:
        times.append(moment(change.requested_at) + grace)
    if change.card is not None and change.drawn_seq < change.seen_seq:
        times.append(moment(change.last_at) + grace)
    match change.state:
        case State.PENDING:
            times.append(change.expires_at)
            if change.card is not None:  # before that nobody can act on it: it comes with the card
                times += reminder_times(change)[change.reminded :][:1]
        case State.APPROVED:
            times.append(max(moment(change.last_at), change.opens_at))
        case State.EXECUTING:
            times.append(change.lease_end)
        case _ if change.told is None:
            times.append(moment(change.ended_at) + grace)
    return min(times, default=None)

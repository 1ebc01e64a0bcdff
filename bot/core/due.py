"""When somebody should look at a change again: it follows from its history, and from how its card stands."""

from datetime import datetime, timedelta

from bot.core.change import Change, State
from bot.core.events import moment
from bot.core.reminders import reminder_times

LOOK = timedelta(minutes=10)
"""How often somebody looks whether the card of a change that waits for people is still there."""
SETTLES = timedelta(minutes=1)
"""How long after an update without an answer the card is drawn once more: by then that one has landed or never will."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(days=1)
FIRST_WHILE_OPEN, LONGEST_WHILE_OPEN = timedelta(seconds=5), timedelta(minutes=15)
"""People wait for the card, and for what is on it, while the change is open."""
MOST_DRAWINGS = 30
"""Drawings that Slack refused in a row, after which only a click or an event makes for another: about three weeks."""
WAITS_FOR_PEOPLE = frozenset({State.PENDING, State.APPROVED})


def due_at(change: Change) -> datetime | None:
    """Return when somebody should look at this change again, None when nothing is left to do.

    Whoever recorded an event acts on it at once; how long others leave it to them is the ledger's business.
    """
    times = []
    if (card := card_at(change)) is not None:
        times.append(card)
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
            times.append(moment(change.ended_at))
    return min(times, default=None)


def card_at(change: Change) -> datetime | None:
    """Return when the card is to be posted, drawn or looked at, None when it stands as it should."""
    if change.card is None:
        since = moment(change.requested_at) if change.open else None
    elif change.drawn_seq < change.seen_seq:
        since = moment(change.last_at) if change.card_tries < MOST_DRAWINGS else None
    else:
        since = moment(change.card_due) if change.card_due and change.state in WAITS_FOR_PEOPLE else None
    return max(since, moment(change.card_due)) if since and change.card_due else since


def card_is_due(change: Change, now: datetime) -> bool:
    """Whether there is something to do about the card now."""
    waits = change.card_due and moment(change.card_due) > now
    return card_at(change) is not None and not waits


def is_settled(change: Change, now: datetime) -> bool:
    """Whether no earlier drawing can land any more over one of now: nobody knows what is drawn until that is over."""
    return change.drawn_seq > 0 or (change.card_due != "" and moment(change.card_due) <= now)


def card_pause(change: Change) -> timedelta:
    """Return how long a card that Slack has just refused is left alone: ever longer."""
    pauses = (FIRST_WHILE_OPEN, LONGEST_WHILE_OPEN) if change.open else (FIRST_PAUSE, LONGEST_PAUSE)
    return growing(change.card_tries, *pauses)


def growing(tries: int, first: timedelta = FIRST_PAUSE, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    """Return the pause after so many tries that came to nothing: `first`, twice that, and so on."""
    return min(first * (1 << min(max(tries, 0), 16)), longest)

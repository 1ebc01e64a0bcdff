"""What may happen next, decided from the change as it is: each function is asked inside the ledger's lock.

They return what to write down, None where nothing needs to be, or raise a Refusal with a sentence for the person.
"""

from datetime import datetime

from bot.core.change import ENDED, Change, State
from bot.core.events import (
    Announced,
    Approved,
    Barred,
    Denied,
    EventData,
    Requested,
    Stale,
    Stuck,
    Told,
    Withdrawn,
    stamp,
)
from bot.core.one_plan import is_of_one_plan
from bot.core.whom import BOT as BOT  # noqa: PLC0414 - decisions are read together with it
from bot.core.whom import at_time as at_time  # noqa: PLC0414
from bot.core.whom import by_whom, named
from bot.errors import Refusal

Decision = tuple[str, EventData] | None
"""(actor, what happened), or None where nothing needs to be written down."""

NOT_A_RIGHT = frozenset({"ended", "executing", "approved", "voted", "unknown", "look-up"})
"""Reasons of a Refusal that say nothing about the person's rights: not written down."""


def known(change: Change | None) -> Change:
    """Return the change. Raises Refusal where there is none."""
    if change is None:
        raise Refusal("unknown", "This change is not in the ledger of this bot.")
    return change


def ended_sentence(change: Change) -> str:
    """Say how a change ended, by whom and when."""
    return f"This change was already {change.state}{by_whom(change)} at {at_time(change.ended_at)}."


def refuse_ended(change: Change, now: datetime) -> None:
    """Raise Refusal where nothing can be decided any more, whether or not the sweep has noticed."""
    if change.state in ENDED:
        raise Refusal("ended", ended_sentence(change))
    if not change.sent_at and now >= change.expires_at:
        raise Refusal("ended", f"This change expired at {at_time(stamp(change.expires_at))}; ask for it again.")
    if change.sent_at:
        raise Refusal("executing", "This change is being carried out; the thread will say what came of it.")


def request(change: Change | None, _now: datetime, *, by: str, data: Requested) -> Decision:
    """Ask for a change. Raises Refusal where what was read and what would be sent are not the same plan."""
    if not is_of_one_plan(data):
        raise Refusal("plans-differ", "The plan that was read is not the one that would be changed. Start again.")
    return (by, data) if change is None else None


def announce(change: Change | None, _now: datetime, *, channel: str, ts: str) -> Decision:
    """Remember where the card is."""
    change = known(change)
    return None if change.card is not None else (BOT, Announced(channel=channel, ts=ts))


def approve(
    change: Change | None, now: datetime, *, by: str, digest: str, objection: Refusal | None, stale: Stale | None = None
) -> Decision:
    """Count one more person. `objection` is why they may not, `stale` what no longer is as it was asked for.

    A channel that is lost ends the change whoever clicked there.
    """
    change = known(change)
    refuse_ended(change, now)
    if stale is not None and stale.why == "channel":
        return BOT, stale
    if by == change.requester:
        raise Refusal("requester", "You asked for this change, so somebody else has to approve it.")
    if objection is not None:
        raise objection
    if any(vote.by == by for vote in change.votes):
        more = change.lacking.sentence if len(change.request.demand.seats) > 1 else f"{change.missing} more"
        raise Refusal(
            "voted", f"Your approval is already recorded; {more if change.missing else 'no more are'} needed."
        )
    if change.state is not State.PENDING:
        raise Refusal("approved", "This change has all the approvals it needs and is about to be carried out.")
    if digest != change.request.digest:
        raise Refusal("outdated", "This button belongs to another version of the request; use the current card.")
    if stale is not None:
        return BOT, stale
    return by, Approved(digest=digest)


def deny(change: Change | None, now: datetime, *, by: str, objection: Refusal | None, reason: str) -> Decision:
    """Say no, before anything is sent."""
    refuse_denial(change, now, by=by, objection=objection)
    return by, Denied(reason=reason)


def refuse_denial(change: Change | None, now: datetime, *, by: str, objection: Refusal | None) -> Change:
    """Return the change if this person may deny it now. Raises Refusal."""
    change = known(change)
    refuse_ended(change, now)
    if by == change.requester:
        raise Refusal("requester", "You asked for this change: use Withdraw to take it back.")
    if objection is not None:
        raise objection
    return change


def withdraw(change: Change | None, now: datetime, *, by: str) -> Decision:
    """Take it back, before anything is sent."""
    change = known(change)
    refuse_ended(change, now)
    if by != change.requester:
        raise Refusal("not-requester", f"Only <@{change.requester}>, who asked for this change, can withdraw it.")
    return by, Withdrawn()


def end_by_operator(change: Change | None, _now: datetime, *, by: str, reason: str) -> Decision:
    """End an open change from outside of Slack: a denial before anything was sent, afterwards nobody knows."""
    change = known(change)
    if not change.open:
        raise Refusal("ended", ended_sentence(change))
    if not change.sent_at:
        return by, Denied(reason=reason)
    who = named(by)
    return by, Stuck(sentence=f"{who[0].upper()}{who[1:]} ended it before it was known what came of it: {reason}")


def bar(change: Change | None, _now: datetime, *, by: str, action: str, refusal: Refusal) -> Decision:
    """Write down a click that somebody had no right to, once per person, action and reason."""
    change = known(change)
    if not change.open or (by, action, refusal.reason) in change.barred:
        return None
    return by, Barred(action=action, reason=refusal.reason, sentence=refusal.sentence)


def moved_before_card(change: Change | None, _now: datetime, *, outcome: Stale) -> Decision:
    """End a change that is stale before anybody started it."""
    change = known(change)
    return (BOT, outcome) if change.state in {State.PENDING, State.APPROVED} else None


def lose_channel(change: Change | None, _now: datetime, *, sentence: str) -> Decision:
    """End a change whose channel may not be written to any more; not what may have been sent already."""
    change = known(change)
    return (BOT, Stale(why="channel", sentence=sentence)) if change.open and not change.sent_at else None


def told(change: Change | None, _now: datetime, *, data: Told) -> Decision:
    """Remember that the outcome was posted."""
    change = known(change)
    return (BOT, data) if change.state in ENDED and change.told is None else None

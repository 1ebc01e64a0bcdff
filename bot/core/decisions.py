"""What may happen next, decided from the change as it is: each function is asked inside the ledger's lock.

They return what to write down, None where nothing needs to be, or raise a Refusal with a sentence for the person.
"""

from datetime import datetime, timedelta
from typing import Literal

from bot.core.change import ENDED, Change, State
from bot.core.events import (
    Announced,
    Applied,
    Approved,
    Barred,
    Denied,
    EventData,
    Expired,
    Refused,
    Requested,
    Sent,
    Stale,
    Started,
    Stuck,
    Told,
    Withdrawn,
    moment,
    stamp,
)
from bot.core.one_plan import is_of_one_plan
from bot.core.whom import BOT as BOT  # noqa: PLC0414 - decisions are read together with it
from bot.core.whom import at_time as at_time  # noqa: PLC0414
from bot.core.whom import by_whom, named
from bot.errors import Refusal

MOST_SENDS = 5
SENDING_TIME = timedelta(minutes=15)
"""From the first send to the last: nothing is ever sent again hours later."""

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
    change: Change | None, now: datetime, *, by: str, digest: str, objection: Refusal | None, tightened: str = ""
) -> Decision:
    """Count one more person. `objection` is why they may not, `tightened` why the policy now wants more than it did."""
    change = known(change)
    refuse_ended(change, now)
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
    if tightened:
        return BOT, Stale(why="policy", sentence=tightened)
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


def expire(change: Change | None, now: datetime, *, owner: str = "", detail: str = "") -> Decision:
    """End what was not approved, or not sent, in time; an attempt under way only by its `owner` or after its lease."""
    change = known(change)
    if not change.open or change.sent_at or now < change.expires_at:
        return None
    if change.state is State.EXECUTING and not takes_over(change, now, owner):
        return None
    why: Literal["approval", "execution"] = "approval" if change.state is State.PENDING else "execution"
    return BOT, Expired(why=why, detail=detail or (change.attempt.after if change.attempt else ""))


def takes_over(change: Change, now: datetime, owner: str) -> bool:
    """Whether `owner` may start the next attempt: its own, or one whose lease has run out."""
    return change.attempt is None or change.attempt.owner == owner or now >= change.lease_end


def start(
    change: Change | None,
    now: datetime,
    *,
    owner: str,
    client_token: str,
    lease: timedelta,
    wait: timedelta = timedelta(),
    after: str = "",
) -> Decision:
    """Take the next attempt on, beginning after `wait`; or end what has had its time, `after` saying why it failed.

    `client_token` counts for the first attempt only: the token stays the same for the life of the change.
    """
    change = known(change)
    if change.state not in {State.APPROVED, State.EXECUTING} or not takes_over(change, now, owner):
        return None
    if not change.sent_at:
        if now >= change.expires_at:
            return expire(change, now, owner=owner, detail=after)
        if change.state is State.APPROVED and not change.may_be_sent(now):
            return None
        wait = min(wait, change.expires_at - now)
    elif len(change.sent_at) >= MOST_SENDS or now + wait > moment(change.sent_at[0]) + SENDING_TIME:
        times = "once" if len(change.sent_at) == 1 else f"{len(change.sent_at)} times"
        return BOT, Stuck(sentence=f"It was sent {times}, and no answer says what came of it. {after}".rstrip())
    return BOT, Started(
        attempt=change.attempt.attempt + 1 if change.attempt else 1,
        owner=owner,
        client_token=change.attempt.client_token if change.attempt else client_token,
        not_before=stamp(now + wait),
        lease_end=stamp(now + wait + lease),
        after=after,
    )


def send(change: Change | None, now: datetime, *, owner: str, attempt: int, margin: timedelta) -> Decision:
    """Write down that the call is about to leave, once an attempt.

    None where the lease is not good for a whole call (`margin`), or it is too late to send at all.
    """
    change = known(change)
    if not mine(change, owner, attempt) or now + margin > change.lease_end:
        return None
    if any(event.type == Sent.type() and event.data["attempt"] == attempt for event in change.history):
        return None
    if not change.sent_at and (now >= change.expires_at or not change.may_be_sent(now)):
        return None
    if change.sent_at and now > moment(change.sent_at[0]) + SENDING_TIME:
        return None
    return BOT, Sent(attempt=attempt)


def mine(change: Change, owner: str, attempt: int) -> bool:
    """Whether this attempt is still the one under way, and `owner`'s."""
    current = change.attempt
    return (
        change.state is State.EXECUTING
        and current is not None
        and current.owner == owner
        and current.attempt == attempt
    )


def applied(change: Change | None, _now: datetime, *, request_id: str) -> Decision:
    """DBS said so: true whoever's attempt it was."""
    change = known(change)
    return (BOT, Applied(request_id=request_id)) if change.state is State.EXECUTING else None


def end(
    change: Change | None, _now: datetime, *, owner: str, attempt: int, outcome: Refused | Stale | Stuck
) -> Decision:
    """End the attempt without a success; only by the process whose attempt it is."""
    change = known(change)
    return (BOT, outcome) if mine(change, owner, attempt) else None


def moved_before_card(change: Change | None, _now: datetime, *, outcome: Stale) -> Decision:
    """End a change that is stale before anybody started it."""
    change = known(change)
    return (BOT, outcome) if change.state in {State.PENDING, State.APPROVED} else None


def told(change: Change | None, _now: datetime, *, data: Told) -> Decision:
    """Remember that the outcome was posted."""
    change = known(change)
    return (BOT, data) if change.state in ENDED and change.told is None else None

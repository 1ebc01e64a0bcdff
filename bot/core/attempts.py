"""What may happen next once a change is approved: attempts, sends, and what ends them, each asked inside the lock."""

from datetime import datetime, timedelta
from typing import Literal

from bot.core.calendar import opens_at
from bot.core.change import Change, State
from bot.core.decisions import BOT, Decision, known
from bot.core.events import Applied, Expired, Refused, Sent, Stale, Started, Stuck, moment, stamp

MOST_SENDS = 5
SENDING_TIME = timedelta(minutes=15)
"""From the first send to the last: nothing is ever sent again hours later."""
PAUSES = (0.25, 1.0, 3.0, 6.0)
"""How long after an unanswered send the next one may leave, in leases of at most `LONGEST`: 15 s, 1, 3 and 6 min."""
LONGEST = timedelta(minutes=1)
MOST_AGE = timedelta(seconds=10)
"""How long before the call the plan was asked for, at the most: what was seen has to be still true."""

NO_MORE = "The policy's window closed before it could be sent, and none opens in time."


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
    undone: int = 0,
) -> Decision:
    """Take the next attempt on, beginning after `wait`; or end what has had its time, `after` saying why it failed.

    `client_token` counts for the first attempt only: the token stays the same for the life of the change. `undone` is
    the attempt of `owner` whose send DBS is known not to have carried out, 0 for none.
    """
    change = known(change)
    if change.state not in {State.APPROVED, State.EXECUTING} or not takes_over(change, now, owner):
        return None
    took_back = mine(change, owner, undone) and _was_sent(change, undone)
    sent_at = change.sent_at[:-1] if took_back else change.sent_at
    if sent_at:
        begin = max(now + wait, moment(sent_at[-1]) + pause(len(sent_at), lease))
        if len(sent_at) >= MOST_SENDS or begin > moment(sent_at[0]) + SENDING_TIME:
            times = "once" if len(sent_at) == 1 else f"{len(sent_at)} times"
            return BOT, Stuck(sentence=f"It was sent {times}, and no answer says what came of it. {after}".rstrip())
        end = begin + lease
    elif took_back:  # written down first; whatever its time allows comes after that
        begin = max(now, min(now + wait, change.expires_at))
        end = begin + lease
    elif now >= change.expires_at:
        return expire(change, now, owner=owner, detail=after)
    else:
        begin = min(now + wait, change.expires_at)
        opens = opens_at(change.request.demand.windows, change.request.demand.freezes, begin)
        if opens is None or (opens > begin and opens >= change.expires_at):
            if not change.may_be_sent(now):
                return BOT, Expired(why="execution", detail=f"{NO_MORE} {after}".rstrip())
            opens = begin  # by then it may have closed for good
        if opens > begin and change.waits_until is not None and change.waits_until >= opens:
            return None
        begin, end = opens, opens if opens > begin else begin + lease
    return BOT, Started(
        attempt=change.attempt.attempt + 1 if change.attempt else 1,
        owner=owner,
        client_token=change.attempt.client_token if change.attempt else client_token,
        not_before=stamp(begin),
        lease_end=stamp(end),
        after=after,
        undone=took_back,
    )


def pause(sends: int, lease: timedelta) -> timedelta:
    """Return how long after so many unanswered sends the next one may leave."""
    return min(lease, LONGEST) * PAUSES[min(sends, len(PAUSES)) - 1]


def send(
    change: Change | None,
    now: datetime,
    *,
    owner: str,
    attempt: int,
    margin: timedelta,
    read_at: datetime,
    judged_by: str,
    in_force: str,
) -> Decision:
    """Write down that the call is about to leave, once an attempt.

    None where the lease is not good for a whole call (`margin`), where it is too late to send at all, or where what was
    seen may no longer be so: the plan was asked for at `read_at`, and the policy it was judged by, by its digest, has
    to be the one in force.
    """
    change = known(change)
    if not mine(change, owner, attempt) or _was_sent(change, attempt):
        return None
    if change.attempt is None or now < moment(change.attempt.not_before) or now + margin > change.lease_end:
        return None
    if now - read_at > MOST_AGE or judged_by != in_force:
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
        and not change.parked
        and current.owner == owner
        and current.attempt == attempt
    )


def _was_sent(change: Change, attempt: int) -> bool:
    return any(event.type == Sent.type() and event.data["attempt"] == attempt for event in change.history)


def tries(change: Change) -> int:
    """Return how many attempts there were that did not only wait for the policy's next opening."""
    started = [event.data for event in change.history if event.type == Started.type()]
    return sum(data["lease_end"] != data["not_before"] for data in started)


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

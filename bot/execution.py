"""Carries one approved change out: attempt by attempt, each written down before it acts.

Theory of operation. An attempt is Started → look, the plan last → Sent → call → answer. Before the first Sent, anything
that is not as it was approved ends the change and nothing leaves. After a Sent the outcome may be unknown: the plan is
read and, while it looks as before or as proposed, the same request goes out again under the same ClientToken; else a
person has to look. A send that DBS is known not to have carried out counts for nothing. The process may die anywhere:
the next one finds the history and goes on from it.
"""

import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.core import attempts
from bot.core.change import Change, ImpossibleEvent
from bot.core.decisions import Decision
from bot.core.events import Started, moment
from bot.core.verdict import Outcome, dbs_refused, judge_put_off, judge_refusal, unconfirmed, unread
from bot.errors import (
    DbsError,
    DbsRefused,
    DbsThrottled,
    DbsUnanswered,
    DbsUnreachable,
    LookUpFailed,
    SecretUnreachable,
)
from bot.last_look import Looking, Seen
from bot.ports import Clock, Dbs, Ledger, Secrets
from bot.rights import Rights

CLOSED = "The policy's window for it has closed."
OTHER_POLICY = "The policy changed while everything was looked at."
TOO_SLOW = "It took too long to look at everything."
NO_TIME = "There was no time left for a whole call."


@dataclass(frozen=True, slots=True)
class Again:
    """The attempt came to nothing; another may follow."""

    after: str
    """Why, a sentence for the ledger and for people."""
    wait: float | None = None
    """Seconds, where somebody named them."""
    undone: bool = False
    """Whether it was sent, and DBS is known not to have carried it out."""


Waiting = Callable[[Change, Again], None]
"""Is told of each attempt that came to nothing, once another is to follow or the change waits for an opening."""


class Execution:
    """Everything that is needed to carry changes out, as one process (`owner`) does it."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        dbs: Dbs,
        secrets: Secrets,
        rights: Rights,
        clock: Clock,
        owner: str,
        lease: timedelta,
        call_time: timedelta,
    ) -> None:
        self._ledger = ledger
        self._dbs = dbs
        self._rights = rights
        self._looking = Looking(dbs=dbs, secrets=secrets, rights=rights, clock=clock)
        self._clock = clock
        self._owner = owner
        self._lease = lease
        self._call_time = call_time

    async def run(self, change_id: str, waiting: Waiting) -> Change:
        """Go on with a change until it has ended, is somebody else's, or waits for the policy's next opening."""
        change = await self._start(change_id, timedelta(), Again(""))
        if change.appended and change.parked:
            waiting(change, Again(CLOSED))
        while self._is_mine(change):
            change = await self._until_it_begins(change)
            if not self._is_mine(change):
                break
            result = await self._attempt(change)
            if isinstance(result, Change):
                return result
            before, change = (
                change,
                await self._start(change_id, self._pause(change, result), result, attempt_of(change).attempt),
            )
            if change.appended and change.open:
                waiting(change if change.parked else before, result)
        return change

    async def _start(self, change_id: str, wait: timedelta, last: Again, attempt: int = 0) -> Change:
        start = partial(
            attempts.start,
            owner=self._owner,
            client_token=randomness.token_hex(16),
            lease=self._lease,
            wait=wait,
            after=last.after,
            undone=attempt if last.undone else 0,
        )
        return await self._ledger.record(change_id, start)

    async def _until_it_begins(self, change: Change) -> Change:
        """Wait as long as the attempt has to; what has run out of time by then, or has no more, ends."""
        begin = moment(attempt_of(change).not_before)
        while (left := (begin - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(left)
            # While it waits, people may still deny or withdraw what was never sent.
            change = await self._ledger.change(change.id) or change
        if self._is_mine(change) and not change.sent_at and self._clock.now() >= change.expires_at:
            if (done := await self._done_all_the_same(change)) is not None:
                return await self._end(change, done)
            return await self._ledger.record(change.id, partial(attempts.expire, owner=self._owner))
        return change

    async def _done_all_the_same(self, change: Change) -> Outcome | None:
        """Look whether DBS carried out what it said it had not; where the plan cannot be read, believe it."""
        if not change.sends:
            return None
        try:
            return judge_put_off(change, await self._dbs.read(change.request.plan_id))
        except DbsError:
            return None

    def _is_mine(self, change: Change) -> bool:
        return change.attempt is not None and attempts.mine(change, self._owner, change.attempt.attempt)

    def _pause(self, change: Change, again: Again) -> timedelta:
        """Half of what is allowed: the n-th repeat follows within min(2ⁿ s, lease) unless DBS named a time."""
        if again.wait is not None:
            return timedelta(seconds=again.wait)
        return min(timedelta(seconds=2 ** min(attempt_of(change).attempt, 16)), self._lease) / 2

    async def _attempt(self, change: Change) -> Change | Again:
        try:
            seen = await self._looking.look(change)
        except (LookUpFailed, SecretUnreachable) as error:
            return Again(sentence(str(error)))
        except DbsError as error:
            if isinstance(error, DbsRefused) and not change.sent_at:
                return await self._end(change, unread(error) if change.sends else dbs_refused(error))
            return Again(sentence(f"The plan could not be read: {error}"), retry_after(error))
        return await (self._send(change, seen) if isinstance(seen, Seen) else self._end(change, seen))

    async def _send(self, change: Change, seen: Seen) -> Change | Again:
        attempt = attempt_of(change)

        def decide(now_is: Change | None, now: datetime) -> Decision:
            return attempts.send(
                now_is,
                now,
                owner=self._owner,
                attempt=attempt.attempt,
                margin=self._call_time,
                read_at=seen.read_at,
                judged_by=seen.policy,
                in_force=self._rights.policy.digest,
            )

        sent = await self._ledger.record(change.id, decide)
        if not sent.appended:
            return Again(self._why_not(sent, seen)) if self._is_mine(sent) else sent
        if self._clock.now() - seen.read_at > attempts.MOST_AGE:
            return Again(TOO_SLOW, undone=True)  # the ledger took its time, or this process was held up: nothing left
        try:
            request_id = await self._dbs.configure(
                change.request.plan_id, seen.request, seen.secrets, attempt.client_token
            )
        except DbsRefused as error:
            return await self._refused(sent, error)
        except DbsThrottled as error:
            return Again(sentence(f"DBS asks to wait: {error}"), error.retry_after, undone=True)
        except DbsUnreachable as error:
            return Again(sentence(f"DBS could not be reached: {error}"), undone=True)
        except DbsError as error:
            return Again(sentence(f"DBS did not say what came of it: {error}"), retry_after(error))
        return await self._ledger.record(change.id, partial(attempts.applied, request_id=request_id))

    def _why_not(self, change: Change, seen: Seen) -> str:
        """Say why nothing was sent after all."""
        now = self._clock.now()
        if not change.sent_at and not change.may_be_sent(now):
            return CLOSED
        if seen.policy != self._rights.policy.digest:
            return OTHER_POLICY
        if not change.sent_at and now >= change.expires_at:
            return attempt_of(change).after or NO_TIME
        return TOO_SLOW

    async def _refused(self, change: Change, error: DbsRefused) -> Change:
        """Believe a refusal once the plan shows nothing else. Only the reading is repeated: DBS said no, and people
        and policy may by now as well.
        """
        wait = 1.0
        while True:
            try:
                reading = await self._dbs.read(change.request.plan_id)
                return await self._end(change, judge_refusal(change, reading, error))
            except DbsError as why:
                wait = max(2 * wait, retry_after(why) or 0.0)
                left = (change.lease_end - self._clock.now() - self._call_time).total_seconds()
                if isinstance(why, DbsRefused) or wait > left:
                    return await self._end(change, unconfirmed(error, why))
            await self._clock.sleep(wait)

    async def _end(self, change: Change, outcome: Outcome) -> Change:
        attempt = attempt_of(change).attempt
        decide = partial(attempts.end, owner=self._owner, attempt=attempt, outcome=outcome)
        return await self._ledger.record(change.id, decide)


def attempt_of(change: Change) -> Started:
    """Return the attempt under way."""
    if change.attempt is None:
        raise ImpossibleEvent(f"change {change.id} was never started")
    return change.attempt


def retry_after(error: DbsError) -> float | None:
    """Return the seconds that DBS asked to wait, None where it did not."""
    return error.retry_after if isinstance(error, DbsThrottled | DbsUnanswered) else None


def sentence(text: str) -> str:
    """End what others said as a sentence ends."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."

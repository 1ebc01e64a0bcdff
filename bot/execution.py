"""Carries one approved change out: attempt by attempt, each written down before it acts.

Theory of operation. An attempt is Started → read the plan → Sent → call → answer. Before the first Sent, anything that
is not as it was approved ends the change and nothing leaves. After a Sent the outcome may be unknown: the plan is read
and, while it looks as before or as proposed, the same request goes out again under the same ClientToken; else a person
has to look. The process may die anywhere: the next one finds the history and goes on from it.
"""

import asyncio
import secrets as randomness
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from pydantic import SecretStr

from bot.core import decisions
from bot.core.change import Change, ImpossibleEvent, State
from bot.core.diff import compare_read_back, moved
from bot.core.events import Refused, Stale, Started, Stuck, change_digest
from bot.core.plan import Plan
from bot.core.reading import Reading
from bot.errors import (
    DbsError,
    DbsRefused,
    DbsThrottled,
    DbsUnanswered,
    LookUpFailed,
    SecretMissing,
    SecretUnreachable,
)
from bot.ports import Clock, Dbs, Ledger, Secrets
from bot.rights import Rights

LOCKED = "locked"
MISMATCH = "IdempotentParameterMismatch"


@dataclass(frozen=True, slots=True)
class Again:
    """The attempt came to nothing; another may follow."""

    after: str
    """Why, for the ledger."""
    wait: float | None = None
    """Seconds, where somebody named them."""


Outcome = Refused | Stale | Stuck


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
        self._secrets = secrets
        self._rights = rights
        self._clock = clock
        self._owner = owner
        self._lease = lease
        self._call_time = call_time

    async def run(self, change_id: str, waiting: Callable[[Change, Again], Awaitable[None]]) -> Change:
        """Go on with a change until it has ended or is somebody else's; `waiting` is told before each repeat."""
        wait, after = timedelta(), ""
        while True:
            start = partial(
                decisions.start,
                owner=self._owner,
                client_token=randomness.token_hex(16),
                lease=self._lease,
                wait=wait,
                after=after,
            )
            change = await self._ledger.record(change_id, start)
            if change.state is not State.EXECUTING or attempt_of(change).owner != self._owner:
                return change
            if wait:
                await self._clock.sleep(wait.total_seconds())
            result = await self._attempt(change)
            if isinstance(result, Change):
                return result
            wait, after = self._pause(change, result), result.after
            await waiting(change, result)

    def _pause(self, change: Change, again: Again) -> timedelta:
        """Half of what is allowed: the n-th repeat follows within min(2ⁿ s, lease) unless DBS named a time."""
        if again.wait is not None:
            return timedelta(seconds=again.wait)
        return min(timedelta(seconds=2 ** min(attempt_of(change).attempt, 16)), self._lease) / 2

    async def _attempt(self, change: Change) -> Change | Again:
        try:
            look = await self._look(change)
            if not isinstance(look, Reading):
                return await self._end(change, look)
            values = {name: await self._secrets.fetch(use.ref) for name, use in change.request.secrets.items()}
        except SecretMissing as error:
            return await self._end(change, self._unsendable(change, "SecretMissing", str(error)))
        except (LookUpFailed, SecretUnreachable) as error:
            return Again(str(error))
        except DbsError as error:
            if isinstance(error, DbsRefused) and not change.sent_at:
                return await self._end(change, refused(error))
            return Again(f"the plan could not be read: {error}", retry_after(error))
        return await self._send(change, look, values)

    async def _look(self, change: Change) -> Reading | Outcome:
        """Look at the world before sending: the plan, and before the first send also people, policy and digest."""
        if change.sent_at:
            reading = await self._dbs.read(change.request.plan_id)
            return reading if is_before_or_after(change, reading) else somebody_else(change, reading)
        no_longer, reading = await asyncio.gather(
            self._rights.no_longer(change), self._dbs.read(change.request.plan_id)
        )
        if no_longer is not None:
            return no_longer
        request = change.request
        digest = change_digest(request.proposed, request.secrets, self._dbs.host, request.baseline)
        if {digest} != {request.digest, *(vote.digest for vote in change.votes)}:
            return Refused(
                code="DigestMismatch",
                message="What would be sent is not what was approved: the record or the DBS endpoint was changed.",
                advice="Nothing was sent. Find out who wrote to the ledger or changed the settings, then ask again.",
            )
        if moved(request.baseline, reading.baseline):
            return plan_moved(reading)
        if reading.status == LOCKED:
            return Refused(
                code="PlanLocked",
                message="The plan is locked, usually for an overdue payment.",
                advice="Nothing was sent. Have the plan unlocked in the console, then ask again.",
            )
        return reading

    async def _send(self, change: Change, reading: Reading, values: dict[str, SecretStr]) -> Change | Again:
        attempt = attempt_of(change).attempt
        sent = await self._ledger.record(
            change.id,
            partial(decisions.send, owner=self._owner, attempt=attempt, margin=self._call_time),
        )
        if len(sent.sent_at) == len(change.sent_at):
            return Again("the lease was too short for a whole call") if sent.open else sent
        request = {
            name: text for name, text in Plan.parse(change.request.facts()).request().items() if name not in values
        }
        try:
            request_id = await self._dbs.configure(request, values, attempt_of(sent).client_token)
        except DbsRefused as error:
            return await self._end(sent, self._judge_refusal(sent, reading, error))
        except DbsThrottled as error:
            return Again(f"throttled: {error}", error.retry_after)
        except DbsError as error:
            return Again(f"no answer: {error}", retry_after(error))
        return await self._ledger.record(change.id, partial(decisions.applied, request_id=request_id))

    def _judge_refusal(self, change: Change, reading: Reading, error: DbsRefused) -> Outcome:
        """Say what a refusal means: final on a first send; after an unanswered one the first copy may have counted."""
        first = len(change.sent_at) == 1
        if first or (error.code != MISMATCH and not moved(change.request.baseline, reading.baseline)):
            return refused(error)
        return Stuck(
            sentence=f"An earlier send went unanswered and may have been carried out; a repeat was refused: {error}",
            now=dict(reading.baseline),
        )

    def _unsendable(self, change: Change, code: str, message: str) -> Outcome:
        if change.sent_at:
            return Stuck(sentence=f"Sent before without an answer, and it cannot be sent again: {message}")
        return Refused(
            code=code, message=message, advice="Nothing was sent. Mend the secret's reference, then ask again."
        )

    async def _end(self, change: Change, outcome: Outcome) -> Change:
        attempt = attempt_of(change).attempt
        decide = partial(decisions.end, owner=self._owner, attempt=attempt, outcome=outcome)
        return await self._ledger.record(change.id, decide)


def attempt_of(change: Change) -> Started:
    """Return the attempt under way."""
    if change.attempt is None:
        raise ImpossibleEvent(f"change {change.id} was never started")
    return change.attempt


def plan_moved(reading: Reading) -> Stale:
    """Say that the plan is no longer what the approvers saw."""
    return Stale(
        why="plan", sentence="The plan changed after it was read for this request.", now=dict(reading.baseline)
    )


def refused(error: DbsRefused) -> Refused:
    """Write DBS's refusal down as it said it."""
    return Refused(code=error.code, message=error.message, request_id=error.request_id, advice=error.advice)


def retry_after(error: DbsError) -> float | None:
    """Return the seconds that DBS asked to wait, None where it did not."""
    return error.retry_after if isinstance(error, DbsThrottled | DbsUnanswered) else None


def is_before_or_after(change: Change, reading: Reading) -> bool:
    """Whether the plan looks as it did when approved, or as it was to become: either may be our own doing."""
    request = change.request
    return not moved(request.baseline, reading.baseline) or not compare_read_back(request.proposed, reading)


def somebody_else(change: Change, reading: Reading) -> Stuck:
    """Say that the plan is neither what it was nor what it was to become."""
    return Stuck(
        sentence=f"Sent {len(change.sent_at)} times without an answer, and the plan is now neither what it was "
        "nor what was approved: somebody else may have changed it.",
        now=dict(reading.baseline),
    )

"""Carries one approved change out: attempt by attempt, each written down before it acts.

Theory of operation. An attempt is Started → read the plan → Sent → call → answer. Before the first Sent, anything that
is not as it was approved ends the change and nothing leaves. After a Sent the outcome may be unknown: the plan is read
and, while it looks as before or as proposed, the same request goes out again under the same ClientToken; else a person
has to look. The process may die anywhere: the next one finds the history and goes on from it.
"""

import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from pydantic import SecretStr

from bot.core import decisions
from bot.core.change import Change, ImpossibleEvent
from bot.core.events import Started, moment
from bot.core.plan import Plan, PlanProblems
from bot.core.reading import Reading, Values
from bot.core.verdict import Outcome, dbs_refused, judge_plan, judge_record, judge_refusal, unsendable
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

CLOSED = "The policy's window for it has closed."


@dataclass(frozen=True, slots=True)
class Again:
    """The attempt came to nothing; another may follow."""

    after: str
    """Why, a sentence for the ledger and for people."""
    wait: float | None = None
    """Seconds, where somebody named them."""


Waiting = Callable[[Change, Again], None]
"""Is told of each attempt that came to nothing, before the next."""


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

    async def run(self, change_id: str, waiting: Waiting) -> Change:
        """Go on with a change until it has ended or is somebody else's."""
        wait, after = timedelta(), ""
        while True:
            change = await self._start(change_id, wait, after)
            if wait and self._is_mine(change):
                begin = moment(attempt_of(change).not_before)
                await self._clock.sleep(max(0.0, (begin - self._clock.now()).total_seconds()))
                # While it waits, people may still deny or withdraw what was never sent.
                change = await self._ledger.change(change_id) or change
            if not self._is_mine(change):
                return change
            result = await self._attempt(change)
            if isinstance(result, Change):
                return result
            waiting(change, result)
            wait, after = self._pause(change, result), result.after

    async def _start(self, change_id: str, wait: timedelta, after: str) -> Change:
        start = partial(
            decisions.start,
            owner=self._owner,
            client_token=randomness.token_hex(16),
            lease=self._lease,
            wait=wait,
            after=after,
        )
        return await self._ledger.record(change_id, start)

    def _is_mine(self, change: Change) -> bool:
        return change.attempt is not None and decisions.mine(change, self._owner, change.attempt.attempt)

    def _pause(self, change: Change, again: Again) -> timedelta:
        """Half of what is allowed: the n-th repeat follows within min(2ⁿ s, lease) unless DBS named a time."""
        if again.wait is not None:
            return timedelta(seconds=again.wait)
        return min(timedelta(seconds=2 ** min(attempt_of(change).attempt, 16)), self._lease) / 2

    async def _attempt(self, change: Change) -> Change | Again:
        try:
            request = Plan.parse(change.request.facts()).request()
            look = await self._look(change)
            if not isinstance(look, Reading):
                return await self._end(change, look)
            values = {name: await self._secrets.fetch(use.ref) for name, use in change.request.secrets.items()}
        except PlanProblems as error:
            advice = "The rules of the bot changed since it was asked for: ask for it anew."
            return await self._end(change, unsendable(change, "InvalidRequest", str(error), advice))
        except SecretMissing as error:
            advice = "Mend the secret or its reference in the policy."
            return await self._end(change, unsendable(change, "SecretMissing", str(error), advice))
        except (LookUpFailed, SecretUnreachable) as error:
            return Again(sentence(str(error)))
        except DbsError as error:
            if isinstance(error, DbsRefused) and not change.sent_at:
                return await self._end(change, dbs_refused(error))
            return Again(sentence(f"The plan could not be read: {error}"), retry_after(error))
        return await self._send(change, look, request, values)

    async def _look(self, change: Change) -> Reading | Outcome:
        """Look at the world before sending; the plan last, as close to the call as can be.

        What people are is asked before the first send only: what may have been carried out cannot be taken back.
        """
        if (outcome := judge_record(change, self._dbs.host)) is not None:
            return outcome
        if not change.sent_at:
            if (no_longer := await self._rights.no_longer(change, self._clock.now())) is not None:
                return no_longer
        elif why := self._rights.secrets_changed(change):
            return unsendable(change, "SecretChanged", why, "Look at the policy.")
        reading = await self._dbs.read(change.request.plan_id)
        return judge_plan(change, reading) or reading

    async def _send(
        self, change: Change, reading: Reading, request: Values, values: dict[str, SecretStr]
    ) -> Change | Again:
        if change.lease_end - self._call_time < self._clock.now() <= change.lease_end:
            # The look took so much of the lease that no whole call fits in: a new one, for what was just seen. Once it
            # has run out the look is too old as well, and the next attempt looks again.
            change = await self._start(change.id, timedelta(), "Looking at the plan took most of the lease.")
            if not self._is_mine(change):
                return change
        attempt = attempt_of(change)
        sent = await self._ledger.record(
            change.id,
            partial(decisions.send, owner=self._owner, attempt=attempt.attempt, margin=self._call_time),
        )
        if not sent.appended:
            closed = not sent.sent_at and not sent.may_be_sent(self._clock.now())
            late = CLOSED if closed else attempt.after or "There was no time left for a whole call."
            return Again(late) if self._is_mine(sent) else sent
        try:
            others = {name: text for name, text in request.items() if name not in values}
            request_id = await self._dbs.configure(change.request.plan_id, others, values, attempt.client_token)
        except DbsRefused as error:
            return await self._end(sent, judge_refusal(sent, reading, error))
        except DbsThrottled as error:
            return Again(sentence(f"DBS asks to wait: {error}"), error.retry_after)
        except DbsError as error:
            return Again(sentence(f"DBS did not say what came of it: {error}"), retry_after(error))
        return await self._ledger.record(change.id, partial(decisions.applied, request_id=request_id))

    async def _end(self, change: Change, outcome: Outcome) -> Change:
        attempt = attempt_of(change).attempt
        decide = partial(decisions.end, owner=self._owner, attempt=attempt, outcome=outcome)
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

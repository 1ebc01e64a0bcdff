"""From a form without problems to a change: the review, its submission, and what is refused there."""

import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core import decisions
from bot.core.asked import facts_for
from bot.core.calendar import opens_at
from bot.core.diff import diff
from bot.core.draft import Draft
from bot.core.events import Demand, Requested, SecretUse, change_digest, stamp
from bot.core.people import Channel
from bot.core.policy import channel_problem
from bot.core.policy_words import say_opening
from bot.core.reading import Reading, Values
from bot.core.remembered import still_known
from bot.engine import Engine
from bot.errors import AlreadyRequested, LedgerError, PlanTaken, Refusal
from bot.ports import Clock, Dbs, Ledger
from bot.rights import Rights, answered_in_time
from bot.slack.configure import LOST, Configure
from bot.slack.decide import not_recorded
from bot.slack.filled import SECRET, proposed
from bot.slack.form import message_view
from bot.slack.form_view import CONFLICT, update_view
from bot.slack.frozen import form_of, frozen, is_intact, reviewed
from bot.slack.inputs import typed_values
from bot.slack.open_change import OPEN, card_link, open_text
from bot.slack.review import CHANNEL, REASON, review_view
from bot.slack.rows import in_full
from bot.slack.text import View, alert, mrkdwn
from bot.tasks import Turns

log = structlog.get_logger("bot.slack.request")

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Without those that people mistake for others."""
ANOTHER = "This review no longer says what would be sent. Press Back and review it again."
OVERTAKEN = "The form was submitted again since, and only its latest review counts. Press Back and review it again."
TOO_LONG = (
    "What changes is too long to be shown in full in Slack, so nobody could approve it; make fewer changes at once."
)

MADE_MEANWHILE = (
    "Another change of this plan was sent since the form was filled, so what it says of the plan may no longer be so. "
    "Close the form and start again."
)

Answer = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Requests:
    """The step in which a form becomes a change."""

    client: AsyncWebClient
    ledger: Ledger
    dbs: Dbs
    rights: Rights
    configure: Configure
    engine: Engine
    clock: Clock
    _turns: Turns = field(default_factory=Turns, init=False)

    async def review(self, draft: Draft) -> Answer:
        """Return the review of a draft, with what stands in its way said at the top."""
        review = frozen(draft)
        await self.ledger.keep_draft(review)
        await self.ledger.revise_draft(draft.view_id, partial(reviewed, review=review))
        return {"response_action": "push", "view": await self._view(review, draft.channel)}

    async def choose_channel(self, body: Mapping[str, Any]) -> None:
        """Show in a review what the channel that was chosen in it asks for; the typed reason stays."""
        view = body["view"]
        async with self._turns.of(view["id"]):
            try:
                review = await self._reviewed(view, body["user"]["id"])
                shown = await self._view(review, typed_values(view).get(CHANNEL, ""))
            except (Refusal, LedgerError) as error:
                log.warning("review_not_redrawn", problem=str(error))  # submitting it says the same to the person
                return
            if await update_view(self.client, view["id"], shown, view.get("hash")) == CONFLICT:
                await update_view(self.client, view["id"], shown)  # over an earlier choice's

    async def _view(self, review: Draft, channel: str) -> View:
        """Return the view of a review, with what is asked for in a channel."""
        if (reading := review.reading) is None:
            return message_view(LOST)
        demand, obstacles = None, []
        try:
            where = await self.rights.channel(channel)
            if channel != review.channel and (why := self._channel_problem(where)):
                obstacles.append(alert("error", why))
            demand = await self._demand(review, where)
        except Refusal as refusal:
            obstacles.append(alert("error", refusal.sentence))
        if other := await self.ledger.open_change(self.dbs.host, reading.plan_id):
            obstacles.append(alert("error", mrkdwn(open_text(other, await self._link(other)))))
        shown = diff(reading, proposed(review), review.known, review.known_since)
        if not in_full(shown.rows):
            obstacles.append(alert("error", TOO_LONG))
        plan = f"{reading.values.get('BackupPlanName', '')} ({reading.plan_id})"
        place = channel, review.thread if channel == review.channel else ""
        return review_view(review.view_id, plan, shown, self.rights.policy, demand, obstacles, *place)

    async def submit(self, body: Mapping[str, Any]) -> Answer:
        """Record the request and have its card posted, or say on the review's inputs why not."""
        try:
            return await self._submit(body["view"], body["user"]["id"])
        except Refusal as refusal:
            return refused(REASON, refusal.sentence)
        except LedgerError as error:
            return refused(REASON, not_recorded(error))

    async def _submit(self, view: Mapping[str, Any], requester: str) -> Answer:
        draft = await self._reviewed(view, requester)
        if draft.reading is None:
            return refused(REASON, LOST)
        typed = typed_values(view)
        reason, channel = typed.get(REASON, "").strip(), typed.get(CHANNEL, "")
        errors = {} if reason else {REASON: "Say why: the approvers decide on it."}
        async with answered_in_time():  # one limit for all that Slack is asked, or the answer would come too late
            where = await self.rights.channel(channel)
            if why := self._channel_problem(where):
                errors[CHANNEL] = why
            try:
                await self.rights.may_request(requester)
                demand = await self._demand(draft, where)
            except Refusal as refusal:
                errors[REASON] = refusal.sentence
        if errors:
            return {"response_action": "errors", "errors": errors}
        if found := self.configure.problems(draft):
            return refused(REASON, " ".join(sentence for sentences in found.values() for sentence in sentences))
        if not in_full(diff(draft.reading, proposed(draft), draft.known, draft.known_since).rows):
            return refused(REASON, TOO_LONG)
        if why := await self._overtaken(draft.reading, draft.known or {}):
            return refused(REASON, why)
        return await self._record(requester, self._requested(draft, demand, reason, where, view["id"]))

    async def _reviewed(self, view: Mapping[str, Any], requester: str) -> Draft:
        """Return the draft just as a review shows it. Raises Refusal where that is not what would be asked for now."""
        key = view.get("private_metadata") or view["id"]
        review, form = await self.ledger.draft(key), await self.ledger.draft(form_of(key))
        if review is None or form is None or review.opener != requester:
            raise Refusal("lost", LOST)
        if not is_intact(review):
            raise Refusal("lost", ANOTHER)
        if form.review != key:
            raise Refusal("overtaken", OVERTAKEN)
        return review

    async def _overtaken(self, reading: Reading, known: Values) -> str:
        """Say that another change was made since the form was filled, "" where what it remembers still holds."""
        last = await self.ledger.last_applied(self.dbs.host, reading.plan_id)
        if still_known(known, last.known(reading)):
            return ""
        other = await self.ledger.open_change(self.dbs.host, reading.plan_id)
        return f"{OPEN.format(change_id=other)} {await self._link(other)}".strip() if other else MADE_MEANWHILE

    async def _record(self, requester: str, data: Requested) -> Answer:
        change_id = new_change_id(int(self.clock.now().timestamp() * 1000))
        try:
            change = await self.ledger.record(change_id, partial(decisions.request, by=requester, data=data))
        except AlreadyRequested:
            return {"response_action": "clear"}
        except PlanTaken as taken:
            link = await self._link(taken.change_id)
            return refused(REASON, f"{OPEN.format(change_id=taken.change_id)} {link}".strip())
        self.engine.advance_soon(change)
        return {"response_action": "clear"}

    def _channel_problem(self, channel: Channel) -> str:
        if not channel.id:
            return "Choose the channel in which it is decided."
        return channel_problem(self.rights.policy, channel)

    async def _demand(self, draft: Draft, channel: Channel) -> Demand:
        """Say what the policy asks for. Raises Refusal if it denies it, too few can approve, or no time ever comes."""
        if draft.reading is None:
            raise Refusal("lost", LOST)
        asked = await self.rights.demand(facts_for(draft.reading, proposed(draft), draft.known, draft.opener, channel))
        now = self.clock.now()
        if opens_at(asked.windows, asked.freezes, now) is None:
            raise Refusal("never", f"The policy's windows and freezes leave no time for it. {say_opening(asked, now)}")
        return asked

    async def _link(self, change_id: str) -> str:
        return await card_link(self.client, self.ledger, change_id)

    def _requested(self, draft: Draft, demand: Demand, reason: str, channel: Channel, view_id: str) -> Requested:
        reading = draft.reading
        if reading is None:
            raise Refusal("lost", LOST)
        policy, values = self.rights.policy, proposed(draft)
        uses = (
            {SECRET: SecretUse(name=values[SECRET], ref=policy.secrets[values[SECRET]].ref)} if SECRET in values else {}
        )
        return Requested(
            plan_id=reading.plan_id,
            plan_name=reading.values.get("BackupPlanName", ""),
            host=self.dbs.host,
            region=reading.region,
            status=reading.status,
            proposed=values,
            baseline=reading.baseline,
            details=dict(reading.details),
            read_at=reading.read_at,
            known=dict(draft.known or {}),
            known_since=draft.known_since,
            secrets=uses,
            demand=demand,
            reason=reason,
            channel=channel.id,
            channel_name=channel.name,
            channel_creator=channel.creator or "",
            thread=draft.thread if channel.id == draft.channel else "",
            origin=draft.origin,
            view_id=view_id,
            expires_at=stamp(self.clock.now() + timedelta(seconds=demand.expires_after)),
            execute_within=demand.execute_within,
            digest=change_digest(values, uses, self.dbs.host, reading.baseline),
        )


def refused(block: str, sentence: str) -> Answer:
    """Return the answer that shows a sentence on an input and leaves the view open."""
    return {"response_action": "errors", "errors": {block: sentence}}


def new_change_id(milliseconds: int) -> str:
    """Return an id that sorts by time, short enough to be said aloud: 9 digits of time, 6 at random."""
    time = "".join(DIGITS[(milliseconds >> shift) & 31] for shift in range(40, -1, -5))
    return time + "".join(randomness.choice(DIGITS) for _ in range(6))

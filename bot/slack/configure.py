"""From `/backup-plan configure` to a form that holds a plan: opening, choosing a plan, redrawing, submitting."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.change import Change
from bot.core.draft import Draft
from bot.core.policy import secret_problem
from bot.core.reading import Values
from bot.deadline import left
from bot.errors import BotError, DbsError, DbsRefused, DbsThrottled, LedgerError, LookUpFailed, Refusal
from bot.ports import Dbs, Ledger
from bot.rights import Rights
from bot.slack.filled import (
    PLAN,
    SECRET,
    chosen,
    form_problems,
    is_of,
    is_outdated,
    loaded,
    not_loaded,
    placed,
    proposed,
    redrawn,
    submitted,
)
from bot.slack.form import form_view, message_view, picker_view, reading_text, reading_view
from bot.slack.form_view import CONFLICT, draft_of, update_view, updated, view_of
from bot.slack.inputs import typed_values
from bot.slack.open_change import card_link, open_text
from bot.slack.place import Place, origin_of
from bot.slack.plan_list import PlanList
from bot.slack.suggestions import NO_PLAN
from bot.slack.text import View, alert
from bot.slack.web import SlackFailed, slack_call
from bot.slack.whisper import Whisper
from bot.tasks import Tasks, Turns

log = structlog.get_logger("bot.slack.configure")

TOO_LATE = "Slack closed the moment in which a form could open ({code}). Please do that again."
ZONE_LIMIT = 1.5
"""Seconds for somebody's time zone."""
LOCKED = "{plan_id} is locked: have it unlocked in the DBS console first (usually by paying what is due)."
READING = "{reading} The form appears by itself; if it does not, press Continue again."
LOST = "This form is older than an hour, or was opened by somebody else. Close it and start again."
ASK_SOMEBODY = "Somebody who may ask for changes can do it for you; this bot's policy says who that is."


@dataclass(frozen=True, kw_only=True)
class Configure:
    """The form, as one process serves it; its state lives in the ledger's drafts."""

    client: AsyncWebClient
    ledger: Ledger
    dbs: Dbs
    rights: Rights
    plans: PlanList
    whisper: Whisper
    tasks: Tasks
    _turns: Turns = field(default_factory=Turns, init=False)

    async def open(
        self,
        body: Mapping[str, Any],
        opener: str,
        place: Place,
        plan_id: str = "",
        *,
        typed: Values | None = None,
        again: Change | None = None,
    ) -> None:
        """Open the form at once, then fill it.

        `typed` are the values that came with a command; `again` is an ended change whose values are proposed once more.
        """
        if not plan_id:
            self.plans.refresh_soon()
        try:
            with slack_call():
                first = reading_view(plan_id) if plan_id else picker_view()
                opened = await self.client.views_open(trigger_id=body.get("trigger_id", ""), view=first)
        except SlackFailed as failed:
            await self.whisper(body, TOO_LATE.format(code=failed.code))
            return
        draft = Draft(
            view_id=opened["view"]["id"],
            opener=opener,
            channel=place.channel,
            thread=place.thread,
            message=place.message,
            origin=place.origin,
            typed=typed,
            again=again.request.proposed if again else None,
            named=plan_id,
            chosen=plan_id,
            renewal=-1 if plan_id else 0,
        )
        async with self._telling_trouble(draft.view_id):
            await self.ledger.keep_draft(draft)
            await self.rights.may_request(opener)
            if plan_id:
                await self._load(draft, plan_id)

    async def pick(self, body: Mapping[str, Any], plan_id: str) -> None:
        """Fill the form for the plan that was chosen in it."""
        view_id = view_of(body)
        async with self._telling_trouble(view_id):
            draft = await self._draft(body)
            await self.rights.may_request(draft.opener)
            if plan_id == NO_PLAN:
                said = alert("error", "That line is no plan. Choose one of the plans that the list shows.")
                await self._update(view_id, picker_view(said, "", draft.renewal))
                return
            picked = await self.ledger.revise_draft(view_id, partial(chosen, view=body["view"], plan_id=plan_id))
            if picked is None:
                await self._show(body)  # the choice was made before the plan was read that the form is of by now
                return
            await self._update(view_id, picker_view(alert("info", reading_text(plan_id)), plan_id, picked.renewal))
            await self._load(picked, plan_id)

    async def redraw(self, body: Mapping[str, Any]) -> None:
        """Show the inputs that a new choice asks for; what was typed stays."""
        view, view_id = body["view"], view_of(body)
        async with self._telling_trouble(view_id):
            try:
                seen = (await self._draft(body)).submissions  # before the queue: what is submitted meanwhile is newer
                async with self._turns.of(view_id):
                    merge = partial(redrawn, view=view, submissions=seen)
                    draft = await self.ledger.revise_draft(view_id, merge)
                    if draft is None:
                        return  # a submission, or a plan chosen meanwhile, has been shown or is about to be
                    if await self._update(view_id, await self._form(draft), view.get("hash")) == CONFLICT:
                        # Something else was drawn since that choice: the draft, where all choices meet, goes over it.
                        await self._show(body)
            except LedgerError as error:
                log.warning("form_not_redrawn", problem=str(error))  # what was typed stays, and submit draws it again

    async def submit(self, body: Mapping[str, Any]) -> Draft | dict[str, Any]:
        """Return the draft with what was submitted if nothing is wrong with it, else the answer to the submission."""
        view = body["view"]
        try:
            draft = await self._draft(body)
        except Refusal as lost:
            return updated(message_view(lost.sentence))
        if draft.reading is not None and not is_of(view, draft):
            return updated(await self._form(draft))
        picked = typed_values(view).get(PLAN, "")
        if draft.reading is None or (picked and picked != draft.reading.plan_id):
            self.tasks.start(self.pick(body, picked))
            said = alert("info", READING.format(reading=reading_text(picked)))
            return updated(picker_view(said, picked, draft.renewal))
        merge = partial(submitted, view=view)
        if (merged := await self.ledger.revise_draft(draft.view_id, merge)) is None:
            return updated(await self._form(await self._draft(body)))  # another plan was read just now
        if is_outdated(view, merged):
            return updated(await self._form(merged))
        if found := self.problems(merged):
            return {"response_action": "errors", "errors": placed(found, view)}
        return merged

    def problems(self, draft: Draft) -> dict[str, list[str]]:
        """Return everything that is wrong with a draft, by API name: the rules', and the policy's about its secret."""
        found = form_problems(draft)
        values = proposed(draft)
        if (name := values.get(SECRET)) and (read := draft.reading):
            asked = read.plan_id, values, read.values, draft.known or {}
            if why := secret_problem(self.rights.policy, name, *asked):
                found.setdefault(SECRET, []).append(why)
        return found

    async def _draft(self, body: Mapping[str, Any]) -> Draft:
        """Return the draft of the form that a payload comes from. Raises Refusal if it is lost or somebody else's."""
        draft = await draft_of(self.ledger, body)
        if draft is None or draft.opener != body["user"]["id"]:
            raise Refusal("lost", LOST)
        return draft

    async def _load(self, draft: Draft, plan_id: str) -> None:
        """Read the plan that was chosen and show the form for it, or why that cannot be; not if another was since."""
        try:
            reading, origin = await asyncio.gather(self.dbs.read(plan_id), origin_of(self.client, draft))
            said = LOCKED.format(plan_id=plan_id) if reading.status == "locked" else ""
        except DbsError as error:
            said = trouble(plan_id, error)
        if said:
            failed = await self.ledger.revise_draft(draft.view_id, partial(not_loaded, plan_id=plan_id))
            if failed is not None:
                await self._update(draft.view_id, picker_view(alert("error", said), plan_id, failed.renewal))
            return
        last = await self.ledger.last_applied(self.dbs.host, plan_id)
        secrets = self.rights.policy.secrets_for(plan_id)

        def load(now: Draft) -> Draft | None:
            found = loaded(now, reading, last, secrets)
            return found and replace(found, origin=origin)

        if (read := await self.ledger.revise_draft(draft.view_id, load)) is not None:
            await self._update(draft.view_id, await self._form(read))

    async def _show(self, body: Mapping[str, Any]) -> None:
        """Show the form as its draft is now, unless a plan is about to be shown anyway."""
        draft = await self._draft(body)
        if draft.reading is not None and not draft.chosen:
            await self._update(draft.view_id, await self._form(draft))

    async def _form(self, draft: Draft) -> View:
        plan_id = draft.reading.plan_id if draft.reading else ""
        other = await self.ledger.open_change(self.dbs.host, plan_id)
        warning = open_text(other, await card_link(self.client, self.ledger, other)) if other else ""
        try:
            async with asyncio.timeout(left(ZONE_LIMIT)):
                tz = (await self.rights.people.person(draft.opener)).tz
        except (LookUpFailed, TimeoutError):
            tz = ""  # only the hint about local time needs it
        return form_view(draft, self.rights.policy.secrets_for(plan_id), tz, warning)

    @asynccontextmanager
    async def _telling_trouble(self, view_id: str) -> AsyncIterator[None]:
        """Say in the modal why it cannot be filled."""
        try:
            yield
        except Refusal as refusal:
            what_to_do = f" {ASK_SOMEBODY}" if refusal.reason == "not-allowed" else ""
            await self._update(view_id, message_view(refusal.sentence + what_to_do))
        except BotError as error:
            log.warning("form_not_filled", kind=type(error).__name__, problem=str(error))
            await self._update(
                view_id, message_view(f"The form could not be filled; start again in a moment. ({error})")
            )

    async def _update(self, view_id: str, view: View, seen: str | None = None) -> str:
        return await update_view(self.client, view_id, view, seen)


def trouble(plan_id: str, error: DbsError) -> str:
    """Say why a plan could not be read and what to do."""
    if isinstance(error, DbsRefused):
        return f"{plan_id}: {error.message or error.code} ({error.code}). {error.advice}".strip()
    if isinstance(error, DbsThrottled):
        return f"DBS is asked too much at the moment and did not show {plan_id} ({error.code}). Try again in a minute."
    return f"DBS did not answer for {plan_id} ({error.code}). Try again in a moment."

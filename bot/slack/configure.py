"""From `/backup-plan configure` to a form that holds a plan: opening, choosing a plan, redrawing, submitting."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.change import Change
from bot.core.draft import Draft
from bot.core.plan import applicable, normalise
from bot.core.policy import secret_problem
from bot.core.reading import Values
from bot.errors import BotError, DbsError, DbsRefused, LookUpFailed, Refusal
from bot.ports import Dbs, Ledger
from bot.rights import Rights
from bot.slack.form import (
    FACTS,
    PLAN,
    facts_of,
    form_problems,
    form_view,
    is_outdated,
    merged,
    message_view,
    picker_view,
    placed,
    prefilled,
    reading_view,
)
from bot.slack.inputs import typed_values
from bot.slack.plan_list import PlanList
from bot.slack.suggestions import NO_PLAN
from bot.slack.text import View
from bot.slack.web import SlackFailed, slack_call
from bot.slack.whisper import Whisper
from bot.tasks import Tasks

log = structlog.get_logger("bot.slack.configure")

SECRET = "SourceEndpointPassword"  # noqa: S105 - a parameter's name
TOO_LATE = "Slack closed the moment in which a form could open ({code}). Please do that again."
LOST = "This form is older than an hour, or was opened by somebody else. Close it and start again."


class Configure:
    """The form, as one process serves it; its state lives in the ledger's drafts."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        ledger: Ledger,
        dbs: Dbs,
        rights: Rights,
        plans: PlanList,
        whisper: Whisper,
        tasks: Tasks,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._dbs = dbs
        self._rights = rights
        self._plans = plans
        self._whisper = whisper
        self._tasks = tasks

    async def open(
        self, body: Mapping[str, Any], opener: str, channel: str, plan_id: str, again: Change | None = None
    ) -> None:
        """Open the form at once, then fill it; `again` is an ended change whose values are proposed once more."""
        if not plan_id:
            self._plans.refresh_soon()
        try:
            with slack_call():
                first = reading_view(plan_id) if plan_id else picker_view()
                opened = await self._client.views_open(trigger_id=body.get("trigger_id", ""), view=first)
        except SlackFailed as failed:
            await self._whisper(body, TOO_LATE.format(code=failed.code))
            return
        draft = Draft(view_id=opened["view"]["id"], opener=opener, channel=channel)
        try:
            await self._rights.may_request(opener)
            await self._ledger.keep_draft(draft)
            if plan_id:
                await self._load(draft, plan_id, again.request.proposed if again else None)
        except Refusal as refusal:
            await self._update(draft.view_id, message_view(refusal.sentence))
        except BotError as error:
            log.warning("form_not_filled", kind=type(error).__name__, problem=str(error))
            await self._update(draft.view_id, message_view(f"The form could not be filled: {error}. Please try again."))

    async def pick(self, body: Mapping[str, Any], plan_id: str) -> None:
        """Fill the form for the plan that was chosen in it."""
        draft = await self._draft(body)
        if draft is not None:
            await self._load(replace(draft, renewal=draft.renewal + bool(draft.reading)), plan_id, None)

    async def redraw(self, body: Mapping[str, Any]) -> None:
        """Show the inputs that a new choice asks for; what was typed stays."""
        draft = await self._draft(body)
        if draft is None or draft.reading is None:
            return
        view = body["view"]
        draft = replace(draft, values=merged(draft, view))
        await self._ledger.keep_draft(draft)
        await self._update(draft.view_id, await self._form(draft), view.get("hash"))

    async def submit(self, body: Mapping[str, Any]) -> Draft | dict[str, Any]:
        """Return the draft with what was submitted if nothing is wrong with it, else the answer to the submission."""
        view = body["view"]
        draft = await self._draft(body)
        if draft is None:
            return {"response_action": "update", "view": message_view(LOST)}
        picked = typed_values(view).get(PLAN, "")
        if draft.reading is None or (picked and picked != draft.reading.plan_id):
            self._tasks.start(self.pick(body, picked))
            return {"response_action": "update", "view": reading_view(picked)}
        draft = replace(draft, values=merged(draft, view))
        await self._ledger.keep_draft(draft)
        if is_outdated(view, draft):
            return {"response_action": "update", "view": await self._form(draft)}
        if found := self.problems(draft):
            return {"response_action": "errors", "errors": placed(found, view)}
        return draft

    def problems(self, draft: Draft) -> dict[str, list[str]]:
        """Return everything that is wrong with a draft, by API name: the rules', and the policy's about its secret."""
        found = form_problems(draft)
        values = proposed(draft)
        if name := values.get(SECRET):
            plan_id = draft.reading.plan_id if draft.reading else ""
            if why := secret_problem(self._rights.policy, name, plan_id, values):
                found.setdefault(SECRET, []).append(why)
        return found

    async def _draft(self, body: Mapping[str, Any]) -> Draft | None:
        """Return the draft of the form that a payload comes from, None if it is lost or somebody else's."""
        view = body["view"]
        draft = await self._ledger.draft(view.get("root_view_id") or view["id"])
        return draft if draft is not None and draft.opener == body["user"]["id"] else None

    async def _load(self, draft: Draft, plan_id: str, again: Values | None) -> None:
        """Read a plan and show the form for it, or why that cannot be."""
        if plan_id == NO_PLAN:
            await self._update(draft.view_id, picker_view("Choose one of the plans that the list shows."))
            return
        try:
            reading = await self._dbs.read(plan_id)
        except DbsError as error:
            await self._update(draft.view_id, picker_view(trouble(plan_id, error)))
            return
        if reading.status == "locked":
            said = f"{plan_id} is locked: have it unlocked in the DBS console first (usually by paying what is due)."
            await self._update(draft.view_id, picker_view(said))
            return
        known = await self._ledger.last_applied(self._dbs.host, plan_id)
        values = prefilled(reading.values, known) if again is None else {**again, PLAN: plan_id}
        draft = replace(draft, reading=reading, known=known, values=values)
        await self._ledger.keep_draft(draft)
        await self._update(draft.view_id, await self._form(draft))

    async def _form(self, draft: Draft) -> View:
        plan_id = draft.reading.plan_id if draft.reading else ""
        other = await self._ledger.open_change(self._dbs.host, plan_id)
        warning = (
            f"Change {other} of this plan is still open; another can be asked for once it has ended." if other else ""
        )
        try:
            tz = (await self._rights.people.person(draft.opener)).tz
        except LookUpFailed:
            tz = ""  # only the hint about local time needs it
        return form_view(draft, self._rights.policy.secrets_for(plan_id), tz, warning)

    async def _update(self, view_id: str, view: View, seen: str | None = None) -> None:
        """Replace a view; one that was closed, or moved on meanwhile, is left as it is: its next step sorts it out."""
        try:
            with slack_call():
                await self._client.views_update(view_id=view_id, view=view, hash=seen)
        except SlackFailed as failed:
            log.info("view_not_updated", code=failed.code)


def proposed(draft: Draft) -> dict[str, str]:
    """Return exactly what would be sent, in canonical text; call it on a draft without problems."""
    values = normalise(applicable(facts_of(draft)))
    return {name: text for name, text in values.items() if name not in FACTS}


def trouble(plan_id: str, error: DbsError) -> str:
    """Say why a plan could not be read and what to do."""
    if isinstance(error, DbsRefused):
        return f"{plan_id}: {error.message or error.code} ({error.code}). {error.advice}".strip()[:2900]
    return f"DBS did not answer for {plan_id} ({error.code}). Choose the plan again in a moment."[:2900]

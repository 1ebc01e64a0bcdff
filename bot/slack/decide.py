"""Clicks on a card and in its thread: recorded before they are acknowledged, or refused in one private sentence."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core import decisions
from bot.core.change import Change
from bot.core.diff import compare_read_back, moved
from bot.core.events import Announced, Stale
from bot.core.saying import Message
from bot.deadline import left
from bot.engine import Engine
from bot.errors import DbsError, LedgerAltered, LedgerError, LookUpFailed, Refusal
from bot.ports import Clock, Dbs, Decide, Ledger
from bot.rights import Rights
from bot.slack.card import plan_name
from bot.slack.configure import TOO_LATE, Configure, trouble
from bot.slack.inputs import typed_values
from bot.slack.outcome import read_again_text
from bot.slack.place import of_change
from bot.slack.review import REASON, deny_view
from bot.slack.sparing import Sparing
from bot.slack.text import escape, inert
from bot.slack.web import SlackFailed, slack_call
from bot.slack.whisper import Whisper
from bot.tasks import Tasks
from bot.telling import Telling

log = structlog.get_logger("bot.slack.decide")

NAME_LIMIT = 0.5
"""Seconds for the name of somebody in a sentence that a person waits for."""

ALTERED = (
    "The record of this change does not hold together: somebody wrote to the ledger. Nothing was recorded, and nothing "
    "can be decided on this change any more. Tell whoever runs the bot."
)


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What people decide about a change, as one process takes it."""

    client: AsyncWebClient
    ledger: Ledger
    dbs: Dbs
    rights: Rights
    configure: Configure
    engine: Engine
    telling: Telling
    clock: Clock
    whisper: Whisper
    tasks: Tasks
    _sparing: Sparing = field(default_factory=Sparing, init=False)

    async def approve(self, body: Mapping[str, Any], value: str) -> None:
        """Count one more approval of exactly what this card showed."""
        change_id, _, digest = value.partition(".")
        by = body["user"]["id"]

        async def decide() -> Decide:
            objection, stale = await self._standing(body, await self._found(body, change_id))
            return partial(decisions.approve, by=by, digest=digest, objection=objection, stale=stale)

        await self._take(body, change_id, "approve", decide)

    async def withdraw(self, body: Mapping[str, Any], value: str) -> None:
        """Take the change back."""
        change_id = value.partition(".")[0]

        async def decide() -> Decide:
            await self._found(body, change_id)
            return partial(decisions.withdraw, by=body["user"]["id"])

        await self._take(body, change_id, "withdraw", decide)

    async def ask_why(self, body: Mapping[str, Any], value: str) -> None:
        """Open the step that asks for a reason, for those who may deny."""
        change_id, by = value.partition(".")[0], body["user"]["id"]
        try:
            change = await self._found(body, change_id)
            objection, _ = await self._standing(body, change)
            decisions.refuse_denial(change, self.clock.now(), by=by, objection=objection)
            with slack_call():
                view = deny_view(change_id, plan_name(change))
                await self.client.views_open(trigger_id=body.get("trigger_id", ""), view=view)
        except Refusal as refusal:
            await self._refuse(body, change_id, "deny", refusal)
        except SlackFailed as failed:
            self._say(body, TOO_LATE.format(code=failed.code))
        except LedgerError as error:
            self._say(body, not_recorded(error))

    async def deny(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Record the denial; return what is wrong with the submission, None for nothing."""
        change_id, by = body["view"].get("private_metadata", ""), body["user"]["id"]
        reason = typed_values(body["view"]).get(REASON, "").strip()
        if not reason:
            return {"response_action": "errors", "errors": {REASON: "Say why: the requester reads it."}}
        try:
            change = await self._found(body, change_id)
            objection, _ = await self._standing(body, change)
            decide = partial(decisions.deny, by=by, objection=objection, reason=reason)
            change = await self.ledger.record(change_id, decide)
        except Refusal as refusal:
            await self._bar(change_id, by, "deny", refusal)
            return {"response_action": "errors", "errors": {REASON: await self._named(refusal.sentence)}}
        except LedgerError as error:
            return {"response_action": "errors", "errors": {REASON: not_recorded(error)}}
        self.engine.advance_soon(change)
        return None

    async def ask_again(self, body: Mapping[str, Any], change_id: str) -> None:
        """Open the form with the values of an ended change."""
        try:
            with self._sparing.turn(f"new_request {body['user']['id']} {change_id}"):
                change = await self._found(body, change_id)
                await self._open_again(body, change)
        except Refusal as refusal:
            self._say(body, refusal.sentence)
        except LedgerError as error:
            self._say(body, not_recorded(error))

    async def _open_again(self, body: Mapping[str, Any], change: Change) -> None:
        place = of_change(change, (body.get("channel") or {}).get("id", ""))
        await self.configure.open(body, body["user"]["id"], place, change.request.plan_id, again=change)

    async def read_again(self, body: Mapping[str, Any], change_id: str) -> None:
        """Read the plan of a stuck change and say in its thread what it looks like now."""
        by = body["user"]["id"]
        try:
            with self._sparing.turn(f"read_again {by} {change_id}"):
                await self.rights.may_see(by)
                change = await self._found(body, change_id)
                reading = await self.dbs.read(change.request.plan_id)
        except DbsError as error:
            self._say(body, escape(trouble("The plan", error)))
            return
        except Refusal as refusal:
            self._say(body, refusal.sentence)
            return
        except LedgerError as error:
            self._say(body, not_recorded(error))
            return
        before = moved(change.request.baseline, reading.baseline)
        after = compare_read_back(change.request.proposed, reading)
        found = read_again_text(change, reading.status, before, after)
        clicked_in = (body.get("channel") or {}).get("id")
        # On a direct message the thread is gone; and who clicks where nothing can be posted any more is answered too.
        in_thread = change.card is not None and clicked_in == change.card.channel
        if not in_thread or not await self.telling.note(change, found):
            self._say(body, escape(found))

    def outdated(self, body: Mapping[str, Any]) -> None:
        """Answer a button of an older version, behind which there is nothing any more."""
        self._say(body, "This button is from an older version of the bot and does nothing any more.")

    async def _take(self, body: Mapping[str, Any], change_id: str, action: str, decide: Callable[[], Any]) -> None:
        """Record a decision, or tell the person why not."""
        try:
            change = await self.ledger.record(change_id, await decide())
        except Refusal as refusal:
            await self._refuse(body, change_id, action, refusal)
            return
        except LedgerError as error:
            self._say(body, not_recorded(error))
            return
        self.engine.advance_soon(change)
        self._draw_twin(body, change_id, change)
        if change.appended and isinstance(change.outcome, Stale) and change.outcome.why == "channel":
            # The card is not drawn any more, so nothing else would answer the click.
            self._say(body, f"Nothing was recorded of you: the change is stale. {change.outcome.sentence}")

    async def _found(self, body: Mapping[str, Any], change_id: str) -> Change:
        """Return the change, with its card written down where the click came before that was."""
        change = decisions.known(await self.ledger.change(change_id))
        message, channel = body.get("message"), body.get("channel")
        if change.card is None and message and channel and channel["id"] == change.request.channel:
            announce = partial(decisions.announce, channel=channel["id"], ts=message["ts"])
            change = await self.ledger.record(change_id, announce)
            if change.appended:
                self.engine.advance_soon(change)
        return change

    async def _standing(self, body: Mapping[str, Any], change: Change) -> tuple[Refusal | None, Stale | None]:
        """Return why this person may not decide, None if they may, and what of the change is stale by now."""
        user = body["user"]
        if user.get("team_id") and user["team_id"] != self.rights.team_id:
            return Refusal("outsider", "Only members of this workspace can do that; you belong to another one."), None
        return await self.rights.standing(change, user["id"])

    async def _refuse(self, body: Mapping[str, Any], change_id: str, action: str, refusal: Refusal) -> None:
        await self._bar(change_id, body["user"]["id"], action, refusal)
        self._say(body, refusal.sentence)
        if refusal.reason == "ended":
            self.engine.draw_soon(change_id)  # the card still has the button
        self._draw_twin(body, change_id)

    def _draw_twin(self, body: Mapping[str, Any], change_id: str, change: Change | None = None) -> None:
        """Draw the clicked card where Slack posted it twice: nothing else ever takes the buttons off the other one.

        A card's buttons name the digest; the one on a direct message does not, and that message is no card.
        """
        message, channel = body.get("message"), body.get("channel")
        if not (message and channel and "." in (body["actions"][0].get("value") or "")):
            return
        clicked = Message(channel["id"], message["ts"])
        if change is None or change.card != Announced(channel=clicked.channel, ts=clicked.ts):
            self.engine.draw_twin_soon(change_id, clicked)

    async def _named(self, sentence: str) -> str:
        """Put names in place of mentions: the text under an input knows no markup."""
        for user_id in re.findall(r"<@(\w+)>", sentence):
            try:
                async with asyncio.timeout(left(NAME_LIMIT)):
                    name = (await self.rights.people.person(user_id)).name
            except (LookUpFailed, TimeoutError):
                continue
            sentence = sentence.replace(f"<@{user_id}>", f"@{inert(name)}")
        return sentence

    def _say(self, body: Mapping[str, Any], text: str) -> None:
        """Tell the person alone, without keeping Slack waiting for the answer to the click itself."""
        self.tasks.start(self.whisper(body, text))

    async def _bar(self, change_id: str, by: str, action: str, refusal: Refusal) -> None:
        """Write down a click that somebody had no right to."""
        if refusal.reason in decisions.NOT_A_RIGHT:
            return
        try:
            await self.ledger.record(change_id, partial(decisions.bar, by=by, action=action, refusal=refusal))
        except (Refusal, LedgerError) as error:
            log.warning("refused_click_not_recorded", change=change_id, by=by, problem=str(error))


def not_recorded(error: LedgerError) -> str:
    """Say that nothing was recorded, why, and what to do."""
    return ALTERED if isinstance(error, LedgerAltered) else escape(str(error))

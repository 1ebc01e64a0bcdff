"""What the people who run the bot are told in their channel: of policy, key and altered changes."""

import asyncio
import secrets as randomness
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.saying import AlteredNotice, KeyNotice, Notice, PolicyNotice
from bot.errors import LookUpFailed
from bot.ports import Clock, People
from bot.slack.messenger import PAGE, UNSURE
from bot.slack.text import Block, bullets, context, literal, mrkdwn, plain, section, shortened
from bot.slack.web import RATELIMITED, SlackFailed, slack_call

log = structlog.get_logger("bot.slack.operators")

EVENT_TYPE = "backup_plan_policy"
LEDGER_EVENT_TYPE = "backup_plan_ledger"
ATTEMPTS = 5
MOST_PROBLEMS, LONGEST_PROBLEM = 20, 300
"""What still fits into a message; the log and `policy check` have all of it."""


class Operators:
    """The operators' channel, whichever the policy names."""

    def __init__(self, client: AsyncWebClient, people: People, bot_id: str, clock: Clock) -> None:
        self._client = client
        self._people = people
        self._bot_id = bot_id
        self._clock = clock
        self._turn = asyncio.Lock()

    async def check(self, channel: str) -> None:
        """Let the log know where nothing can be posted there."""
        try:
            problem = await self._problem(channel)
        except LookUpFailed as failed:
            problem = str(failed)
        if problem:
            log.warning("operators_unreachable", channel=channel, problem=problem)

    async def tell(self, channel: str, notice: Notice) -> None:
        """Post a notice, once and after those before it; where that cannot be, let the log know."""
        name = randomness.token_hex(8)
        problem, after = "", 0.0
        async with self._turn:
            for attempt in range(ATTEMPTS):
                await self._clock.sleep(after)
                try:
                    problem = await self._post(channel, notice, name, again=attempt > 0)
                    break
                except LookUpFailed as failed:
                    problem, after = str(failed), 2.0**attempt
                except SlackFailed as failed:
                    problem, after = str(failed), failed.retry_after or 2.0**attempt
                    if failed.code not in {RATELIMITED, *UNSURE}:
                        break
        if problem:
            log.warning("operators_not_told", channel=channel, problem=problem)

    async def _post(self, channel: str, notice: Notice, name: str, *, again: bool) -> str:
        """Post it, unless it is there when this is tried again; return why nothing can be posted there."""
        if problem := await self._problem(channel):
            return problem
        with slack_call():
            if not (again and await self._is_posted(channel, name)):
                await self._client.chat_postMessage(channel=channel, **drawn(notice, name))
        return ""

    async def _problem(self, channel_id: str) -> str:
        channel = await self._people.channel(channel_id)
        if channel.is_shared_outside:
            return "The channel is shared with another organisation; nothing is posted there."
        if channel.is_archived:
            return "The channel is archived."
        if not channel.bot_is_member:
            return "The bot is not in the channel: invite it there."
        return ""

    async def _is_posted(self, channel: str, name: str) -> bool:
        """Look for a notice whose answer was lost; it can only be among the latest messages."""
        answer = await self._client.conversations_history(channel=channel, include_all_metadata=True, limit=PAGE)
        return any(
            message.get("bot_id") == self._bot_id
            and ((message.get("metadata") or {}).get("event_payload") or {}).get("notice") == name
            for message in answer.get("messages") or []
        )


def drawn(notice: Notice, name: str) -> dict[str, Any]:
    """Return text, blocks and metadata of a notice; `name` tells it from every other."""
    if isinstance(notice, PolicyNotice):
        return _policy_drawn(notice, name)
    said = _key_sentence(notice) if isinstance(notice, KeyNotice) else _altered_sentence(notice)
    return _message(said, [section(mrkdwn(said))], LEDGER_EVENT_TYPE, {"notice": name})


def _policy_drawn(notice: PolicyNotice, name: str) -> dict[str, Any]:
    said = _sentence(notice)
    blocks: list[Block] = [section(mrkdwn(said))]
    if notice.problems:
        shown = [[literal(shortened(one, LONGEST_PROBLEM))] for one in notice.problems[:MOST_PROBLEMS]]
        if len(notice.problems) > MOST_PROBLEMS:
            shown.append([literal(f"and {len(notice.problems) - MOST_PROBLEMS} more, which the log has")])
        blocks += [bullets(shown), context(plain("Mend the file: it is read again by itself."))]
    payload = {"notice": name, "state": "broken" if notice.problems else "in force", "digest": notice.digest}
    return _message(said, blocks, EVENT_TYPE, payload)


def _message(said: str, blocks: list[Block], event_type: str, payload: dict[str, str]) -> dict[str, Any]:
    return {
        "text": said.replace("*", "").replace("`", ""),
        "blocks": blocks,
        "metadata": {"event_type": event_type, "event_payload": payload},
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _key_sentence(notice: KeyNotice) -> str:
    if notice.was:
        return (
            f"*The ledger is signed with another key now:* `{notice.was}` → `{notice.public}`. If nobody of you rotated"
            " it, look at who can reach the bot's host."
        )
    return (
        f"*The ledger is signed with this key:* `{notice.public}`. Keep it: `ledger verify --public` checks by it what"
        " the database says, on any machine. And back up the key file: without it nothing recorded counts."
    )


def _altered_sentence(notice: AlteredNotice) -> str:
    return (
        f"*Somebody wrote to the ledger's database.* Change `{notice.change_id}`, event {notice.seq}: {notice.what}"
        " Nothing is decided, sent or told on that change any more; `ledger show` and `ledger verify` have the rest."
    )


def _sentence(notice: PolicyNotice) -> str:
    """Say it in mrkdwn; nothing in it is anybody else's words."""
    if notice.problems:
        return f"*The policy file cannot be used.* The policy that was read before stays in force (`{notice.digest}`)."
    mended = "The policy file can be used again" if notice.mended else ""
    if notice.digest == notice.was:
        return f"*{mended}.* It says what it said before (`{notice.digest}`)."
    new = "a new policy is in force" if mended else "A new policy is in force"
    return (
        f"*{' and '.join(filter(None, (mended, new)))}:* `{notice.was}` → `{notice.digest}`. Changes under way keep "
        "what was asked of them; one of which the policy now asks more will be stale."
    )

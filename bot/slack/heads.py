"""The heads that were told in Slack: what the ledger can be compared with, for nobody rewrites both."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.card import EVENT_TYPE
from bot.slack.identity import Identity
from bot.slack.web import RATELIMITED, SlackFailed, slack_call

PAGE = 200

Heads = dict[str, tuple[int, str]]
"""Change id → (seq, hash) of the last event told there."""


async def told_heads(client: AsyncWebClient, me: Identity, channels: Iterable[str]) -> Heads:
    """Read the cards of some channels and all threads in which this bot wrote, from the beginning.

    The ledger is not asked where its cards are: its first change, or the one of a thread, may be gone from it. Raises
    SlackFailed where Slack does not answer; a channel the bot can no longer read counts as silent.
    """
    heads: Heads = {}
    for channel in channels:
        async for message in _pages(client.conversations_history, channel=channel):
            ours = _add(heads, me, message)
            if not ours and not _may_hold_ours(message, me):
                continue
            async for reply in _pages(client.conversations_replies, channel=channel, ts=message["ts"]):
                _add(heads, me, reply)
    return heads


def _add(heads: Heads, me: Identity, message: Mapping[str, Any]) -> bool:
    told = message.get("metadata") or {}
    said = told.get("event_payload") or {}
    if message.get("bot_id") != me.bot_id or told.get("event_type") != EVENT_TYPE:
        return False
    change_id, seq, head = str(said.get("change_id")), int(said.get("seq") or 0), str(said.get("head"))
    if seq > heads.get(change_id, (0, ""))[0]:
        heads[change_id] = (seq, head)
    return True


def _may_hold_ours(message: Mapping[str, Any], me: Identity) -> bool:
    """Whether this bot may have written under a message: Slack names some of those who did, bots by either id."""
    if not message.get("reply_count"):
        return False
    named = message.get("reply_users") or ()
    return bool({me.bot_id, me.user_id} & set(named)) or int(message.get("reply_users_count") or 99) > len(named)


async def _pages(method: Any, **where: str) -> AsyncIterator[Mapping[str, Any]]:
    cursor: str | None = None
    while True:
        try:
            with slack_call():
                answer = await method(include_all_metadata=True, limit=PAGE, cursor=cursor, **where)
        except SlackFailed as failed:
            if failed.code == RATELIMITED:
                await asyncio.sleep(failed.retry_after)
                continue
            if failed.code in {"channel_not_found", "not_in_channel", "thread_not_found"}:
                return
            raise
        for message in answer.get("messages") or []:
            yield message
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or None
        if cursor is None:
            return

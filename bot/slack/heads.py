"""The heads that were told in Slack: what the ledger can be compared with, for nobody rewrites both."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.card import EVENT_TYPE
from bot.slack.web import RATELIMITED, SlackFailed, slack_call

PAGE = 200

Heads = dict[str, tuple[int, str]]
"""Change id → (seq, hash) of the last event told there."""


async def told_heads(client: AsyncWebClient, bot_id: str, channels: Iterable[str]) -> Heads:
    """Read the cards of some channels and their threads, from the beginning: the ledger's first change may be gone.

    Raises SlackFailed where Slack does not answer; a channel the bot can no longer read counts as silent.
    """
    heads: Heads = {}
    for channel in channels:
        async for card in _pages(client.conversations_history, channel=channel):
            if not _add(heads, bot_id, card):
                continue
            async for reply in _pages(client.conversations_replies, channel=channel, ts=card["ts"]):
                _add(heads, bot_id, reply)
    return heads


def _add(heads: Heads, bot_id: str, message: Mapping[str, Any]) -> bool:
    told = message.get("metadata") or {}
    said = told.get("event_payload") or {}
    if message.get("bot_id") != bot_id or told.get("event_type") != EVENT_TYPE:
        return False
    change_id, seq, head = str(said.get("change_id")), int(said.get("seq") or 0), str(said.get("head"))
    if seq > heads.get(change_id, (0, ""))[0]:
        heads[change_id] = (seq, head)
    return True


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

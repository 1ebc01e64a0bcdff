"""Where somebody asks for a change: the channel of a command, or the thread of a message."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.change import Change
from bot.core.draft import Draft
from bot.deadline import FOR_THE_LEDGER, left
from bot.slack.web import SlackFailed, slack_call

LINK_LIMIT = 0.7
"""Seconds for a link in an answer: a person waits for the sentence that it is only a part of."""
ORIGIN_LIMIT = 2.0
"""Seconds for the link back, which is asked for while DBS reads the plan."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the card would go by itself, and what it would link back to."""

    channel: str = ""
    """Outside any channel it is empty, and one has to be chosen."""
    thread: str = ""
    """The message under which the card goes, by its ts; "" for a card of its own."""
    message: str = ""
    """The message it was asked for at, by its ts."""
    origin: str = ""
    """The link to that message, where it is known already."""


def of_command(body: Mapping[str, Any]) -> Place:
    """Return where a command was typed."""
    return Place(_channel(body["channel_id"], body.get("channel_name")))


def of_message(body: Mapping[str, Any]) -> Place:
    """Return where the message is whose menu was used; nobody else can follow into direct messages."""
    message = body["message"]
    channel = _channel(body["channel"]["id"], body["channel"].get("name"))
    return Place(channel, message.get("thread_ts") or message["ts"], message["ts"]) if channel else Place()


def of_change(change: Change, clicked_in: str) -> Place:
    """Return where a change was asked for; a button pressed anywhere else says that its thread may be gone."""
    request = change.request
    if clicked_in != request.channel:
        return Place(request.channel, origin=request.origin)
    return Place(request.channel, request.thread, origin=request.origin)


async def origin_of(client: AsyncWebClient, draft: Draft) -> str:
    """Return the link to the message where a change is asked for, "" where there is none to be had in time."""
    if draft.origin or not draft.message:
        return draft.origin
    return await permalink(client, draft.channel, draft.message, ORIGIN_LIMIT)


async def permalink(client: AsyncWebClient, channel: str, ts: str, limit: float = LINK_LIMIT) -> str:
    """Return the link to a message, "" where there is none to be had within `limit` seconds, or before the deadline."""
    try:
        async with asyncio.timeout(left(limit, keep=FOR_THE_LEDGER)):
            with slack_call():
                answer = await client.chat_getPermalink(channel=channel, message_ts=ts)
    except (SlackFailed, TimeoutError):
        return ""
    return str(answer["permalink"])


def _channel(channel_id: str, name: str | None) -> str:
    """Return the id of a channel, "" for a conversation between people."""
    private = channel_id.startswith("D") or str(name).startswith(("directmessage", "mpdm"))
    return "" if private else channel_id

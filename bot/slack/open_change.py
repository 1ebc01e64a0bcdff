"""Saying that a plan has an open change already, with the way to its card."""

import asyncio

from slack_sdk.web.async_client import AsyncWebClient

from bot.ports import Ledger
from bot.slack.web import SlackFailed, slack_call

OPEN = "Change {change_id} of this plan is still open; another can be asked for once it has ended."
LINK_LIMIT = 0.7
"""Seconds for the link: a person waits for the sentence that it is only a part of."""


def open_text(change_id: str, link: str) -> str:
    """Return the sentence as mrkdwn."""
    said = OPEN.format(change_id=change_id)
    return f"{said} <{link}|See its card>." if link else said


async def card_link(client: AsyncWebClient, ledger: Ledger, change_id: str) -> str:
    """Return a link to the card of a change, "" where there is none to be had in time."""
    change = await ledger.change(change_id)
    if change is None or change.card is None:
        return ""
    try:
        async with asyncio.timeout(LINK_LIMIT):
            with slack_call():
                answer = await client.chat_getPermalink(channel=change.card.channel, message_ts=change.card.ts)
    except (SlackFailed, TimeoutError):
        return ""
    return str(answer["permalink"])

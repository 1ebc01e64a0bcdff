"""Saying that a plan has an open change already, with the way to its card."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.ports import Ledger
from bot.slack.place import permalink

OPEN = "Change {change_id} of this plan is still open; another can be asked for once it has ended."


def open_text(change_id: str, link: str) -> str:
    """Return the sentence as mrkdwn."""
    said = OPEN.format(change_id=change_id)
    return f"{said} <{link}|See its card>." if link else said


async def card_link(client: AsyncWebClient, ledger: Ledger, change_id: str) -> str:
    """Return a link to the card of a change, "" where there is none to be had in time."""
    change = await ledger.change(change_id)
    if change is None or change.card is None:
        return ""
    return await permalink(client, change.card.channel, change.card.ts)

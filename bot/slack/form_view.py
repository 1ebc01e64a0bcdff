"""The form's view in Slack: which one a payload is about, its draft, and putting another in its place."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.draft import Draft
from bot.deadline import left
from bot.ports import Ledger
from bot.slack.text import View
from bot.slack.web import RATELIMITED, UNANSWERED, SlackFailed, slack_call

log = structlog.get_logger("bot.slack.form_view")

CONFLICT = "hash_conflict"
ATTEMPTS = 3
"""Times that a view is drawn before it is left as it is: drawing it twice does no harm."""
OPENING = (0.0, 0.1, 0.3, 0.6)
"""Seconds to wait for a form to be written down: people may be quicker than Slack's answer that it is open."""


def updated(view: View) -> dict[str, Any]:
    """Return the answer to a submission that shows another view in place of the submitted one."""
    return {"response_action": "update", "view": view}


def view_of(body: Mapping[str, Any]) -> str:
    """Return the id of the form, whichever view of its stack a payload comes from."""
    return str(body["view"].get("root_view_id") or body["view"]["id"])


async def draft_of(ledger: Ledger, body: Mapping[str, Any]) -> Draft | None:
    """Return the draft of the form that a payload comes from, None if there is none that is young enough."""
    for wait in OPENING:
        await asyncio.sleep(left(wait))
        if (draft := await ledger.draft(view_of(body))) is not None:
            return draft
    return None


async def update_view(client: AsyncWebClient, view_id: str, view: View, seen: str | None = None) -> str:
    """Replace a view and return "", or Slack's word for why not: one that was closed is left alone."""
    for _ in range(ATTEMPTS):
        try:
            with slack_call():
                await client.views_update(view_id=view_id, view=view, hash=seen)
        except SlackFailed as failed:
            code = failed.code
            if code not in {RATELIMITED, UNANSWERED}:
                break
            await asyncio.sleep(failed.retry_after)
        else:
            return ""
    log.info("view_not_updated", code=code)
    return code

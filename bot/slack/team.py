"""Whose payload it is: one bot serves one workspace, whatever else knows the app's secret."""

from typing import Any

import structlog

from bot.slack.payload import Answer, Dispatch, Payload

log = structlog.get_logger("bot.slack.team")

REFUSED = "This bot serves another workspace."


def only_ours(dispatch: Dispatch, team_id: str) -> Dispatch:
    """Return a dispatch that hands on what comes from this workspace, over HTTP as well as over Socket Mode.

    Who clicks in a channel that is shared with us may be somebody else's: those who decide tell them so.
    """

    async def ours(payload: Payload) -> Answer:
        if payload.kind != "ssl_check" and _team(payload.body) != team_id:
            log.warning("request_refused", status=403, reason=REFUSED, kind=payload.kind)
            return Answer(403, REFUSED)
        return await dispatch(payload)

    return ours


def _team(body: dict[str, Any]) -> Any:
    """Return the workspace in which the app was used; where it is installed in an organization, the person's own."""
    if "user" not in body:
        return body.get("team_id")
    return (body.get("team") or {}).get("id") or body["user"].get("team_id")

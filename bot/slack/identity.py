"""Who the bot is in Slack: asked once at the start, with everything that would fail later looked at now."""

import asyncio
from dataclasses import dataclass

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import ConfigError
from bot.slack.web import RATELIMITED, UNANSWERED, SlackFailed, slack_call

log = structlog.get_logger("bot.slack.identity")

SCOPES = frozenset(
    {
        "commands",
        "chat:write",
        "users:read",
        "usergroups:read",
        "channels:read",
        "groups:read",
        "channels:history",
        "groups:history",
        "im:write",
    }
)
"""What manifest.yml asks for: exactly what the calls in this folder need."""
LONGEST_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot in its workspace."""

    team_id: str
    team: str
    bot_id: str
    user_id: str = ""
    """The bot's user."""


async def identify(client: AsyncWebClient) -> Identity:
    """Ask Slack who this token belongs to, however long that takes. Raises ConfigError for a token that is no use."""
    wait = 1.0
    while True:
        try:
            with slack_call():
                answer = await client.auth_test()
            break
        except SlackFailed as failed:
            if failed.code not in {UNANSWERED, RATELIMITED, "internal_error", "fatal_error", "service_unavailable"}:
                sentence = (
                    f"SLACK_BOT_TOKEN is refused by Slack ({failed.code}): copy it anew from OAuth & Permissions."
                )
                raise ConfigError([sentence]) from failed
            log.warning("slack_unreachable", code=failed.code, wait=wait)
            await asyncio.sleep(max(wait, failed.retry_after))
            wait = min(2 * wait, LONGEST_WAIT)
    _check_scopes(answer.headers.get("x-oauth-scopes"))
    return Identity(
        team_id=answer["team_id"],
        team=answer.get("team") or "",
        bot_id=answer.get("bot_id") or "",
        user_id=answer.get("user_id") or "",
    )


def _check_scopes(told: str | None) -> None:
    if told is None:
        log.warning("scopes_unknown", hint="Slack did not say which scopes the token has")
        return
    missing = sorted(SCOPES - {scope.strip() for scope in told.split(",")})
    if missing:
        listed = ", ".join(missing)
        raise ConfigError([f"SLACK_BOT_TOKEN lacks the scopes {listed}: add them as in manifest.yml, then reinstall."])

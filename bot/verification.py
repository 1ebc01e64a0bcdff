"""`ledger verify`: the ledger against itself, and against the heads that were told in Slack."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot.clock import SystemClock
from bot.config import SlackSettings
from bot.core.events import Event
from bot.errors import ConfigError
from bot.ledger.chain import Finding, missing_tail
from bot.ledger.keys import Keys
from bot.ledger.statements import Row
from bot.ledger.store import open_ledger
from bot.ledger.walking import Check
from bot.policy_file import load_policy

if TYPE_CHECKING:
    from bot.slack.heads import Heads


async def verify(
    address: Path | SecretStr, keys: Keys, slack: SlackSettings | None, policy_file: Path | None = None
) -> tuple[Sequence[Finding], int, int]:
    """Return what is wrong, and how many changes and events were looked at.

    With `slack` the channels are those of the ledger and those that the policy names: where all changes of a channel
    are gone from the ledger, it says no more that there were any.
    """
    check, channels = Check(keys, SystemClock().now()), set(_allowed(policy_file) if slack else ())

    def visit(history: list[Event], row: Row | None) -> None:
        check.see(history, row)
        if history and (channel := history[0].data.get("channel")):
            channels.add(str(channel))

    ledger = open_ledger(address, SystemClock(), timedelta(), readonly=True)
    try:
        await ledger.walk(visit)
        findings = check.findings
        # What is told was recorded before. So each of these changes is read anew behind its heads: what a running bot
        # records and tells meanwhile is not missed.
        for change_id, head in sorted((await _told(slack, channels)).items() if slack else ()):
            findings += missing_tail({change_id: list(await ledger.events(change_id))}, {change_id: head})
    finally:
        await ledger.close()
    return findings, check.changes, check.events


async def _told(slack: SlackSettings, channels: set[str]) -> "Heads":
    from bot.slack.heads import told_heads  # noqa: PLC0415 - the ledger alone is verified without Slack's library
    from bot.slack.identity import identify  # noqa: PLC0415
    from bot.slack.web import new_client, new_session  # noqa: PLC0415

    session = new_session()
    try:
        client = new_client(slack.slack_bot_token.get_secret_value(), slack.slack_api_url, session)
        return await told_heads(client, await identify(client), sorted(channels))
    finally:
        await session.close()


def _allowed(policy_file: Path | None) -> list[str]:
    try:
        return load_policy(policy_file).defaults.channels if policy_file else []
    except ConfigError:
        return []  # whether the policy can be used is the business of `policy check`

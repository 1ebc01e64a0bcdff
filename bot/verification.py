"""`ledger verify`: the ledger against itself, and against the heads that were told in Slack."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from bot.clock import SystemClock
from bot.config import SlackSettings
from bot.core.events import Event
from bot.errors import ConfigError
from bot.ledger.chain import Finding, by_change, missing_tail
from bot.ledger.store import open_ledger
from bot.policy_file import load_policy
from bot.slack.heads import told_heads
from bot.slack.identity import identify
from bot.slack.web import new_client, new_session


async def verify(
    address: Path | SecretStr, slack: SlackSettings | None, policy_file: Path | None = None
) -> tuple[Sequence[Finding], int, int]:
    """Return what is wrong, and how many changes and events were looked at.

    With `slack` the channels are those of the ledger and those that the policy names: where all changes of a channel
    are gone from the ledger, it says no more that there were any.
    """
    ledger = open_ledger(address, SystemClock(), timedelta(), readonly=True)
    try:
        events = list(await ledger.events())
        findings = list(await ledger.findings())
    finally:
        await ledger.close()
    histories = by_change(events)
    if slack is not None:
        findings += await _compare(slack, histories, _allowed(policy_file))
    return findings, len(histories), len(events)


async def _compare(slack: SlackSettings, histories: dict[str, list[Event]], allowed: Iterable[str]) -> list[Finding]:
    session = new_session()
    try:
        client = new_client(slack.slack_bot_token.get_secret_value(), slack.slack_api_url, session)
        identity = await identify(client)
        heads = await told_heads(client, identity, sorted({*_channels(histories.values()), *allowed}))
    finally:
        await session.close()
    return missing_tail(histories, heads)


def _channels(histories: Iterable[list[Event]]) -> Iterator[str]:
    """Yield the channels that changes were asked for in."""
    for history in histories:
        if channel := history[0].data.get("channel"):
            yield str(channel)


def _allowed(policy_file: Path | None) -> list[str]:
    try:
        return load_policy(policy_file).defaults.channels if policy_file else []
    except ConfigError:
        return []  # whether the policy can be used is the business of `policy check`

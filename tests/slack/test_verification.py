"""Comparing the ledger with Slack where nothing is left in the ledger that says where to look."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from signing import KEYS
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SystemClock
from bot.config import SlackSettings
from bot.core import decisions
from bot.core.change import Change
from bot.core.events import Requested
from bot.ledger.sqlite import SqliteLedger
from bot.playground.slack.server import FakeSlack
from bot.slack.card import EVENT_TYPE
from bot.verification import verify

LATER = "9999-01-01T00:00:00.000Z"
POLICY = '[defaults]\napprovers = ["U0ANA", "U0BEN"]\nchannels = {channels}\n'


@pytest.mark.parametrize(
    ("channels", "found"), [('["C0OPS", "C0NONE"]', ["Change c1, event 1"]), ("[]", []), ("oops", [])], ids=str
)
async def test_req32_a_change_that_is_gone_altogether_is_missed_in_the_channels_of_the_policy(
    client: AsyncWebClient, slack: FakeSlack, tmp_path: Path, channels: str, found: list[str]
) -> None:
    payload = {"change_id": "c1", "kind": "card", "state": "pending", "seq": 1, "head": "f" * 64}
    metadata = {"event_type": EVENT_TYPE, "event_payload": payload}
    await client.chat_postMessage(channel="C0OPS", text="A card", metadata=metadata)
    ledger, policy = tmp_path / "ledger.db", tmp_path / "policy.toml"
    await SqliteLedger(ledger, SystemClock(), timedelta(seconds=15)).close()
    policy.write_text(POLICY.format(channels=channels))
    settings = SlackSettings.model_construct(slack_bot_token=SecretStr(slack.bot_token), slack_api_url=slack.url)
    findings, changes, events = await verify(ledger, KEYS, settings, policy)
    assert [str(finding).partition(":")[0] for finding in findings] == found
    assert (changes, events) == (0, 0)


async def test_req32_what_a_running_bot_records_and_tells_meanwhile_is_not_missed(
    client: AsyncWebClient, slack: FakeSlack, tmp_path: Path, requested: Callable[..., Requested]
) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.db", SystemClock(), timedelta(seconds=15), KEYS)
    await ledger.record("c1", partial(decisions.request, by="UR", data=requested(expires_at=LATER)))
    settings = SlackSettings.model_construct(slack_bot_token=SecretStr(slack.bot_token), slack_api_url=slack.url)
    told = asyncio.Event()
    slack.faults.gate("conversations.history", told)
    verifying = asyncio.create_task(verify(tmp_path / "ledger.db", KEYS, settings))
    await slack.wait_for(lambda: [call for call in slack.calls if call.method == "conversations.history"])
    for change in (
        await ledger.record("c1", partial(decisions.deny, by="UA", reason="No", objection=None)),
        await ledger.record("c2", partial(decisions.request, by="UR", data=requested(plan_id="dbs2", view_id="V2"))),
    ):
        await say(client, change)
    told.set()
    assert await verifying == ([], 1, 1)
    await ledger.close()


async def say(client: AsyncWebClient, change: Change) -> None:
    """Tell Slack of a change's head, as a card does."""
    payload = {"change_id": change.id, "kind": "card", "state": "", "seq": change.seq, "head": change.head}
    metadata = {"event_type": EVENT_TYPE, "event_payload": payload}
    await client.chat_postMessage(channel="C0OPS", text="A card", metadata=metadata)

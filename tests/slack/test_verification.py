"""Comparing the ledger with Slack where nothing is left in the ledger that says where to look."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SystemClock
from bot.config import SlackSettings
from bot.ledger.sqlite import SqliteLedger
from bot.playground.slack.server import FakeSlack
from bot.slack.card import EVENT_TYPE
from bot.verification import verify

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
    findings, changes, events = await verify(ledger, settings, policy)
    assert [str(finding).partition(":")[0] for finding in findings] == found
    assert (changes, events) == (0, 0)

"""A command with values all the way to DBS, over HTTP and over Socket Mode."""

from collections.abc import Awaitable, Callable

import pytest
from forms import shows

from bot.playground.acts import new_card, outcome, said
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

REDIS = "dbsredisecs01"
OpenStage = Callable[..., Awaitable[Stage]]


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_what_came_with_the_command_is_what_is_approved_and_sent(open_stage: OpenStage, mode: str) -> None:
    stage = await open_stage(socket_mode=mode == "socket")
    await stage.start_bot()
    line = f"/backup-plan configure {REDIS} BackupRetentionPeriod=30 BackupPeriod=Friday,Monday BackupPlanName=“a b”"
    await stage.rita.command(line, channel=CHANNEL)
    await stage.rita.wait_for_view(lambda view: shows(view, REDIS))
    await stage.rita.submit()
    await stage.rita.wait_for_view(lambda view: view["callback_id"] == "review")
    await stage.rita.type("reason", "Disk is full")
    await stage.rita.submit()
    card = await new_card(stage.slack)
    for words in ("730 days | 30 days", "Monday, Thursday | Monday, Friday", "| a b"):
        assert words in plain_text(card)
    await stage.ana.click(card, "approve")
    await stage.ben.click(card, "approve")
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    (sent,) = stage.dbs.calls("ConfigureBackupPlan")
    given = {name: sent.params[name] for name in ("BackupRetentionPeriod", "BackupPeriod", "BackupPlanName")}
    assert given == {"BackupRetentionPeriod": "30", "BackupPeriod": "Monday,Friday", "BackupPlanName": "a b"}


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_a_line_that_cannot_be_used_is_answered_at_once(open_stage: OpenStage, mode: str) -> None:
    stage = await open_stage(socket_mode=mode == "socket")
    await stage.start_bot()
    told = await stage.rita.command(f"/backup-plan configure {REDIS} BackupRetention=30", channel=CHANNEL)
    assert "Did you mean `BackupRetentionPeriod`?" in told.text
    assert stage.rita.view is None

"""A ledger that comes back from a backup older than what happened: it is noticed, and nothing is sent twice."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest
from commands import run_bot
from stores import kinds

from bot.playground.acts import ask, outcome, replies, said
from bot.playground.stage import Stage

pytestmark = pytest.mark.usefixtures("forked")

REDIS, WISH = "dbsredisecs01", {"BackupRetentionPeriod": "30"}


@pytest.mark.parametrize("approvals", [1, 2])
async def test_what_was_sent_after_the_backup_is_stale_and_named_by_the_comparison_with_slack(
    set_stage: Callable[..., Awaitable[Stage]], approvals: int
) -> None:
    stage = await set_stage(SWEEP_INTERVAL="1s")
    first = await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, WISH)
    voters = [stage.ana, stage.ben]
    for person in voters[: approvals - 1]:
        await person.click(card, "approve")
    copy = stage.folder / "copy.db"
    with closing(sqlite3.connect(stage.ledger_file)) as ledger:
        ledger.execute("vacuum into ?", [str(copy)])
    for person in voters[approvals - 1 :]:
        await person.click(card, "approve")
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    assert await first.end() == 0

    for ending in ("-wal", "-shm"):
        stage.ledger_file.with_name(stage.ledger_file.name + ending).unlink(missing_ok=True)
    copy.replace(stage.ledger_file)
    code, told, _ = await run_bot("ledger", "verify", "--slack", environment=stage.environment(0))
    assert (code, "are missing" in told, said(card)["change_id"] in told) == (1, True, True)

    await stage.start_bot()
    for person in voters[approvals - 1 :]:
        await person.click(card, "approve", stale=True)
    await stage.slack.wait_for(lambda: "kind=told" in stage.bots[-1].log, 20)
    happened = await kinds(stage.database_url, card)
    assert ("stale" in happened, "sent" in happened) == (True, False)
    assert len(stage.dbs.effects) == 1
    assert [said(one)["state"] for one in replies(stage.slack, card)] == ["applied", "stale"]

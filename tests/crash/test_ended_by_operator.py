"""A change that is in the way: an operator ends it while the bot runs, and an altered one holds nobody up."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing

import psycopg
import pytest
from commands import run_bot
from stores import eventually, kinds

from bot.playground.acts import ask, buttons, outcome, said, settled, whispered
from bot.playground.dbs.plans import redis_on_ecs
from bot.playground.slack.server import plain_text
from bot.playground.stage import Stage

pytestmark = pytest.mark.usefixtures("forked")

WISH = {"BackupRetentionPeriod": "30"}
SOON = {"TELL_GRACE": "1s", "SWEEP_INTERVAL": "1s"}
PLAN = "dbsredisecs01"
REASON = "Asked for by mistake <!channel>"

SetStage = Callable[..., Awaitable[Stage]]


async def test_an_operator_ends_a_change_while_the_bot_runs(store: dict[str, str], set_stage: SetStage) -> None:
    stage = await set_stage()
    await stage.start_bot(**SOON, **store)
    here = stage.environment(0) | store
    card = await ask(stage.slack, stage.rita, PLAN, WISH)
    change_id = str(said(card)["change_id"])
    await stage.ana.click(card, "approve")
    ended, unknown, silent = await asyncio.gather(
        run_bot("ledger", "end", change_id, "--reason", REASON, environment=here),
        run_bot("ledger", "end", "1m866xxt6798ahn", "--reason", REASON, environment=here),
        run_bot("ledger", "end", change_id, "--reason", " ", environment=here),
    )
    assert ended == (
        0,
        f"Change {change_id} is denied: nothing was sent. Its plan is free; the running bot tells the requester.\n",
        "",
    )
    assert unknown == (2, "", "There is no change 1m866xxt6798ahn in this ledger.\n")
    assert silent[0] == 2
    told = plain_text(await outcome(stage.slack, card))
    assert told.startswith("*Denied* by the operator ")
    assert "Asked for by mistake <!channel>" in told
    shown = await settled(stage.slack, card)
    assert buttons(shown) == []
    assert "By the operator" in plain_text(shown)
    again = await run_bot("ledger", "end", change_id, "--reason", REASON, environment=here)
    assert again[0] == 1
    assert again[1].startswith("This change was already denied by the operator")
    assert await kinds(here["DATABASE_URL"], card) == ["requested", "announced", "approved", "denied", "told"]
    assert (await run_bot("ledger", "verify", environment=here))[0] == 0
    assert stage.dbs.effects == []


async def test_an_altered_change_holds_up_neither_its_plan_nor_others(
    store: dict[str, str], set_stage: SetStage
) -> None:
    stage = await set_stage()
    stage.dbs.plans["dbstwo"] = redis_on_ecs("dbstwo")
    bot = await stage.start_bot(**SOON, **store)
    here = stage.environment(0) | store
    card = await ask(stage.slack, stage.rita, PLAN, WISH)
    change_id = str(said(card)["change_id"])
    await alter(stage, here["DATABASE_URL"], change_id)
    await stage.ana.click(card, "approve")
    assert "somebody wrote to the ledger" in await whispered(stage.slack, stage.ana)
    code, line, _ = await run_bot("ledger", "end", change_id, "--reason", REASON, environment=here)
    assert code == 1
    assert line.startswith(f"Change {change_id} cannot be ended in the ledger: its record does not hold together")
    assert "its plan is free" in line
    other = await ask(stage.slack, stage.rita, PLAN, WISH)
    assert said(other)["change_id"] != change_id
    await stage.ana.click(other, "approve")
    await stage.ben.click(other, "approve")
    assert said(await outcome(stage.slack, other))["state"] == "applied"
    code, findings, _ = await run_bot("ledger", "verify", environment=here)
    assert (code, findings.count("\n")) == (1, 1)
    assert findings.startswith(f"Change {change_id}, event 2: ")
    assert bot.log.count("ledger_altered") <= 1
    assert bot.log.count("change_not_advanced") == 0


async def alter(stage: Stage, url: str, change_id: str) -> None:
    """Write to the second event, once it is there, as somebody with every right."""
    edit = "update events set actor = 'U0EVE' where seq = 2 and change_id = "

    async def written() -> bool:
        if url.startswith("postgres"):
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute("alter table events disable trigger all")
                return (await connection.execute(edit + "%s", [change_id])).rowcount == 1
        with closing(sqlite3.connect(stage.ledger_file)) as file, file:
            file.execute("drop trigger if exists events_stay")
            return file.execute(edit + "?", [change_id]).rowcount == 1

    await eventually(written)

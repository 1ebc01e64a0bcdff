"""Replicas whose clocks are two minutes apart: on PostgreSQL the database's clock decides, whoever's is wrong.

On SQLite all processes share one machine, and with it its clock.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from stores import eventually, kinds, recorded

from bot.core.events import moment
from bot.playground.acts import ask, outcome, replies, said, settled
from bot.playground.dbs.faults import Gate, cut, hold
from bot.playground.stage import POLICY, Bot, Stage

pytestmark = pytest.mark.usefixtures("forked")

WRONG_CLOCK = Path(__file__).parents[1] / "wrong_clock"
OFF = timedelta(minutes=2)
ONE_MINUTE = POLICY.replace('expires_after = "4h"', 'expires_after = "1m"')
WISH = {"BackupRetentionPeriod": "30"}
CONFIGURE = "ConfigureBackupPlan"
NEVER = "24h"
"""A sweep that does not come during a test: what the sweep does is done by the other replica."""


async def wrong_bot(stage: Stage, seconds: int, **settings: str) -> Bot:
    """Start a replica whose machine has a wrong clock."""
    path = ":".join(filter(None, [str(WRONG_CLOCK), stage.environment(0).get("PYTHONPATH")]))
    return await stage.start_bot(PYTHONPATH=path, SECONDS_AHEAD=str(seconds), **settings)


async def two_sweeps(database: str) -> None:
    """Wait until the sweep of a replica has come by twice: each time it takes the withdrawn change, made due again."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:

        async def taken() -> object:
            # a card that is drawn late takes it off the list
            await connection.execute("update changes set due_at = '2000' where state = 'withdrawn' and due_at is null")
            held = "select 1 from changes where state = 'withdrawn' and held_until <> ''"
            return await (await connection.execute(held)).fetchone()

        for _ in range(2):
            await connection.execute("update changes set due_at = '2000', held_until = '' where state = 'withdrawn'")
            await eventually(taken)


@pytest.mark.parametrize("seconds", [120, -120], ids=["ahead", "behind"])
async def test_a_replica_whose_clock_is_wrong_takes_nothing_over_lets_nothing_expire_and_waits_as_it_should(
    database: str, set_stage: Callable[..., Awaitable[Stage]], seconds: int
) -> None:
    stage = await set_stage(policy=ONE_MINUTE, DATABASE_URL=database)
    right = await stage.start_bot(SWEEP_INTERVAL=NEVER)
    wrong = await wrong_bot(stage, seconds, SWEEP_INTERVAL="1s", EXECUTION_LEASE="8s", DBS_TIMEOUT="7s")
    stage.slack.point_at(wrong.events_url)
    swept = await ask(stage.slack, stage.olga, "dbsmysqlecs01", WISH | {"SourceEndpointPassword": "orders-db"})
    await stage.olga.click(swept, "withdraw")
    await outcome(stage.slack, swept)
    sent = datetime.strptime(stage.dbs.requests[-1].headers["x-acs-date"], "%Y-%m-%dT%H:%M:%S%z")
    assert abs(sent - datetime.now(UTC) - timedelta(seconds=seconds)) < OFF / 2, "its clock is not wrong at all"

    # Asked for at the wrong one: it expires a minute after the time of the ledger, neither sooner nor later.
    card = await ask(stage.slack, stage.rita, "dbsredisecs01", WISH)
    (asked,) = [event for event in await recorded(database, card) if event.type == "requested"]
    wait = moment(asked.data["expires_at"]) - moment(asked.at)
    assert timedelta(seconds=55) < wait < timedelta(seconds=61)
    await two_sweeps(database)
    assert await kinds(database, card) == ["requested", "announced"]
    await stage.ana.click(card, "deny")
    await stage.ana.wait_for_view(lambda view: view["callback_id"] == "deny")
    await stage.ana.close_view()

    # In the lease of the right one.
    stage.slack.point_at(right.events_url)
    gate = Gate()
    stage.dbs.next(CONFIGURE, hold(gate))
    for person in (stage.ana, stage.ben):
        await person.click(card, "approve")
    await gate.reached.wait()
    await two_sweeps(database)
    assert (await kinds(database, card))[-2:] == ["started", "sent"]
    gate.release()
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    await settled(stage.slack, card)
    assert len(replies(stage.slack, card)) == 1

    # Sent by the wrong one, and lost twice: the waits in between are as long as its lease says.
    stage.slack.point_at(wrong.events_url)
    card = await ask(stage.slack, stage.rita, "dbsredisecs01", {"BackupRetentionPeriod": "31"})
    stage.dbs.next(CONFIGURE, cut(), cut())
    for person in (stage.ana, stage.ben):
        await person.click(card, "approve")
    assert said(await outcome(stage.slack, card, seconds=30))["state"] == "applied"
    sends = [moment(event.at) for event in await recorded(database, card) if event.type == "sent"]
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(sends)]
    assert [2 <= gaps[0] < 6, 8 <= gaps[1] < 12, len(gaps)] == [True, True, 2], gaps
    assert len(stage.dbs.effects) == 2

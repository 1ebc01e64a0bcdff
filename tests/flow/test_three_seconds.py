"""Whatever is slow or locked: each delivery is answered before Slack gives up, saying whether anything was recorded."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager

import psycopg
import pytest

from bot.playground.acts import ask, fill, inputs, kind, open_form, whispered
from bot.playground.slack.limits import LIMITS
from bot.playground.slack.person import Person
from bot.playground.stage import Stage

RDS, WISH = "dbsmysqlrds01", {"SourceEndpointPassword": "orders-db"}
REDIS, SHORTER = "dbsredisecs01", {"BackupRetentionPeriod": "30"}
SLOW = 1.2
"""Seconds that each call of Slack's takes."""
HANGS = 30.0
RECORDED = "Slack did not say in time who may do this, so nothing was recorded"
LOCKED = "The ledger is locked by another process; nothing was recorded"


@asynccontextmanager
async def in_time(stage: Stage) -> AsyncIterator[None]:
    """Fail where something that is delivered meanwhile is not acknowledged before Slack gives up."""
    assert stage.slack.courier.ack_seconds == 3.0
    before = len(stage.slack.deliveries)
    yield
    deliveries = stage.slack.deliveries[before:]
    assert deliveries
    assert [(one.problem, one.status) for one in deliveries] == [("", 200)] * len(deliveries), [
        one.duration for one in deliveries
    ]


async def forgetful(stage: Stage) -> None:
    """Have a process go on that has not asked about anybody yet."""
    stage.slack.point_at((await stage.start_bot()).events_url)


def slow(stage: Stage, seconds: float, *methods: str) -> None:
    for method in methods:
        stage.slack.faults.slow(method, seconds, times=200)


async def filled(person: Person, plan_id: str = RDS) -> None:
    await open_form(person, plan_id)
    await fill(person, WISH if plan_id == RDS else SHORTER)


async def test_three_seconds_hold_with_every_slack_call_at_1_2(stage: Stage) -> None:
    """What is looked up goes on behind the answer: doing the same once more finds it."""
    await stage.start_bot()
    card = await ask(stage.slack, stage.olga, REDIS, SHORTER)
    await filled(stage.rita)
    await forgetful(stage)
    slow(stage, SLOW, *LIMITS)
    async with in_time(stage):
        assert (await stage.rita.submit()).action == "push"
        await stage.rita.type("reason", "Disk is full")
        if (await stage.rita.submit()).action == "errors":
            assert RECORDED in stage.rita.errors["reason"]
            assert (await stage.rita.submit()).action == "clear"
        await stage.ana.click(card, "approve")
        await stage.ben.click(card, "approve")
    assert stage.ana.notices == stage.ben.notices == []


async def test_three_seconds_hold_where_the_review_names_another_change(stage: Stage) -> None:
    """The channel, the approvers and the link to the other card are asked for one after another."""
    await stage.start_bot()
    await ask(stage.slack, stage.olga, RDS, WISH)
    await filled(stage.rita)
    await forgetful(stage)
    slow(stage, SLOW, *LIMITS)
    async with in_time(stage):
        assert (await stage.rita.submit()).action == "push"


async def test_three_seconds_hold_while_users_info_hangs(stage: Stage) -> None:
    await stage.start_bot()
    card = await ask(stage.slack, stage.olga, REDIS, SHORTER)
    await filled(stage.rita)
    held = asyncio.Event()
    stage.slack.faults.gate("views.update", held)
    await stage.rita.choose("BackupStrategyType", "manual")  # the form that follows from it does not arrive
    await forgetful(stage)
    slow(stage, HANGS, "users.info")
    async with in_time(stage):
        assert (await stage.rita.submit()).action == "update"
        await fill(stage.rita, {name: text for name, text in WISH.items() if name in inputs(stage.rita.view or {})})
        assert (await stage.rita.submit()).action == "push"
        await stage.rita.type("reason", "Disk is full")
        assert (await stage.rita.submit()).action == "errors"
        assert RECORDED in stage.rita.errors["reason"]
        await stage.ana.click(card, "approve")
        await stage.ana.command("/backup-plan policy dbsmysqlrds01", channel="C0OPS")
    assert RECORDED in await whispered(stage.slack, stage.ana)
    held.set()


@contextmanager
def file_locked(stage: Stage) -> Iterator[None]:
    with closing(sqlite3.connect(stage.ledger_file, isolation_level=None)) as somebody:
        somebody.execute("begin immediate")
        yield


@contextmanager
def rows_locked(stage: Stage) -> Iterator[None]:
    with psycopg.connect(stage.settings["DATABASE_URL"]) as somebody:
        somebody.execute(b"select * from changes for update")
        yield
        somebody.rollback()


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_three_seconds_hold_with_slow_look_ups_and_a_locked_ledger(
    open_stage: Callable[..., Awaitable[Stage]], store: str, request: pytest.FixtureRequest
) -> None:
    settings = {"DATABASE_URL": request.getfixturevalue("database")} if store == "postgres" else {}
    stage = await open_stage(**settings)
    await stage.start_bot()
    card = await ask(stage.slack, stage.olga, REDIS, SHORTER)
    await stage.ben.click(card, "deny")
    await stage.ben.wait_for_view(lambda view: view["callback_id"] == "deny")
    await stage.ben.type("reason", "Not now")
    await filled(stage.rita)
    await stage.rita.submit()
    await stage.rita.type("reason", "Disk is full")
    await forgetful(stage)
    slow(stage, 1.8, "users.info")
    with file_locked(stage) if store == "sqlite" else rows_locked(stage):
        async with in_time(stage):
            await stage.ana.click(card, "approve")
            assert (await stage.ben.submit()).action == "errors"
            assert LOCKED in stage.ben.errors["reason"]
            if store == "sqlite":  # where only rows are locked a new one can be written
                assert (await stage.rita.submit()).action == "errors"
                assert "nothing was recorded" in stage.rita.errors["reason"]
        assert LOCKED in await whispered(stage.slack, stage.ana)
    await stage.ana.click(card, "approve")
    await stage.slack.wait_for(lambda: "1 of 2" in str(stage.slack.channel("C0OPS").log))
    assert kind(card) == "card"

"""Made-up ledgers are what the bot would have written: recording the same changes through it gives the same rows."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from database import database_of, forget_database
from doubles import ToldClock
from pydantic import SecretStr
from signing import KEYS

from bench.ledger_filled import fill
from bench.ledger_made import EventRow, Made, made, plans_of
from bot.clock import SystemClock
from bot.core.change import Change
from bot.core.decisions import Decision
from bot.core.events import EVENTS, canonical_json, moment
from bot.ledger.sqlite import SqliteLedger
from bot.ledger.store import open_ledger

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
GRACE = timedelta(seconds=15)
NUMBER = 10_000


def sample() -> list[Made]:
    """Return changes of every kind of plan and ending, for the first time and for the hundredth, ended and open."""
    return made(0, 56, NUMBER, NOON) + made(NUMBER - 90, NUMBER, NUMBER, NOON)


async def recorded(ledger: SqliteLedger, clock: ToldClock, events: list[EventRow], drawn_seq: int) -> None:
    """Record a history through the bot, event by event, and draw its card."""
    for change_id, seq, kind, actor, at, data, *_ in events:
        clock.time = moment(at)
        content = EVENTS[kind].model_validate(json.loads(data))
        change = await ledger.record(change_id, partial(say, said=(actor, content)))
        if seq == drawn_seq:
            await ledger.drawn(change_id, change.seen_seq, over=change.drawn_seq)
    if change.open:
        clock.time = moment(change.requested_at)
        await ledger.card_waits(change.id, timedelta(days=1))


def say(_change: Change | None, _now: datetime, *, said: Decision) -> Decision:
    return said


def rows(path: Path) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as db:
        events = db.execute("select * from events order by change_id, seq").fetchall()
        return events, db.execute("select * from changes order by change_id").fetchall()


async def test_recorded_through_the_bot_every_row_is_the_same(tmp_path: Path) -> None:
    clock = ToldClock()
    ledger = SqliteLedger(tmp_path / "ledger.db", clock, GRACE, KEYS)
    changes = sample()
    for one in changes:
        await recorded(ledger, clock, one.events, int(one.change[12] or 0))
    await ledger.close()
    events, projection = rows(tmp_path / "ledger.db")
    assert events == [event for one in changes for event in one.events]
    assert projection == [one.change for one in changes]
    assert {one.change[3] for one in changes} == {"applied", "denied", "withdrawn", "expired", "pending"}


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | SecretStr]:
    yield tmp_path / "ledger.db" if request.param == "sqlite" else database_of(tmp_path)
    forget_database(tmp_path)


async def test_a_ledger_that_was_filled_holds_together(address: Path | SecretStr) -> None:
    filled = await asyncio.to_thread(fill, 1500, NOON, address)
    ledger = open_ledger(address, SystemClock(), GRACE, KEYS, readonly=True)
    try:
        assert await ledger.findings() == []
        events = list(await ledger.events())
    finally:
        await ledger.close()
    assert len({event.change_id for event in events}) == 1500
    assert 4.9 < len(events) / 1500 < 5.1
    assert filled.json == sum(len(canonical_json(event.data).encode()) for event in events)


def test_each_request_knows_what_was_last_applied_to_its_plan_and_was_read_as_that_left_it() -> None:
    last: dict[str, str] = {}
    for turn in range(12):
        index = turn * plans_of(NUMBER) + 5
        (one,) = made(index, index + 1, NUMBER, NOON)
        request = json.loads(one.events[0][5])
        assert request["known"] == last
        if last:
            assert request["baseline"]["BackupRetentionPeriod"] == last["BackupRetentionPeriod"]
        assert request["proposed"]["BackupRetentionPeriod"] != request["baseline"]["BackupRetentionPeriod"]
        if one.change[3] == "applied":
            last = request["proposed"]

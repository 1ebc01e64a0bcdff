"""What every ledger test needs: a clock that is told the time, requests, and ledgers opened on one store.

Another adapter joins the contract suite with one more entry in STORES.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from database import database_of, forget_database
from signing import KEYS

from bot.core import decisions
from bot.core.change import Change
from bot.core.events import Demand, Requested, stamp
from bot.ledger.postgres import PostgresLedger
from bot.ledger.sqlite import SqliteLedger
from bot.ports import Clock, Ledger

GRACE = timedelta(seconds=15)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

STORES: dict[str, Callable[[Path, Clock], Ledger]] = {
    "sqlite": lambda folder, clock: SqliteLedger(folder / "ledger.db", clock, GRACE, KEYS),
    "postgres": lambda folder, clock: PostgresLedger(database_of(folder), GRACE, KEYS, clock=clock),
}


class ToldClock:
    """It is the time it was told."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def advance(clock: ToldClock) -> Callable[[float], datetime]:
    """Let seconds pass, or come back."""

    def pass_time(seconds: float) -> datetime:
        clock.time += timedelta(seconds=seconds)
        return clock.time

    return pass_time


@pytest.fixture(params=STORES)
async def open_ledger(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ToldClock
) -> AsyncIterator[Callable[[], Ledger]]:
    """Open one more ledger on the same store, as another process would."""
    opened: list[Ledger] = []

    def one_more() -> Ledger:
        opened.append(STORES[request.param](tmp_path, clock))
        return opened[-1]

    yield one_more
    for ledger in opened:
        await ledger.close()
    forget_database(tmp_path)


@pytest.fixture
def ledger(open_ledger: Callable[[], Ledger]) -> Ledger:
    return open_ledger()


@pytest.fixture
def wish() -> Callable[..., Requested]:
    """Make a request for a change; every field may be said otherwise."""

    def make(**otherwise: object) -> Requested:
        fields: dict[str, object] = {
            "plan_id": "dbs1", "plan_name": "Orders", "host": "dbs.test", "region": "cn-hangzhou", "status": "running",
            "proposed": {"BackupPlanId": "dbs1", "BackupRetentionPeriod": "30"}, "baseline": {"BackupPlanId": "dbs1"},
            "known": {}, "secrets": {}, "reason": "Größe ✓", "channel": "C1", "view_id": "V1",
            "demand": Demand(approvals=2, approvers=("S1",), pool=("UA", "UB"), policy="p", sentence="Two of S1."),
            "expires_at": stamp(NOON + timedelta(hours=4)), "execute_within": 1800, "digest": "d1",
        }  # fmt: skip
        request = Requested.model_validate(fields | otherwise)
        plan = {"BackupPlanId": request.plan_id}
        return request.model_copy(
            update={"proposed": {**request.proposed, **plan}, "baseline": {**request.baseline, **plan}}
        )

    return make


@pytest.fixture
def ask(ledger: Ledger, wish: Callable[..., Requested]) -> Callable[..., object]:
    """Record a request and return the change as everybody else sees it."""

    async def record(change_id: str = "c1", **otherwise: object) -> Change:
        view = {"view_id": f"view of {change_id}"}
        change = await ledger.record(change_id, partial(decisions.request, by="UR", data=wish(**(view | otherwise))))
        return replace(change, appended=False)

    return record

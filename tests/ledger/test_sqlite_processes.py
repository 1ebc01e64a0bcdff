"""Several processes on one SQLite file: nobody fails, one wins, and who dies leaves nothing half done."""

import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from contending import answers, run
from signing import KEYS

from bot.core.change import Change, State
from bot.ledger.chain import verify
from bot.ledger.sqlite import SqliteLedger
from bot.ports import Clock

Ask = Callable[..., Awaitable[Change]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
async def ledger(file: Path, clock: Clock) -> AsyncIterator[SqliteLedger]:
    opened = SqliteLedger(file, clock, timedelta(seconds=15), KEYS)
    yield opened
    await opened.close()


async def test_the_tables_are_made_once_by_processes_that_start_at_once(file: Path) -> None:
    for attempt in range(2):
        fresh = file.with_name(f"{attempt}.db")
        assert answers(run(fresh, [("look",)] * 4)) == ["T1"] * 4
        connection = sqlite3.connect(fresh)
        assert connection.execute("select count(*) from _sqlite_migrations").fetchone() == (4,)
        connection.close()


async def test_four_processes_record_without_a_failure(file: Path, ledger: SqliteLedger) -> None:
    assert answers(run(file, [("fill", name, "40") for name in "abcd"])) == ["40"] * 4
    events = list(await ledger.events())
    assert len(events) == 4 * 40 * 3
    assert verify(events, KEYS) == []


async def test_of_four_processes_that_deny_one_wins_each_change(file: Path, ask: Ask, ledger: SqliteLedger) -> None:
    changes = [f"c{number:02}" for number in range(25)]
    for change_id in changes:
        await ask(change_id, plan_id=change_id)
    people = ["UA", "UB", "UC", "UD"]
    did = answers(run(file, [("decide", person, *changes) for person in people]))
    assert all(isinstance(each, dict) for each in did)
    won = {person: each["won"] for person, each in zip(people, did, strict=True) if isinstance(each, dict)}
    assert sorted(change_id for each in won.values() for change_id in each) == changes
    for person, ids in won.items():
        for change_id in ids:
            change = await ledger.change(change_id)
            assert change is not None
            assert (change.state, change.ended_by, change.seq) == (State.DENIED, person, 2)
    for each in did:
        assert isinstance(each, dict)
        assert all("already denied by <@U" in sentence for sentence in each["told"])


@pytest.mark.parametrize("statement", ["insert into events", "insert into changes", "commit"])
async def test_a_process_killed_in_mid_transaction_leaves_nothing_half(
    file: Path, ask: Ask, ledger: SqliteLedger, statement: str
) -> None:
    before = await ask()
    (died,) = run(file, [("die", "c1", statement)])
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert await ledger.change("c1") == before
    assert await ledger.findings() == []
    after = await ledger.record("c1", lambda _change, _now: None)
    assert after.seq == 1

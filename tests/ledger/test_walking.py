"""Verifying and exporting take no more memory for a long ledger than for a short one, and see one moment of it."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from bench.ledger_filled import fill
from database import database_of, forget_database
from pydantic import SecretStr
from signing import KEYS

from bot.core import decisions
from bot.core.change import Change
from bot.core.events import Event
from bot.ledger.postgres import PostgresLedger
from bot.ledger.reading import export
from bot.ledger.sql import SqlLedger
from bot.ledger.statements import Row
from bot.ports import Clock
from bot.verification import verify

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
GRACE = timedelta(seconds=15)
CHANGES = 500
LITTLE = 3 * 2**18
"""Bytes. Held all at once, the events alone take several times as many."""
BARE = """
    insert into changes
    select 'c3', host, 'dbs3', state, open, seq, head, requester, channel, 'V3', requested_at, ended_at, drawn_seq,
           due_at, held_until, card_due, card_tries, left_until, altered
    from changes where change_id = 'c1'
"""
Ask = Callable[..., Awaitable[Change]]


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | SecretStr]:
    """Fill a ledger with some hundred changes."""
    address = tmp_path / "ledger.db" if request.param == "sqlite" else database_of(tmp_path)
    fill(CHANGES, NOON, address)
    yield address
    forget_database(tmp_path)


@contextmanager
def peak() -> Iterator[Callable[[], int]]:
    """Say how many bytes more than at the beginning were in use at once."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


async def test_a_long_ledger_takes_little_memory(address: Path | SecretStr) -> None:
    lines = 0

    def count(_line: str) -> None:
        nonlocal lines
        lines += 1

    await export(address, count)  # whatever is imported or cached once is there
    with peak() as exporting:
        await export(address, count)
        assert exporting() < LITTLE
    with peak() as verifying:
        found = await verify(address, KEYS, None)
        assert verifying() < LITTLE
    assert found == ([], CHANGES, lines // 2)


async def test_a_ledger_is_seen_as_of_one_moment(ledger: SqlLedger, ask: Ask) -> None:
    """What is recorded while it is read belongs to the next time."""
    for number in (1, 2):
        await ask(f"c{number}", plan_id=f"dbs{number}")
    loop = asyncio.get_running_loop()
    seen: list[tuple[list[int], Row | None]] = []

    def add_bare_row() -> None:
        with ledger._transaction():
            ledger._execute(BARE, {})

    async def meanwhile() -> None:
        await ledger.record("c2", partial(decisions.approve, by="UA", digest="d1", objection=None))
        await ledger._write(add_bare_row)

    def visit(history: list[Event], row: Row | None) -> None:
        if not seen:
            asyncio.run_coroutine_threadsafe(meanwhile(), loop).result(10)
        seen.append(([event.seq for event in history], row[:6:5] if row else None))

    await ledger.walk(visit)
    assert [(seqs, *(row or ())) for seqs, row in seen] == [([1], "c1", 1), ([1], "c2", 1)]
    assert [finding.change_id for finding in await ledger.findings()] == ["c3"]


async def test_postgres_hands_out_a_portion_at_a_time(tmp_path: Path, clock: Clock) -> None:
    """What the driver holds besides is not Python's memory, so the test above does not see it."""
    await asyncio.to_thread(fill, 100, NOON, database_of(tmp_path))
    ledger = PostgresLedger(database_of(tmp_path), GRACE, KEYS, clock=clock, readonly=True)
    cursors: list[int] = []
    await ledger.walk(lambda _history, _row: cursors.append(ledger._rows("select count(*) from pg_cursors", {})[0][0]))
    await ledger.close()
    forget_database(tmp_path)
    assert cursors == [1] * 99 + [0]  # the last history is whole when there are no more rows


async def test_who_is_cancelled_is_shown_no_more(ledger: SqlLedger, ask: Ask) -> None:
    for number in range(5):
        await ask(f"c{number}", plan_id=f"dbs{number}")
    begun, go_on, seen = asyncio.Event(), threading.Event(), []
    loop = asyncio.get_running_loop()

    def visit(history: list[Event], _row: Row | None) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(10)
        seen.append(history[0].change_id)

    walking = asyncio.create_task(ledger.walk(visit))
    await begun.wait()
    walking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await walking
    go_on.set()
    await ledger.close()
    assert seen == ["c0"]


@pytest.mark.parametrize("open_ledger", ["sqlite"], indirect=True)
async def test_first_come_broken_chains_then_rows_in_order(tmp_path: Path, ask: Ask) -> None:
    """Also where a row has no events, or events no row; and an id may have become what is no text."""
    for number in range(1, 5):
        await ask(f"c{number}", plan_id=f"dbs{number}")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.executescript(
            """
            drop trigger events_stay; drop trigger events_remain;
            delete from events where change_id = 'c1';
            delete from changes where change_id = 'c2';
            update changes set state = 'applied' where change_id = 'c3';
            update events set change_id = cast(x'63FF' as text) where change_id = 'c4';
            insert into events
                select x'6363', 1, type, actor, at, data, hash, signature from events where change_id = 'c3';
            """
        )
    found, changes, events = await verify(tmp_path / "ledger.db", KEYS, None)
    assert [finding.change_id for finding in found] == ["c\ufffd", "b'cc'", "c1", "c2", "c3", "c4"]
    assert (changes, events) == (4, 4)


def test_an_export_into_a_pipe_that_is_closed_ends_without_a_traceback(address: Path | SecretStr) -> None:
    url = f"sqlite:///{address}" if isinstance(address, Path) else address.get_secret_value()
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "ledger", "export"], env=os.environ | {"DATABASE_URL": url},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as exporting:  # fmt: skip
        assert exporting.stdout
        assert exporting.stderr
        assert exporting.stdout.readline().startswith(b'{"change_id":')
        exporting.stdout.close()
        assert exporting.stderr.read() == b""
    assert exporting.returncode == 1

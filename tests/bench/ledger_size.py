"""Ledgers with a thousand, ten thousand and a million changes: how clicks and questions take it, and the disk.

They are made first, in both databases at once; that takes some nine gigabytes in the folder for temporary files.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from database import database_of, execute, forget_database
from pydantic import SecretStr
from signing import KEYS

from bench import ledger_clicks, ledger_queries
from bench.ledger_filled import Filled, fill
from bench.ledger_made import plans_of
from bench.ledger_queries import Subject
from bench.processes import MEASURED, REST, on
from bench.row import Row
from bot.clock import SystemClock
from bot.ledger.sql import SqlLedger
from bot.ledger.store import open_ledger

FEW, SOME, MANY = 1000, 10_000, 1_000_000
NEEDED = 12 * 10**9
"""Bytes that have to be free."""

Address = Path | SecretStr


async def measure(rounds: int) -> list[Row]:
    """Measure SQLite, then PostgreSQL; whatever was made is removed in the end."""
    rows: list[Row] = []
    with TemporaryDirectory(prefix="bench-ledgers-") as name:
        folder = Path(name)
        if (free := shutil.disk_usage(folder).free) < NEEDED:
            raise SystemExit(
                f"{folder.parent} has {free / 1e9:.0f} GB free, and the ledgers of a million changes need "
                f"{NEEDED / 1e9:.0f}: make room, or set TMPDIR to a folder elsewhere."
            )
        with _databases(folder) as databases:
            files = {number: folder / f"{number}.db" for number in (FEW, SOME, MANY)}
            until = datetime.now(UTC)
            filled = {
                number: await asyncio.to_thread(fill, number, until, files[number], databases[number])
                for number in (FEW, SOME, MANY)
            }
            await asyncio.to_thread(_settle)
            for where, addresses in (("SQLite", files), ("PostgreSQL", databases)):
                rows += await _measured(where, folder, dict(addresses), filled, rounds)
    return rows


async def _measured(
    where: str, folder: Path, addresses: dict[int, Address], filled: dict[int, Filled], rounds: int
) -> list[Row]:
    size = _bytes(addresses[MANY])
    note = "JSON of the events' data alone, as it is hashed; the ledger with all its keys, indexes and the projection."
    of_size = Row(
        f"{where}: size of the ledger, 1,000,000 changes", "bytes of the events' JSON",
        1.6, (size / 2**20,), (filled[MANY].json / 2**20,), "MiB", note,
    )  # fmt: skip
    opened = {number: await _opened(addresses[number], rounds) for number in (FEW, MANY)}
    opening = Row(
        f"{where}: opening the ledger, 1,000,000 changes", "the same with 1,000", 1.2,
        opened[MANY], opened[FEW], "ms", "Not asked for; nothing is read through at the start.",
    )  # fmt: skip
    ledgers = {number: _open(addresses[number]) for number in (SOME, MANY)}
    try:
        subjects = [Subject(ledger, filled[number].ids, plans_of(number)) for number, ledger in ledgers.items()]
        questions = await ledger_queries.measure(where, subjects[0], subjects[1], rounds)
    finally:
        for ledger in ledgers.values():
            await ledger.close()
    clicks = await ledger_clicks.measure(where, folder, addresses[FEW], addresses[MANY], rounds)
    return [*clicks, *questions, of_size, opening]


def _open(address: Address) -> SqlLedger:
    return open_ledger(address, SystemClock(), timedelta(seconds=15), KEYS)


async def _opened(address: Address, rounds: int) -> tuple[float, ...]:
    """Return the milliseconds that opening takes, time after time."""
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        ledger = await asyncio.to_thread(_open, address)
        took.append((time.perf_counter() - began) * 1000)
        await ledger.close()
    return tuple(took[1:])


def _bytes(address: Address) -> int:
    if isinstance(address, Path):
        return address.stat().st_size
    with closing(psycopg.connect(address.get_secret_value())) as connection:
        asked = """
            select sum(pg_total_relation_size(oid)) from pg_class
            where relnamespace = current_schema()::regnamespace and relkind = 'r'
        """
        found = connection.execute(asked).fetchone()
    assert found is not None
    return int(found[0])


@contextmanager
def _databases(folder: Path) -> Iterator[dict[int, SecretStr]]:
    """Make empty databases, by the number of changes that they will have."""
    folders = {number: folder / str(number) for number in (FEW, SOME, MANY)}
    with on(MEASURED | REST):  # the server is started here, and is to have every core
        databases = {number: database_of(one) for number, one in folders.items()}
    try:
        yield databases
    finally:
        for one in folders.values():
            forget_database(one)


def _settle() -> None:
    """Bring everything to the disk, and let PostgreSQL wait for it from now on, as the bot's users have it."""
    if "TEST_POSTGRES_URL" not in os.environ:
        execute("alter system set fsync = on")
        execute("select pg_reload_conf()")
    os.sync()
    execute("checkpoint")

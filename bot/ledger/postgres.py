"""The ledger in PostgreSQL: several replicas of the bot, on any number of machines, may share it."""

import re
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ParamSpec, TypeVar

from psycopg import errors, sql
from pydantic import SecretStr

from bot.clock import HeardClock
from bot.core.change import Change
from bot.ledger.keys import NO_KEYS, Keys
from bot.ledger.pooled import Pool
from bot.ledger.sql import SqlLedger
from bot.ledger.statements import Parameters, Row
from bot.ports import Clock, Decide

P = ParamSpec("P")
T = TypeVar("T")


class PostgresLedger(SqlLedger):
    """`bot.ports.Ledger` on PostgreSQL.

    Time is the database's, so that replicas whose clocks differ agree, unless a `clock` is given: what is recorded
    carries it, and `clock` goes on from when it was last asked. Opening raises ConfigError where DATABASE_URL has to be
    corrected, and LedgerBusy where the database is away, starts, or is locked.
    """

    FOR_UPDATE = " for update"
    # Each replica takes what no other one is just taking, instead of standing in line for the same rows.
    TAKE_DUE = """
        with due as materialized (
            select change_id from changes where due_at is not null and due_at <= :now
                and (held_until <= :now or held_until > :never) and (left_until <= :now or left_until > :never)
            order by due_at, change_id limit :limit for update skip locked
        )
        update changes set held_until = :until from due where changes.change_id = due.change_id
        returning changes.due_at, changes.change_id
    """
    DUPLICATE = errors.UniqueViolation

    def __init__(
        self,
        url: SecretStr,
        grace: timedelta,
        keys: Keys = NO_KEYS,
        *,
        clock: Clock | None = None,
        readonly: bool = False,
    ) -> None:
        super().__init__(grace, keys)
        self.clock = clock or HeardClock()
        self._pool = Pool(url, readonly=readonly)
        # not "read write": where an administrator or a standby says otherwise, it stays so
        self._mode = "isolation level read committed" + (" read only" if readonly else "")

    async def close(self) -> None:
        """Finish what is under way and disconnect; closing twice is harmless."""
        await self._pool.close()

    def _write(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return self._pool.run(work, *args, **kwargs)

    def _read(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return self._pool.run(self._looking, lambda: work(*args, **kwargs))

    def _read_on(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return self._pool.run_on(self._looking, lambda: work(*args, **kwargs))

    def _looking(self, work: Callable[[], T]) -> T:
        # one transaction around all of it, for the limits on waiting are set in one
        with self._pool.transaction("isolation level repeatable read read only"):
            return work()

    def _transaction(self) -> AbstractContextManager[object]:
        # after a lock was waited for, the next statement has to see what its holder wrote
        return self._pool.transaction(self._mode)

    def _snapshot(self) -> AbstractContextManager[object]:
        return self._pool.mine.transaction()  # inside `_looking`, which sees one moment as it is

    def _attempt(self) -> AbstractContextManager[object]:
        return self._pool.mine.transaction()  # inside another one it is a savepoint

    def _execute(self, sql: str, parameters: Parameters) -> None:
        self._pool.mine.execute(translated(sql), parameters)

    def _rows(self, sql: str, parameters: Parameters) -> list[Row]:
        return self._pool.mine.execute(translated(sql), parameters).fetchall()

    def _stream(self, sql: str) -> Generator[Row]:
        # a named cursor: the driver fetches so many rows at a time instead of all
        with self._pool.mine.cursor("walk") as cursor:
            yield from cursor.execute(translated(sql))

    def _now(self) -> datetime:
        if not isinstance(self.clock, HeardClock):
            return self.clock.now()
        asked = time.monotonic()
        # not now(), which stands still while a transaction waits for a lock
        answer: Any = self._rows("select clock_timestamp()", {})[0][0]
        moment: datetime = answer.astimezone(UTC)
        self.clock.hear(moment, asked)
        return moment

    def _team(self, team_id: str) -> str:
        self._now()  # so that the time is known from the start on
        return super()._team(team_id)

    def _record(self, change_id: str, decide: Decide) -> Change:
        try:
            return super()._record(change_id, decide)
        except _FirstEventTaken:
            return super()._record(change_id, decide)  # now there is a row to lock, and something to decide about

    def _collision(self, change: Change, error: Exception) -> Exception:
        if change.seq == 1 and isinstance(error, errors.UniqueViolation) and error.diag.table_name == "events":
            return _FirstEventTaken()
        return super()._collision(change, error)


class _FirstEventTaken(Exception):
    """Somebody else recorded the first event of the same change, which had no row that could be locked."""


@cache
def translated(statement: str) -> sql.SQL:
    """Write `:name` as the driver's `%(name)s`."""
    return sql.SQL(re.sub(r":(\w+)", r"%(\1)s", statement))

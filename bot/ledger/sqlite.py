"""The ledger in one SQLite file: several processes on one machine may share it."""

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from sqlite_utils import Database

from bot.ledger.connections import Connections
from bot.ledger.keys import NO_KEYS, Keys
from bot.ledger.sql import SqlLedger
from bot.ledger.statements import Parameters, Row
from bot.ports import Clock

P = ParamSpec("P")
T = TypeVar("T")


class SqliteLedger(SqlLedger):
    """`bot.ports.Ledger` on SQLite.

    Opening raises ConfigError, naming DATABASE_URL, when the file cannot be used, and LedgerBusy when another process
    keeps it locked.
    """

    DUPLICATE = sqlite3.IntegrityError

    def __init__(
        self, path: Path | str, clock: Clock, grace: timedelta, keys: Keys = NO_KEYS, *, readonly: bool = False
    ) -> None:
        super().__init__(grace, keys)
        self.clock = clock
        self._connections = Connections(Path(path), readonly=readonly)

    @classmethod
    def open_readonly(cls, path: Path | str, clock: Clock, keys: Keys = NO_KEYS) -> Self:
        """Open a ledger that exists, for looking only: nothing is made, migrated or written."""
        return cls(path, clock, timedelta(), keys, readonly=True)

    async def close(self) -> None:
        """Finish what is queued and close the file; closing twice is harmless."""
        await self._connections.close()

    def _write(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return self._connections.write(work, *args, **kwargs)

    def _read(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return self._connections.read(work, *args, **kwargs)

    _read_on = _read  # nobody here looks at a clock

    @property
    def _db(self) -> Database:
        return self._connections.mine

    @contextlib.contextmanager
    def _transaction(self, begin: str = "begin immediate") -> Iterator[None]:
        """Take the write lock at once by default: asked for after reading, it is refused if somebody wrote between."""
        self._db.execute(begin)
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # the error that brought us here says more
                self._db.rollback()
            raise

    def _snapshot(self) -> AbstractContextManager[None]:
        return self._transaction("begin")

    def _attempt(self) -> AbstractContextManager[None]:
        return contextlib.nullcontext()  # a statement that fails undoes itself alone

    def _execute(self, sql: str, parameters: Parameters) -> None:
        self._db.execute(sql, parameters)

    def _rows(self, sql: str, parameters: Parameters) -> list[Row]:
        return self._db.execute(sql, parameters).fetchall()

    def _stream(self, sql: str) -> Generator[Row]:
        with contextlib.closing(self._db.execute(sql)) as cursor:
            yield from cursor

    def _now(self) -> datetime:
        return self.clock.now()

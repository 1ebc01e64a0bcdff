"""Connections to PostgreSQL, each used for one piece of work at a time, and in plain words why they cannot be had.

Nothing is kept in a session (no prepared statements, no `set` but `set local`), so PgBouncer may share them out
transaction by transaction.
"""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import psycopg
from psycopg import Connection, errors
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout
from pydantic import SecretStr

from bot import deadline
from bot.errors import ConfigError, LedgerBusy
from bot.ledger.postgres_schema import is_current, migrate
from bot.ledger.transport import UNPROVEN, is_undecided

PATIENCE = 1.5
"""Seconds to wait for a turn, a connection, a lock or a statement: a click must be answered within three."""
LOOKING = 300.0
"""The same for who only looks: nobody waits for an answer, and a long history takes its time."""
SILENCE = 1.0
"""Seconds beyond these, after which a database that says nothing at all is not waited for any longer."""
IN_TIME = 0.2
"""The same where Slack waits for the answer."""
LEAST = 0.1
"""Seconds that are always granted: what is locked by nobody takes some too."""
IDLE = 3.0
"""Seconds after which whoever stands still amid a transaction loses it: nobody else could take the change over."""
START_PATIENCE = 30
"""Seconds to wait at the start for a replica that makes the tables."""
AT_ONCE = 4
"""Connections of one process at most."""

_SETTINGS: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": None,
    "connect_timeout": 2,
    "client_encoding": "utf8",  # else text comes as bytes where the database was made for SQL_ASCII
    "tcp_user_timeout": 3000,  # milliseconds after which a network that swallows everything counts as lost
    "application_name": "backup-plan-bot",
}
_AT_FAULT = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|is not permitted to log in|permission denied"
    r"|(role|database) .* does not exist|no such (user|database)|connection is bad: invalid"
    r"|does not support SSL|certificate",
    re.IGNORECASE,
)
"""What is said where the setting is wrong: the driver has no codes for a connection that does not come about.

Whatever else a server says, in whatever language, may pass: it is away, starts, or has no connection to spare.
"""
_ENCODINGS = {"UTF8", "SQL_ASCII"}
"""Those of databases that keep every text: the latter keeps bytes as they come."""
_NOTHING = "nothing was recorded"
_LOCKED = f"The ledger is locked by another process; {_NOTHING}. Try again in a moment."

P = ParamSpec("P")
T = TypeVar("T")


def cause(error: psycopg.Error) -> LedgerBusy:
    """Return what PostgreSQL complains about as the port's error."""
    match error:
        case errors.LockNotAvailable() | errors.QueryCanceled() | errors.DeadlockDetected():
            return LedgerBusy(_LOCKED)
        case errors.ReadOnlySqlTransaction() | errors.InsufficientPrivilege():
            return LedgerBusy(f"The ledger is read-only; {_NOTHING}. Whoever runs the bot has to make it writable.")
        case errors.DiskFull():
            return LedgerBusy(f"The ledger's disk is full; {_NOTHING}. Whoever runs the bot has to make room.")
        case PoolTimeout() | PoolClosed():
            return LedgerBusy(f"The ledger's database cannot be reached; {_NOTHING}. Try again in a moment.")
    return LedgerBusy(f"The ledger did not answer ({str(error).strip()}); {_NOTHING}.")


def lost_commit() -> LedgerBusy:
    """Return what to say when the answer to a commit never came: deciding again sees whether it did."""
    return LedgerBusy("The connection to the ledger was lost: it may have been recorded or not. Try again in a moment.")


class Pool:
    """Connections, opened. Raises ConfigError where DATABASE_URL has to be corrected, LedgerBusy where it may pass."""

    def __init__(self, url: SecretStr, *, readonly: bool) -> None:
        self._local = threading.local()
        self._patience = LOOKING if readonly else PATIENCE
        self._idle = LOOKING if readonly else IDLE
        with prepared(url, readonly=readonly):
            pass
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ledger")
        self._pool: ConnectionPool[Connection[Any]] = ConnectionPool(
            url.get_secret_value(), kwargs=_SETTINGS, min_size=1, max_size=AT_ONCE, timeout=PATIENCE,
            check=ConnectionPool.check_connection, reconnect_timeout=5, open=True,
        )  # fmt: skip

    @property
    def mine(self) -> Connection[Any]:
        """The connection of the thread that asks."""
        connection: Connection[Any] = self._local.connection
        return connection

    @contextlib.contextmanager
    def transaction(self, mode: str) -> Iterator[None]:
        """Begin in a mode of `set transaction`, with limits on waiting, and commit, or undo everything."""
        connection = self.mine
        left = max(1, int((self._local.until - time.monotonic()) * 1000))
        limits = {
            "statement_timeout": left,
            "lock_timeout": left,
            "idle_in_transaction_session_timeout": int(self._idle * 1000),
        }
        try:
            settings = "; ".join(f"set local {name} = {limit}" for name, limit in limits.items())
            connection.execute(f"begin {mode}; {settings}")
            yield
        except BaseException:
            with contextlib.suppress(psycopg.Error):  # the error that brought us here says more
                connection.execute("rollback")
            raise
        try:
            connection.execute("commit")
        except psycopg.OperationalError as error:
            raise lost_commit() from error

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on a thread with a connection. Raises LedgerBusy for whatever PostgreSQL complains about."""
        try:
            silence = IN_TIME if deadline.somebody_waits() else SILENCE
            async with asyncio.timeout(max(LEAST, deadline.left(self._patience)) + silence):
                return await self.run_on(work, *args, **kwargs)
        except TimeoutError as error:
            raise lost_commit() from error

    async def run_on(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do as `run` does, with each statement's time limited, but not that of all: somebody may be reading along."""
        until = time.monotonic() + max(LEAST, deadline.left(self._patience))

        def turn() -> T:
            # Waiting in the queue counts: while rows are locked, the last in line must not wait for all before it.
            self._local.until = until
            try:
                with self._pool.connection(max(0.001, until - time.monotonic())) as self._local.connection:
                    return self._work(work, *args, **kwargs)
            except psycopg.Error as error:
                raise cause(error) from error

        try:
            future = self._threads.submit(turn)
        except RuntimeError as error:
            raise LedgerBusy("The ledger is closed; nothing was recorded.") from error
        return await asyncio.wrap_future(future)

    def _work(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(*args, **kwargs)
        except errors.ReadOnlySqlTransaction:
            # after a failover the same name may lead to another server, which only a new connection finds
            self.mine.close()
            raise

    async def close(self) -> None:
        """Finish what is under way and disconnect; closing twice is harmless."""
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._pool.close)


@contextlib.contextmanager
def connected(url: SecretStr, name: str, **otherwise: int) -> Iterator[Connection[Any]]:
    """Connect once, outside the pool, with what is to be set `otherwise` for the driver.

    Raises ConfigError where the setting `name` has to be corrected, and LedgerBusy where waiting may help. What the
    driver raises inside does so as well: as if there were no such database.
    """
    try:
        if is_undecided(url.get_secret_value()):
            raise unusable(UNPROVEN, name)
        with contextlib.closing(psycopg.connect(url.get_secret_value(), **(_SETTINGS | otherwise))) as connection:
            ((encoding,),) = connection.execute("show server_encoding").fetchall()
            if encoding not in _ENCODINGS:
                raise unusable(f"is encoded in {encoding}, which lacks what people write: make one in UTF8.", name)
            yield connection
    except errors.InsufficientPrivilege as error:
        said = f"does not let this role make or read the tables ({error.diag.message_primary})."
        raise unusable(said, name) from error
    except (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected, errors.DiskFull) as error:
        raise cause(error) from error
    except (psycopg.OperationalError, errors.ReadOnlySqlTransaction) as error:
        problem = unusable(f"cannot be reached ({' '.join(str(error).split())}).", name)
        if error.sqlstate is None and _AT_FAULT.search(str(error)):
            raise problem from error
        raise LedgerBusy(str(problem)) from error
    except psycopg.ProgrammingError:
        # the driver repeats a URL that it cannot read, with the password in it
        raise unusable("is not a URL that PostgreSQL understands, or not a database for a ledger.", name) from None


@contextlib.contextmanager
def prepared(url: SecretStr, *, readonly: bool = False) -> Iterator[Connection[Any]]:
    """Connect once and make the tables or bring them up to date; `readonly` refuses what is not."""
    with connected(url, "DATABASE_URL") as connection:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = '{START_PATIENCE}s'")
            if not readonly:
                migrate(connection)
            elif not is_current(connection):
                raise unusable("holds no ledger, or one of an older version; `serve` brings it up to date.")
        yield connection


def unusable(sentence: str, name: str = "DATABASE_URL") -> ConfigError:
    """Return what to say of a database that the setting `name` names."""
    return ConfigError([f"{name}: the PostgreSQL database {sentence}"])

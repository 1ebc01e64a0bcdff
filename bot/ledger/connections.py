"""Two connections to one SQLite file, each on a thread of its own: one writes, the other only looks.

Who only looks does not have to stand in line behind a write that waits for a locked file.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from sqlite_utils import Database

from bot import deadline
from bot.errors import LedgerBusy
from bot.ledger.opening import PATIENCE, cause, locked, open_database, unsure

SILENCE = 0.2
"""Seconds beyond its patience that somebody waits for whom Slack waits."""

P = ParamSpec("P")
T = TypeVar("T")


class Connections:
    """The file, open. Raises ConfigError or LedgerBusy as `open_database` does."""

    def __init__(self, path: Path, *, readonly: bool) -> None:
        self._local = threading.local()
        self._writer = self._thread(path, readonly=readonly)
        try:
            self._reader = self._thread(path, readonly=True)
        except BaseException:
            self._writer.submit(lambda: self.mine.close()).result()  # noqa: PLW0108 - it is the thread's own only there
            self._writer.shutdown()
            raise

    @property
    def mine(self) -> Database:
        """The connection of the thread that asks."""
        return cast("Database", self._local.db)

    async def write(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` where it may write. Raises LedgerBusy for whatever SQLite complains about."""
        return await self._run(self._writer, work, *args, **kwargs)

    async def read(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` where it may only look."""
        return await self._run(self._reader, work, *args, **kwargs)

    async def close(self) -> None:
        """Finish what is queued and close the file; closing twice is harmless."""
        for thread in (self._reader, self._writer):
            with contextlib.suppress(LedgerBusy):
                await self._run(thread, lambda: self.mine.close())  # noqa: PLW0108 - it is the thread's own only there
            await asyncio.to_thread(thread.shutdown)

    def _thread(self, path: Path, *, readonly: bool) -> ThreadPoolExecutor:
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")

        def connect() -> None:
            self._local.db = open_database(path, readonly=readonly)

        try:
            thread.submit(connect).result()
        except BaseException:
            thread.shutdown()
            raise
        return thread

    async def _run(self, thread: ThreadPoolExecutor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        patience = deadline.left(PATIENCE)
        until = time.monotonic() + patience

        def turn() -> T:
            # Waiting in the queue counts: while the file is locked, the last in line must not wait for all before it.
            left = max(0.0, until - time.monotonic())
            try:
                self.mine.execute(f"pragma busy_timeout = {int(left * 1000)}")
                return work(*args, **kwargs)
            except sqlite3.Error as error:
                raise cause(error) from error

        try:
            future = thread.submit(turn)
        except RuntimeError as error:
            raise LedgerBusy("The ledger is closed; nothing was recorded.") from error
        if not deadline.somebody_waits():
            return await asyncio.wrap_future(future)
        try:
            # What waits for a lock has stopped by then; this is for a queue and a disk that are slow.
            async with asyncio.timeout(patience + SILENCE):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise (locked() if future.cancel() else unsure()) from error

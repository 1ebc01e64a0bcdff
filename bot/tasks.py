"""Work that goes on after an answer was given, held on to until it is done."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from bot import deadline

log = structlog.get_logger("bot.tasks")


class Tasks:
    """A set of running tasks: the event loop itself keeps only weak references to them."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` in a task of its own; what it raises is logged. No deadline of who starts it is in force there."""
        task = asyncio.create_task(work, context=deadline.afterwards())
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def finish(self, limit: float) -> None:
        """Wait for what is running and what that starts, at most `limit` seconds, and cancel the rest."""
        now = asyncio.get_running_loop().time
        end = now() + limit
        while self._running and now() < end:
            await asyncio.wait(self._running, timeout=end - now())
        self.cancel()

    def cancel(self) -> None:
        """Stop everything."""
        for task in self._running:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task_failed", exc_info=error)


class Turns:
    """One at a time for each key: whoever comes later waits."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: Counter[str] = Counter()

    def taken(self, key: str) -> bool:
        """Whether somebody has the turn of this key, or waits for it."""
        return key in self._users

    @asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Wait for the turn of this key and hold it."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        # Counted, not asked of the lock: between two holders it is free although somebody waits.
        self._users[key] += 1
        try:
            async with lock:
                yield
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key], self._locks[key]

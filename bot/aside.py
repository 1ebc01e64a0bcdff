"""Runs what may hang, such as a file on a mount that does not answer, where it holds nothing else up.

Each piece of work has a thread of its own, which ends with the process whatever it waits for. The event loop's own
pool is for what cannot hang: six threads that wait for ever are all that it has on a small machine.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

T = TypeVar("T")

MOST = 32
"""Threads of one `Aside` that may be under way."""


class Hangs(Exception):
    """What was asked for takes too long; it goes on behind everybody's back."""


class Aside:
    """Threads for one kind of work, each with a name by which it is done once at a time."""

    def __init__(self, limit: float) -> None:
        """`limit` is how many seconds somebody waits."""
        self.limit = limit
        self._under_way: dict[str, asyncio.Future[Any]] = {}

    async def run(self, name: str, work: Callable[[], T]) -> T:
        """Return what `work` returns, or raise what it raises; Hangs after the limit.

        While work of the same name is under way, its outcome is waited for instead: what hangs has one thread.
        """
        if name not in self._under_way:
            if len(self._under_way) >= MOST:
                raise Hangs
            self._under_way[name] = self._begun(name, work)
        try:
            async with asyncio.timeout(self.limit):
                # Who waits may give up; the work goes on, for it cannot be stopped.
                return cast("T", await asyncio.shield(self._under_way[name]))
        except TimeoutError:
            if name in self._under_way:
                raise Hangs from None
            raise  # the work's own

    def _begun(self, name: str, work: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def end(outcome: T | None, error: BaseException | None) -> None:
            self._under_way.pop(name, None)
            if error is None:
                future.set_result(cast("T", outcome))
            else:
                future.set_exception(error)
                future.exception()  # looked at: there may be nobody left who waits

        def thread() -> None:
            outcome, error = None, None
            try:
                outcome = work()
            except BaseException as raised:  # noqa: BLE001 - it is raised again where somebody waits
                error = raised
            with suppress(RuntimeError):  # the loop has ended meanwhile, and with it everybody who waited
                loop.call_soon_threadsafe(end, outcome, error)

        # Not a pool's: those are waited for when the process ends.
        threading.Thread(target=thread, name=f"aside {name}", daemon=True).start()
        return future

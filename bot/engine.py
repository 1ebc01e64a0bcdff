"""Moves changes on: `advance` does whatever is next for one change, `sweep` finds those that are due.

`advance` is idempotent. Whoever records an event calls it at once; the sweep of every replica is the safety net, and
recovery from a crash is nothing but the sweep.
"""

import asyncio
from datetime import timedelta
from random import uniform

import structlog

from bot.core import decisions
from bot.core.change import Change, State
from bot.core.events import moment
from bot.errors import BotError, LedgerError
from bot.execution import Again, Execution
from bot.ports import Clock, Ledger
from bot.tasks import Tasks, Turns
from bot.telling import Telling

log = structlog.get_logger("bot.engine")


class Engine:
    """One process's part in moving changes on."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        execution: Execution,
        telling: Telling,
        clock: Clock,
        sweep_interval: timedelta,
        grace: timedelta,
    ) -> None:
        self._ledger = ledger
        self._execution = execution
        self._telling = telling
        self._clock = clock
        self._sweep_interval = sweep_interval
        self._grace = grace
        self._turns = Turns()
        self._work = Tasks()
        self._watches = Tasks()

    def advance_soon(self, change_id: str) -> None:
        """Start `advance` for a change that this process has just written to, and return at once."""
        self._work.start(self.advance(change_id, mine=True))

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await self._clock.sleep(self._sweep_interval.total_seconds() * uniform(0.8, 1.0))  # noqa: S311 - jitter
            try:
                await self.sweep()
            except LedgerError as error:
                log.warning("sweep_failed", problem=str(error))

    async def sweep(self) -> None:
        """Advance every change that is due."""
        due = await self._ledger.take_due(self._grace)
        await asyncio.gather(*(self.advance(change_id) for change_id in due))

    async def finish(self, limit: float) -> None:
        """Let what is under way end, at most `limit` seconds; what does not is found by the next process's sweep."""
        self._watches.cancel()
        await self._work.finish(limit)

    async def advance(self, change_id: str, *, mine: bool = False) -> None:
        """Do what is next for one change; `mine` says that this process recorded its last event just now."""
        try:
            async with self._turns.of(change_id):
                await self._advance(change_id, mine=mine)
        except BotError as error:
            log.warning("change_not_advanced", change=change_id, kind=type(error).__name__, problem=str(error))
        except Exception:
            # A bug in one change must not stop the sweep of the others; the next sweep tries again.
            log.exception("change_not_advanced", change=change_id)

    async def _advance(self, change_id: str, *, mine: bool) -> None:
        change = await self._ledger.change(change_id)
        if change is None:
            return
        if change.open and self._clock.now() >= change.expires_at:
            change = await self._ledger.record(change_id, decisions.expire)
            mine = change.appended
        if change.open and change.card is None:
            change = await self._telling.announce(change, mine=mine)
            mine = change.appended
        if change.state in {State.APPROVED, State.EXECUTING}:
            drawing = self._work.start(self._redraw(change))
            change = await self._execution.run(change_id, self._waiting)
            mine = change.appended
            await drawing
        if not change.open and change.told is None:
            late = self._clock.now() >= moment(change.ended_at) + self._grace
            change = await self._telling.tell(change, mine=mine and not late)
            self._watches.start(self._telling.watch(change))
        await self._redraw(await self._ledger.change(change_id) or change)

    async def _redraw(self, change: Change) -> None:
        try:
            await self._telling.redraw(change)
        except BotError as error:
            log.warning("card_not_redrawn", change=change.id, kind=type(error).__name__, problem=str(error))

    async def _waiting(self, change: Change, again: Again) -> None:
        """Say in the thread, after the first attempt only, that it takes longer."""
        if change.attempt is not None and change.attempt.attempt == 1:
            text = f"Not confirmed yet: {again.after}. The bot tries again by itself, always with the same ClientToken."
            await self._telling.note(change, text)

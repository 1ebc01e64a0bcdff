"""Keeps a change from every other process while this one posts about it, and notices when it was stopped meanwhile.

Whose hold ran out posts nothing more: somebody else may be at it. The sweep finds what nobody did.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from bot.core.change import Change
from bot.errors import LedgerError, MessageUnanswered
from bot.ports import Ledger

log = structlog.get_logger("bot.holding")


class Hold:
    """One change, held back in the ledger for `grace` at a time."""

    def __init__(self, ledger: Ledger, change: Change, grace: timedelta) -> None:
        self._ledger = ledger
        self._change = change
        self._grace = grace
        self._kept_at = time.monotonic()
        """When it was last known to hold; once it has run out this stays as it is, so that it has run out for good."""

    def check(self) -> None:
        """Raise MessageUnanswered where it ran out in between: another process may have posted, or be about to."""
        # The kernel's time: it goes on while the process stands still, whatever the clock or the event loop say.
        if time.monotonic() - self._kept_at >= self._grace.total_seconds():
            raise MessageUnanswered("this process was held up for too long; whoever finds the change next goes on")

    async def take(self) -> None:
        """Hold the change from now on. Raises LedgerError, and MessageUnanswered where a hold before has run out."""
        asked = time.monotonic()
        self.check()
        await self._ledger.hold(self._change.id, self._grace)
        self.check()
        self._kept_at = asked

    async def keep(self) -> None:
        """Go on holding it until cancelled, or until it ran out."""
        while True:
            # The loop's own time, whatever the clock says: this is about being alive.
            await asyncio.sleep(self._grace.total_seconds() / 3)
            try:
                await self.take()
            except MessageUnanswered:
                return
            except LedgerError as error:
                log.warning("hold_not_kept", change=self._change.id, problem=str(error))


@asynccontextmanager
async def holding(ledger: Ledger, change: Change, grace: timedelta) -> AsyncIterator[Hold]:
    """Hold a change for as long as this process lives and is at it. Raises LedgerError."""
    hold = Hold(ledger, change, grace)
    await hold.take()
    keeping = asyncio.create_task(hold.keep())
    try:
        yield hold
    finally:
        keeping.cancel()

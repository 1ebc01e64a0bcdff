"""Two clocks: the machine's own, and one that keeps the time of a ledger elsewhere."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

HEARD_WITHIN = 1.0
"""Seconds: what took longer to come says too little about what time it is now."""


class SystemClock:
    """ports.Clock for real."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class HeardClock(SystemClock):
    """The time that somebody else said it is, carried on by this machine's monotonic clock.

    The machine's own clock may be minutes off, and nobody may notice; until anything was heard it is all there is.
    """

    def __init__(self) -> None:
        self._heard: tuple[datetime, float] | None = None

    def hear(self, moment: datetime, asked: float) -> None:
        """Take it for the time now; `asked` is what `time.monotonic` said when the question was put."""
        arrived = time.monotonic()
        if arrived - asked < HEARD_WITHIN:
            self._heard = moment, arrived

    def now(self) -> datetime:
        """Return the time, in UTC."""
        heard = self._heard
        if heard is None:
            return super().now()
        moment, arrived = heard
        return moment + timedelta(seconds=time.monotonic() - arrived)

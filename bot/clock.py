"""The machine's clock."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """ports.Clock for real."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

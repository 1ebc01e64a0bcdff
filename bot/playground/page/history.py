"""The ledger beside the page: read only, through the same reading as `ledger export`, whenever its file has moved."""

import asyncio
import dataclasses
import time
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.core.change import Change
from bot.errors import LedgerError
from bot.ledger.chain import by_change, inspect
from bot.ledger.key_file import read_key_file
from bot.ledger.keys import NO_KEYS, Keys
from bot.ledger.sqlite import SqliteLedger

Json = dict[str, Any]
TICK = 0.1
"""Seconds within which two writes may leave a file looking the same: the clock of file systems is coarse."""


class History:
    """Every change in a ledger, oldest first, as of the last `refresh`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = (path, path.with_name(f"{path.name}-wal"))
        self._seen: tuple[tuple[int, int], ...] = ()
        self.changes: list[Change] = []
        self.shown: list[Json] = []
        """For the page: a change with its events and their hashes."""

    def _keys(self) -> Keys:
        content = read_key_file(self._path.with_name(f"{self._path.name}.key"))
        return content.keys if content else NO_KEYS

    async def refresh(self) -> None:
        """Read the ledger again if it was written to; one that is not there yet, or is busy, is left for later."""
        stats = [file.stat() for file in self._files if file.exists()]
        now = tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)
        if not now or now == self._seen:
            return
        is_settled = time.time() - max(stat.st_mtime for stat in stats) > TICK
        try:
            ledger = SqliteLedger.open_readonly(self._path, SystemClock())
        except LedgerError:
            return
        try:
            histories = by_change(await ledger.events())
        except LedgerError:
            return
        finally:
            await ledger.close()
        self._seen = now if is_settled else ()
        keys = await asyncio.to_thread(self._keys)
        found = [(change_id, events, *inspect(events, keys)) for change_id, events in sorted(histories.items())]
        self.changes = [change for _, _, change, _ in found if change is not None]
        self.shown = [
            {
                "id": change_id,
                "state": str(change.state) if change else "altered",
                "plan": change.request.plan_id if change else "",
                "events": [dataclasses.asdict(event) for event in events],
                "findings": [str(finding) for finding in findings],
            }
            for change_id, events, change, findings in found
        ]

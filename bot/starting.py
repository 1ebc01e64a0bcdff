"""Waits at the start for a ledger that is away or locked, as the start waits for Slack: restarting would not help."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from pydantic import SecretStr

from bot.aside import Aside, Hangs
from bot.clock import SystemClock
from bot.errors import LedgerBusy
from bot.ledger.adopting import Found, ledger_keys
from bot.ledger.sql import SqlLedger
from bot.ledger.store import open_ledger

log = structlog.get_logger("bot.starting")

FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""Seconds between two attempts: each wait is twice the one before."""

T = TypeVar("T")


async def waited_for(work: Callable[[], Awaitable[T]]) -> T:
    """Return what `work` returns, trying again while the ledger is busy. Raises ConfigError for a wrong setting."""
    wait = FIRST_WAIT
    while True:
        try:
            return await work()
        except (LedgerBusy, Hangs) as error:
            log.warning("ledger_unreachable", problem=str(error) or "It does not answer.", wait=wait)
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


async def opened(address: Path | SecretStr, key_file: Path, grace: timedelta) -> tuple[SqlLedger, Found]:
    """Open the ledger with its key, however long that takes. Raises ConfigError, naming what has to be corrected.

    It may wait for a lock or a network in a thread, which keeps no process that is asked to end.
    """
    aside, opening = Aside(LONGEST_WAIT), partial(_open, address, key_file, grace)
    return await waited_for(lambda: aside.run("ledger", opening))


def _open(address: Path | SecretStr, key_file: Path, grace: timedelta) -> tuple[SqlLedger, Found]:
    # PostgreSQL is shared: a key that one replica made for itself would be none of the others'
    found = ledger_keys(address, key_file, makes=isinstance(address, Path))
    return open_ledger(address, SystemClock(), grace, found.keys), found

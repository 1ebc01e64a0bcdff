"""What is in a ledger, whichever database keeps it: read as `ledger export` reads it, past the process under test."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from bot.clock import SystemClock
from bot.core.events import Event
from bot.ledger.store import open_ledger
from bot.playground.acts import said
from bot.shapes import LedgerAddress

_ADDRESS: TypeAdapter[Any] = TypeAdapter(LedgerAddress)


async def recorded(url: str, message: dict[str, Any] | None = None) -> list[Event]:
    """Return the events of the change behind a card or an outcome, or all that there are."""
    ledger = open_ledger(_ADDRESS.validate_python(url), SystemClock(), timedelta(), readonly=True)
    try:
        return list(await ledger.events(str(said(message)["change_id"]) if message else None))
    finally:
        await ledger.close()


async def kinds(url: str, message: dict[str, Any]) -> list[str]:
    """Return the types of what happened to the change behind a card or an outcome."""
    return [event.type for event in await recorded(url, message)]


def happened(url: str, kind: str) -> Callable[[], Awaitable[bool]]:
    """Return the question whether an event of this kind is the last of all."""

    async def look() -> bool:
        return (await recorded(url))[-1].type == kind

    return look


async def eventually(look: Callable[[], Awaitable[object]], seconds: float = 20.0) -> None:
    """Look again and again until there is something to see."""
    async with asyncio.timeout(seconds):
        while True:
            if await look():
                return
            await asyncio.sleep(0.05)

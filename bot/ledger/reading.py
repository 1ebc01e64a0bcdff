"""The ledger for people at a terminal: one history, or all of it."""

from collections.abc import Iterable
from pathlib import Path

from bot.clock import SystemClock
from bot.core.events import canonical_json
from bot.errors import ConfigError
from bot.ledger.export import json_lines
from bot.ledger.sqlite import SqliteLedger


async def show(path: Path, change_id: str) -> Iterable[str]:
    """Return the history of one change, a line an event, its data below. Raises ConfigError for an unknown change."""
    ledger = SqliteLedger.open_readonly(path, SystemClock())
    try:
        events = list(await ledger.events(change_id))
    finally:
        await ledger.close()
    if not events:
        raise ConfigError([f"There is no change {change_id} in {path}."])
    return [
        f"{event.seq:>3}  {event.at}  {event.type:<10} by {event.actor:<14} {event.hash[:16]}\n"
        + "\n".join(f"       {name}: {canonical_json(value)}" for name, value in event.data.items())
        for event in events
    ]


async def export(path: Path) -> Iterable[str]:
    """Return every event as one line of JSON."""
    ledger = SqliteLedger.open_readonly(path, SystemClock())
    try:
        return list(json_lines(await ledger.events()))
    finally:
        await ledger.close()

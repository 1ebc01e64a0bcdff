"""The ledger for people at a terminal: one history, or all of it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from bot.clock import SystemClock
from bot.core.events import Event, canonical_json
from bot.errors import ConfigError
from bot.ledger.chain import inspect
from bot.ledger.export import json_lines
from bot.ledger.keys import Keys
from bot.ledger.statements import Row
from bot.ledger.store import open_ledger
from bot.log import escape


async def show(address: Path | SecretStr, change_id: str, keys: Keys) -> Iterable[str]:
    """Return the history of one change, a line an event, its data below, and what does not hold, fit for a terminal.

    Raises ConfigError for an unknown change.
    """
    ledger = open_ledger(address, SystemClock(), timedelta(), readonly=True)
    try:
        events = list(await ledger.events(change_id))
    finally:
        await ledger.close()
    if not events:
        raise ConfigError([f"There is no change {change_id} in this ledger."])
    findings = [str(finding) for finding in inspect(events, keys)[1]]
    return [escape(line) for line in (*(line for event in events for line in _lines(event)), *findings)]


def _lines(event: Event) -> Iterator[str]:
    yield f"{event.seq:>3}  {event.at}  {event.type:<10} by {event.actor:<14} {event.hash[:16]}"
    for name, value in event.data.items():
        yield f"       {name}: {canonical_json(value)}"


async def export(address: Path | SecretStr, write: Callable[[str], object]) -> None:
    """Write every event as one line of JSON, as it is read: `write` is called on the ledger's thread."""

    def visit(history: list[Event], _row: Row | None) -> None:
        for line in json_lines(history):
            write(line)

    ledger = open_ledger(address, SystemClock(), timedelta(), readonly=True)
    try:
        await ledger.walk(visit)
    finally:
        await ledger.close()

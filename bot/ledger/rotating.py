"""Retires the ledger's key and makes a new one: what the old one signed until then goes on to count, nothing else."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from bot.clock import SystemClock
from bot.core.events import Event
from bot.ledger.chain import inspect
from bot.ledger.key_file import KeyFile, existing_key_file, replace_key_file, unusable
from bot.ledger.keys import Keys, Retired
from bot.ledger.opening import open_database
from bot.ledger.statements import EVERYTHING, Row
from bot.ledger.store import open_ledger
from bot.ledger.walking import histories


async def rotate(address: Path | SecretStr, file: Path) -> str:
    """Retire the key in `file`, and return the public half of the new one.

    Every bot has to be ended first: what one records later, it signs with the key that is retired. A SQLite file that
    is open elsewhere raises ConfigError; whether replicas run on PostgreSQL cannot be seen from here.
    """
    content = existing_key_file(file)
    if content.signing_older:
        raise unusable(f"{file} has events still to sign: start the bot with it once, and rotate then.")
    seen = Seen(content.keys)
    if isinstance(address, Path):
        with closing(open_database(address, readonly=True, alone=True).conn) as database:
            for history, row in histories(database.execute(EVERYTHING)):
                seen.see(history, row)
            return _replaced(file, content, seen)
    ledger = open_ledger(address, SystemClock(), timedelta(), content.keys, readonly=True)
    try:
        await ledger.walk(seen.see)
    finally:
        await ledger.close()
    return _replaced(file, content, seen)


class Seen:
    """What is there when a key is retired: until when anything was recorded, and how far unfinished changes came."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.until = ""
        self.unfinished: dict[str, tuple[int, str]] = {}

    def see(self, history: list[Event], _row: Row | None) -> None:
        """Note one change; an altered one stays one."""
        change, findings = inspect(history, self._keys)
        if change is None or findings:
            return
        self.until = max(self.until, change.last_at)
        if change.told is None:
            self.unfinished[change.id] = (change.seq, change.head)


def _replaced(file: Path, content: KeyFile, seen: Seen) -> str:
    rotated = content.rotated(Retired(content.public, seen.until, seen.unfinished))
    replace_key_file(file, rotated)
    return rotated.public

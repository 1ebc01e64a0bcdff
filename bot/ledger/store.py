"""Opens the ledger that DATABASE_URL names, whichever database keeps it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot.errors import ConfigError
from bot.ledger.keys import NO_KEYS, Keys
from bot.ledger.sql import SqlLedger
from bot.ports import Clock

if TYPE_CHECKING:
    from bot.ledger.copying import Copied


def open_ledger(
    address: Path | SecretStr, clock: Clock, grace: timedelta, keys: Keys = NO_KEYS, *, readonly: bool = False
) -> SqlLedger:
    """Open a SQLite file, or a PostgreSQL database by its URL; PostgreSQL goes by its own clock, not by `clock`.

    `keys` sign what is recorded, and nothing is relied on that they do not vouch for: with none, a ledger can only be
    looked at. `readonly` opens what exists, for looking only. Raises ConfigError where DATABASE_URL has to be
    corrected, LedgerBusy where waiting may help: the database is away or starts, or another process keeps the ledger
    locked.
    """
    # Each driver is loaded where it is needed: PostgreSQL's comes with an extra that a file does not need.
    if isinstance(address, Path):
        from bot.ledger.sqlite import SqliteLedger  # noqa: PLC0415

        return SqliteLedger(address, clock, grace, keys, readonly=readonly)
    with _driver("DATABASE_URL"):
        from bot.ledger.postgres import PostgresLedger  # noqa: PLC0415
    return PostgresLedger(address, grace, keys, readonly=readonly)


def copy_ledger(source: Path, target: SecretStr, key_file: Path) -> "Copied":
    """Copy the SQLite file `source` into the PostgreSQL database `target`; see `bot.ledger.copying`."""
    with _driver("--to"):
        from bot.ledger import copying  # noqa: PLC0415
    return copying.copy_ledger(source, target, key_file)


@contextmanager
def _driver(name: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            [f"{name} names PostgreSQL, whose driver is not installed: install backup-plan-bot[postgres]."]
        ) from error

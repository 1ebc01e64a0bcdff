"""Opens the ledger that DATABASE_URL names, whichever database keeps it."""

from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from bot.errors import ConfigError
from bot.ledger.sql import SqlLedger
from bot.ports import Clock


def open_ledger(address: Path | SecretStr, clock: Clock, grace: timedelta, *, readonly: bool = False) -> SqlLedger:
    """Open a SQLite file, or a PostgreSQL database by its URL; PostgreSQL goes by its own clock, not by `clock`.

    `readonly` opens what exists, for looking only. Raises ConfigError, naming DATABASE_URL, when it cannot be used, and
    LedgerBusy when another process keeps it locked.
    """
    # Each driver is loaded where it is needed: PostgreSQL's comes with an extra that a file does not need.
    if isinstance(address, Path):
        from bot.ledger.sqlite import SqliteLedger  # noqa: PLC0415

        return SqliteLedger(address, clock, grace, readonly=readonly)
    try:
        from bot.ledger.postgres import PostgresLedger  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            ["DATABASE_URL names PostgreSQL, whose driver is not installed: install backup-plan-bot[postgres]."]
        ) from error
    return PostgresLedger(address, grace, readonly=readonly)

"""Moves a SQLite ledger into PostgreSQL: all of it or nothing, and every chain is recomputed from what arrived."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql
from pydantic import SecretStr

from bot.errors import ConfigError, LedgerAltered, LedgerBusy
from bot.ledger import opening
from bot.ledger.chain import compare_projection, inspect
from bot.ledger.key_file import existing_key_file
from bot.ledger.keys import Keys
from bot.ledger.pooled import START_PATIENCE, connected, unusable
from bot.ledger.postgres_schema import migrate
from bot.ledger.statements import ALL_CHANGES, ALL_EVENTS, Row, event_of

HISTORY = ("events", "changes")
"""Tables that have to be empty where they arrive."""
STATE = ("drafts", "meta")
"""Tables in which a bot that was started there may have written already: what is there stays."""
TARGET = "--to"
STALLED = 60_000
"""Milliseconds for which a database may take nothing in: who sends so much must wait for a disk now and then."""
_LIMITS = f"""
    set local lock_timeout = '{START_PATIENCE}s';
    set local statement_timeout = 0;
    set local idle_in_transaction_session_timeout = 0
"""
_NOTHING = "nothing was copied"


@dataclass(frozen=True)
class Copied:
    """What went over."""

    changes: int
    events: int
    open: int
    """Changes that whichever bot is started on the copy goes on with."""


def copy_ledger(source: Path, target: SecretStr, key_file: Path) -> Copied:
    """Copy the SQLite file `source` into the PostgreSQL database `target`, making the tables where there are none.

    Nobody else can have the file open meanwhile. Raises ConfigError where one of them cannot be used or is in use,
    LedgerBusy where the file cannot be read or the connection ends, LedgerAltered where a history is not what was
    recorded or is not signed with the key in `key_file`; nothing is left at `target` then.
    """
    with (
        closing(opening.open_database(source, readonly=True, alone=True).conn) as file,
        connected(target, TARGET, tcp_user_timeout=STALLED) as database,
    ):
        keys = existing_key_file(key_file).keys
        try:
            database.execute(f"begin; {_LIMITS}")
            copied = _move(file, database, keys)
        except psycopg.errors.InsufficientPrivilege:
            raise
        except psycopg.errors.LockNotAvailable as error:
            raise unusable(f"is locked by somebody else; {_NOTHING}.", TARGET) from error
        except sqlite3.Error as error:
            raise LedgerBusy(f"{source} cannot be read ({error}); {_NOTHING}.") from error
        except psycopg.Error as error:
            said = " ".join(str(error).split())
            raise LedgerBusy(f"The copy did not arrive ({said}); {_NOTHING}.") from error
        try:
            database.execute("commit")
        except psycopg.OperationalError as error:
            raise LedgerBusy(
                "The connection was lost at the very end: all has arrived, or nothing. Copy again, and it says which."
            ) from error
    return copied


def _move(file: sqlite3.Connection, database: Connection[Any], keys: Keys) -> Copied:
    migrate(database)
    # who records anything locks a row of `changes` first; for `events` the bot's role may lack the right
    database.execute("lock table changes in exclusive mode")
    for table in HISTORY:
        if database.execute(sql.SQL("select 1 from {} limit 1").format(sql.Identifier(table))).fetchone():
            raise ConfigError([f"{TARGET}: the database already holds changes: name an empty one; {_NOTHING}."])
        _fill(file, database, table)
    for table in STATE:
        _add(file, database, table)
    team = "select value from meta where key = 'team'"
    ours, theirs = file.execute(team).fetchone(), database.execute(team).fetchone()
    if ours is not None and ours != theirs:
        whose = theirs[0] if theirs else "nobody"
        raise ConfigError([f"{TARGET}: the database belongs to another Slack workspace, {whose}; {_NOTHING}."])
    return _verified(file, database, keys)


def _fill(file: sqlite3.Connection, database: Connection[Any], table: str) -> None:
    rows, columns = _rows(file, table)
    order = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), columns)
    with database.cursor() as cursor, cursor.copy(order) as copy:
        for row in rows:
            copy.write_row(row)


def _add(file: sqlite3.Connection, database: Connection[Any], table: str) -> None:
    rows, columns = _rows(file, table)
    places = sql.SQL(", ").join([sql.Placeholder()] * len(rows.description))
    order = sql.SQL("insert into {} ({}) values ({}) on conflict do nothing")
    with database.cursor() as cursor:
        cursor.executemany(order.format(sql.Identifier(table), columns, places), rows)


def _rows(file: sqlite3.Connection, table: str) -> tuple[sqlite3.Cursor, sql.Composed]:
    """Return the rows of one of our tables and the names of their columns, which are the same in both databases."""
    rows = file.execute(f"select * from {table}")  # noqa: S608 - one of the names above
    return rows, sql.SQL(", ").join(sql.Identifier(column[0]) for column in rows.description)


def _verified(file: sqlite3.Connection, database: Connection[Any], keys: Keys) -> Copied:
    """Compare what arrived with what was sent, row by row, and fold every history anew."""
    changes = events = still_open = 0
    # named cursors: the driver fetches so many rows at a time instead of all
    with database.cursor("events") as their_events, database.cursor("changes") as their_changes:
        arrived = _same(file.execute(ALL_EVENTS), their_events.execute(ALL_EVENTS))
        histories = (list(rows) for _, rows in groupby(arrived, key=lambda row: row[0]))
        projection = _same(file.execute(ALL_CHANGES), their_changes.execute(ALL_CHANGES))
        for rows, row in zip_longest(histories, projection):
            _check(rows or (), row, keys)
            changes, events, still_open = changes + 1, events + len(rows or ()), still_open + row[4]
    return Copied(changes, events, still_open)


def _same(sent: Iterable[Row], arrived: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows that arrived as long as they are those that were sent."""
    for ours, theirs in zip_longest(sent, arrived):
        if ours is None or theirs is None or tuple(ours) != tuple(theirs):
            change_id = (ours or theirs)[0]
            raise LedgerAltered(str(change_id), 0, f"it did not arrive as it was sent; {_NOTHING}.")
        yield theirs


def _check(rows: Iterable[Row], row: Row | None, keys: Keys) -> None:
    """Recompute one chain and compare it with its row in `changes`. Raises LedgerAltered."""
    history = [event_of(one) for one in rows]
    change_id = history[0].change_id if history else str(row[0] if row else "")
    findings = inspect(history, keys)[1] or compare_projection({change_id: history}, [row] if row else [], keys)
    if findings:
        first = findings[0]
        raise LedgerAltered(first.change_id, first.seq, f"{first.sentence} {_NOTHING.capitalize()}.")

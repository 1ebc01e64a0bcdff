"""Opens the SQLite file the one way that is safe with several processes, and says in plain words why it cannot."""

import sqlite3
import time
from pathlib import Path

from sqlite_utils import Database

from bot.errors import ConfigError, LedgerBusy
from bot.ledger.private import close_to_others, make_private
from bot.ledger.schema import MIGRATIONS

PATIENCE = 1.5
"""Seconds to wait for a lock: a click must be answered within three."""

APPLICATION_ID = int.from_bytes(b"BPBL", "big")
"""Marks the file as the ledger of a backup plan bot, for whoever wonders what it is."""

PAGE = 16_384
"""Bytes of a page in a new file: requests take 2 to 5 KiB, and on pages of 4 they leave up to half of one empty."""

_NOTHING = "nothing was recorded"
_CAUSES = {
    sqlite3.SQLITE_BUSY: f"The ledger is locked by another process; {_NOTHING}. Try again in a moment.",
    sqlite3.SQLITE_LOCKED: f"The ledger is locked by another process; {_NOTHING}. Try again in a moment.",
    sqlite3.SQLITE_FULL: f"The ledger's disk is full; {_NOTHING}. Whoever runs the bot has to make room.",
    sqlite3.SQLITE_READONLY: f"The ledger is read-only; {_NOTHING}. Whoever runs the bot has to make it writable.",
    sqlite3.SQLITE_IOERR: f"The ledger's disk does not work; {_NOTHING}. Whoever runs the bot has to look at it.",
    sqlite3.SQLITE_CANTOPEN: f"The ledger's file cannot be opened any more; {_NOTHING}.",
    sqlite3.SQLITE_CORRUPT: f"The ledger's file is damaged; {_NOTHING}. Whoever runs the bot has to restore it.",
}


def cause(error: sqlite3.Error) -> LedgerBusy:
    """Return what SQLite complains about as the port's error."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the rest only refines it
    return LedgerBusy(_CAUSES.get(code, f"The ledger did not answer ({error}); {_NOTHING}."))


def locked() -> LedgerBusy:
    """Return what to say where something has not begun to be written."""
    return LedgerBusy(_CAUSES[sqlite3.SQLITE_BUSY])


def unsure() -> LedgerBusy:
    """Return what to say where somebody stops waiting for something that is being written."""
    return LedgerBusy("The ledger's disk is slow: it may have been recorded or not. Try again in a moment.")


def open_database(path: Path, *, readonly: bool, alone: bool = False) -> Database:
    """Open the ledger's file in the thread that will use it; unless `readonly`, make it and bring it up to date.

    `alone` lets nobody else have it open before the connection is closed: a bot holds it open as long as it runs.
    Raises ConfigError when there is no usable file or folder, or others have open what is wanted `alone`, LedgerBusy
    where waiting may help: somebody else keeps it locked, or the disk is full.
    """
    if not path.parent.is_dir():
        raise _unusable(f"the folder {path.parent} does not exist; create it or name another file.")
    if readonly and not path.exists():
        raise _unusable(f"there is no ledger at {path}; `serve` makes one.")
    if not readonly:
        make_private(path)
    # mode=rw never makes a file, and falls back to reading where writing is not permitted
    address = f"{path.absolute().as_uri()}?mode={'rw' if readonly else 'rwc'}"
    try:
        connection = sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise _unusable(f"{path} cannot be opened ({error}).") from error
    # an edited row may hold any bytes; reading it must not fail before its hash is checked
    connection.text_factory = _text
    try:
        if alone:
            connection.execute("pragma locking_mode = exclusive")  # taken by the first statement that reads
        return _prepare(Database(connection, execute_plugins=False), path, readonly=readonly, alone=alone)
    except BaseException:
        connection.close()
        raise


def _prepare(db: Database, path: Path, *, readonly: bool, alone: bool) -> Database:
    try:
        db.execute("pragma synchronous = full")
        if readonly:
            db.execute("pragma query_only = on")
            if MIGRATIONS.pending(db):
                raise _unusable(f"{path} is not a ledger, or one of an older version; `serve` brings it up to date.")
        else:
            db.execute(f"pragma page_size = {PAGE}")  # a file that has pages already keeps its own
            _write_ahead(db)
            _migrate(db)
            close_to_others(path)  # what is no ledger is left as it is
    except sqlite3.OperationalError as error:
        match error.sqlite_errorcode & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED if alone:
                raise _unusable(f"{path} is open in another process: end the bot and what else uses it.") from error
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                raise cause(error) from error
            case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
                raise cause(error) from error  # room can be made, and a disk come back
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                what = "its folder" if readonly else "it and its folder"  # even readers keep an index beside the file
                raise _unusable(f"{path} cannot be used: {what} must be writable for this user.") from error
        raise _unusable(f"{path} cannot be used ({error}).") from error
    except sqlite3.DatabaseError as error:
        raise _unusable(f"{path} is not a ledger ({error}).") from error
    return db


def _write_ahead(db: Database) -> None:
    """Turn the write-ahead log on. SQLite does not wait for a lock here, so two that start at once would collide."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(db: Database) -> None:
    """Bring the tables up to date under the write lock: unguarded, two that start at once would both try."""
    db.execute("begin immediate")
    try:
        # SQLite grants this lock on a read-only file too; only a write shows now that no change could be recorded
        db.execute(f"pragma application_id = {APPLICATION_ID}")
        MIGRATIONS.apply(db)
        db.execute("commit")
    except BaseException:
        db.rollback()
        raise


def _unusable(sentence: str) -> ConfigError:
    return ConfigError([f"DATABASE_URL: {sentence}"])


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")

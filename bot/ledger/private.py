"""The ledger's files belong to whoever runs the bot: others could read what is backed up where, and by whom."""

import contextlib
import stat
from pathlib import Path

import structlog

log = structlog.get_logger("bot.ledger.private")


def make_private(path: Path) -> None:
    """Make an empty file that its owner alone may use, unless there is one: SQLite would let everybody read it."""
    with contextlib.suppress(OSError):  # which opening it says better
        path.touch(0o600, exist_ok=False)


def close_to_others(path: Path) -> None:
    """Take from others what they may do with a ledger, and with the two files that SQLite keeps beside it.

    Where that is not permitted, or the disk knows no such modes, the log says so: somebody may have meant it.
    """
    for file in (path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")):
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & 0o077:
                file.chmod(mode & 0o700)
                log.warning("ledger_closed_to_others", file=str(file), was=f"{mode:04o}")
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("ledger_open_to_others", file=str(file), problem=error.strerror)

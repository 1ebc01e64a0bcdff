"""Finds the key that a ledger is signed with, makes it at the first start, and signs then what was recorded before.

A key is only ever made for a ledger in which nothing is signed: with another one, all of it would count as forged.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from pydantic import SecretStr

from bot.ledger import opening, statements
from bot.ledger.chain import inspect
from bot.ledger.key_file import fresh, make_key_file, read_key_file, replace_key_file, unusable
from bot.ledger.keys import Keys
from bot.ledger.statements import Parameters, Row

log = structlog.get_logger("bot.ledger")

Execute = Callable[[str, Parameters], list[Row]]


@dataclass(frozen=True)
class Found:
    """The key of a ledger."""

    keys: Keys
    public: str
    """Its public half, on one line."""
    made: bool
    """Whether it was made just now."""
    signed: int
    """How many events from before were signed with it just now."""


def ledger_keys(address: Path | SecretStr, file: Path, *, makes: bool) -> Found:
    """Return the key in `file` for the ledger at `address`, whose tables are made or brought up to date.

    Where there is no such file, one is made if `makes` and nothing is signed. Raises ConfigError where that may not be,
    where the file is not for us alone, or as opening the ledger does.
    """
    with _database(address) as execute:
        # asked first: where something is signed, the file with its key was there before
        signatures = [str(signature) for (signature,) in execute(statements.SOME_SIGNATURES, {})]
        content, made = read_key_file(file), False
        if content is None and signatures:
            raise unusable(
                f"{file} does not exist, but events in the ledger are signed: restore the file from its backup. With"
                " another key, nothing that was recorded would count."
            )
        if content is None and not makes:
            raise unusable(f"{file} does not exist: `backup-plan-bot ledger key make` makes it.")
        if content is None:
            made = make_key_file(file, fresh(signing_older=bool(execute(statements.UNSIGNED_CHANGES, {}))))
            content = read_key_file(file)
        if content is None:
            raise unusable(f"{file} was taken away while it was read.")
        keys, signed = content.keys, 0
        if signatures and not any(map(keys.know, signatures)):
            raise unusable(
                f"{file} holds the key of another ledger: events in this one are signed with none that it knows."
            )
        if content.signing_older:
            signed = _sign_older(execute, keys)
            replace_key_file(file, content.model_copy(update={"signing_older": False}))
    if made or signed:
        log.info("ledger_key_made", public=content.public, file=str(file), signed=signed)
    return Found(keys, content.public, made, signed)


def _sign_older(execute: Execute, keys: Keys) -> int:
    """Sign every history whose hashes hold and in which nothing is signed; any other one stays altered.

    It may be interrupted at any point, or run twice at once: the same event always gets the same signature.
    """
    signed = 0
    for (change_id,) in execute(statements.UNSIGNED_CHANGES, {}):
        rows = execute(statements.EVENTS_OF, {"change_id": change_id})
        events = [statements.event_of(row) for row in rows]
        ours = [replace(event, signature=keys.sign(event.hash)) for event in events]
        is_ours = all(event.signature in {"", our.signature} for event, our in zip(events, ours, strict=True))
        if not is_ours or inspect(ours, keys)[1]:
            log.error("ledger_altered", change=change_id)
            continue
        execute("begin", {})
        for event in ours:
            key: Parameters = {"change_id": event.change_id, "seq": event.seq}
            execute(statements.SIGN_OLDER, key | {"signature": event.signature})
        execute("commit", {})
        signed += len(events)
    return signed


@contextmanager
def _database(address: Path | SecretStr) -> Iterator[Execute]:
    """Open a ledger's database for writing, apart from the ledger."""
    if isinstance(address, Path):
        with closing(opening.open_database(address, readonly=False).conn) as file:
            yield lambda sql, parameters: file.execute(sql, parameters).fetchall()
        return
    from bot.ledger.pooled import prepared  # noqa: PLC0415 - the driver comes with an extra
    from bot.ledger.postgres import translated  # noqa: PLC0415

    with prepared(address) as connection:

        def execute(sql: str, parameters: Parameters) -> list[Any]:
            cursor = connection.execute(translated(sql), parameters)
            return cursor.fetchall() if cursor.description else []

        yield execute

"""Moving a SQLite ledger into PostgreSQL: everything and unchanged, or nothing and a sentence that says why."""

import asyncio
import sqlite3
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from bench.ledger_filled import fill
from commands import Ended, run_bot
from database import database_of, execute, schema_of, server
from psycopg import sql
from pydantic import SecretStr
from signing import KEYS, key_beside

from bot.core import decisions
from bot.core.change import State
from bot.core.draft import Draft
from bot.core.events import Requested
from bot.errors import ConfigError, LedgerAltered, LedgerBusy
from bot.ledger import copying
from bot.ledger.copying import Copied
from bot.ledger.pooled import START_PATIENCE
from bot.ledger.postgres import PostgresLedger
from bot.ledger.sqlite import SqliteLedger
from bot.ledger.store import copy_ledger
from bot.playground.acts import ask, buttons, outcome, replies, said, settled
from bot.playground.stage import Stage
from bot.ports import Clock

pytestmark = pytest.mark.usefixtures("forked")

GRACE = timedelta(seconds=15)

COPIED = """\
1 change, 3 events copied: every event is signed, every hash follows from the one before.
1 change is open: start the bot with the new DATABASE_URL and LEDGER_KEY_FILE=%s, \
and not with the old one any more.
"""
LEDGER = "sqlite:///ledger.db"
approve = partial(decisions.approve, by="UA", digest="d1", objection=None)


@pytest.fixture
def target(database: str) -> SecretStr:
    return SecretStr(database)


@pytest.fixture
async def source(tmp_path: Path, clock: Clock, wish: Callable[..., Requested]) -> Path:
    """A ledger with three changes, one of them approved once, one withdrawn."""
    path = tmp_path / "ledger.db"
    key_beside(path)
    ledger = SqliteLedger(path, clock, GRACE, KEYS)
    for n in (1, 2, 3):
        await ledger.record(f"c{n}", partial(decisions.request, by="UR", data=wish(plan_id=f"p{n}", view_id=f"V{n}")))
    await ledger.record("c1", approve)
    await ledger.record("c2", partial(decisions.withdraw, by="UR"))
    await ledger.team("T0PLAY")
    await ledger.noted("policy", "known")
    await ledger.keep_draft(Draft(view_id="V9", opener="UR"))
    await ledger.close()
    return path


def rows(target: SecretStr, table: str) -> list[tuple[object, ...]]:
    """Return what is in a table, nothing where there is no such table."""
    with psycopg.connect(target.get_secret_value()) as database:
        try:
            return database.execute(sql.SQL("select * from {} order by 1, 2").format(sql.Identifier(table))).fetchall()
        except psycopg.errors.UndefinedTable:
            return []


def alter(source: Path, *statements: str) -> None:
    with closing(sqlite3.connect(source)) as file:
        for statement in ("drop trigger events_stay", "drop trigger events_remain", *statements):
            file.execute(statement)
        file.commit()


async def interfere(target: SecretStr, table: str, what: str) -> None:
    """Have the database do something, in its own language, with each row `new` before it is put into a table."""
    await PostgresLedger(target, GRACE, KEYS).close()
    statements = f"""
        create function interfere() returns trigger language plpgsql as $$ begin {what}; return new; end $$;
        create trigger interfere before insert on {table} for each row execute function interfere();
    """
    with psycopg.connect(target.get_secret_value(), autocommit=True) as database:
        database.execute(statements.encode())


async def copied_by(url: str, to: str, folder: Path | None = None) -> Ended:
    """Run the command on the ledger at `url`."""
    return await run_bot("ledger", "copy", "--to", to, folder=folder, environment={"DATABASE_URL": url})


async def test_every_row_arrives_as_it_was(source: Path, target: SecretStr) -> None:
    assert copy_ledger(source, target, key_beside(source)) == Copied(changes=3, events=5, open=2)
    with closing(sqlite3.connect(source)) as file:
        for table in ("events", "changes", "meta", "drafts"):
            assert rows(target, table) == file.execute(f"select * from {table} order by 1, 2").fetchall()  # noqa: S608


async def test_the_copy_is_a_ledger_that_goes_on(source: Path, target: SecretStr, clock: Clock) -> None:
    copy_ledger(source, target, key_beside(source))
    ledger = PostgresLedger(target, GRACE, KEYS, clock=clock)
    try:
        assert await ledger.findings() == []
        change = await ledger.record("c1", partial(approve, by="UB"))
        assert (change.seq, change.state) == (3, State.APPROVED)
        assert await ledger.team("T0OTHER") == "T0PLAY"
    finally:
        await ledger.close()


async def test_a_database_with_changes_in_it_is_refused_and_stays_as_it_is(source: Path, target: SecretStr) -> None:
    copy_ledger(source, target, key_beside(source))
    before = rows(target, "changes")
    with pytest.raises(ConfigError, match=r"--to: the database already holds changes: name an empty one"):
        copy_ledger(source, target, key_beside(source))
    assert rows(target, "changes") == before


async def test_the_database_of_another_workspace_is_refused(source: Path, target: SecretStr) -> None:
    ledger = PostgresLedger(target, GRACE, KEYS)
    await ledger.team("T0OTHER")
    await ledger.close()
    with pytest.raises(ConfigError, match=r"--to: the database belongs to another Slack workspace, T0OTHER"):
        copy_ledger(source, target, key_beside(source))
    assert rows(target, "events") == []


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("update events set actor = 'UX' where change_id = 'c1' and seq = 2", "change c1, event 2: it is not what was"),
        ("delete from events where change_id = 'c2' and seq = 1", "change c2, event 1: event 1 is missing"),
        ("delete from events where change_id = 'c2' and seq = 2", "change c2, event 1: `changes` says state"),
        ("update changes set state = 'applied' where change_id = 'c3'", "change c3, event 1: `changes` says state"),
        ("delete from changes where change_id = 'c3'", "change c3, event 1: it has events, but no row"),
        ("delete from events where change_id = 'c3'", "change c3, event 1: it is recorded, but has no events"),
    ],
)
async def test_a_history_that_does_not_hold_together_is_named_and_nothing_arrives(
    source: Path, target: SecretStr, statement: str, sentence: str
) -> None:
    alter(source, statement)
    with pytest.raises(LedgerAltered, match=sentence) as refused:
        copy_ledger(source, target, key_beside(source))
    assert str(refused.value).lower().endswith("nothing was copied.")
    assert (rows(target, "events"), rows(target, "changes"), rows(target, "meta")) == ([], [], [])


async def test_what_arrives_otherwise_than_it_was_sent_is_taken_back(source: Path, target: SecretStr) -> None:
    await interfere(target, "events", "new.data = replace(new.data, 'p2', 'p9')")
    with pytest.raises(LedgerAltered, match="change c2, event 0: it did not arrive as it was sent; nothing was copied"):
        copy_ledger(source, target, key_beside(source))
    assert rows(target, "events") == []


async def test_a_connection_that_ends_halfway_leaves_nothing(source: Path, target: SecretStr) -> None:
    await interfere(target, "changes", "perform pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(LedgerBusy, match=r"The copy did not arrive \(.*terminating connection.*\); nothing was copied"):
        copy_ledger(source, target, key_beside(source))
    assert rows(target, "events") == []


async def test_a_file_that_a_bot_has_open_is_not_copied_though_it_is_idle(tmp_path: Path, target: SecretStr) -> None:
    """What it recorded afterwards would be lost, and two bots would carry the same changes out."""
    async with Stage(tmp_path) as stage:
        bot = await stage.start_bot()
        assert await copied_by(stage.database_url, target.get_secret_value()) == (
            2, "",
            f"DATABASE_URL: {stage.ledger_file} is open in another process: end the bot and what else uses it.\n",
        )  # fmt: skip
        assert rows(target, "events") == []
        assert await bot.end() == 0
        assert (await copied_by(stage.database_url, target.get_secret_value()))[0] == 0


def test_nobody_gets_at_the_file_while_it_is_copied_and_it_stays_as_it_was(
    source: Path, target: SecretStr, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = source.read_bytes()
    refused: list[object] = []
    write_row = psycopg.Copy.write_row

    def meanwhile(copy: psycopg.Copy, row: Any) -> None:
        if not refused:
            with pytest.raises(LedgerBusy, match="locked by another process") as caught:
                SqliteLedger(source, clock, GRACE, KEYS)
            refused.append(caught)
        write_row(copy, row)

    monkeypatch.setattr(psycopg.Copy, "write_row", meanwhile)
    copy_ledger(source, target, key_beside(source))
    assert len(refused) == 1
    assert source.read_bytes() == before


async def test_a_file_that_is_damaged_is_said_to_be(source: Path, target: SecretStr) -> None:
    with closing(sqlite3.connect(source)) as file:
        (page,) = file.execute("select rootpage from sqlite_master where name = 'changes'").fetchone()
        (size,) = file.execute("pragma page_size").fetchone()
    with source.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\xff" * size)
    with pytest.raises(LedgerBusy, match=r"ledger.db cannot be read \(.*malformed\); nothing was copied"):
        copy_ledger(source, target, key_beside(source))
    assert rows(target, "events") == []


async def test_a_database_that_somebody_keeps_locked_is_not_waited_for_without_end(
    source: Path, target: SecretStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    await PostgresLedger(target, GRACE, KEYS).close()
    monkeypatch.setattr(copying, "_LIMITS", copying._LIMITS.replace(f"{START_PATIENCE}s", "200ms"))
    with psycopg.connect(target.get_secret_value()) as somebody:
        somebody.execute("select * from changes for update; lock table changes in access exclusive mode")
        with pytest.raises(ConfigError, match="--to: the PostgreSQL database is locked by somebody else; nothing was"):
            copy_ledger(source, target, key_beside(source))


async def test_the_role_that_the_readme_leaves_the_bot_is_enough(
    source: Path, target: SecretStr, tmp_path: Path
) -> None:
    await PostgresLedger(target, GRACE, KEYS).close()
    role = f"bot_{time.monotonic_ns()}"
    execute(f"""
        set search_path = {schema_of(tmp_path)};
        create role {role} login;
        grant usage on schema {schema_of(tmp_path)} to {role};
        grant select on ledger_version to {role};
        grant select, insert on events to {role};
        grant select, insert, update on changes, meta to {role};
        grant select, insert, update, delete on drafts to {role};
    """)
    try:
        assert copy_ledger(source, database_of(tmp_path, user=role), key_beside(source)) == Copied(
            changes=3, events=5, open=2
        )
    finally:
        execute(f"drop owned by {role}; drop role {role}")


async def test_when_a_change_is_due_arrives_as_it_was_or_nothing_does(source: Path, target: SecretStr) -> None:
    await interfere(target, "changes", "new.due_at = null")
    with pytest.raises(LedgerAltered, match="change c1, event 0: it did not arrive as it was sent"):
        copy_ledger(source, target, key_beside(source))
    assert rows(target, "changes") == []


@pytest.mark.parametrize(("encoding", "taken"), [("SQL_ASCII", True), ("LATIN1", False)])
async def test_a_database_made_for_another_encoding_takes_the_text_as_it_is_or_not_at_all(
    source: Path, encoding: str, taken: bool, clock: Clock
) -> None:
    name = f"encoded_{time.monotonic_ns()}"
    execute(f"create database {name} encoding '{encoding}' template template0 lc_collate 'C' lc_ctype 'C'")
    url = SecretStr(urlsplit(server())._replace(path=f"/{name}").geturl())
    try:
        if not taken:
            with pytest.raises(ConfigError, match="--to: the PostgreSQL database is encoded in LATIN1, which lacks"):
                copy_ledger(source, url, key_beside(source))
            with pytest.raises(ConfigError, match="DATABASE_URL: the PostgreSQL database is encoded in LATIN1"):
                PostgresLedger(url, GRACE, KEYS, clock=clock)
            return
        copy_ledger(source, url, key_beside(source))
        ledger = PostgresLedger(url, GRACE, KEYS, clock=clock)
        assert await ledger.team("T0OTHER") == "T0PLAY"
        assert await ledger.findings() == []
        await ledger.close()
    finally:
        execute(f"drop database {name}")


async def test_a_longer_ledger_is_not_held_in_memory(tmp_path: Path, target: SecretStr) -> None:
    """A tenth of the file at most: what Python allocates, not counting what SQLite and libpq do."""
    path = tmp_path / "ledger.db"
    await asyncio.to_thread(fill, 1000, datetime(2026, 5, 4, 12, tzinfo=UTC), path)
    tracemalloc.start()
    try:
        assert copy_ledger(path, target, key_beside(path)).changes == 1000
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 10
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("address", "to", "sentence"),
    [
        ("sqlite:///absent.db", "postgresql://127.0.0.1:1/bot", "DATABASE_URL: there is no ledger at absent.db"),
        (
            "postgresql://db/a",
            "postgresql://db/b",
            "DATABASE_URL names PostgreSQL; what can be copied is a SQLite file.",
        ),
        (LEDGER, "postgresql://bot:s3same@127.0.0.1:x/bot", "--to: the PostgreSQL database cannot be reached ("),
        (LEDGER, "postgresql://bot:s3@same@127.0.0.1:1/bot", "written as %40 and %2F."),
        (LEDGER, "mysql://db/bot", "must be the URL of a PostgreSQL database: postgresql://user@host/name."),
    ],
)
async def test_what_cannot_be_copied_is_said_in_one_sentence_without_the_password(
    source: Path, address: str, to: str, sentence: str
) -> None:
    code, out, said = await copied_by(address, to, source.parent)
    assert (code, out, sentence in said, "s3same" in said, "Traceback" in said) == (2, "", True, False, False), said


async def test_a_database_that_is_away_may_be_copied_to_later(source: Path) -> None:
    code, out, said = await copied_by(LEDGER, "postgresql://bot:s3same@127.0.0.1:1/bot", source.parent)
    assert (code, out, "--to: the PostgreSQL database cannot be reached (" in said, "s3same" in said) == (
        75, "", True, False,
    )  # fmt: skip


async def test_a_change_approved_once_in_the_file_is_carried_out_from_postgresql(
    tmp_path: Path, target: SecretStr
) -> None:
    async with Stage(tmp_path) as stage:
        bot = await stage.start_bot()
        wish = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db"}
        card = await ask(stage.slack, stage.rita, "dbsmysqlrds01", wish)
        await stage.ana.click(card, "approve")
        assert await bot.end() == 0
        assert await copied_by(stage.database_url, target.get_secret_value()) == (
            0, COPIED % stage.key_file, ""
        )  # fmt: skip
        moved = await stage.start_bot(DATABASE_URL=target.get_secret_value())
        await stage.ben.click(card, "approve")
        ended = said(await outcome(stage.slack, card))
        card = await settled(stage.slack, card)
        assert (ended["state"], len(stage.dbs.effects), len(replies(stage.slack, card)), buttons(card)) == (
            "applied", 1, 1, [],
        )  # fmt: skip
        assert (
            await run_bot(
                "ledger",
                "verify",
                environment={"DATABASE_URL": target.get_secret_value(), "LEDGER_KEY_FILE": str(stage.key_file)},
            )
        )[0] == 0
        assert await moved.end() == 0
        assert stage.slack.violations == []


async def test_the_command_ends_with_1_where_a_history_does_not_hold_together(source: Path, target: SecretStr) -> None:
    alter(source, "update events set actor = 'UX' where change_id = 'c1' and seq = 2")
    code, said, _ = await copied_by(LEDGER, target.get_secret_value(), source.parent)
    assert (code, said.startswith("change c1, event 2: it is not what was recorded"), said.count("\n")) == (1, True, 1)

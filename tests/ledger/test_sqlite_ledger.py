"""What is particular to the ledger in a SQLite file: when it cannot be had, and when somebody wrote into it."""

import asyncio
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from signing import KEYS

from bot.core import decisions
from bot.core.change import ENDED, Change
from bot.core.events import Announced, Told
from bot.core.remembered import LastSet
from bot.core.states import TRANSITIONS
from bot.errors import ConfigError, LedgerAltered, LedgerBusy
from bot.ledger import statements
from bot.ledger.sqlite import SqliteLedger
from bot.ports import Clock

GRACE = timedelta(seconds=15)
Ask = Callable[..., Awaitable[Change]]

approve = partial(decisions.approve, by="UA", digest="d1", objection=None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
async def ledger(file: Path, clock: Clock) -> AsyncIterator[SqliteLedger]:
    opened = SqliteLedger(file, clock, GRACE, KEYS)
    yield opened
    await opened.close()


def write(file: Path, *sql: str) -> None:
    """Do what somebody with the file and a SQLite shell could do."""
    with closing(sqlite3.connect(file)) as connection:
        for statement in ("drop trigger if exists events_stay", "drop trigger if exists events_remain", *sql):
            connection.execute(statement)
        connection.commit()


async def pragma(ledger: SqliteLedger, name: str) -> object:
    return await ledger._write(lambda: ledger._db.execute(f"pragma {name}").fetchone()[0])


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user without rights for a while: the file permissions say nothing to root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# Opening


async def test_it_is_opened_to_survive_a_power_cut(ledger: SqliteLedger) -> None:
    assert await pragma(ledger, "journal_mode") == "wal"
    assert await pragma(ledger, "synchronous") == 2


async def test_a_new_file_has_pages_that_hold_several_requests(ledger: SqliteLedger) -> None:
    assert await pragma(ledger, "page_size") == 16_384


async def test_a_file_with_other_pages_keeps_them_and_is_used_as_it_is(file: Path, clock: Clock) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("pragma page_size = 4096")
        connection.execute("vacuum")
    ledger = SqliteLedger(file, clock, GRACE, KEYS)
    assert await pragma(ledger, "page_size") == 4096
    assert await ledger.team("T1") == "T1"
    await ledger.close()


def test_a_missing_folder_is_a_setting_to_mend(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(ConfigError, match=r"DATABASE_URL: the folder .*/nowhere does not exist"):
        SqliteLedger(tmp_path / "nowhere" / "ledger.db", clock, GRACE, KEYS)


def test_a_folder_or_another_file_is_no_ledger(tmp_path: Path, file: Path, clock: Clock) -> None:
    with pytest.raises(ConfigError, match=r"DATABASE_URL: .* cannot be opened"):
        SqliteLedger(tmp_path, clock, GRACE, KEYS)
    file.write_text("Dear diary, today nobody changed a backup plan. " * 100)
    with pytest.raises(ConfigError, match=r"DATABASE_URL: .* is not a ledger"):
        SqliteLedger(file, clock, GRACE, KEYS)


@pytest.fixture
def kept(clock: Clock) -> Iterator[Path]:
    """A ledger that nobody but its owner may write, in a folder where everybody may."""
    folder = Path(tempfile.mkdtemp())  # pytest's own folder is closed to other users
    folder.chmod(0o777)
    file = folder / "ledger.db"
    asyncio.run(SqliteLedger(file, clock, GRACE, KEYS).close())
    file.chmod(0o444)
    yield file
    folder.chmod(0o755)
    shutil.rmtree(folder)


async def test_a_file_that_may_not_be_written_can_be_looked_at(kept: Path, clock: Clock) -> None:
    with nobody():
        looking = SqliteLedger.open_readonly(kept, clock)
        assert await looking.findings() == []
        await looking.close()


def test_a_file_that_may_not_be_written_is_a_setting_to_mend(kept: Path, clock: Clock) -> None:
    with nobody(), pytest.raises(ConfigError, match=r"DATABASE_URL: .* it and its folder must be writable"):
        SqliteLedger(kept, clock, GRACE, KEYS)


def test_a_folder_that_may_not_be_written_is_a_setting_to_mend(kept: Path, clock: Clock) -> None:
    kept.parent.chmod(0o555)
    with nobody():
        with pytest.raises(ConfigError, match=r"DATABASE_URL: .* it and its folder must be writable"):
            SqliteLedger(kept, clock, GRACE, KEYS)
        with pytest.raises(ConfigError, match=r"DATABASE_URL: .* its folder must be writable"):
            SqliteLedger.open_readonly(kept, clock)


def test_looking_makes_no_file(file: Path, clock: Clock) -> None:
    with pytest.raises(ConfigError, match="there is no ledger"):
        SqliteLedger.open_readonly(file, clock)
    assert not file.exists()


def test_looking_brings_nothing_up_to_date(file: Path, clock: Clock) -> None:
    file.touch()
    with pytest.raises(ConfigError, match="not a ledger"):
        SqliteLedger.open_readonly(file, clock)
    assert file.stat().st_size == 0


async def test_one_can_look_while_the_bot_runs(file: Path, clock: Clock, ledger: SqliteLedger, ask: Ask) -> None:
    change = await ask()
    looking = SqliteLedger.open_readonly(file, clock, KEYS)
    assert await looking.change("c1") == change
    with pytest.raises(LedgerBusy, match="read-only"):
        await looking.record("c1", approve)
    await looking.close()
    assert await ledger.change("c1") == change


# When it cannot be had


async def test_a_locked_ledger_says_so_within_three_seconds_however_many_wait(
    file: Path, ledger: SqliteLedger, ask: Ask
) -> None:
    before = await ask()
    with closing(sqlite3.connect(file, isolation_level=None)) as somebody:
        somebody.execute("begin immediate")
        began = time.monotonic()
        clicks = [ledger.record("c1", partial(approve, by=f"U{number}")) for number in range(8)]
        results = await asyncio.gather(*clicks, return_exceptions=True)
        assert time.monotonic() - began < 3
        assert {str(result) for result in results} == {
            "The ledger is locked by another process; nothing was recorded. Try again in a moment."
        }
        assert all(isinstance(result, LedgerBusy) for result in results)
        assert await ledger.change("c1") == before, "reading needs no lock"
    assert (await ledger.record("c1", approve)).seq == 2


async def test_who_looks_does_not_stand_in_line_behind_a_write_that_waits(
    file: Path, ledger: SqliteLedger, ask: Ask
) -> None:
    before = await ask()
    with closing(sqlite3.connect(file, isolation_level=None)) as somebody:
        somebody.execute("begin immediate")
        waiting = asyncio.create_task(ledger.record("c1", approve))
        await asyncio.sleep(0)  # it is in line first
        assert await ledger.change("c1") == before
        assert not waiting.done()
        somebody.execute("rollback")
    assert (await waiting).seq == 2


async def test_a_ledger_that_became_read_only_says_so_until_it_can_be_written_again(
    ledger: SqliteLedger, ask: Ask
) -> None:
    before = await ask()
    await ledger._write(lambda: ledger._db.execute("pragma query_only = on"))
    with pytest.raises(LedgerBusy, match="read-only"):
        await ledger.record("c1", approve)
    with pytest.raises(LedgerBusy, match="read-only"):
        await ledger.take_due(GRACE)
    assert await ledger.change("c1") == before
    await ledger._write(lambda: ledger._db.execute("pragma query_only = off"))
    assert (await ledger.record("c1", approve)).seq == 2


async def test_on_a_full_disk_nothing_is_half_written(ledger: SqliteLedger, ask: Ask) -> None:
    before = await ask()
    pages = await pragma(ledger, "page_count")
    await pragma(ledger, f"max_page_count = {pages}")
    with pytest.raises(LedgerBusy, match="disk is full"):
        await ask("c2", plan_id="dbs2", reason="x" * 100_000)
    assert await ledger.change("c2") is None
    assert await ledger.open_change("dbs.test", "dbs2") is None
    assert await ledger.change("c1") == before
    await pragma(ledger, "max_page_count = 100000")
    assert (await ask("c2", plan_id="dbs2", reason="x" * 100_000)).seq == 1


# When somebody wrote into it


@pytest.mark.parametrize(
    ("sql", "seq"),
    [
        ("""update events set data = replace(data, '"30"', '"1"') where seq = 1""", 1),
        ("update events set actor = 'UX' where seq = 2", 2),
        ("update events set at = '2020-01-01T00:00:00.000Z' where seq = 3", 3),
        ("update events set type = 'denied' where seq = 2", 2),
        ("update events set data = 'no JSON' where seq = 2", 2),
        ("update events set data = x'ff00' where seq = 2", 2),
        ("update events set data = cast(x'ff00' as text) where seq = 2", 2),
        ("update events set hash = '' where seq = 3", 3),
        ("delete from events where seq = 2", 2),
        ("delete from events where seq = 3", 3),
        ("delete from events", 1),
        ("delete from changes", 1),
        ("update changes set head = ''", 3),
        ("update changes set seq = 5", 4),
    ],
)
@pytest.mark.parametrize("known", [False, True])
async def test_a_change_that_was_altered_is_neither_read_nor_carried_on(
    file: Path, ledger: SqliteLedger, ask: Ask, sql: str, seq: int, known: bool
) -> None:
    """Whether or not this process has read all of it before."""
    await ask()
    await ledger.record("c1", approve)
    await ledger.record("c1", partial(approve, by="UB"))
    if known:
        await ledger.change("c1")
    other = await ask("c0", plan_id="dbs0") if "where" in sql and "changes" not in sql else None
    write(file, sql + (" and change_id = 'c1'" if other else ""))
    with pytest.raises(LedgerAltered) as read:
        await ledger.change("c1")
    with pytest.raises(LedgerAltered) as written:
        await ledger.record("c1", approve)
    with pytest.raises(LedgerAltered):
        await ledger.drawn("c1", 3, over=0)
    assert await ledger.last_applied("dbs.test", "dbs1") == LastSet(), "nothing of it is relied on, nor in the way"
    assert (read.value.change_id, read.value.seq) == (written.value.change_id, written.value.seq) == ("c1", seq)
    assert [finding.change_id for finding in await ledger.findings()] == ["c1"] * len(await ledger.findings())
    assert await ledger.findings()
    if other:
        assert await ledger.change("c0") == other


async def test_an_altered_change_does_not_stop_the_sweep(
    file: Path, ledger: SqliteLedger, ask: Ask, advance: Callable[[float], object]
) -> None:
    await ask("c1")
    await ask("c2", plan_id="dbs2")
    write(file, "update events set actor = 'UX' where change_id = 'c1'")
    advance(15)
    assert await ledger.take_due(GRACE) == ["c1", "c2"]


@pytest.mark.parametrize("column", ["plan_id", "host", "state", "requester", "channel", "view_id", "requested_at"])
async def test_a_projection_that_does_not_follow_from_the_events_is_found(
    file: Path, ledger: SqliteLedger, ask: Ask, column: str
) -> None:
    await ask()
    assert await ledger.findings() == []
    write(file, "update changes set COLUMN = 'something else'".replace("COLUMN", column))
    (finding,) = await ledger.findings()
    assert (finding.change_id, finding.seq) == ("c1", 1)
    assert f"`changes` says {column} 'something else', the events say" in finding.sentence


@pytest.mark.parametrize(
    "sql",
    [
        "update events set actor = 'UX'",
        "delete from events",
        "insert or replace into events select change_id, seq, type, 'UX', at, data, hash, signature from events",
    ],
)
async def test_events_are_append_only(ledger: SqliteLedger, ask: Ask, sql: str) -> None:
    await ask()
    with pytest.raises(LedgerBusy, match="append-only"):
        await ledger._write(lambda: ledger._db.execute(sql))
    assert await ledger.findings() == []


# The second lock, and the indexes


@pytest.mark.parametrize("kind", ["approved", "told", "denied"])
async def test_unique_keys_hold_without_any_decision(ledger: SqliteLedger, ask: Ask, kind: str) -> None:
    await ask()

    def twice() -> None:
        for seq in (7, 8):
            row = {"change_id": "c1", "seq": seq, "type": kind, "actor": "UA"} | dict.fromkeys(
                ("at", "data", "hash", "signature"), ""
            )
            ledger._db.execute(statements.ADD_EVENT, row)

    with pytest.raises(LedgerBusy, match="UNIQUE"):
        await ledger._write(twice)


async def test_every_end_of_a_change_counts_as_its_outcome(ledger: SqliteLedger) -> None:
    ends = {kind.type() for (_, kind), state in TRANSITIONS.items() if state in ENDED} - {Told.type(), Announced.type()}
    (sql,) = await ledger._write(
        lambda: ledger._db.execute("select sql from sqlite_master where name = 'one_outcome_per_change'").fetchone()
    )
    assert set(sql.split("'")[1::2]) == ends


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (statements.TAKE_DUE, "due"),
        (statements.OPEN_CHANGE, "one_open_change_per_plan"),
        (statements.SINCE_LAST_APPLIED, "of_plan"),
        (statements.CHANGE_OF_VIEW, "one_change_per_view"),
        (statements.DROP_DRAFTS, "age_of_drafts"),
    ],
)
async def test_each_question_has_its_index(ledger: SqliteLedger, sql: str, index: str) -> None:
    names = ("now", "until", "limit", "host", "plan_id", "view_id", "oldest", "never")
    parameters: dict[str, str | int] = {name: 1 if name == "limit" else "" for name in names}
    plan = await ledger._write(lambda: ledger._db.execute(f"explain query plan {sql}", parameters).fetchall())
    assert any(f"INDEX {index} (" in str(row[-1]) for row in plan), plan


def modes(file: Path) -> dict[str, str]:
    """Return what others may do with the files of a ledger."""
    return {one.name: f"{one.stat().st_mode & 0o777:04o}" for one in sorted(file.parent.glob(f"{file.name}*"))}


PRIVATE = {"ledger.db": "0600", "ledger.db-shm": "0600", "ledger.db-wal": "0600"}


async def test_nobody_else_may_read_the_ledgers_files(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "ledger.db"
    before = os.umask(0)
    try:
        ledger = SqliteLedger(file, clock, GRACE)
    finally:
        os.umask(before)
    assert await ledger.team("T1") == "T1"
    assert modes(file) == PRIVATE
    await ledger.close()


async def test_a_ledger_that_others_could_read_is_closed_to_them(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "ledger.db"
    first = SqliteLedger(file, clock, GRACE)
    for name in PRIVATE:
        (tmp_path / name).chmod(0o644)
    looking = SqliteLedger.open_readonly(file, clock)
    assert set(modes(file).values()) == {"0644"}, "who only looks changes nothing"
    second = SqliteLedger(file, clock, GRACE)
    assert modes(file) == PRIVATE
    for one in (looking, second, first):
        await one.close()


def test_what_is_no_ledger_keeps_its_mode(tmp_path: Path, clock: Clock) -> None:
    diary = tmp_path / "diary"
    diary.write_text("Dear diary, today nobody changed a backup plan. " * 100)
    for one, mode in ((diary, 0o644), (tmp_path, 0o755)):
        one.chmod(mode)
        with pytest.raises(ConfigError):
            SqliteLedger(one, clock, GRACE)
        assert one.stat().st_mode & 0o777 == mode

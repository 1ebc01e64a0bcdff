"""What is particular to the ledger in PostgreSQL: replicas, lost connections, roles, and when it cannot be had."""

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from contending import answers, run
from database import database_of, execute, schema_of
from psycopg import sql
from pydantic import SecretStr
from signing import KEYS
from silent import way_to
from stores import eventually

from bot.clock import SystemClock
from bot.core import decisions
from bot.core.change import Change, State
from bot.core.events import Requested, moment
from bot.errors import ConfigError, LedgerBusy, Refusal
from bot.ledger import statements
from bot.ledger.chain import verify
from bot.ledger.postgres import PostgresLedger
from bot.ledger.postgres_schema import MIGRATIONS
from bot.ports import Clock

GRACE = timedelta(seconds=15)
Ask = Callable[..., Awaitable[Change]]

approve = partial(decisions.approve, by="UA", digest="d1", objection=None)
TERMINATE = "select pg_terminate_backend(pg_backend_pid())"
GRANTS = """
    set search_path = {schema};
    drop role if exists {role};
    create role {role} login;
    grant usage on schema {schema} to {role};
    grant select on ledger_version, events, changes, meta, drafts to {role};
"""
WRITES = """
    set search_path = {schema};
    grant insert on events to {role};
    grant insert, update on changes, meta to {role};
    grant insert, update, delete on drafts to {role};
"""


@pytest.fixture
def url(database: str) -> SecretStr:
    return SecretStr(database)


@pytest.fixture
async def ledger(url: SecretStr, clock: Clock) -> AsyncIterator[PostgresLedger]:
    opened = PostgresLedger(url, GRACE, KEYS, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def role(tmp_path: Path) -> Iterator[Callable[..., SecretStr]]:
    """Make a role that may look at the tables, or use them as the bot does; return the URL with it."""
    name = f"bot_{time.monotonic_ns()}"

    def make(grants: str) -> SecretStr:
        execute(grants.format(schema=schema_of(tmp_path), role=name))
        return database_of(tmp_path, user=name)

    yield make
    execute(f"drop owned by {name}; drop role {name}")


async def alter(ledger: PostgresLedger, statement: str) -> None:
    """Do what the bot never does, over its own connection."""
    await ledger._write(lambda: ledger._execute(statement, {}))


async def test_the_tables_are_made_once_by_processes_that_start_at_once(url: SecretStr) -> None:
    assert answers(run(url.get_secret_value(), [("look",)] * 4)) == ["T1"] * 4
    with closing(psycopg.connect(url.get_secret_value())) as connection:
        assert connection.execute("select migrations from ledger_version").fetchall() == [(len(MIGRATIONS),)]


async def test_of_three_processes_that_deny_one_wins_each_change(
    url: SecretStr, ask: Ask, ledger: PostgresLedger
) -> None:
    changes = [f"c{number:02}" for number in range(15)]
    for change_id in changes:
        await ask(change_id, plan_id=change_id)
    people = ["UA", "UB", "UC"]
    did = answers(run(url.get_secret_value(), [("decide", person, *changes) for person in people]))
    won = {person: each["won"] for person, each in zip(people, did, strict=True) if isinstance(each, dict)}
    assert sorted(change_id for each in won.values() for change_id in each) == changes
    for person, ids in won.items():
        for change_id in ids:
            change = await ledger.change(change_id)
            assert change is not None
            assert (change.state, change.ended_by, change.seq) == (State.DENIED, person, 2)
    assert verify(await ledger.events(), KEYS) == []
    assert await ledger.findings() == []


async def test_of_two_first_events_of_one_change_the_second_is_decided_after_the_first(
    url: SecretStr, clock: Clock, ledger: PostgresLedger, wish: Callable[..., Requested]
) -> None:
    other = PostgresLedger(url, GRACE, KEYS, clock=clock)
    seen: list[int] = []

    def first(change: Change | None, _now: datetime) -> decisions.Decision:
        seen.append(change.seq if change else 0)
        time.sleep(0.2 if change is None else 0)  # so that both have looked before either writes
        return ("UR", wish()) if change is None else None

    one, two = await asyncio.gather(ledger.record("c1", first), other.record("c1", first))
    await other.close()
    assert sorted(seen) == [0, 0, 1]
    assert sorted([one.appended, two.appended]) == [False, True]
    assert await ledger.findings() == []


async def test_the_time_is_the_databases(url: SecretStr, wish: Callable[..., Requested]) -> None:
    ledger = PostgresLedger(url, GRACE, KEYS)
    with closing(psycopg.connect(url.get_secret_value())) as connection:
        before = connection.execute("select clock_timestamp() - interval '1 ms'").fetchone()
    change = await ledger.record("c1", partial(decisions.request, by="UR", data=wish()))
    assert before is not None
    assert before[0] <= moment(change.requested_at) <= datetime.now(UTC) + timedelta(minutes=5)
    await ledger.close()


async def test_a_process_knows_the_databases_time_from_the_start_on(
    url: SecretStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime(2020, 1, 1, tzinfo=UTC))
    ledger = PostgresLedger(url, GRACE, KEYS)
    assert ledger.clock.now().year == 2020
    await ledger.team("T1")
    with closing(psycopg.connect(url.get_secret_value())) as connection:
        row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    assert abs(ledger.clock.now() - row[0]) < timedelta(seconds=1)
    await ledger.close()


async def test_who_waits_for_a_lock_gives_up_within_the_time_for_an_answer(
    url: SecretStr, ledger: PostgresLedger, ask: Ask
) -> None:
    await ask()
    with closing(psycopg.connect(url.get_secret_value())) as somebody:
        somebody.execute("select * from changes for update")
        started = time.monotonic()
        with pytest.raises(LedgerBusy, match="locked by another process; nothing was recorded"):
            await ledger.record("c1", approve)
        assert time.monotonic() - started < 2.5
        before = await ledger.change("c1")
        assert before is not None
        assert before.seq == 1
    assert (await ledger.record("c1", approve)).seq == 2


async def test_a_locked_ledger_says_so_within_three_seconds_however_many_wait(
    url: SecretStr, ledger: PostgresLedger, ask: Ask
) -> None:
    await ask()
    with closing(psycopg.connect(url.get_secret_value())) as somebody:
        somebody.execute("lock table changes in access exclusive mode")
        began = time.monotonic()
        clicks = [ledger.record("c1", partial(approve, by=f"U{number}")) for number in range(20)]
        looks = [ledger.change("c1") for _ in range(20)]
        results = await asyncio.gather(*clicks, *looks, return_exceptions=True)
        assert time.monotonic() - began < 3
        assert all(isinstance(result, LedgerBusy) for result in results)
        assert all(re.search("nothing was recorded|recorded or not", str(result)) for result in results)
    assert (await ledger.record("c1", approve)).seq == 2


async def test_a_database_that_says_nothing_is_not_waited_for_and_found_again(
    url: SecretStr, clock: Clock, ledger: PostgresLedger, ask: Ask
) -> None:
    await ask()
    async with way_to(url.get_secret_value()) as way:
        far = await asyncio.to_thread(PostgresLedger, SecretStr(way.url), GRACE, KEYS, clock=clock)
        assert (await far.record("c1", approve)).seq == 2
        way.open.clear()
        began = time.monotonic()
        for _ in range(2):
            clicks = [far.record("c1", partial(approve, by=f"U{number}")) for number in range(5)]
            results = await asyncio.gather(*clicks, return_exceptions=True)
            assert all(isinstance(result, LedgerBusy) for result in results)
        assert time.monotonic() - began < 6
        way.open.set()

        async def found() -> bool:
            try:
                return await far.change("c1") is not None
            except LedgerBusy:
                return False

        await eventually(found)
        assert await far.findings() == []
        assert [event.type for event in await ledger.events()][:2] == ["requested", "approved"]
        await far.close()


async def test_after_a_failover_to_a_read_only_server_the_bot_writes_again_by_itself(
    clock: Clock, ask: Ask, role: Callable[..., SecretStr], ledger: PostgresLedger
) -> None:
    """A new connection finds the server that can be written to; an old one would stay where it is."""
    await ask()
    url = role(GRANTS + WRITES)
    name = urlsplit(url.get_secret_value()).query.rpartition("user=")[2]
    ours = PostgresLedger(url, GRACE, KEYS, clock=clock)
    execute(f"alter role {name} set default_transaction_read_only = on")
    execute(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{name}'")  # noqa: S608 - ours
    for attempt in (partial(ours.record, "c1", approve), partial(ours.take_due, GRACE)):
        with pytest.raises(LedgerBusy, match="The ledger is read-only; nothing was recorded"):
            await attempt()
    assert (await ours.change("c1")) == await ledger.change("c1")
    execute(f"alter role {name} reset default_transaction_read_only")

    async def writes() -> bool:
        sweeps = [ours.take_due(GRACE) for _ in range(8)]
        results = await asyncio.gather(*sweeps, return_exceptions=True)
        return not any(isinstance(result, LedgerBusy) for result in results)

    await eventually(writes)
    assert (await ours.record("c1", approve)).seq == 2
    await ours.close()


async def test_whoever_is_stopped_amid_a_transaction_loses_it_and_keeps_nobody_waiting(
    url: SecretStr, clock: Clock, ledger: PostgresLedger, ask: Ask
) -> None:
    await ask()
    other = PostgresLedger(url, GRACE, KEYS, clock=clock)
    inside, over = threading.Event(), threading.Event()

    def stand_still(change: Change | None, now: datetime) -> decisions.Decision:
        inside.set()
        assert over.wait(30)
        return approve(change, now)

    stopped = asyncio.create_task(ledger.record("c1", stand_still))
    assert await asyncio.to_thread(inside.wait, 10)
    with pytest.raises(LedgerBusy, match="locked by another process"):
        await other.record("c1", partial(approve, by="UB"))
    began = time.monotonic()

    async def goes_on() -> bool:
        try:
            return (await other.record("c1", partial(approve, by="UB"))).seq == 2
        except LedgerBusy:
            return False

    await eventually(goes_on)
    assert time.monotonic() - began < 5
    over.set()
    with pytest.raises(LedgerBusy):
        await stopped
    assert [event.actor for event in await ledger.events()] == ["UR", "UB"]
    await other.close()


@pytest.mark.parametrize("statement", ["insert into events", "insert into changes", "commit"])
async def test_a_backend_terminated_in_mid_transaction_leaves_nothing_half(
    ledger: PostgresLedger, ask: Ask, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    before = await ask()
    execute_really = psycopg.Connection.execute

    def execute(connection: psycopg.Connection[Any], query: Any, *args: Any, **kwargs: Any) -> Any:
        text = query.as_string() if isinstance(query, sql.SQL) else str(query)
        if text.strip().startswith(statement):
            monkeypatch.undo()
            with pytest.raises(psycopg.OperationalError):
                execute_really(connection, TERMINATE)
        return execute_really(connection, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    with pytest.raises(LedgerBusy):
        await ledger.record("c1", approve)
    assert await ledger.change("c1") == before
    assert await ledger.findings() == []
    assert (await ledger.record("c1", approve)).seq == 2


async def test_deciding_again_is_safe_after_a_commit_whose_answer_was_lost(
    ledger: PostgresLedger, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask()
    execute_really = psycopg.Connection.execute

    def execute(connection: psycopg.Connection[Any], query: Any, *args: Any, **kwargs: Any) -> Any:
        done = execute_really(connection, query, *args, **kwargs)
        if query == "commit":
            monkeypatch.undo()
            execute_really(connection, TERMINATE)  # raises: the answer is lost with the connection
        return done

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    with pytest.raises(LedgerBusy, match="may have been recorded or not"):
        await ledger.record("c1", approve)
    with pytest.raises(Refusal, match="already recorded"):
        await ledger.record("c1", approve)
    assert [event.type for event in await ledger.events()] == ["requested", "approved"]
    assert await ledger.findings() == []


async def test_connections_that_were_lost_while_idle_are_replaced_unnoticed(ledger: PostgresLedger, ask: Ask) -> None:
    await ask()
    execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'backup-plan-bot'")
    assert (await ledger.record("c1", approve)).seq == 2


@pytest.mark.parametrize("statement", ["update events set actor = 'UX'", "delete from events", "truncate events"])
async def test_events_are_append_only(ledger: PostgresLedger, ask: Ask, statement: str) -> None:
    await ask()
    with pytest.raises(LedgerBusy, match="append-only"):
        await alter(ledger, statement)
    assert await ledger.findings() == []


@pytest.mark.parametrize("kind", ["approved", "told", "denied"])
async def test_unique_keys_hold_without_any_decision(ledger: PostgresLedger, ask: Ask, kind: str) -> None:
    await ask()

    def twice() -> None:
        for seq in (7, 8):
            row: statements.Parameters = {
                "change_id": "c1", "seq": seq, "type": kind, "actor": "UA", "at": "", "data": "{}", "hash": "",
                "signature": "",
            }  # fmt: skip
            ledger._execute(statements.ADD_EVENT, row)

    with pytest.raises(LedgerBusy, match="duplicate key"):
        await ledger._write(twice)


async def test_the_bots_role_needs_no_right_to_alter_events(
    clock: Clock, ask: Ask, role: Callable[..., SecretStr]
) -> None:
    await ask()
    theirs = PostgresLedger(role(GRANTS + WRITES), GRACE, KEYS, clock=clock)
    assert (await theirs.record("c1", approve)).seq == 2
    assert await theirs.team("T1") == "T1"
    assert await theirs.noted("policy", "good") == ""
    assert list(await theirs.take_due(GRACE)) == []
    for statement in ("update events set actor = 'UX'", "delete from events", "truncate events"):
        with pytest.raises(LedgerBusy, match="read-only"):
            await alter(theirs, statement)
    await theirs.close()


async def test_a_role_that_may_only_look_looks_and_records_nothing(
    clock: Clock, ask: Ask, role: Callable[..., SecretStr]
) -> None:
    asked = await ask()
    url = role(GRANTS)
    for looking in (PostgresLedger(url, GRACE, KEYS, readonly=True), PostgresLedger(url, GRACE, KEYS, clock=clock)):
        assert await looking.change("c1") == asked
        assert await looking.findings() == []
        with pytest.raises(LedgerBusy, match="The ledger is read-only; nothing was recorded"):
            await looking.record("c1", approve)
        await looking.close()


async def test_who_only_looks_makes_no_tables(url: SecretStr) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL: the PostgreSQL database holds no ledger"):
        PostgresLedger(url, GRACE, KEYS, readonly=True)


@pytest.mark.parametrize(
    ("url", "said", "error"),
    [
        ("postgresql://bot:s3same@127.0.0.1:1/bot", "cannot be reached", LedgerBusy),
        ("postgresql://bot:s3same@nobody.invalid/bot?sslmode=require", "cannot be reached", LedgerBusy),
        ("postgresql://bot:s3same@127.0.0.1:99999/bot", "cannot be reached", ConfigError),
        ("postgresql://bot:s3same@127.0.0.1:1/bot?sslmode=blue", "cannot be reached", ConfigError),
        ("postgresql://bot:s3same@127.0.0.1:1/bot?colour=red", "is not a URL that PostgreSQL understands", ConfigError),
    ],
)
def test_a_database_that_cannot_be_had_is_told_without_its_password(
    url: str, said: str, error: type[Exception]
) -> None:
    """What may pass is told from what has to be corrected."""
    with pytest.raises(error) as caught:
        PostgresLedger(SecretStr(url), GRACE, KEYS)
    assert f"DATABASE_URL: the PostgreSQL database {said}" in str(caught.value)
    assert "s3same" not in str(caught.value)


@pytest.mark.parametrize(("name", "other"), [("dbname", "nowhere"), ("user", "nobody")])
def test_a_database_or_role_that_does_not_exist_has_to_be_corrected(url: SecretStr, name: str, other: str) -> None:
    wrong = psycopg.conninfo.make_conninfo(url.get_secret_value(), **{name: other})
    with pytest.raises(ConfigError, match=r"cannot be reached .* does not exist"):
        PostgresLedger(SecretStr(wrong), GRACE, KEYS)


async def test_a_ledger_that_is_closed_says_so(ledger: PostgresLedger) -> None:
    await ledger.close()
    with pytest.raises(LedgerBusy, match="closed"):
        await ledger.change("c1")
    await ledger.close()

"""A ledger that cannot be written: all are told within three seconds, nothing is half done, and then it goes on."""

import asyncio
import re
import resource
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
from commands import run_bot
from stores import recorded

from bot.playground.acts import ask, card_now, fill, open_form, outcome, replies, said
from bot.playground.dbs.faults import Gate, hold
from bot.playground.slack.person import Person
from bot.playground.stage import Bot, Stage

pytestmark = pytest.mark.usefixtures("forked")

WISH = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db", "AutoStartBackup": "true",
        "BackupStrategyType": "simple"}  # fmt: skip
REDIS, REDIS_WISH = "dbsredisecs01", {"BackupRetentionPeriod": "30"}
SOON = {"EXECUTION_LEASE": "6s", "DBS_TIMEOUT": "5s", "SWEEP_INTERVAL": "1s", "TELL_GRACE": "3s"}
SLACK_WAITS = 3.0
"""Seconds."""
BUSY = 2
"""So many times as long is granted here: other tests keep the same machine busy. Without limits it took fifteen."""


@contextmanager
def locked(stage: Stage, _bot: Bot) -> Iterator[None]:
    """Hold the ledger's lock, as a backup of its file or somebody's forgotten shell might."""
    ledger = sqlite3.connect(stage.ledger_file, isolation_level=None)
    ledger.execute("begin immediate")
    try:
        yield
    finally:
        ledger.close()


@contextmanager
def holding(stage: Stage, lock: bytes) -> Iterator[None]:
    """Execute this in PostgreSQL, and keep the transaction open meanwhile."""
    with psycopg.connect(stage.settings["DATABASE_URL"]) as somebody:
        somebody.execute(lock)
        yield
        somebody.rollback()


@contextmanager
def rows_locked(stage: Stage, _bot: Bot) -> Iterator[None]:
    """Lock the rows of all changes, as somebody at a prompt may who forgot to commit."""
    with holding(stage, b"select * from changes for update"):
        yield


@contextmanager
def tables_locked(stage: Stage, _bot: Bot) -> Iterator[None]:
    """Lock whole tables, as maintenance does: now nobody can even look."""
    with holding(stage, b"lock table events, changes in access exclusive mode"):
        yield


@contextmanager
def full(stage: Stage, bot: Bot) -> Iterator[None]:
    """Let no file of the process grow beyond the ledger's write-ahead log as it is now, as on a disk that is full."""
    size = stage.ledger_file.with_name("ledger.db-wal").stat().st_size
    _, most = resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (most, most))


async def told(stage: Stage, person: Person, what: Awaitable[object]) -> str:
    """Do something and return the private sentence that comes of it, within the time that Slack waits."""
    heard = len(person.ephemerals)
    async with asyncio.timeout(BUSY * SLACK_WAITS):
        await what
        await stage.slack.wait_for(lambda: len(person.ephemerals) > heard)
    assert person.notices == []
    return str(person.ephemerals[-1]["text"])


async def under_the_input(person: Person) -> str:
    """Submit and return the sentence under the input, within the time that Slack waits."""
    async with asyncio.timeout(BUSY * SLACK_WAITS):
        assert (await person.submit()).action == "errors"
    return " ".join(person.errors.values())


@pytest.mark.parametrize(
    ("store", "obstacle", "seconds", "sentence"),
    [
        ("sqlite", locked, 20.0, "The ledger is locked by another process|it may have been recorded or not"),
        ("sqlite", full, 0.0, "The ledger's disk (is full|does not work)"),
        ("postgres", rows_locked, 10.0, "The ledger is locked by another process"),
        ("postgres", tables_locked, 10.0, "The ledger is locked by another process"),
    ],
    indirect=["store"],
    ids=["locked", "disk_full", "rows_locked", "tables_locked"],
)
async def test_req33_when_the_ledger_cannot_be_written_everybody_is_told_and_nothing_is_recorded(
    store: dict[str, str],
    set_stage: Callable[..., Awaitable[Stage]],
    obstacle: Callable[[Stage, Bot], AbstractContextManager[None]],
    seconds: float,
    sentence: str,
) -> None:
    """It is locked for so many seconds: beyond every patience, and several sweeps."""
    stage = await set_stage(**SOON, **store)
    rita, ana, ben, olga, url = stage.rita, stage.ana, stage.ben, stage.olga, stage.environment(0)["DATABASE_URL"]
    stage.slack.courier.ack_seconds = BUSY * SLACK_WAITS
    bot = await stage.start_bot()
    card, sent = await ask(stage.slack, rita, "dbsmysqlrds01", WISH), await ask(stage.slack, rita, REDIS, REDIS_WISH)
    gate = Gate()
    stage.dbs.next("ConfigureBackupPlan", hold(gate), plan_id=REDIS)
    for person in (ana, ben):
        await person.click(sent, "approve")
    await gate.reached.wait()
    await ben.click(card, "deny")
    await ben.wait_for_view(lambda view: view["callback_id"] == "deny")
    await ben.type("reason", "Not now")
    await open_form(olga, "dbsmysqlecs01")
    await fill(olga, WISH)
    await olga.submit()
    await olga.wait_for_view(lambda view: view["callback_id"] == "review")
    await olga.type("reason", "Disk is full")
    before = await recorded(url)
    assert [event.type for event in before].count("announced") == 2

    with obstacle(stage, bot):
        until = asyncio.get_running_loop().time() + seconds
        ways = [
            told(stage, ana, ana.click(card, "approve")),
            told(stage, rita, rita.click(card, "withdraw")),
            under_the_input(ben),
        ]
        if obstacle is rows_locked:  # what is not locked goes on
            assert (await olga.submit()).action == "clear"
        else:
            ways.append(under_the_input(olga))
        answers = list(await asyncio.gather(*ways))
        gate.release()  # DBS says that it is done, and that cannot be recorded
        await stage.slack.wait_for(lambda: "change_not_advanced" in bot.log, 20)
        await asyncio.sleep(until - asyncio.get_running_loop().time())
        answers.append(await told(stage, ana, ana.click(card, "approve")))
        if obstacle is not tables_locked:  # there nobody can look, we neither
            assert (await recorded(url))[: len(before)] == before
            assert len(await recorded(url)) == len(before) or obstacle is rows_locked
    for answer in answers:
        assert re.search(sentence, answer), answer
        assert "nothing was recorded" in answer.lower()
    assert said(card_now(stage.slack, card))["state"] == "pending"

    assert said(await outcome(stage.slack, sent, seconds=20))["state"] == "applied"
    assert obstacle is rows_locked or (await olga.submit()).action == "clear"
    await ana.click(card, "approve")
    await ben.close_view()
    await ben.click(card, "approve")
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    assert (await run_bot("ledger", "verify", "--slack", environment=stage.environment(0)))[0] == 0
    assert sorted(effect.plan_id for effect in stage.dbs.effects) == ["dbsmysqlrds01", REDIS]
    assert (len(replies(stage.slack, card)), len(replies(stage.slack, sent))) == (1, 1)
    assert len({call.params["ClientToken"] for call in stage.dbs.calls("ConfigureBackupPlan")}) == 2


async def test_req10_on_a_history_that_somebody_wrote_to_nothing_is_decided_while_other_changes_go_on(
    set_stage: Callable[..., Awaitable[Stage]],
) -> None:
    stage = await set_stage(SWEEP_INTERVAL="1s")
    rita, ana, ben = stage.rita, stage.ana, stage.ben
    bot = await stage.start_bot()
    card = await ask(stage.slack, rita, "dbsmysqlrds01", WISH)
    await ana.click(card, "approve")
    write_to(
        stage, "drop trigger events_stay", "update events set data = replace(data, '\"30\"', '\"3\"') where seq = 1"
    )
    before = await recorded(stage.database_url)
    for person, action in ((ben, "approve"), (ben, "deny"), (rita, "withdraw")):
        sentence = await told(stage, person, person.click(card, action))
        assert "does not hold together" in sentence
    other = await ask(stage.slack, rita, "dbsmysqlecs01", WISH)
    await ana.click(other, "approve")
    await ben.click(other, "approve")
    assert said(await outcome(stage.slack, other))["state"] == "applied"
    assert [one for one in await recorded(stage.database_url) if one.change_id == before[0].change_id] == before
    assert {effect.plan_id for effect in stage.dbs.effects} == {"dbsmysqlecs01"}
    assert bot.process.returncode is None


def write_to(stage: Stage, *statements: str) -> None:
    """Write to the ledger as somebody with its file may."""
    ledger = sqlite3.connect(stage.ledger_file, isolation_level=None)
    for statement in statements:
        ledger.execute(statement)
    ledger.close()

"""A ledger that cannot be written: all are told within three seconds, nothing is half done, and then it goes on."""

import asyncio
import re
import resource
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from bot.playground.acts import ask, card_now, fill, open_form, outcome, said
from bot.playground.slack.person import Person
from bot.playground.stage import Bot, Stage

Cli = Callable[..., Awaitable[tuple[int, str, str]]]

WISH = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db", "AutoStartBackup": "true",
        "BackupStrategyType": "simple"}  # fmt: skip
SLACK_WAITS = 3.0


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
def full(stage: Stage, bot: Bot) -> Iterator[None]:
    """Let no file of the process grow beyond the ledger's write-ahead log as it is now, as on a disk that is full."""
    size = stage.ledger_file.with_name("ledger.db-wal").stat().st_size
    _, most = resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (most, most))


def rows(stage: Stage) -> list[tuple[object, ...]]:
    """Return everything in the ledger that somebody decided."""
    ledger = sqlite3.connect(stage.ledger_file)
    found = ledger.execute("select * from events order by change_id, seq").fetchall()
    ledger.close()
    return found


async def told(stage: Stage, person: Person, what: Awaitable[object]) -> str:
    """Do something and return the private sentence that comes of it, within the time that Slack waits."""
    heard = len(person.ephemerals)
    async with asyncio.timeout(SLACK_WAITS):
        await what
        await stage.slack.wait_for(lambda: len(person.ephemerals) > heard)
    assert person.notices == []
    return str(person.ephemerals[-1]["text"])


async def under_the_input(person: Person) -> str:
    """Submit and return the sentence under the input, within the time that Slack waits."""
    async with asyncio.timeout(SLACK_WAITS):
        assert (await person.submit()).action == "errors"
    return " ".join(person.errors.values())


@pytest.mark.parametrize(
    ("obstacle", "sentence"),
    [(locked, "The ledger is locked by another process"), (full, "The ledger's disk (is full|does not work)")],
    ids=["locked", "disk_full"],
)
async def test_req33_when_the_ledger_cannot_be_written_everybody_is_told_and_nothing_is_recorded(
    set_stage: Callable[..., Awaitable[Stage]],
    run_bot: Cli,
    obstacle: Callable[[Stage, Bot], AbstractContextManager[None]],
    sentence: str,
) -> None:
    stage = await set_stage()
    rita, ana, ben, olga = stage.rita, stage.ana, stage.ben, stage.olga
    bot = await stage.start_bot()
    card = await ask(stage.slack, rita, "dbsmysqlrds01", WISH)
    await ben.click(card, "deny")
    await ben.wait_for_view(lambda view: view["callback_id"] == "deny")
    await ben.type("reason", "Not now")
    await open_form(olga, "dbsmysqlecs01")
    await fill(olga, WISH)
    await olga.submit()
    await olga.wait_for_view(lambda view: view["callback_id"] == "review")
    await olga.type("reason", "Disk is full")
    await stage.slack.wait_for(lambda: len(rows(stage)) == 2)
    before = rows(stage)

    with obstacle(stage, bot):
        answers = await asyncio.gather(
            told(stage, ana, ana.click(card, "approve")),
            told(stage, rita, rita.click(card, "withdraw")),
            under_the_input(ben),
            under_the_input(olga),
        )
        assert rows(stage) == before
    for answer in answers:
        assert re.search(sentence, answer), answer
        assert "nothing was recorded" in answer.lower()
    assert said(card_now(stage.slack, card))["state"] == "pending"

    assert (await olga.submit()).action == "clear"
    await ana.click(card, "approve")
    await ben.close_view()
    await ben.click(card, "approve")
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    assert (await run_bot("ledger", "verify", "--slack", **stage.environment(0)))[0] == 0
    assert len(stage.dbs.effects) == 1


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
    before = rows(stage)
    for person, action in ((ben, "approve"), (ben, "deny"), (rita, "withdraw")):
        sentence = await told(stage, person, person.click(card, action))
        assert "does not hold together" in sentence
    other = await ask(stage.slack, rita, "dbsmysqlecs01", WISH)
    await ana.click(other, "approve")
    await ben.click(other, "approve")
    assert said(await outcome(stage.slack, other))["state"] == "applied"
    assert [row for row in rows(stage) if row[0] == before[0][0]] == before
    assert {effect.plan_id for effect in stage.dbs.effects} == {"dbsmysqlecs01"}
    assert bot.process.returncode is None


def write_to(stage: Stage, *statements: str) -> None:
    """Write to the ledger as somebody with its file may."""
    ledger = sqlite3.connect(stage.ledger_file, isolation_level=None)
    for statement in statements:
        ledger.execute(statement)
    ledger.close()

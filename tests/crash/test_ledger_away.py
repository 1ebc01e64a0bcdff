"""A ledger that is away or locked when the bot starts: it waits, says so, and is ready by itself."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing

import aiohttp
import pytest
from commands import run_bot
from silent import way_to

from bot.playground.acts import ask, outcome, said
from bot.playground.stage import Bot, Stage, free_port

pytestmark = pytest.mark.usefixtures("forked")

SetStage = Callable[..., Awaitable[Stage]]
REDIS, WISH = "dbsredisecs01", {"BackupRetentionPeriod": "30"}
SOON = {"SWEEP_INTERVAL": "1s", "TELL_GRACE": "2s"}
WAITS = "ledger_unreachable"


async def waiting(stage: Stage, bot: Bot) -> None:
    """Wait until the bot has said twice that it waits; meanwhile it is alive, and not ready."""
    await stage.slack.wait_for(lambda: bot.log.count(WAITS) > 1 or bot.process.returncode is not None, 30)
    assert bot.process.returncode is None, bot.log
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{bot.port}/healthz") as answer:
        assert (answer.status, (await answer.json())["status"]) == (503, "starting")


async def carried_out(stage: Stage, bot: Bot) -> None:
    """Have a change carried out once the bot is ready."""
    await bot.wait_until_ready()
    stage.slack.point_at(bot.events_url)
    card = await ask(stage.slack, stage.rita, REDIS, WISH)
    for person in (stage.ana, stage.ben):
        await person.click(card, "approve")
    assert said(await outcome(stage.slack, card))["state"] == "applied"


async def test_a_database_that_is_away_at_the_start_is_waited_for(database: str, set_stage: SetStage) -> None:
    port = free_port()
    async with AsyncExitStack() as away:
        there = await away.enter_async_context(way_to(database))
        url = there.url.replace(f":{there.port}", f":{port}")
        stage = await set_stage(**SOON, DATABASE_URL=url)
        bot = await stage.launch_bot()
        await waiting(stage, bot)
        for command in ("export", "verify"):
            code, out, err = await run_bot("ledger", command, environment=stage.environment(0))
            assert (code, out, "cannot be reached" in err, "Traceback" in err) == (75, "", True, False)
        await away.enter_async_context(way_to(database, port))
        await carried_out(stage, bot)
        assert await bot.end() == 0


async def test_a_ledger_that_is_locked_at_the_start_is_waited_for(set_stage: SetStage) -> None:
    stage = await set_stage(**SOON)
    await (await stage.start_bot()).end()
    with closing(sqlite3.connect(stage.ledger_file, isolation_level=None)) as somebody:
        somebody.execute("begin immediate")
        bot = await stage.launch_bot()
        await waiting(stage, bot)
        assert "locked by another process" in bot.log
    await carried_out(stage, bot)


@pytest.mark.parametrize("kind", ["away", "locked", "silent"])
async def test_who_waits_for_the_ledger_ends_when_asked_to(kind: str, database: str, set_stage: SetStage) -> None:
    async with way_to(database) as way:
        way.open.clear()  # it takes connections and says nothing
        url = {"away": f"postgresql://bot@127.0.0.1:{free_port()}/bot", "silent": way.url}.get(kind)
        stage = await set_stage(**SOON, **({"DATABASE_URL": url} if url else {}))
        somebody = sqlite3.connect(stage.ledger_file, isolation_level=None)
        with closing(somebody):
            somebody.execute("begin immediate")
            bot = await stage.launch_bot()
            await stage.slack.wait_for(lambda: WAITS in bot.log, 30)
            async with asyncio.timeout(10):
                assert await bot.end() == 0

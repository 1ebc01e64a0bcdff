"""Slack that cannot be reached, at the start and later: nothing is forgotten, and nobody has to restart anything."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest
from stores import eventually, recorded

from bot.playground.acts import ask, buttons, outcome, replies, said, settled
from bot.playground.dbs.faults import Gate, hold
from bot.playground.stage import Bot, Stage

pytestmark = pytest.mark.usefixtures("forked")

SetStage = Callable[..., Awaitable[Stage]]

SOON = {"TELL_GRACE": "2s", "SWEEP_INTERVAL": "1s"}
REDIS, WISH = "dbsredisecs01", {"BackupRetentionPeriod": "30"}


@asynccontextmanager
async def away(stage: Stage) -> AsyncIterator[None]:
    """Let nothing listen where Slack is, and end every connection to it."""
    port = urlsplit(stage.slack.url).port or 0
    await stage.slack.sockets.close()
    await stage.slack._site.stop()
    with socket.socket() as nobody:  # bound, so that no other test takes the port, and not listening
        nobody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        nobody.bind(("127.0.0.1", port))
        yield
    await stage.slack.start(port)


async def health(bot: Bot) -> tuple[int, str]:
    """Return what `/healthz` answers; 0 where nothing listens yet."""
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{bot.port}/healthz") as answer:
            return answer.status, str((await answer.json())["status"])
    except aiohttp.ClientError:
        return 0, ""


@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket_mode"])
async def test_a_bot_that_starts_while_slack_is_away_waits_says_so_and_is_ready_by_itself(
    set_stage: SetStage, socket_mode: bool
) -> None:
    stage = await set_stage(socket_mode=socket_mode, **SOON)
    async with away(stage):
        bot = await stage.launch_bot()
        await stage.slack.wait_for(lambda: bot.log.count("slack_unreachable") > 1, 20)
        assert await health(bot) == (503, "starting")
        assert bot.process.returncode is None
    await bot.wait_until_ready()
    stage.slack.point_at(bot.events_url)
    card = await ask(stage.slack, stage.rita, REDIS, WISH)
    for person in (stage.ana, stage.ben):
        await person.click(card, "approve")
    assert said(await outcome(stage.slack, card))["state"] == "applied"


@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket_mode"])
async def test_what_is_done_while_slack_is_away_is_told_once_when_it_is_back(
    set_stage: SetStage, socket_mode: bool
) -> None:
    stage = await set_stage(socket_mode=socket_mode, **SOON)
    bot = await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, WISH)
    gate = Gate()
    stage.dbs.next("ConfigureBackupPlan", hold(gate))
    for person in (stage.ana, stage.ben):
        await person.click(card, "approve")
    await gate.reached.wait()
    async with away(stage):
        gate.release()

        async def applied() -> bool:
            return (await recorded(stage.database_url, card))[-1].type == "applied"

        await eventually(applied)
        await stage.slack.wait_for(lambda: "change_not_advanced" in bot.log, 30)
        assert await health(bot) == (200, "ok")
        assert replies(stage.slack, card) == []

    assert said(await outcome(stage.slack, card, seconds=30))["state"] == "applied"
    assert buttons(await settled(stage.slack, card)) == []
    if socket_mode:  # it knocks less and less often, at least every half a minute
        await stage.slack.wait_for(lambda: stage.slack.sockets.connections == 2, 60)
    again = await ask(stage.slack, stage.rita, REDIS, {"BackupRetentionPeriod": "31"})
    for person in (stage.ana, stage.ben):
        await person.click(again, "approve")
    assert said(await outcome(stage.slack, again))["state"] == "applied"
    assert (len(replies(stage.slack, card)), len(stage.dbs.effects)) == (1, 2)
    assert await bot.end() == 0

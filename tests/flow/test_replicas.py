"""Two replicas of the real process on one PostgreSQL: any of them takes any click, and the history is one."""

import asyncio
from pathlib import Path

from commands import run_bot

from bot.playground.acts import ask, buttons, outcome, replies, said, settled
from bot.playground.stage import Stage


async def test_two_replicas_carry_a_change_out_once(tmp_path: Path, database: str) -> None:
    async with Stage(tmp_path, DATABASE_URL=database) as stage:
        here = stage.environment(0)
        bots = await asyncio.gather(stage.start_bot(), stage.start_bot())
        stage.slack.point_at(bots[0].events_url)
        card = await ask(stage.slack, stage.rita, "dbsmysqlrds01", {"BackupRetentionPeriod": "30",
                         "SourceEndpointPassword": "orders-db"})  # fmt: skip
        stage.slack.point_at(bots[1].events_url)
        await stage.ana.click(card, "approve")
        stage.slack.point_at(*(bot.events_url for bot in bots))
        clicks = (person.click(card, "approve", stale=True) for person in (stage.ana, stage.ben, stage.ben))
        await asyncio.gather(*clicks)
        ended = said(await outcome(stage.slack, card))
        card = await settled(stage.slack, card)
        assert ended["state"] == "applied"
        assert (len(stage.dbs.effects), len(replies(stage.slack, card)), buttons(card)) == (1, 1, [])
        events = f"1 change, {int(ended['seq']) + 1} events"
        assert await run_bot("ledger", "verify", environment=here) == (
            0, f"{events}: every event is signed, every hash follows from the one before.\n", "",
        )  # fmt: skip
        code, history, _ = await run_bot("ledger", "show", str(said(card)["change_id"]), environment=here)
        assert code == 0
        assert history.count("approved ") == 2
        assert [await bot.end() for bot in bots] == [0, 0]
        assert stage.slack.violations == []
        for bot in bots:
            assert "Traceback" not in bot.log, bot.log


async def test_two_replicas_in_socket_mode_share_the_clicks_and_carry_each_change_out_once(
    tmp_path: Path, database: str
) -> None:
    async with Stage(tmp_path, socket_mode=True, DATABASE_URL=database) as stage:
        here = stage.environment(0)
        bots = await asyncio.gather(stage.start_bot(), stage.start_bot())
        await stage.slack.wait_for(lambda: stage.slack.sockets.connections == 4, 20)
        for retention in ("30", "31", "32"):
            card = await ask(stage.slack, stage.rita, "dbsredisecs01", {"BackupRetentionPeriod": retention})
            clicks = (person.click(card, "approve", stale=True) for person in (stage.ana, stage.ben) * 2)
            assert all(click.ack and click.ack.ok for click in await asyncio.gather(*clicks))
            ended = said(await outcome(stage.slack, card))
            card = await settled(stage.slack, card)
            assert ended["state"] == "applied"
            assert (len(replies(stage.slack, card)), buttons(card)) == (1, [])
        assert len(stage.dbs.effects) == 3
        assert all("kind=approved" in bot.log or "kind=requested" in bot.log for bot in bots), "both took part"

        gone, stays = bots
        assert await gone.end() == 0
        await stage.slack.wait_for(lambda: stage.slack.sockets.connections == 2)
        card = await ask(stage.slack, stage.rita, "dbsredisecs01", {"BackupRetentionPeriod": "33"})
        for person in (stage.ana, stage.ben):
            await person.click(card, "approve")
        assert said(await outcome(stage.slack, card))["state"] == "applied"
        assert (await run_bot("ledger", "verify", environment=here))[0] == 0
        assert await stays.end() == 0
        assert stage.slack.violations == []
        for bot in bots:
            assert "Traceback" not in bot.log, bot.log

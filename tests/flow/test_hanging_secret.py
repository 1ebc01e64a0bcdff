"""A password file on a mount that does not answer: other changes go on, and the process ends when it is asked to."""

import asyncio
from pathlib import Path

from hanging import hanging

from bot.playground.acts import ask, outcome, said
from bot.playground.stage import POLICY, Stage

REDIS, REDIS_WISH = "dbsredisecs01", {"BackupRetentionPeriod": "30"}
RDS, WISH = "dbsmysqlrds01", {"SourceEndpointPassword": "orders-db"}


async def test_a_secret_that_hangs_stops_neither_others_nor_the_end(stage: Stage, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("correct-horse")
    stage.policy_file.write_text(POLICY.replace("env:ORDERS_DB_PASSWORD", f"file:{password}"))
    bot = await stage.start_bot()
    with hanging(password):
        stuck = await ask(stage.slack, stage.rita, RDS, WISH)
        for person in (stage.ana, stage.ben):
            await person.click(stuck, "approve")
        other = await ask(stage.slack, stage.rita, REDIS, REDIS_WISH)
        for person in (stage.ana, stage.ben):
            await person.click(other, "approve")
        assert said(await outcome(stage.slack, other))["state"] == "applied"
        assert stage.dbs.effects[0].plan_id == REDIS
        async with asyncio.timeout(25):  # 20 s of grace, of which none has to be used up
            assert await bot.end() == 0

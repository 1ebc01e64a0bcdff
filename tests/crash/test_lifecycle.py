"""From `serve` to its end: what keeps it from starting, how it waits for Slack, and what it finishes before it goes."""

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable

import aiohttp
from commands import run_bot

from bot.playground.acts import ask, card_now, cards, fill, new_card, open_form, outcome, said
from bot.playground.dbs.faults import Gate, hold
from bot.playground.slack.server import SCOPES
from bot.playground.stage import Bot, Stage

SetStage = Callable[..., Awaitable[Stage]]

WISH = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db", "AutoStartBackup": "true",
        "BackupStrategyType": "simple"}  # fmt: skip
BAD_POLICY = """\
[defaults]
approvals = 0
approvers = ["S0DBA"]
expires = "4h"

[secrets.orders-db]
ref = "env:ORDERS_DB_PASSWORD"
plans = ["dbs*"]
sources = ["*"]
"""
SOON = 30.0
"""Seconds within which a process has started, or said why not, however busy the machine is."""


async def get(bot: Bot, path: str) -> tuple[int, str]:
    """Ask the process over HTTP; 0 where nothing listens."""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{bot.port}{path}") as answer,
        ):
            return answer.status, await answer.text()
    except aiohttp.ClientError:
        return 0, ""


async def until(status: int, bot: Bot, path: str = "/healthz") -> str:
    """Wait until a path answers with this status, and return what it says."""
    async with asyncio.timeout(SOON):
        while True:
            found, text = await get(bot, path)
            if found == status:
                return text
            await asyncio.sleep(0.03)


async def refusal(stage: Stage, **settings: str) -> list[str]:
    """Start a process that must not start: it ends with 2, having said why in sentences and nothing else."""
    bot = await stage.launch_bot(**settings)
    async with asyncio.timeout(SOON):
        assert await bot.process.wait() == 2, bot.log
    assert "Traceback" not in bot.log
    return [line for line in bot.log.splitlines() if not re.match(r"[0-9]{4}-[0-9-]+T", line)]


async def test_serve_ends_with_2_and_a_sentence_for_each_thing_that_is_wrong(set_stage: SetStage) -> None:
    stage = await set_stage()
    bad, missing, folder = stage.folder / "bad.toml", stage.folder / "nowhere.toml", stage.folder / "no" / "ledger.db"
    bad.write_text(BAD_POLICY, encoding="utf-8")
    in_use = await stage.start_bot()
    nothing_set = {"SLACK_BOT_TOKEN": "", "SLACK_SIGNING_SECRET": "", "PORT": "http", "EXECUTION_LEASE": "1.5s",
                   "LOG_LEVEL": "loud", "DBS_ENDPOINT": "http://dbs.example.com"}  # fmt: skip
    settings = [
        {"SLACK_BOT_TOKEN": "xoxb-of-somebody-else"},
        nothing_set,
        {"POLICY_FILE": str(bad)},
        {"POLICY_FILE": str(missing)},
        {"PORT": str(in_use.port)},
        {"DATABASE_URL": f"sqlite:///{folder}"},
        {"SLACK_APP_TOKEN": "xapp-of-somebody-else"},
    ]
    token, environment, policy, no_policy, port, ledger, app_token = await asyncio.gather(
        *(refusal(stage, **one) for one in settings)
    )
    assert token == ["SLACK_BOT_TOKEN is refused by Slack (invalid_auth): copy it anew from OAuth & Permissions."]
    assert sorted(line.split()[0] for line in environment) == sorted(nothing_set)
    assert all(line.endswith(".") for line in environment)
    paths = ["defaults.approvals", "defaults.expires", "secrets.orders-db.sources[0]"]
    assert [line.split(": ")[1] for line in policy] == paths
    assert all(line.startswith(f"POLICY_FILE {bad}: ") for line in policy)
    checked = await run_bot("policy", "check", environment={"POLICY_FILE": str(bad)})
    assert checked == (2, "", "".join(f"{line}\n" for line in policy))
    assert no_policy == [f"POLICY_FILE {missing} cannot be read: No such file or directory."]
    assert port == [f"HOST and PORT: nothing can listen on 127.0.0.1, port {in_use.port}: Address already in use."]
    assert [line.split(": ")[0] for line in ledger] == ["DATABASE_URL"]
    assert str(folder.parent) in ledger[0]
    assert [line.partition(" (")[0] for line in app_token] == ["SLACK_APP_TOKEN is refused by Slack"]


async def test_a_token_without_a_scope_or_of_another_workspace_is_refused_at_the_start(set_stage: SetStage) -> None:
    stage = await set_stage()
    app, workspace = stage.slack.world.app, stage.slack.world.workspace
    app.scopes = tuple(scope for scope in SCOPES if scope not in {"im:write", "chat:write"})
    [scopes] = await refusal(stage)
    assert scopes.startswith("SLACK_BOT_TOKEN lacks the scopes chat:write, im:write: ")
    app.scopes, app.scopes_header = SCOPES, False
    bot = await stage.start_bot()
    assert "scopes_unknown" in bot.log
    assert await bot.end() == 0
    workspace.team_id = "T0OTHER"
    [team] = await refusal(stage)
    assert "T0OTHER" in team
    assert "T0PLAY" in team
    assert "DATABASE_URL" in team


async def test_while_slack_cannot_be_reached_the_bot_waits_and_healthz_says_so(set_stage: SetStage) -> None:
    stage = await set_stage()
    reached = asyncio.Event()
    stage.slack.faults.cut("auth.test")
    stage.slack.faults.gate("auth.test", reached)
    bot = await stage.launch_bot()
    assert await until(503, bot) == '{"status": "starting"}'
    stage.slack.point_at(bot.events_url)
    assert (await stage.rita.command("/backup-plan help", channel="C0OPS")).status == 503
    await stage.slack.wait_for(lambda: len(stage.slack.journal.called("auth.test")) == 2)
    assert (await get(bot, "/healthz"))[0] == 503
    reached.set()
    assert await until(200, bot) == '{"status": "ok", "team": "T0PLAY", "mode": "http"}'
    assert "slack_unreachable" in bot.log


async def test_what_is_in_flight_at_sigterm_is_finished_before_the_process_ends_with_0(set_stage: SetStage) -> None:
    stage = await set_stage()
    bot = await stage.start_bot()
    card = await ask(stage.slack, stage.rita, "dbsmysqlrds01", WISH)
    await open_form(stage.olga, "dbsmysqlecs01")
    await fill(stage.olga, WISH)
    await stage.olga.submit()
    await stage.olga.wait_for_view(lambda view: view["callback_id"] == "review")
    await stage.olga.type("reason", "Disk is full")
    looked = asyncio.Event()
    stage.slack.faults.gate("conversations.info", looked)
    submitting = asyncio.create_task(stage.olga.submit())
    gate = Gate()
    stage.dbs.next("ConfigureBackupPlan", hold(gate))
    await stage.ana.click(card, "approve")
    await stage.ben.click(card, "approve")
    await gate.reached.wait()

    bot.process.terminate()
    bot.process.terminate()
    await until(0, bot)
    assert bot.process.returncode is None
    looked.set()
    assert (await submitting).action == "clear"
    await new_card(stage.slack, seen={card["ts"]})
    gate.release()
    began = asyncio.get_running_loop().time()
    assert await bot.process.wait() == 0
    assert asyncio.get_running_loop().time() - began < 20
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    assert said(card_now(stage.slack, card))["state"] == "applied"
    with sqlite3.connect(stage.ledger_file) as ledger:
        rows = ledger.execute("select type from events order by change_id, seq").fetchall()
    ledger.close()
    first = ["requested", "announced", "approved", "approved", "started", "sent", "applied", "told"]
    assert [kind for (kind,) in rows] == [*first, "requested", "announced"]


async def test_over_socket_mode_no_signing_secret_is_needed_and_a_refresh_loses_nothing(set_stage: SetStage) -> None:
    stage = await set_stage(socket_mode=True)
    assert "SLACK_SIGNING_SECRET" not in stage.environment(0)
    bot = await stage.start_bot()
    assert '"mode": "socket"' in await until(200, bot)
    await until(404, bot, "/slack/events")
    await stage.slack.wait_for(lambda: stage.slack.sockets.connections == 2)

    async def keep_asking(times: int) -> list[bool]:
        return [(await stage.olga.command("/backup-plan help", channel="C0OPS")).text != "" for _ in range(times)]

    asking = asyncio.gather(*(keep_asking(25) for _ in range(4)))
    for _ in range(4):
        await stage.slack.sockets.refresh()
        await stage.slack.wait_for(lambda: stage.slack.sockets.connections == 2)
    assert await asking == [[True] * 25] * 4

    card = await ask(stage.slack, stage.rita, "dbsmysqlrds01", WISH)
    await stage.slack.sockets.refresh()
    await stage.ana.click(card, "approve")
    await stage.ben.click(card, "approve")
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    assert len(cards(stage.slack)) == 1
    assert await bot.end() == 0

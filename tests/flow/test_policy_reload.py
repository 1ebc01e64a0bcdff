"""The policy file changes while the bot runs: what goes on, what becomes stale, and who hears of it."""

import json
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from flow.carrying_out import DESCRIBE, SHORTER, approve, effects, sends

from bot.core.policy import read_policy
from bot.playground.acts import ask, card_now, outcome, said
from bot.playground.dbs.faults import cut
from bot.playground.slack.server import plain_text
from bot.playground.stage import POLICY, Bot, Stage

RDS, REDIS = "dbsmysqlrds01", "dbsredisecs01"
OPERATORS = "C0RUN"
OPERATED = POLICY.replace("approvals = 2", f'operators = "{OPERATORS}"\napprovals = 2')
STRICT = OPERATED.replace("approvals = 2", "approvals = 3")
LOOSE = OPERATED.replace("approvals = 2", "approvals = 1")
BROKEN = OPERATED.replace("approvers", '"aprovers<!channel>"')
QUICK = "1s"

OpenStage = Callable[..., Awaitable[Stage]]


@pytest.fixture
def operated(open_stage: OpenStage) -> OpenStage:
    """Open a stage whose policy names a channel for the operators, and is looked at every second."""

    async def one(**settings: Any) -> Stage:
        stage = await open_stage(**{"policy": OPERATED, "SWEEP_INTERVAL": QUICK, **settings})
        stage.slack.add_channel(OPERATORS, "run")
        return stage

    return one


def digest(policy: str) -> str:
    return read_policy(policy).digest[:16]


async def logged(stage: Stage, event: str, *bots: Bot, times: int = 1) -> None:
    """Wait until each of these processes has logged an event so often."""
    await stage.slack.wait_for(lambda: all(bot.log.count(f" {event} ") >= times for bot in bots), 10)


async def put(stage: Stage, policy: str, *bots: Bot) -> None:
    """Write a policy that can be used, tell these processes so, and wait until they have read it."""
    before = [bot.log.count(" policy_read ") for bot in bots]
    stage.policy_file.write_text(policy, encoding="utf-8")
    for bot, times in zip(bots, before, strict=True):
        bot.process.send_signal(signal.SIGHUP)
        await logged(stage, "policy_read", bot, times=times + 1)


async def health(bot: Bot) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{bot.port}/healthz") as answer:
        return answer.status, json.loads(await answer.text())


async def notices(stage: Stage, count: int) -> list[str]:
    """Wait until the operators' channel has so many messages about the policy, and return what they say."""

    def found() -> list[dict[str, Any]]:
        said = stage.slack.channel(OPERATORS).messages
        return [message for message in said if message["metadata"]["event_type"] == "backup_plan_policy"]

    messages = await stage.slack.wait_for(lambda: found()[count - 1 :], 10)
    assert len(messages) == 1, "no more than that"
    return [plain_text(message).replace("*", "").replace("`", "") for message in found()]


@pytest.mark.parametrize("socket_mode", [False, True])
async def test_a_broken_file_keeps_the_old_policy_and_log_health_and_operators_say_so_until_it_is_mended(
    operated: OpenStage, *, socket_mode: bool
) -> None:
    stage = await operated(socket_mode=socket_mode)
    bot = await stage.start_bot()
    assert "policy" not in (await health(bot))[1]
    stage.policy_file.write_text(BROKEN, encoding="utf-8")
    (told,) = await notices(stage, 1)
    assert f"stays in force ({digest(OPERATED)})" in told
    assert "defaults.approvers: is missing" in told
    assert "defaults.aprovers<!channel>: unknown key" in told
    status, body = await health(bot)
    assert (status, body["status"], body["policy"]) == (200, "ok", "broken"), "nobody is told what is wrong"
    assert " policy_broken " in bot.log
    assert "defaults.approvers: is missing" in bot.log
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    await approve(stage, card)
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    stage.policy_file.unlink()
    assert "cannot be read: No such file or directory." in (await notices(stage, 2))[1]
    await put(stage, OPERATED, bot)
    assert f"used again. It says what it said before ({digest(OPERATED)})" in (await notices(stage, 3))[2]
    assert "policy" not in (await health(bot))[1]


async def test_operators_are_told_once_although_two_processes_read_the_file(operated: OpenStage) -> None:
    stage = await operated()
    bots = [await stage.start_bot(), await stage.start_bot()]
    stage.policy_file.write_text("[defaults", encoding="utf-8")
    await logged(stage, "policy_broken", *bots)
    assert "not TOML" in (await notices(stage, 1))[0]
    await put(stage, LOOSE, *bots)
    assert f"a new policy is in force: {digest(OPERATED)} → {digest(LOOSE)}." in (await notices(stage, 2))[1]
    await put(stage, OPERATED, *bots)
    assert f"A new policy is in force: {digest(LOOSE)} → {digest(OPERATED)}." in (await notices(stage, 3))[2]
    await bots.pop().end()
    stage.policy_file.write_text(STRICT, encoding="utf-8")
    await notices(stage, 4)
    await stage.start_bot()
    await stage.slack.wait_for(lambda: len(stage.slack.journal.called("auth.test")) == 3)
    await put(stage, OPERATED, *bots)
    assert len(await notices(stage, 5)) == 5, "a process that starts later has nothing to tell"


async def test_a_stricter_policy_makes_a_change_stale_at_the_next_click_and_before_sending(
    operated: OpenStage,
) -> None:
    stage = await operated()
    bot = await stage.start_bot()
    waiting = await ask(stage.slack, stage.rita, RDS, {**SHORTER, "SourceEndpointPassword": "orders-db"})
    await stage.ana.click(waiting, "approve")
    approved = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    stage.dbs.next(DESCRIBE, *[cut()] * 50, plan_id=REDIS)
    await approve(stage, approved)
    await put(stage, STRICT, bot)
    assert "few_approvers" in bot.log, "groups are looked at again: three people, one of whom asks, cannot be three"
    told = await outcome(stage.slack, approved)
    assert said(told)["state"] == "stale"
    assert "The policy now asks for 3 approvals, not 2." in plain_text(told)
    assert said(card_now(stage.slack, waiting))["state"] == "pending", "nobody clicked"
    await stage.ben.click(waiting, "approve")
    told = await outcome(stage.slack, waiting)
    assert said(told)["state"] == "stale"
    assert "The policy now asks for 3 approvals, not 2." in plain_text(told)
    assert sends(stage, RDS) == sends(stage, REDIS) == []


async def test_under_a_looser_policy_an_older_change_needs_what_was_asked_of_it(operated: OpenStage) -> None:
    stage = await operated()
    bot = await stage.start_bot()
    older = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    await put(stage, LOOSE, bot)
    newer = await ask(stage.slack, stage.rita, RDS, {**SHORTER, "SourceEndpointPassword": "orders-db"})
    await stage.ana.click(older, "approve")
    await stage.ana.click(newer, "approve")
    assert said(await outcome(stage.slack, newer))["state"] == "applied"
    assert said(card_now(stage.slack, older))["state"] == "pending"
    assert effects(stage, REDIS) == 0
    await stage.ben.click(older, "approve")
    assert said(await outcome(stage.slack, older))["state"] == "applied"


async def test_a_hang_up_has_a_swapped_link_read_at_once(operated: OpenStage, tmp_path: Path) -> None:
    """Mounted configurations change by swapping a link to a folder."""
    stage = await operated(SWEEP_INTERVAL="1h")
    for name, text in (("one", OPERATED), ("two", LOOSE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.toml").write_text(text, encoding="utf-8")
    data, swapped = tmp_path / "data", tmp_path / "swapped"
    data.symlink_to("one")
    swapped.symlink_to("two")
    bot = await stage.start_bot(POLICY_FILE=str(data / "policy.toml"))
    swapped.rename(data)
    bot.process.send_signal(signal.SIGHUP)
    await logged(stage, "policy_read", bot)
    assert f"{digest(OPERATED)} → {digest(LOOSE)}" in (await notices(stage, 1))[0]
    assert bot.process.returncode is None

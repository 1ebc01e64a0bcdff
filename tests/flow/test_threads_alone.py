"""Deciding in a thread over HTTP and over Socket Mode, and holding the ledger against what was told there."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest
from threads import address, approve, ask_at, card_under, form, links, outcome_under, top_level

from bot.config import SlackSettings
from bot.playground.acts import buttons, inputs, replies, said
from bot.playground.dbs.plans import redis_on_ecs
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage
from bot.verification import verify

OpenStage = Callable[..., Awaitable[Stage]]


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_what_is_asked_for_in_a_thread_is_decided_and_told_there(open_stage: OpenStage, mode: str) -> None:
    stage = await open_stage(socket_mode=mode == "socket")
    stage.dbs.plans["dbsone"] = redis_on_ecs("dbsone")
    await stage.start_bot()
    alarm = await stage.olga.say("Backup bucket is full", CHANNEL)
    message = await stage.olga.say("Shorten retention?", CHANNEL, thread_ts=alarm["ts"])
    view = await form(stage.rita, message, "dbsone")
    assert inputs(view)["channel"]["initial_conversation"] == CHANNEL
    assert "into the thread of the message" in plain_text(view)
    await stage.rita.type("reason", "Disk is full")
    await stage.rita.submit()
    card = await card_under(stage, message, "dbsone")
    assert card["thread_ts"] == alarm["ts"]
    assert links(card) == [("Asked in this message", address(message))]
    await approve(stage, card)
    told = await outcome_under(stage, message, card)
    assert said(told)["state"] == "applied"
    await stage.slack.wait_for(lambda: buttons(stage.slack.channel(CHANNEL).find(card["ts"]) or {}) == [])
    (now,) = replies(stage.slack, alarm, "card")
    assert said(now)["state"] == "applied", "the card is redrawn where it stands"
    assert top_level(stage) == []
    assert len(stage.dbs.effects) == 1


async def test_req32_what_was_told_in_a_thread_is_held_against_the_ledger(stage: Stage) -> None:
    """Also where a whole change is missing, and among more people than Slack names; others' threads are not read."""
    stage.dbs.plans |= {plan_id: redis_on_ecs(plan_id) for plan_id in ("dbsone", "dbstwo")}
    await stage.start_bot()
    alarms = [await stage.olga.say(f"Alarm {number}", CHANNEL) for number in range(3)]
    for alarm in alarms:
        await stage.olga.say("Looking", CHANNEL, thread_ts=alarm["ts"])
    for number in range(6):
        guest = stage.slack.add_person(f"guest{number}")
        stage.slack.channel(CHANNEL).members.add(guest.id)
        await guest.say("Me too", CHANNEL, thread_ts=alarms[1]["ts"])
    cards = [await ask_at(stage, alarm, plan) for alarm, plan in zip(alarms, ("dbsone", "dbstwo"), strict=False)]
    for card, alarm in zip(cards, alarms, strict=False):
        await stage.rita.click(card, "withdraw")
        await outcome_under(stage, alarm, card)
    one, two = (str(said(card)["change_id"]) for card in cards)
    for bot in stage.bots:
        await bot.end()
    told = SlackSettings.model_validate({"SLACK_BOT_TOKEN": stage.slack.bot_token, "SLACK_API_URL": stage.slack.url})
    stage.slack.calls.clear()
    assert await verify(stage.ledger_file, stage.keys(), told) == ([], 2, 8)
    read = [call.args["ts"] for call in stage.slack.calls if call.method == "conversations.replies"]
    assert sorted(read) == [alarm["ts"] for alarm in alarms[:2]]
    with closing(sqlite3.connect(stage.ledger_file)) as ledger:
        ledger.execute("drop trigger events_remain")
        ledger.execute("delete from events where change_id = ?", [two])
        ledger.execute("delete from changes where change_id = ?", [two])
        ledger.execute("delete from events where change_id = ? and seq > 2", [one])
        ledger.execute("update changes set seq = 2, state = 'pending' where change_id = ?", [one])
        ledger.commit()
    findings, _, _ = await verify(stage.ledger_file, stage.keys(), told)
    assert {finding.change_id for finding in findings} == {one, two}
    assert [finding.seq for finding in findings if finding.change_id == two] == [1]

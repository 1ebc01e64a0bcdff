"""Clicks while the ledger cannot be written, after somebody else wrote to it, and clicks that nobody made in time."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

from bot.playground.acts import ask, buttons, deny, outcome, said, settled, whispered
from bot.playground.slack.server import plain_text
from bot.playground.stage import POLICY, Stage

REDIS, SQLSERVER = "dbsredisecs01", "dbsmssqlagent"
SHORTER = {"BackupRetentionPeriod": "30"}

Message = dict[str, Any]
Events = list[tuple[str, str, dict[str, Any]]]
History = Callable[[Stage, Message], Events]
OpenStage = Callable[..., Awaitable[Stage]]


def kinds(events: Events) -> list[str]:
    return [kind for kind, _, _ in events]


async def test_req33_a_click_while_the_ledger_is_locked_is_answered_within_three_seconds_and_not_recorded(
    stage: Stage, history: History
) -> None:
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    await stage.ben.click(card, "deny")
    await stage.ben.wait_for_view(lambda view: view["callback_id"] == "deny")
    await stage.ben.type("reason", "Not tonight")
    await stage.slack.wait_for(lambda: kinds(history(stage, card)) == ["requested", "announced"])
    locked = "The ledger is locked by another process; nothing was recorded. Try again in a moment."
    with closing(sqlite3.connect(stage.ledger_file, isolation_level=None)) as other:
        other.execute("begin immediate")
        async with asyncio.timeout(3):
            await asyncio.gather(
                stage.ana.click(card, "approve"),
                stage.olga.click(card, "approve"),
                stage.rita.click(card, "withdraw"),
                stage.ben.submit(),
            )
            assert [await whispered(stage.slack, one) for one in (stage.ana, stage.rita)] == [locked, locked]
        assert stage.ben.errors == {"reason": locked}
        other.execute("rollback")
    assert all(delivery.ok for delivery in stage.slack.deliveries)
    assert kinds(history(stage, card)) == ["requested", "announced"]
    await stage.ana.click(card, "approve")
    await stage.ben.submit()
    assert said(await outcome(stage.slack, card))["state"] == "denied"
    assert kinds(history(stage, card))[2:4] == ["approved", "denied"]


async def test_req10_a_change_whose_record_was_altered_is_left_alone_and_others_go_on(
    stage: Stage, history: History
) -> None:
    await stage.start_bot()
    altered = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    other = await ask(stage.slack, stage.rita, SQLSERVER, SHORTER)
    await stage.ana.click(altered, "approve")
    before = history(stage, altered)
    with closing(sqlite3.connect(stage.ledger_file)) as db:
        db.execute("drop trigger events_stay")
        change = "update events set data = replace(data, '\"30\"', '\"1\"') where change_id = ? and seq = 1"
        assert db.execute(change, [said(altered)["change_id"]]).rowcount == 1
        db.commit()
    tampered = history(stage, altered)
    assert tampered != before
    for person, action in ((stage.ben, "approve"), (stage.ana, "deny"), (stage.rita, "withdraw")):
        async with asyncio.timeout(3):
            await person.click(altered, action)
            told = await whispered(stage.slack, person)
        assert "The record of this change does not hold together" in told
        assert person.view is None
    assert history(stage, altered) == tampered
    for person in (stage.ana, stage.ben):
        await person.click(other, "approve")
    assert said(await outcome(stage.slack, other))["state"] == "applied"
    assert [effect.plan_id for effect in stage.dbs.effects] == [SQLSERVER]


async def test_a_change_that_nobody_approves_in_time_expires_and_can_be_asked_for_again(
    open_stage: OpenStage, history: History
) -> None:
    stage = await open_stage(policy=POLICY.replace('"4h"', '"1s"'), SWEEP_INTERVAL="1s", TELL_GRACE="1s")
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    await stage.ana.click(card, "approve")
    told = await outcome(stage.slack, card)
    text = plain_text(told)
    assert text.startswith("*Expired.* <@U0RITA>: by ")
    assert "it had 1 of 2 approvals. Nothing was sent." in text
    assert buttons(told) == ["new_request"]
    assert buttons(await settled(stage.slack, card)) == []
    await stage.slack.wait_for(lambda: kinds(history(stage, card))[-1] == "told")
    assert kinds(history(stage, card)) == ["requested", "announced", "approved", "expired", "told"]


async def test_over_socket_mode_people_decide_as_over_http(socket_stage: Stage) -> None:
    stage = socket_stage
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    await stage.rita.click(card, "approve")
    await whispered(stage.slack, stage.rita)
    for person in (stage.ana, stage.ben):
        await person.click(card, "approve")
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    second = await ask(stage.slack, stage.rita, REDIS, {"BackupRetentionPeriod": "40"})
    await deny(stage.ana, second)
    assert said(await outcome(stage.slack, second))["state"] == "denied"
    assert buttons(await settled(stage.slack, card)) == []
    assert {delivery.via for delivery in stage.slack.deliveries} == {"socket"}
    assert max(delivery.duration for delivery in stage.slack.deliveries) < 3

"""What the real process does to DBS once a change is approved, whatever DBS does, and what people then read."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from flow.carrying_out import (
    CONFIGURE,
    SHORTER,
    WITH_PASSWORD,
    approve,
    carried_out,
    effects,
    events,
    found,
    reads,
    sends,
    waits,
)

from bot.core.events import chain_hash
from bot.playground.acts import ask, buttons, outcome, replies, said, settled
from bot.playground.dbs.faults import (
    Fault,
    cut,
    echo,
    fail,
    forbid,
    garbage,
    ignore,
    lie,
    lose_answer,
    refuse,
    success_false,
    then,
    throttle,
    token_mismatch,
)
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.slack.server import plain_text
from bot.playground.stage import PASSWORD, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

Message = dict[str, Any]
NewPlan = Callable[..., str]


# What is sent, and how often


async def test_req25_req26_whatever_becomes_of_an_answer_there_is_one_token_and_one_effect(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage = shared_stage
    faults = [cut(), lose_answer(), fail(), fail(500, "InternalError", after=True), garbage(), lie(Success="perhaps")]
    plans = {new_plan(): fault for fault in faults}
    cards = [await ask(stage.slack, stage.rita, plan, SHORTER) for plan in plans]
    for plan, fault in plans.items():
        stage.dbs.next(CONFIGURE, fault, plan_id=plan)
    await approve(stage, *cards)
    for plan, card in zip(plans, cards, strict=True):
        told = await outcome(stage.slack, card)
        assert said(told)["state"] == "applied"
        first, second = sends(stage, plan)
        assert first.params == second.params, "the same request, and in it the same token"
        nonces = {one.headers["x-acs-signature-nonce"] for one in (first, second)}
        assert (len(nonces), effects(stage, plan)) == (2, 1)
        assert [data["client_token"] for _, data in events(stage, told, "started")] == [first.params["ClientToken"]] * 2
        (wait,) = waits(stage, told)
        assert wait < 2
        (note,) = replies(stage.slack, card, "note")
        assert "always with the same ClientToken" in plain_text(note)


async def test_req28_a_refusal_beside_a_plan_that_was_changed_is_stuck(shared_stage: Stage, new_plan: NewPlan) -> None:
    """Whatever DBS says: the plan shows that something was done."""
    stage, plan = shared_stage, new_plan()
    told = await carried_out(stage, plan, success_false("Param.NotFound", "No.", after=True))
    assert said(told)["state"] == "stuck"
    assert "DBS refused it, and yet the plan is now what was proposed: Param.NotFound: No." in plain_text(told)
    assert buttons(told) == ["read_again", "new_request"]
    assert (len(sends(stage, plan)), effects(stage, plan)) == (1, 1)


@pytest.mark.parametrize(
    ("code", "status"), [("InternalServerError", 500), ("SystemBusy", 200), ("undefined", 200), ("", 200)]
)
async def test_req28_a_failure_inside_http_200_is_no_refusal(
    shared_stage: Stage, new_plan: NewPlan, code: str, status: int
) -> None:
    stage, plan = shared_stage, new_plan()
    told = await carried_out(stage, plan, success_false(code, "Try later.", status, after=True))
    assert said(told)["state"] == "applied"
    assert (len(sends(stage, plan)), effects(stage, plan)) == (2, 1)


async def test_req27_a_throttled_send_waits_as_it_is_told(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    told = await carried_out(stage, plan, throttle(1600), throttle(300))
    assert said(told)["state"] == "applied"
    first, second = waits(stage, told)
    assert 1.6 <= first < 2.5
    assert 0.3 <= second < 1.2
    assert effects(stage, plan) == 1


async def test_req10_everything_on_the_wire_is_what_the_card_showed(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    told = await carried_out(
        stage, plan, values={**SHORTER, "BackupPeriod": "Monday,Friday", "BackupStartTime": "03:05"}
    )
    ((_, requested),) = events(stage, told, "requested")
    (sent,) = sends(stage, plan)
    shown = {name: text for name, text in requested["proposed"].items() if text != "own"}
    assert {
        name: text for name, text in sent.params.items() if name not in ("ClientToken", "BackupStorageType")
    } == shown
    assert (sent.params["BackupPeriod"], sent.params["BackupStartTime"]) == ("Monday,Friday", "03:05")
    assert sent.params["BackupStorageType"] == ""


# What ends it


async def test_req27_without_permission_the_ram_action_and_the_resource_are_named(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage, plan = shared_stage, new_plan()
    told = await carried_out(stage, plan, forbid())
    text = plain_text(told)
    assert said(told)["state"] == "refused"
    assert "Request.Forbidden: User not authorized to operate on the specified resource." in text
    assert "RequestId " in text
    assert (
        f"Grant the bot's RAM identity the action dbs:ConfigureBackupPlan on acs:dbs:cn-hangzhou:*:backupplan/{plan}"
        in text
    )
    assert (len(sends(stage, plan)), effects(stage, plan)) == (1, 0)


@pytest.mark.parametrize(
    ("fault", "said_by_dbs", "to_do"),
    [
        (
            refuse("InvalidAccessKeyId.NotFound"),
            "InvalidAccessKeyId.NotFound: Refused on order.",
            "Check the bot's Alibaba",
        ),
        (refuse("InvalidTimeStamp.Expired"), "InvalidTimeStamp.Expired: Refused", "set it right"),
        (success_false("InvalidJobId", "No such plan."), "InvalidJobId: No such plan.", "Check the plan id"),
        (token_mismatch(), "IdempotentParameterMismatch: ", "look at the plan, then start a new request"),
    ],
    ids=["credentials", "clock", "HTTP 200", "token"],
)
async def test_req27_req28_a_refusal_is_told_in_dbs_s_words_with_what_to_do(
    shared_stage: Stage, new_plan: NewPlan, fault: Fault, said_by_dbs: str, to_do: str
) -> None:
    stage, plan = shared_stage, new_plan()
    told = await carried_out(stage, plan, fault)
    assert said(told)["state"] == "refused"
    assert said_by_dbs in plain_text(told)
    assert to_do in plain_text(told)
    assert "RequestId " in plain_text(told)
    assert (len(sends(stage, plan)), effects(stage, plan)) == (1, 0)


async def test_req28_success_with_an_error_code_is_a_success(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    told = await carried_out(stage, plan, lie(Success=True, ErrCode="Param.NotFound", ErrMessage="not found"))
    assert (said(told)["state"], len(sends(stage, plan))) == ("applied", 1)


async def test_a_token_mismatch_after_a_lost_answer_is_stuck(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    told = await carried_out(stage, plan, lose_answer(), token_mismatch())
    assert said(told)["state"] == "stuck"
    assert "a repeat was refused: IdempotentParameterMismatch" in plain_text(told)


async def test_a_plan_that_was_locked_meanwhile_is_not_sent(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    stage.dbs.change(plan, BackupPlanStatus="locked")
    await approve(stage, card)
    told = await outcome(stage.slack, card)
    assert "PlanLocked: The plan is locked" in plain_text(told)
    assert sends(stage, plan) == []


async def test_req11_what_moved_between_the_form_and_the_card_is_stale_before_anybody_approves(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage, plan = shared_stage, new_plan()
    form_read = asyncio.Event()

    async def move() -> None:
        await form_read.wait()
        stage.dbs.change(plan, BackupStartTime="03:00")

    moving = asyncio.create_task(move())
    await stage.rita.command(f"/backup-plan configure {plan}", channel="C0OPS")
    await stage.rita.wait_for_view(lambda view: "BackupPlanName" in str(view))
    await stage.rita.type("BackupRetentionPeriod", "30")
    form_read.set()
    await moving
    seen = {message["ts"] for message in stage.slack.channel("C0OPS").messages}
    await stage.rita.submit()
    await stage.rita.wait_for_view(lambda view: view["callback_id"] == "review")
    await stage.rita.type("reason", "Disk is full")
    await stage.rita.submit()
    look = lambda: [one for one in stage.slack.channel("C0OPS").messages if one["ts"] not in seen]  # noqa: E731
    card = (await stage.slack.wait_for(look))[0]
    told = await outcome(stage.slack, card)
    assert buttons(await settled(stage.slack, card)) == []
    assert "Start time | 14:22 UTC | 03:00 UTC" in plain_text(told)
    assert [len(events(stage, told, kind)) for kind in ("announced", "stale", "approved")] == [1, 1, 0]


async def test_req10_a_row_changed_by_hand_is_refused_though_every_hash_and_signature_fit(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    """So that not even who has the key, root on the bot's host, sends with old approvals what was not approved."""
    stage, plan = shared_stage, new_plan()
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    await stage.slack.wait_for(lambda: events(stage, card, "announced"))
    rewrite(stage, said(card)["change_id"])
    await approve(stage, card)
    told = await outcome(stage.slack, card)
    assert "DigestMismatch: What would be sent is not what was approved" in plain_text(told)
    assert sends(stage, plan) == []


def rewrite(stage: Stage, change_id: str) -> None:
    """Do what somebody with the database and the key can: write another retention, every hash and every signature."""
    with closing(sqlite3.connect(stage.ledger_file, isolation_level=None)) as db:
        keys = stage.keys()
        db.execute("begin immediate")
        for (trigger,) in db.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            db.execute(f"drop trigger {trigger}")
        asked = "select seq, type, actor, at, data from events where change_id = ? order by seq"
        head = ""
        for seq, kind, actor, at, text in db.execute(asked, [change_id]).fetchall():
            data = json.loads(text)
            if kind == "requested":
                data["proposed"]["BackupRetentionPeriod"] = "1"
            head = chain_hash(head, change_id, seq, kind, actor, at, data)
            values = [json.dumps(data), head, keys.sign(head), change_id, seq]
            db.execute("update events set data = ?, hash = ?, signature = ? where change_id = ? and seq = ?", values)
        db.execute("update changes set head = ? where change_id = ?", [head, change_id])
        db.execute("commit")


# After it was applied


async def test_req29_the_plan_is_read_back_and_its_status_told_with_what_to_do(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage = shared_stage
    mismatched, failed, slow_to_start = new_plan(), new_plan(), new_plan()
    stage.dbs.next(CONFIGURE, ignore("BackupRetentionPeriod"), plan_id=mismatched)
    stage.dbs.next(CONFIGURE, then("init", message="Precheck failed: no route to host."), plan_id=failed)
    stage.dbs.next(CONFIGURE, then("init", "init", "init", "running"), plan_id=slow_to_start)
    cards = [await ask(stage.slack, stage.rita, plan, SHORTER) for plan in (mismatched, failed, slow_to_start)]
    before = reads(stage, mismatched)
    await approve(stage, *cards)
    told = [await outcome(stage.slack, card) for card in cards]
    assert [said(one)["state"] for one in told] == ["applied"] * 3
    assert "Backup retention | 30 days | 730 days" in plain_text(told[0])
    assert reads(stage, mismatched) - before == 4, "once before the call, three times after it"
    assert events(stage, told[0], "told")[0][1]["differs"] == ["BackupRetentionPeriod"]
    assert "mend what the precheck names, then start it" in plain_text(told[1])
    assert "Precheck failed: no route to host." in plain_text(told[1])
    notes = lambda: replies(stage.slack, cards[2], "note")  # noqa: E731
    (note,) = await stage.slack.wait_for(notes, 15.0)
    assert "Plan status: init." in plain_text(told[2])
    assert "Plan status: running. Nothing is left to do." in plain_text(note)


# The password


async def test_req30_the_password_is_in_the_body_of_one_request_and_nowhere_else(shared_stage: Stage) -> None:
    stage = shared_stage
    stage.dbs.plans["dbspassword1"] = mysql_on_rds("dbspassword1")
    told = await carried_out(stage, "dbspassword1", values=WITH_PASSWORD)
    assert said(told)["state"] == "applied"
    (sent,) = sends(stage, "dbspassword1")
    assert sent.params["SourceEndpointPassword"] == PASSWORD
    assert (sent.raw_query, PASSWORD.encode() in sent.raw_body) == ("", True)
    assert "orders-db" in plain_text(stage.slack.channel("C0OPS").messages[-1]), "people see the secret's name"
    assert found(stage, PASSWORD) == []


async def test_req35_an_error_that_echoes_the_password_is_cleaned_before_anybody_sees_it(shared_stage: Stage) -> None:
    stage = shared_stage
    stage.dbs.plans["dbspassword2"] = mysql_on_rds("dbspassword2")
    told = await carried_out(stage, "dbspassword2", echo(), values=WITH_PASSWORD)
    assert "SignatureDoesNotMatch: " in plain_text(told)
    assert "Check the bot's Alibaba Cloud credentials" in plain_text(told)
    assert found(stage, PASSWORD) == []

"""A DBS that is otherwise than its documents: what people then read, and what the real process sends."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flow.carrying_out import CONFIGURE, WITH_PASSWORD, approve, carried_out, events, found, sends
from forms import review, shows

from bot.playground.acts import ask, inputs, outcome, replies, said
from bot.playground.dbs.faults import Fault, refuse, then
from bot.playground.dbs.plans import mysql_by_rds, mysql_on_rds
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, PASSWORD, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

JDBC = "jdbc:mysql://10.0.3.7:3306/orders?user=backup&password={}"
OBJECTS = '[ {"DBName": "orders",  "NewKey": [1]} ]'


def put(stage: Stage, plan: Mapping[str, Any]) -> str:
    """Put one more plan into the account and return its id."""
    plan_id = str(plan["BackupPlanId"])
    stage.dbs.plans[plan_id] = dict(plan)
    return plan_id


async def test_a_plan_s_message_shows_no_password_anywhere(shared_stage: Stage) -> None:
    """Neither one that the bot knows nor one that only looks like it: in form, thread, ledger and log."""
    stage = shared_stage
    first = f"Cannot connect: {JDBC.format('hunter2-form')} or with {PASSWORD}"
    plan = put(stage, mysql_on_rds("dbsquoting001", ErrMessage=first))
    await stage.rita.command(f"/backup-plan configure {plan}", channel=CHANNEL)
    view = await stage.rita.wait_for_view(lambda view: shows(view, plan))
    assert "Cannot connect: jdbc:mysql://10.0.3.7:3306/orders?user=backup&password=[removed]" in plain_text(view)
    again = f"precheck: {JDBC.format('hunter2-thread')} and {PASSWORD}"
    told = await carried_out(stage, plan, then("init", message=again), values=WITH_PASSWORD)
    assert "DBS says:\nprecheck: jdbc:mysql://10.0.3.7:3306/orders?user=backup&password=[removed]" in plain_text(told)
    wrong = refuse("Odd", JDBC.format("hunter2-refused"))
    refused = await carried_out(stage, plan, wrong, values={**WITH_PASSWORD, "BackupRetentionPeriod": "60"})
    assert said(refused)["state"] == "refused"
    assert "Odd: jdbc:mysql" in plain_text(refused)
    for secret in ("hunter2", PASSWORD):
        assert found(stage, secret) == []
        assert secret not in "".join(bot.log for bot in stage.bots)


async def test_what_rds_made_is_changed_without_what_it_never_had(shared_stage: Stage) -> None:
    """No user, no address, storage built in, 3650 days, objects with a key nobody knows: sent as they were read."""
    stage = shared_stage
    plan = put(stage, mysql_by_rds("dbsmadebyrds2", BackupObjects=OBJECTS))
    told = await carried_out(stage, plan, values={"BackupStartTime": "03:05"})
    assert said(told)["state"] == "applied"
    (sent,) = sends(stage, plan)
    assert sent.params["BackupObjects"] == OBJECTS
    assert sent.params["BackupRetentionPeriod"] == "3650"
    assert (sent.params["BackupStorageType"], sent.params["BackupStartTime"]) == ("system", "03:05")
    never_had = {"SourceEndpointUserName", "SourceEndpointPassword", "SourceEndpointIP", "SourceEndpointPort"}
    assert not (never_had | {"OSSBucketName", "ResourceGroupId"}) & sent.params.keys()
    assert "do not read back" not in plain_text(told)


async def test_a_retention_no_input_holds_can_be_lowered(shared_stage: Stage) -> None:
    stage = shared_stage
    plan = put(stage, mysql_by_rds("dbsmadebyrds3"))
    card = await ask(stage.slack, stage.rita, plan, {"BackupRetentionPeriod": "1825"})
    assert "Backup retention | 3650 days | 1825 days" in plain_text(card)
    assert "Backups are kept for 1825 days instead of 3650" in plain_text(card)
    await approve(stage, card)
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    assert sends(stage, plan)[0].params["BackupRetentionPeriod"] == "1825"


async def test_the_form_says_what_it_keeps_and_the_review_warns_of_it(shared_stage: Stage) -> None:
    stage = shared_stage
    plan = put(stage, mysql_by_rds("dbsmadebyrds4"))
    await stage.rita.command(f"/backup-plan configure {plan}", channel=CHANNEL)
    view = await stage.rita.wait_for_view(lambda view: shows(view, plan))
    assert "Kept as it is while this is empty: 3650 days." in plain_text(view)
    assert "BackupRetentionPeriod" in inputs(view)
    shown = plain_text(await review(stage.rita, plan, {"BackupStartTime": "03:05"}))
    assert "Backup retention: 3650 days" in shown
    assert "the API documents up to 1825" in shown


async def test_a_resource_group_that_dbs_does_not_show_is_no_mismatch(shared_stage: Stage) -> None:
    stage = shared_stage
    plan = put(stage, mysql_by_rds("dbsmadebyrds5"))
    told = await carried_out(stage, plan, values={"ResourceGroupId": "rg-acfmother"})
    assert sends(stage, plan)[0].params["ResourceGroupId"] == "rg-acfmother"
    assert "do not read back" not in plain_text(told)
    assert "Not shown by DBS, so not compared: Resource group." in plain_text(told)


async def test_what_a_set_resets_is_named_in_the_outcome(shared_stage: Stage) -> None:
    """It never was in the request; times and the restorable window move by themselves."""
    stage = shared_stage
    plan = put(stage, mysql_by_rds("dbsmadebyrds6"))
    night = {"LogBackupRetentionPeriod": 7, "EndTimestampForRestore": 1, "BackupPlanStatus": "running"}
    told = await carried_out(stage, plan, replace(Fault(), meanwhile=night), values={"BackupStartTime": "03:05"})
    assert "Also changed, though not sent: LogBackupRetentionPeriod 30 → 7." in plain_text(told)
    ((_, requested),) = events(stage, told, "requested")
    assert requested["details"]["LogBackupRetentionPeriod"] == "30"
    assert "LogBackupRetentionPeriod" not in requested["baseline"]
    assert requested["read_at"]


async def test_a_plan_about_to_expire_says_so_on_its_card(shared_stage: Stage) -> None:
    stage = shared_stage
    plan = put(stage, mysql_by_rds("dbsmadebyrds7", InstanceExpiredTimestamp=1000))
    card = await ask(stage.slack, stage.rita, plan, {"BackupStartTime": "03:05"})
    assert "The plan's subscription ended on 1970-01-01 (UTC)" in plain_text(card)


async def test_a_missing_permission_names_the_plan_s_own_region(shared_stage: Stage) -> None:
    stage = shared_stage
    plan = put(stage, mysql_by_rds("dbsmadebyrds8", BackupPlanRegion="cn-shanghai"))
    card = await ask(stage.slack, stage.rita, plan, {"BackupStartTime": "03:05"})
    stage.dbs.next(CONFIGURE, refuse("Request.Forbidden", status=403), plan_id=plan)
    await approve(stage, card)
    told = await outcome(stage.slack, card)
    assert f"acs:dbs:cn-shanghai:*:backupplan/{plan}" in plain_text(told)
    assert replies(stage.slack, card, "note") == []

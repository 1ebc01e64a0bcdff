"""Choosing a plan where there are many, and a form where the policy has no secret: each with a stage of its own."""

import asyncio

from forms import shows

from bot.playground.acts import inputs, listed
from bot.playground.dbs.faults import Gate, hold
from bot.playground.dbs.plans import crowd
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, POLICY, Stage

RDS, READ = "dbsmysqlrds01", "DescribeBackupPlanList"


async def test_without_an_id_a_typeahead_finds_one_plan_of_ten_thousand(stage: Stage) -> None:
    stage.dbs.plans.update({plan["BackupPlanId"]: plan for plan in crowd(10_000)})
    await stage.start_bot()
    slow = Gate()
    stage.dbs.next(READ, hold(slow, before=True))
    rita = stage.rita
    await rita.command("/backup-plan configure", channel=CHANNEL)
    picker = await rita.wait_for_view(lambda view: list(inputs(view)) == ["BackupPlanId"])
    assert picker["submit"], "Slack refuses inputs without one"
    await slow.reached.wait()
    (nothing,) = await rita.suggest("BackupPlanId")
    assert "being listed" in nothing["text"]["text"]
    await rita.choose("BackupPlanId", nothing["value"])
    await rita.wait_for_view(lambda view: "no plan" in plain_text(view))
    slow.release()
    found = await listed(rita, "shard 09999", 15)
    assert len(found) == 1
    assert found[0]["text"]["text"] == "dbscrowd09999 · shard 09999 · MySQL · running"
    assert len(await rita.suggest("BackupPlanId")) == 100
    (exact, *_) = await rita.suggest("BackupPlanId", "dbscrowd00042")
    assert exact["value"] == "dbscrowd00042"
    (none,) = await rita.suggest("BackupPlanId", "no such shard")
    assert "No plan matches" in none["text"]["text"]
    await rita.pick("BackupPlanId", "dbscrowd09999", typed="shard 09999")
    await rita.wait_for_view(lambda view: shows(view, "dbscrowd09999"))
    await rita.command("/backup-plan configure", channel=CHANNEL)
    reads = [call.params for call in stage.dbs.calls(READ)]
    pages = [int(read["PageNum"]) for read in reads if "BackupPlanId" not in read]
    assert pages == list(range(101)), "the list was read once, whatever was typed meanwhile"
    assert [read["BackupPlanId"] for read in reads if "BackupPlanId" in read] == ["dbscrowd09999"], "and it afresh"
    assert max(delivery.duration for delivery in stage.slack.deliveries) < 1.5


async def test_a_plan_may_be_chosen_before_slack_has_told_the_bot_that_the_form_is_open(stage: Stage) -> None:
    await stage.start_bot()
    told = asyncio.Event()
    stage.slack.faults.gate_answer("views.open", told)
    rita = stage.rita
    await rita.command("/backup-plan configure", channel=CHANNEL)
    await rita.wait_for_view(lambda view: "BackupPlanId" in inputs(view))
    await listed(rita, "")
    await rita.choose("BackupPlanId", RDS)
    await asyncio.sleep(0.2)
    told.set()
    await rita.wait_for_view(lambda view: shows(view, RDS))


async def test_submitting_just_the_plan_leads_to_its_form(stage: Stage) -> None:
    await stage.start_bot()
    rita = stage.rita
    await rita.command("/backup-plan configure", channel=CHANNEL)
    await rita.wait_for_view(lambda view: "BackupPlanId" in inputs(view))
    await listed(rita, "")
    slow = Gate()
    stage.dbs.next(READ, *[hold(slow, before=True)] * 2)
    await rita.choose("BackupPlanId", RDS)
    assert (await rita.submit()).action == "update"
    assert f"Reading {RDS}" in plain_text(rita.view or {})
    slow.release()
    await rita.wait_for_view(lambda view: shows(view, RDS))


async def test_a_problem_without_an_input_is_told_on_the_input_that_governs_it(stage: Stage) -> None:
    stage.policy_file.write_text(POLICY.partition("[secrets")[0])
    await stage.start_bot()
    await stage.rita.command(f"/backup-plan configure {RDS}", channel=CHANNEL)
    view = await stage.rita.wait_for_view(lambda view: shows(view, RDS))
    assert "names no secret" in plain_text(view)
    assert "SourceEndpointPassword" not in inputs(view)
    assert (await stage.rita.submit()).action == "errors"
    assert "Database password is required" in stage.rita.errors["SourceEndpointInstanceType"]

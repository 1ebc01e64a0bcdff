"""What the bot remembers of a plan, over the real process: told as remembered, and forgotten once it may be untrue."""

import re
from collections.abc import Callable, Mapping

import pytest
from flow.carrying_out import CONFIGURE, approve, carried_out
from forms import alerts, review, shows, values

from bot.playground.acts import ask, fill, outcome, said
from bot.playground.dbs.faults import cut
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

NewPlan = Callable[..., str]

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST = {"BackupStrategyType": "simple", "AutoStartBackup": "true"}
LATER = {"AutoStartBackup": "false", "BackupPeriod": "Monday"}
MEANWHILE = (
    "Another change of this plan was sent since the form was filled, so what it says of the plan may no longer be so. "
    "Close the form and start again."
)


async def held(stage: Stage, plan: str) -> dict[str, str]:
    """What a new form of the plan holds of what DBS does not show."""
    await stage.rita.command(f"/backup-plan configure {plan}", channel=CHANNEL)
    found = values(await stage.rita.wait_for_view(lambda view: shows(view, plan)))
    await stage.rita.close_view()
    return {name: found[name] for name in FIRST}


async def applied(stage: Stage, plan: str, proposed: Mapping[str, str]) -> None:
    told = await carried_out(stage, plan, values=proposed)
    assert said(told)["state"] == "applied"


async def test_what_was_set_is_a_row_of_its_own_with_its_date(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    await applied(stage, plan, FIRST)
    view = await review(stage.rita, plan, {"BackupRetentionPeriod": "800"})
    told = plain_text(view)
    row = r"Backup strategy: simple \(set by this bot on [0-9]{1,2} [A-Z][a-z]{2} 20[0-9]{2}\) → simple"
    assert re.search(row, told)
    _, folded = told.split("stay as they are:")
    assert "Backup strategy" not in folded
    await stage.rita.close_view()
    await stage.rita.close_view()


async def test_after_a_stuck_change_what_it_would_have_set_is_unknown(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    await applied(stage, plan, FIRST)
    assert await held(stage, plan) == FIRST
    card = await ask(stage.slack, stage.rita, plan, LATER)
    before, sent = stage.dbs.plans[plan]["BackupRetentionPeriod"], len(stage.dbs.calls(CONFIGURE))
    stage.dbs.next(CONFIGURE, cut(), plan_id=plan)
    await approve(stage, card)
    await stage.slack.wait_for(lambda: len(stage.dbs.calls(CONFIGURE)) > sent)
    stage.dbs.change(plan, BackupRetentionPeriod=99)
    assert said(await outcome(stage.slack, card))["state"] == "stuck"
    stage.dbs.change(plan, BackupRetentionPeriod=before)  # it looks as it did before
    assert await held(stage, plan) == {**FIRST, "AutoStartBackup": "leave"}
    view = await review(stage.rita, plan, {"AutoStartBackup": "true"})
    assert "Start by itself: unknown → on" in plain_text(view)
    await stage.rita.close_view()
    await stage.rita.close_view()


async def test_after_a_change_by_hand_nothing_hidden_is_known(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    await applied(stage, plan, FIRST)
    stage.dbs.change(plan, BackupRetentionPeriod=31)
    assert await held(stage, plan) == {"BackupStrategyType": "", "AutoStartBackup": "leave"}
    view = await review(stage.rita, plan, {"BackupRetentionPeriod": "800"})
    left_out = [line for line in alerts(view) if line.startswith("Backup strategy: not sent")]
    assert "Treated as:" in left_out[0]
    await stage.rita.close_view()
    await stage.rita.close_view()


async def test_a_form_that_remembers_what_was_changed_since_is_not_requested(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage, plan = shared_stage, new_plan()
    await applied(stage, plan, FIRST)
    view = await review(stage.rita, plan, {"BackupRetentionPeriod": "800"})
    card = await ask(stage.slack, stage.olga, plan, LATER)
    await approve(stage, card)
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    assert view["id"] == (stage.rita.view or {})["id"]
    await stage.rita.type("reason", "Kept longer")
    if not values(stage.rita.view or {}).get("channel"):
        await stage.rita.choose("channel", CHANNEL)
    await stage.rita.submit()
    assert list(stage.rita.errors.values()) == [MEANWHILE]


async def test_a_value_set_by_hand_that_was_left_out_ends_what_is_remembered(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage, plan = shared_stage, new_plan()
    await applied(stage, plan, FIRST)
    assert "SourceEndpointDatabaseName" not in stage.dbs.effects[-1].params
    stage.dbs.change(plan, SourceEndpointDatabaseName="another")
    assert await held(stage, plan) == {"BackupStrategyType": "", "AutoStartBackup": "leave"}


async def test_a_host_that_people_set_on_rds_is_sent_by_the_next_change(shared_stage: Stage) -> None:
    stage, plan = shared_stage, "dbsover00001"
    stage.dbs.plans[plan] = mysql_on_rds(plan)
    by_people = {"SourceEndpointIP": "10.0.3.7", "SourceEndpointPort": "3307"}
    await applied(stage, plan, {**FIRST, **by_people, "SourceEndpointPassword": "orders-db"})
    await applied(stage, plan, {"BackupStartTime": "04:00"})
    sent = [effect.params for effect in stage.dbs.effects if effect.plan_id == plan]
    assert [{name: one.get(name) for name in by_people} for one in sent] == [by_people, by_people]


async def test_a_gateway_that_is_cleared_still_needs_a_secret_bound_to_it(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage, plan = shared_stage, new_plan(BackupGatewayId=66666666666)
    await stage.rita.command(f"/backup-plan configure {plan}", channel=CHANNEL)
    await stage.rita.wait_for_view(lambda view: shows(view, plan))
    await fill(stage.rita, {"SourceEndpointPassword": "orders-db", "BackupGatewayId": ""})
    assert (await stage.rita.submit()).action == "errors"
    assert "gateway:66666666666 (not sent, but DBS may keep it)" in " ".join(stage.rita.errors.values())
    await stage.rita.close_view()

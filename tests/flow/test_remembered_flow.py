"""What the bot remembers of a plan, over the real process: told as remembered, and forgotten once it may be untrue."""

import re
from collections.abc import Callable, Mapping

import pytest
from flow.carrying_out import CONFIGURE, approve, carried_out
from forms import alerts, review, shows, values

from bot.playground.acts import ask, outcome, said
from bot.playground.dbs.faults import cut
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

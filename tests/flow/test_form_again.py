"""What a form was opened with, when its plan cannot be read at once, or when another plan is chosen in it."""

from collections.abc import Callable

import pytest
from forms import alerts, shows, values

from bot.playground.acts import ask, inputs, listed
from bot.playground.dbs.faults import throttle
from bot.playground.slack.person import Person
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

READ = "DescribeBackupPlanList"

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def choose(person: Person, plan: str) -> None:
    await listed(person, plan)
    await person.pick("BackupPlanId", plan)


async def test_new_request_keeps_its_values_through_a_reading_that_failed(
    shared_stage: Stage, new_plan: Callable[..., str]
) -> None:
    stage, rita, plan = shared_stage, shared_stage.rita, new_plan()
    card = await ask(stage.slack, rita, plan, {"BackupRetentionPeriod": "30"})
    await stage.ana.click(card, "approve")
    stage.dbs.change(plan, BackupStartTime="03:00")
    await stage.ben.click(card, "approve")
    (told,) = await stage.slack.wait_for(
        lambda: [one for one in stage.slack.channel(CHANNEL).thread(card["ts"]) if "*Stale.*" in plain_text(one)]
    )
    stage.dbs.next(READ, throttle(600_000), plan_id=plan)
    await rita.click(told, "new_request")
    await rita.wait_for_view(lambda view: "asked too much" in plain_text(view))
    await rita.submit()
    view = await rita.wait_for_view(lambda view: shows(view, plan))
    assert values(view)["BackupRetentionPeriod"] == "30"


async def test_values_that_identify_one_plan_are_not_typed_for_another(
    shared_stage: Stage, new_plan: Callable[..., str]
) -> None:
    rita, plan, other = shared_stage.rita, new_plan(), new_plan(BackupPlanName="the other one")
    line = "BackupPlanName=renamed SourceEndpointInstanceID=r-mine BackupObjects=0 BackupRetentionPeriod=30"
    await rita.command(f"/backup-plan configure {plan} {line}", channel=CHANNEL)
    view = await rita.wait_for_view(lambda view: shows(view, plan))
    assert (values(view)["BackupPlanName"], values(view)["SourceEndpointInstanceID"]) == ("renamed", "r-mine")
    await choose(rita, other)
    view = await rita.wait_for_view(lambda view: shows(view, other))
    assert values(view)["BackupPlanName"] == "the other one"
    assert values(view)["SourceEndpointInstanceID"] != "r-mine"
    assert values(view)["BackupObjects"] != "0"
    assert values(view)["BackupRetentionPeriod"] == "30", "what may be meant for any plan stays"
    assert alerts(view) == [f"Typed for {plan} and not used for this plan: Plan name, Source instance, Backup objects."]
    await rita.pick("BackupPlanId", plan)
    view = await rita.wait_for_view(lambda view: shows(view, plan))
    assert (values(view)["BackupPlanName"], alerts(view)) == ("renamed", []), "and comes back with its plan"
    assert inputs(view)["BackupPlanName"]["initial_value"] == "renamed"

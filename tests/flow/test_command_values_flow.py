"""Values that come with the command: the form opens with them, or the line is answered and nothing opens."""

from typing import Any

import pytest
from forms import View, alerts, shows, values

from bot.playground.acts import inputs
from bot.playground.dbs.faults import refuse
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

RDS, ECS, REDIS = "dbsmysqlrds01", "dbsmysqlecs01", "dbsredisecs01"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """The running stage, as if nothing had happened on it before."""
    for record in (shared_stage.slack.deliveries, shared_stage.slack.calls, shared_stage.dbs.requests):
        record.clear()
    return shared_stage


@pytest.fixture
def plan(stage: Stage) -> str:
    """One more MySQL plan on RDS."""
    made = mysql_on_rds(f"dbsvalues{len(stage.dbs.plans):05}")
    stage.dbs.plans[made["BackupPlanId"]] = made
    return str(made["BackupPlanId"])


async def opened(stage: Stage, plan_id: str, line: str) -> View:
    """Type the command with values and wait for the form."""
    before = (stage.rita.view or {"id": ""})["id"]
    await stage.rita.command(f"/backup-plan configure {plan_id} {line}", channel=CHANNEL)
    return await stage.rita.wait_for_view(lambda view: view["id"] != before and shows(view, plan_id))


def hint(view: View, name: str) -> str:
    """What stands under the input of a parameter."""
    block: dict[str, Any] = next(one for one in view["blocks"] if one["block_id"].partition("~")[0] == name)
    return str(block["hint"]["text"])


async def test_the_form_opens_with_the_values_set_and_marked(stage: Stage, plan: str) -> None:
    view = await opened(stage, plan, "BackupRetentionPeriod=30 backupperiod=friday,monday AutoStartBackup=true")
    assert {name: values(view)[name] for name in ("BackupRetentionPeriod", "BackupPeriod", "AutoStartBackup")} == {
        "BackupRetentionPeriod": "30",
        "BackupPeriod": "Monday,Friday",
        "AutoStartBackup": "true",
    }
    assert hint(view, "BackupRetentionPeriod").startswith("From the command; now 730 days. ")
    assert hint(view, "BackupPeriod").startswith("From the command; now Monday, Thursday. ")
    assert hint(view, "AutoStartBackup").startswith("From the command. ")
    marked = [block for block in view["blocks"] if "From the command" in block.get("hint", {}).get("text", "")]
    assert len(marked) == 3
    assert alerts(view) == []


async def test_what_is_typed_over_is_no_longer_the_command_s(stage: Stage, plan: str) -> None:
    rita = stage.rita
    await opened(stage, plan, "BackupRetentionPeriod=30 BackupPlanName=“orders weekly”")
    await rita.type("BackupRetentionPeriod", "40")
    await rita.choose("BackupStrategyType", "manual")
    view = await rita.wait_for_view(lambda view: "BackupPeriod" not in inputs(view))
    assert "From the command" not in hint(view, "BackupRetentionPeriod")
    assert hint(view, "BackupPlanName").startswith("From the command; now orders nightly. ")
    assert (values(view)["BackupRetentionPeriod"], values(view)["BackupPlanName"]) == ("40", "orders weekly")


async def test_what_does_not_apply_to_the_plan_is_said_above_the_form(stage: Stage, plan: str) -> None:
    view = await opened(stage, plan, "BackupRateLimit=500 BackupRetentionPeriod=30")
    (said,) = alerts(view)
    assert said.startswith(
        "Network limit from the command, 500 KB/s, is not used: it can be set only when the engine is"
    )
    assert "BackupRateLimit" not in inputs(view)
    assert values(view)["BackupRetentionPeriod"] == "30"
    assert alerts(await opened(stage, ECS, "BackupRateLimit=500")) == [], "it applies to this one"
    assert values(stage.rita.view or {})["BackupRateLimit"] == "500"


async def test_what_another_choice_makes_apply_comes_back_with_it(stage: Stage, plan: str) -> None:
    rita = stage.rita
    view = await opened(stage, plan, "BackupStrategyType=manual BackupPeriod=Sunday")
    (said,) = alerts(view)
    assert "Backup days from the command, Sunday, is not used: it can be set only when the backup strategy" in said
    await rita.choose("BackupStrategyType", "simple")
    view = await rita.wait_for_view(lambda view: "BackupPeriod" in inputs(view))
    assert values(view)["BackupPeriod"] == "Sunday"
    assert alerts(view) == []


async def test_an_address_that_dbs_would_find_by_itself_is_sent_once_it_is_typed(stage: Stage, plan: str) -> None:
    view = await opened(stage, plan, "SourceEndpointIP=10.1.2.3")
    assert values(view)["SourceEndpointIP"] == "10.1.2.3"
    assert values(view)["SourceEndpointPort"] == "", "and what was only read is not"
    assert hint(view, "SourceEndpointIP").startswith("From the command; now rm-uf6orders01.mysql.rds. ")


async def test_a_plan_that_could_not_be_read_leaves_the_values_to_the_one_chosen_then(stage: Stage, plan: str) -> None:
    rita = stage.rita
    refusals = [refuse("InvalidParameterValid")] * 2  # in the bot's region, and without one
    stage.dbs.next("DescribeBackupPlanList", *refusals, plan_id=plan)
    before = (rita.view or {"id": ""})["id"]
    await rita.command(
        f"/backup-plan configure {plan} BackupRetentionPeriod=30 SourceEndpointPassword=orders-db", channel=CHANNEL
    )
    await rita.wait_for_view(lambda view: view["id"] != before and "InvalidParameterValid" in plain_text(view))
    await rita.submit()
    view = await rita.wait_for_view(lambda view: shows(view, plan))
    assert values(view)["BackupRetentionPeriod"] == "30"
    assert values(view)["SourceEndpointPassword"] == "orders-db"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{RDS} BackupRetention=30", ["“BackupRetention” is no parameter", "`BackupRetentionPeriod`"]),
        (f"{RDS} Xyz=30", ["Possible are `BackupPlanName`"]),
        (f"{RDS} BackupRetentionPeriod=soon BackupPeriod=Mon", ["0 to 1825 days", "“soon”", "Sunday", "“Mon”"]),
        (f"{RDS} ClientToken=x DatabaseType=MySQL", ["it is the bot's own", "it is a fact of the plan"]),
        ("BackupRetentionPeriod=30", ["Values need a plan"]),
        (f"{RDS} {ECS}", [f"“{ECS}” is not a value"]),
        (f'{RDS} BackupPlanName="x', ["A quote is opened and not closed"]),
    ],
)
async def test_a_line_that_cannot_be_used_is_answered_privately_and_opens_nothing(
    stage: Stage, line: str, said: list[str]
) -> None:
    told = await stage.rita.command(f"/backup-plan configure {line}", channel=CHANNEL)
    assert [part for part in said if part not in told.text] == []
    assert "did not open a form" in told.text
    assert stage.rita.view is None
    assert [call.method for call in stage.slack.calls] == []
    assert stage.dbs.calls("DescribeBackupPlanList") == []


async def test_req30_a_password_typed_with_the_command_goes_nowhere(stage: Stage) -> None:
    told = await stage.rita.command(f"/backup-plan configure {RDS} SourceEndpointPassword=hunter-22", channel=CHANNEL)
    assert "change it" in told.text
    assert "hunter-22" not in told.text
    assert b"hunter-22" not in b"".join(file.read_bytes() for file in stage.folder.iterdir() if file.is_file())


async def test_the_help_shows_how_values_are_given_and_what_to_do_in_a_thread(stage: Stage) -> None:
    told = (await stage.rita.command("/backup-plan help", channel=CHANNEL)).text
    assert "/backup-plan configure <plan id> BackupRetentionPeriod=30" in told.replace("&lt;", "<").replace("&gt;", ">")
    assert "In a thread, where Slack takes no commands: *Configure backup plan*" in told


async def test_people_who_may_not_ask_are_told_so_whatever_they_typed(stage: Stage) -> None:
    await stage.gus.command(f"/backup-plan configure {RDS} BackupRetentionPeriod=30", channel=CHANNEL)
    view = await stage.gus.wait_for_view(lambda view: "Guests cannot do that" in plain_text(view))
    assert inputs(view) == {}


async def test_req14_the_review_shows_what_the_command_gave_like_everything_else(stage: Stage, plan: str) -> None:
    rita = stage.rita
    await opened(stage, plan, "BackupRetentionPeriod=30 SourceEndpointPassword=orders-db")
    await rita.submit()
    view = await rita.wait_for_view(lambda view: view["callback_id"] == "review")
    assert "Backup retention: 730 days → 30 days" in plain_text(view)
    assert "Database password: unknown → orders-db" in plain_text(view)

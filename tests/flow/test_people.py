"""Who may ask for changes, who may see plans, and what everybody else is told."""

from bot.playground.acts import ask, fill, inputs, listed
from bot.playground.slack.person import Person
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, POLICY, Stage

RDS = "dbsmysqlrds01"
CLOSED = POLICY.replace("expires_after", 'requesters = ["U0RITA"]\nexpires_after')


async def told(person: Person, typed: str, channel: str = CHANNEL) -> str:
    """Type the command and return what the modal says in the end."""
    await person.command(f"/backup-plan {typed}", channel=channel)
    return plain_text(await person.wait_for_view(lambda view: [one["type"] for one in view["blocks"]] == ["alert"]))


async def test_req23_who_is_no_full_member_of_the_workspace_may_not_ask(stage: Stage) -> None:
    slack = stage.slack
    strangers = {
        "Guests cannot": [stage.gus, slack.add_person("una", ultra_restricted=True)],
        "you belong to another one": [
            slack.add_person("otto", team_id="T0OTHER"),
            slack.add_person("sam", stranger=True),
        ],
        "deactivated": [slack.add_person("dora", deleted=True)],
        "Only people": [slack.add_person("robo", bot=True)],
    }
    for people in strangers.values():
        slack.channel(CHANNEL).members.update(person.id for person in people)
    await stage.start_bot()
    for words, people in strangers.items():
        for person in people:
            assert words in await told(person, f"configure {RDS}")
            assert words in await told(person, "configure")
            assert not inputs(person.view or {})
    slack.faults.error("users.info", "internal_error", times=2)
    assert "Try again" in await told(stage.olga, f"configure {RDS}")
    assert [call for call in stage.dbs.requests if call.params.get("BackupPlanId")] == [], "no plan was even read"


async def test_req36_who_may_neither_ask_nor_approve_sees_no_plan_and_no_suggestion(stage: Stage) -> None:
    stage.policy_file.write_text(CLOSED)
    await stage.start_bot()
    await ask(stage.slack, stage.rita, RDS, {"SourceEndpointPassword": "orders-db"})
    await stage.rita.command("/backup-plan configure", channel=CHANNEL)
    await stage.rita.wait_for_view(lambda view: list(inputs(view)) == ["BackupPlanId"])
    await listed(stage.rita, "orders")
    suggestion = stage.slack.deliveries[-1].payload
    seen = len(stage.dbs.requests)
    assert "does not name you" in await told(stage.olga, f"configure {RDS}")
    assert "Somebody who may ask for changes can do it for you" in await told(stage.olga, "configure")
    for person, sees in ((stage.olga, False), (stage.gus, False), (stage.ana, True)):
        stolen = suggestion | {"user": {**suggestion["user"], "id": person.id}}
        answer = (await stage.slack.deliver("interactive", stolen)).answer
        assert ("orders nightly" in answer) is sees, "approvers see plans; nobody else does"
    assert len(stage.dbs.requests) == seen, "nothing was read for them"
    shown = str([delivery.answer for delivery in stage.slack.deliveries if "U0OLGA" in delivery.body])
    assert "orders nightly" not in shown


async def test_req23_who_lost_the_right_to_ask_between_form_and_review_is_refused(stage: Stage) -> None:
    stage.policy_file.write_text(POLICY.replace("expires_after", 'requesters = ["S0REQ"]\nexpires_after'))
    stage.slack.add_group("S0REQ", ["U0RITA", "U0OLGA"])
    await stage.start_bot()
    olga = stage.olga
    await olga.command(f"/backup-plan configure {RDS}", channel=CHANNEL)
    await olga.wait_for_view(lambda view: "BackupPlanName" in inputs(view))
    await fill(olga, {"SourceEndpointPassword": "orders-db"})
    stage.slack.add_group("S0REQ", ["U0RITA"])
    second = await stage.start_bot()
    stage.slack.point_at(second.events_url)  # which has not asked about anybody within the last minute
    await olga.submit()
    await olga.type("reason", "Disk is full")
    assert (await olga.submit()).action == "errors"
    assert "does not name you" in olga.errors["reason"]

"""Groups of any size are answered within the time that Slack waits, and who does not exist stops nobody."""

from bot.playground.acts import ask, fill, open_form
from bot.playground.stage import POLICY, Stage

RDS = "dbsmysqlrds01"
WISH = {"SourceEndpointPassword": "orders-db"}
LOOK_UP = 0.1
"""Seconds that Slack takes to say who somebody is."""
EXPECTED = 3 + 2
"""Three approvers; the requester, and one more where an answer is a little late."""


async def test_a_group_of_120_is_answered_in_time(stage: Stage) -> None:
    people = [stage.slack.add_person(f"dba{number:03}", id=f"U1{number:03}") for number in range(120)]
    stage.slack.add_group("S0DBA", [person.id for person in people])
    stage.policy_file.write_text(POLICY.replace("approvals = 2", "approvals = 3"))
    await stage.start_bot()
    stage.slack.faults.slow("users.info", LOOK_UP, times=500)
    await open_form(stage.rita, RDS)
    await fill(stage.rita, WISH)
    assert (await stage.rita.submit()).action == "push"
    await stage.rita.type("reason", "Disk is full")
    assert (await stage.rita.submit()).action == "clear"
    assert len(stage.slack.journal.called("users.info")) <= EXPECTED


async def test_one_mistyped_id_refuses_no_request_and_is_logged(stage: Stage) -> None:
    stage.policy_file.write_text(POLICY.replace('["S0DBA"]', '["U0AAAAAA", "S0DBA", "S0AAAAAA"]'))
    bot = await stage.start_bot()
    assert "person_unknown" in bot.log
    assert "group_unknown" in bot.log
    await ask(stage.slack, stage.rita, RDS, WISH)

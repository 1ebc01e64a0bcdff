"""Groups of any size are answered within the time that Slack waits, and who does not exist stops nobody."""

from bot.playground.acts import ask, fill, open_form
from bot.playground.stage import POLICY, Stage

RDS = "dbsmysqlrds01"
WISH = {"SourceEndpointPassword": "orders-db"}
LOOK_UP = 0.1
"""Seconds that Slack takes to say who somebody is."""
APPROVERS = 120


async def requested(stage: Stage, guests: int) -> int:
    """Ask for a change once, with guests first in the approvers' group; return how often Slack was asked about people.

    Fails where anything is refused.
    """
    people = [
        stage.slack.add_person(f"dba{number:03}", id=f"U1{number:03}", restricted=number < guests)
        for number in range(APPROVERS)
    ]
    stage.slack.add_group("S0DBA", [person.id for person in people])
    stage.policy_file.write_text(POLICY.replace("approvals = 2", "approvals = 3"))
    await stage.start_bot()
    stage.slack.faults.slow("users.info", LOOK_UP, times=500)
    await open_form(stage.rita, RDS)
    await fill(stage.rita, WISH)
    assert (await stage.rita.submit()).action == "push"
    await stage.rita.type("reason", "Disk is full")
    assert (await stage.rita.submit()).action == "clear", stage.rita.errors
    return len(stage.slack.journal.called("users.info"))


async def test_of_120_only_those_are_asked_about_whom_it_takes(stage: Stage) -> None:
    assert await requested(stage, guests=0) <= 3 + 1 + 1, "three, the requester, and one where an answer was late"


async def test_of_120_those_who_count_are_found_in_time_behind_guests(stage: Stage) -> None:
    await requested(stage, guests=60)


async def test_one_mistyped_id_refuses_no_request_and_is_logged(stage: Stage) -> None:
    stage.policy_file.write_text(POLICY.replace('["S0DBA"]', '["U0AAAAAA", "S0DBA", "S0AAAAAA"]'))
    bot = await stage.start_bot()
    assert "person_unknown" in bot.log
    assert "group_unknown" in bot.log
    await ask(stage.slack, stage.rita, RDS, WISH)

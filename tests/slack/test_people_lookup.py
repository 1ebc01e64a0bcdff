"""Who is who, asked of the fake Slack: how long an answer counts, how often it is asked, and what fails closed."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.people import Channel
from bot.errors import LookUpFailed, NoSuchGroup
from bot.playground.slack.server import FakeSlack
from bot.slack import people as people_module
from bot.slack.people import SlackPeople
from bot.slack.web import new_client, new_session


@pytest.fixture
def people(client: AsyncWebClient) -> SlackPeople:
    return SlackPeople(client)


def asked(slack: FakeSlack, method: str) -> int:
    return len(slack.journal.called(method))


async def test_a_person_is_what_slack_says(people: SlackPeople, slack: FakeSlack) -> None:
    slack.add_person("ana", id="U0ANA", tz="Europe/Berlin")
    ana = await people.person("U0ANA")
    assert (ana.id, ana.name, ana.team_id, ana.tz) == ("U0ANA", "ana", "T0PLAY", "Europe/Berlin")
    assert ana.disqualified("T0PLAY") == ""


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"restricted": True}, "Guests cannot do that; ask a full member of this workspace."),
        ({"ultra_restricted": True}, "Guests cannot do that; ask a full member of this workspace."),
        ({"bot": True}, "Only people can do that."),
        ({"deleted": True}, "This account is deactivated."),
        ({"stranger": True}, "Only members of this workspace can do that; you belong to another one."),
        ({"team_id": "T0OTHER"}, "Only members of this workspace can do that; you belong to another one."),
    ],
    ids=str,
)
async def test_req23_who_counts_for_nothing_is_told_why(
    people: SlackPeople, slack: FakeSlack, flags: dict[str, bool], why: str
) -> None:
    slack.add_person("zoe", **flags)  # type: ignore[arg-type]  # the team's id is a text, the flags are not
    assert (await people.person("U0ZOE")).disqualified("T0PLAY") == why


async def test_an_answer_counts_for_a_minute_unless_it_must_be_fresh(
    people: SlackPeople, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = slack.add_group("S0DBA", ["U0ANA"])
    assert await people.members("S0DBA") == {"U0ANA"}
    group.members.append("U0BEN")
    assert await people.members("S0DBA") == {"U0ANA"}
    assert await people.members("S0DBA", fresh=True) == {"U0ANA", "U0BEN"}
    group.members.append("U0CLEO")
    assert await people.members("S0DBA") == {"U0ANA", "U0BEN"}, "the fresh answer is remembered as well"
    assert people_module.AGE == 60
    monkeypatch.setattr(people_module, "AGE", 0.0)
    assert await people.members("S0DBA") == {"U0ANA", "U0BEN", "U0CLEO"}
    assert asked(slack, "usergroups.users.list") == 3


async def test_many_who_ask_the_same_at_once_ask_slack_once(people: SlackPeople, slack: FakeSlack) -> None:
    answers = await asyncio.gather(*(people.person("U0RITA") for _ in range(20)))
    assert {person.id for person in answers} == {"U0RITA"}
    assert asked(slack, "users.info") == 1


async def test_who_gives_up_waiting_does_not_take_the_answer_from_others(people: SlackPeople, slack: FakeSlack) -> None:
    slack.faults.slow("users.info", 0.2)
    impatient = asyncio.create_task(people.person("U0RITA"))
    patient = asyncio.create_task(people.person("U0RITA"))
    await asyncio.sleep(0.05)
    impatient.cancel()
    assert (await patient).id == "U0RITA"
    assert (await people.person("U0RITA")).id == "U0RITA"
    assert asked(slack, "users.info") == 1


async def test_a_fresh_answer_is_not_one_to_a_question_that_was_put_before(
    people: SlackPeople, slack: FakeSlack
) -> None:
    group = slack.add_group("S0DBA", ["U0ANA"])
    answered = asyncio.Event()
    slack.faults.gate_answer("usergroups.users.list", answered)
    earlier = asyncio.create_task(people.members("S0DBA"))
    await slack.wait_for(lambda: slack.calls and slack.calls[-1].answer is not None)
    group.members.clear()
    assert await people.members("S0DBA", fresh=True) == frozenset()
    answered.set()
    assert await earlier == {"U0ANA"}


@pytest.mark.parametrize("how", ["internal_error", "cut", "429", "503"])
async def test_req23_a_failed_look_up_is_said_and_not_remembered(
    people: SlackPeople, slack: FakeSlack, how: str
) -> None:
    match how:
        case "cut":
            slack.faults.cut("users.info", times=2)  # aiohttp repeats what only reads
        case "429":
            slack.faults.ratelimit("users.info", 30)
        case "503":
            slack.faults.http_5xx("users.info")
        case code:
            slack.faults.error("users.info", code)
    with pytest.raises(LookUpFailed):
        await people.person("U0RITA")
    assert (await people.person("U0RITA")).id == "U0RITA"


@pytest.mark.parametrize("code", ["no_such_subteam", "subteam_not_found"])
async def test_no_such_group_is_an_answer_good_for_a_minute(
    people: SlackPeople, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    slack.faults.error("usergroups.users.list", code)
    slack.add_group("S0DBA", ["U0ANA"])
    for _ in range(2):
        with pytest.raises(NoSuchGroup, match="no user group S0DBA, or it is disabled"):
            await people.members("S0DBA")
    assert asked(slack, "usergroups.users.list") == 1
    monkeypatch.setattr(people_module, "AGE", 0.0)
    assert await people.members("S0DBA") == {"U0ANA"}


async def test_a_group_that_is_disabled_or_unknown_does_not_exist(people: SlackPeople, slack: FakeSlack) -> None:
    slack.add_group("S0DBA", ["U0ANA"]).disabled = True
    for group in ("S0DBA", "S0NONE"):
        with pytest.raises(NoSuchGroup, match=group):
            await people.members(group)


@pytest.mark.parametrize("code", ["user_not_found", "users_not_found", "user_not_visible"])
async def test_no_such_user_is_an_answer_good_for_a_minute(
    people: SlackPeople, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    slack.faults.error("users.info", code)
    for _ in range(2):
        nobody = await people.person("U0RITA")
        assert (nobody.is_known, nobody.disqualified("T0PLAY")) == (False, "Slack knows no such person.")
    assert asked(slack, "users.info") == 1
    monkeypatch.setattr(people_module, "AGE", 0.0)
    assert (await people.person("U0RITA")).is_known


async def test_a_channel_is_read_afresh_and_one_that_is_not_shown_is_one_the_bot_is_not_in(
    people: SlackPeople, slack: FakeSlack
) -> None:
    ops = slack.channel("C0OPS")
    assert await people.channel("C0OPS") == Channel("C0OPS", "ops", bot_is_member=True, creator="U0ADMIN")
    ops.archived, ops.ext_shared = True, True
    shown = await people.channel("C0OPS")
    assert (shown.is_archived, shown.is_shared_outside) == (True, True)
    slack.add_channel("G0SECRET", "secret", private=True, bot_is_member=False)
    assert await people.channel("G0SECRET") == Channel("G0SECRET", is_known=False)
    slack.add_channel("C0SOON", "soon", pending_ext_shared=True)
    assert (await people.channel("C0SOON")).is_shared_outside
    slack.faults.error("conversations.info", "fatal_error")
    with pytest.raises(LookUpFailed):
        await people.channel("C0OPS")


@pytest.mark.parametrize(
    ("said", "is_member"),
    [({"is_private": True}, True), ({"is_private": False}, False), ({"is_private": True, "is_member": False}, False)],
    ids=str,
)
async def test_slack_shows_a_private_channel_to_its_members_only(said: dict[str, bool], is_member: bool) -> None:
    async def info(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "channel": {"id": "C0OPS", "name": "ops", **said}})

    app = web.Application()
    app.router.add_get("/conversations.info", info)
    async with TestServer(app) as server, new_session() as session:
        people = SlackPeople(new_client("xoxb-1", str(server.make_url("/")), session))
        assert (await people.channel("C0OPS")).bot_is_member is is_member

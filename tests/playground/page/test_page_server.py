"""The page's server: on loopback, for its own page only, one stream of what there is to be seen, and the acts."""

import json
import re
from importlib.resources import files
from typing import Any

import aiohttp
import pytest

import bot.playground.page
from bot.playground.page.server import PageServer
from bot.playground.page.setting import PASSWORDS, Setting
from bot.playground.stage import CHANNEL

VIEW = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Some form"},
    "submit": {"type": "plain_text", "text": "Go"},
    "blocks": [
        {
            "type": "input",
            "block_id": "days",
            "label": {"type": "plain_text", "text": "Days"},
            "element": {"type": "number_input", "action_id": "days", "is_decimal_allowed": False, "max_value": "30"},
        }
    ],
}


async def act(http: aiohttp.ClientSession, **what: Any) -> dict[str, Any]:
    async with http.post("/act", json=what) as answer:
        assert answer.status == 200
        done: dict[str, Any] = await answer.json()
        return done


class Stream:
    """One stream of events, read as it comes."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self, kind: str) -> dict[str, Any]:
        """Return the next event of a kind."""
        while True:
            name = (await self._answer.content.readline()).decode().removeprefix("event: ").strip()
            data = json.loads((await self._answer.content.readline()).decode().removeprefix("data: "))
            await self._answer.content.readline()
            if name == kind:
                assert isinstance(data, dict)
                return data


async def test_the_page_is_only_what_is_in_its_folder_and_asks_for_nothing_outside(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as answer:
        text = await answer.text()
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'; ")
    wanted = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert all(one.startswith("/static/") for one in wanted)
    for address in wanted:
        async with http.get(address) as answer:
            assert answer.status == 200


def test_no_asset_names_an_address_outside_or_parses_text_as_markup() -> None:
    for asset in files(bot.playground.page).joinpath("static").iterdir():
        text = asset.read_text("utf-8")
        assert set(re.findall(r"https?://[^\s\"'`)?:|]+", text)) <= {"http://www.w3.org/2000/svg"}, asset.name
        assert re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(", text) is None


@pytest.mark.parametrize(
    "address", ["/static/missing.js", "/static/..%2Fserver.py", "/static/server.py", "/sight?as=U0"]
)
async def test_what_is_not_there_is_not_found(http: aiohttp.ClientSession, address: str) -> None:
    async with http.get(address) as answer:
        assert answer.status == 404


async def test_a_name_that_leads_to_loopback_from_outside_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.get("/setting", headers={"Host": "rebound.example.com"}) as answer:
        assert answer.status == 403


async def test_a_form_of_another_page_cannot_act(http: aiohttp.ClientSession, setting: Setting) -> None:
    said = json.dumps({"as": "U0RITA", "do": "say", "text": "x", "channel": CHANNEL})
    before = len(setting.slack.channel(CHANNEL).messages)
    async with http.post("/act", data=said, headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 415
    assert len(setting.slack.channel(CHANNEL).messages) == before


@pytest.mark.parametrize(
    "body",
    [
        "no JSON", "[]", "{}", '{"as": "U0NOBODY", "do": "say"}', '{"as": "U0RITA", "do": "fly"}',
        '{"as": "U0RITA", "do": "say"}', '{"as": "U0RITA", "do": "click", "name": "approve"}',
    ],
)  # fmt: skip
async def test_what_is_no_act_is_refused(http: aiohttp.ClientSession, body: str) -> None:
    async with http.post("/act", data=body, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("asked", [{"name": "flood", "plan": "dbsmysqlrds01"}, {"name": "slow", "plan": "dbs0"}, {}])
async def test_what_is_no_upset_is_refused_and_changes_nothing(
    http: aiohttp.ClientSession, setting: Setting, asked: dict[str, str]
) -> None:
    async with http.post("/upset", json=asked) as answer:
        assert answer.status == 400
    assert setting.dbs.queued == []


async def test_the_stream_tells_of_every_change_and_of_nothing_else(
    http: aiohttp.ClientSession, setting: Setting
) -> None:
    async with http.get("/sight", params={"as": "U0ANA"}) as answer:
        assert answer.content_type == "text/event-stream"
        stream = Stream(answer)
        first = await stream.next("sight")
        assert (first["me"], first["view"], first["ephemerals"]) == ("U0ANA", None, [])
        assert all("metadata" not in one for channel in first["channels"] for one in channel["messages"])
        await stream.next("behind")
        await act(http, **{"as": "U0RITA"}, do="say", text="Hello", channel=CHANNEL)
        then = await stream.next("sight")
        assert then["channels"][0]["messages"][-1]["text"] == "Hello"
        setting.dbs.change("dbsmysqlrds01", BackupRetentionPeriod=31)
        behind = await stream.next("behind")
        assert behind["plans"][0]["BackupRetentionPeriod"] == 31


async def test_what_a_client_does_not_allow_says_at_which_input(http: aiohttp.ClientSession, setting: Setting) -> None:
    setting.slack.world.modals.open("U0RITA", VIEW)
    rita = {"as": "U0RITA"}
    assert await act(http, **rita, do="type", name="days", value="31") == {
        "ok": False,
        "blocked": "days must be at most 30, not 31",
        "marks": {"days": "must be at most 30, not 31"},
    }
    assert (await act(http, **rita, do="submit"))["marks"] == {"days": "is required"}
    assert await act(http, **rita, do="type", name="days", value="30") == {"ok": True}
    assert await act(http, **rita, do="close") == {"ok": True}
    assert setting.rita.view is None


async def test_a_bot_that_is_not_there_is_told_of(http: aiohttp.ClientSession) -> None:
    done = await act(http, **{"as": "U0RITA"}, do="command", text="/backup-plan help", channel=CHANNEL)
    assert done == {"ok": True, "acked": False, "seconds": done["seconds"]}
    async with http.get("/sight", params={"as": "U0RITA"}) as answer:
        seen = await Stream(answer).next("sight")
    assert seen["notices"] == ['/backup-plan failed with the error "dispatch_failed"']
    assert seen["hint"]["text"].startswith("The bot is not running.")


async def test_the_payloads_can_be_read_in_full(http: aiohttp.ClientSession) -> None:
    await act(http, **{"as": "U0RITA"}, do="command", text="/backup-plan help", channel=CHANNEL)
    async with http.get("/payload/d0") as answer:
        assert (await answer.json())["to the bot"]["text"] == "help"
    for missing in ("d7", "c0", "dx"):
        async with http.get(f"/payload/{missing}") as answer:
            assert answer.status == 404


async def test_a_password_that_dbs_received_is_nowhere_on_the_page(
    http: aiohttp.ClientSession, setting: Setting
) -> None:
    """Not even where DBS answers a bad signature with what it received."""
    form = {
        "SourceEndpointPassword": PASSWORDS["ORDERS_DB_PASSWORD"],
        "BackupPlanName": PASSWORDS["EVENTS_DB_PASSWORD"],
    }
    async with aiohttp.ClientSession() as session:
        headers = {"x-acs-action": "ConfigureBackupPlan", "x-acs-version": "2019-03-06"}
        async with session.post(setting.dbs.url, data=form, headers=headers) as answer:
            await answer.read()
    async with http.get("/sight", params={"as": "U0RITA"}) as answer:
        behind = await Stream(answer).next("behind")
    assert behind["requests"][0]["params"] == {"SourceEndpointPassword": "••••••••", "BackupPlanName": "••••••••"}
    assert not any(password in json.dumps(behind) for password in PASSWORDS.values())


async def test_the_server_listens_on_loopback_only(page: PageServer) -> None:
    assert page.url.startswith("http://127.0.0.1:")
    assert page._runner is not None
    assert [address[0] for address in page._runner.addresses] == ["127.0.0.1"]

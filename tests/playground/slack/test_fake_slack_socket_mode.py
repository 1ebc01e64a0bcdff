"""Socket Mode as the real client libraries speak it."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.person import Person
from bot.playground.slack.server import FakeSlack


async def connect(slack: FakeSlack, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    client = AsyncWebClient(slack.app_token, base_url=slack.url)
    opened = await client.apps_connections_open(app_token=slack.app_token)
    return await session.ws_connect(str(opened["url"]))


async def test_a_command_is_answered_through_one_of_two_sockets(
    slack: FakeSlack, two_sockets: AsyncApp, alice: Person
) -> None:
    """The acknowledgement's payload becomes the private reply, and each command arrives once."""
    heard = []

    @two_sockets.command("/backup-plan")
    async def command(ack: Any, body: Any) -> None:
        heard.append(body["text"])
        await ack(f"heard {body['text']}")

    for word in ("one", "two", "three"):
        ack = await alice.command(f"/backup-plan {word}", channel="C0OPS")
        assert ack.text == f"heard {word}"
    assert heard == ["one", "two", "three"]
    assert {one.via for one in slack.deliveries} == {"socket"}
    assert slack.violations == []


async def test_options_come_through_a_socket(
    slack: FakeSlack, two_sockets: AsyncApp, client: AsyncWebClient, alice: Person, kit: Any
) -> None:
    """A block_suggestion is answered by the payload of its acknowledgement."""

    @two_sockets.options("Plan")
    async def options(ack: Any, payload: Any) -> None:
        await ack(options=[kit.option(f"{payload['value']}-1")])

    trigger = slack.world.tickets.trigger("U0ALICE", "command", "C0OPS")
    select = kit.with_element("Plan", {"type": "external_select", "min_query_length": 0})
    await client.views_open(trigger_id=trigger, view=kit.modal(select))
    assert [one["value"] for one in await alice.suggest("Plan", "dbs")] == ["dbs-1"]


async def test_after_a_refresh_payloads_go_to_the_other_socket(
    slack: FakeSlack, two_sockets: AsyncApp, alice: Person
) -> None:
    """A connection that was asked to leave gets nothing more, and the client opens a new one."""

    @two_sockets.command("/backup-plan")
    async def command(ack: Any) -> None:
        await ack("here")

    await slack.sockets.refresh()
    acks = [await alice.command("/backup-plan", channel="C0OPS") for _ in range(4)]
    assert [ack.text for ack in acks] == ["here"] * 4
    await slack.wait_for(lambda: slack.sockets.connections == 2)


async def test_an_unacknowledged_envelope_fails_for_the_person(slack: FakeSlack, alice: Person) -> None:
    """Without an acknowledgement in time the person is told; a late one changes nothing."""
    slack.courier.ack_seconds = 0.1
    async with aiohttp.ClientSession() as session, await connect(slack, session) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        ack = await alice.command("/backup-plan", channel="C0OPS")
        envelope = await socket.receive_json()
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await socket.send_json({"envelope_id": "made-up"})
        await slack.wait_for(lambda: slack.violations)
    assert not ack.ok
    assert alice.notices == ['/backup-plan failed with the error "operation_timeout"']
    assert slack.violations == ["Socket Mode: there is no envelope 'made-up'"]


async def test_a_payload_on_a_socket_that_closes_is_lost(slack: FakeSlack, alice: Person) -> None:
    """Slack does not send an interaction again through another connection."""
    async with aiohttp.ClientSession() as session:
        socket = await connect(slack, session)
        await socket.receive_json()
        command = asyncio.create_task(alice.command("/backup-plan", channel="C0OPS"))
        await socket.receive_json()
        await socket.close()
        ack = await command
    assert not ack.ok
    assert alice.notices == ['/backup-plan failed with the error "dispatch_failed"']


async def test_the_eleventh_socket_is_turned_away(slack: FakeSlack) -> None:
    """Ten connections are open at most."""
    async with aiohttp.ClientSession() as session:
        sockets = [await connect(slack, session) for _ in range(11)]
        first_words = [(await socket.receive_json()) for socket in sockets]
        assert [one["type"] for one in first_words] == ["hello"] * 10 + ["disconnect"]
        assert first_words[-1]["reason"] == "too_many_websockets"
        for socket in sockets:
            await socket.close()


async def test_only_the_app_token_opens_a_socket(slack: FakeSlack, client: AsyncWebClient) -> None:
    """The bot token is refused for apps.connections.open, and the app token for everything else."""
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=slack.bot_token)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.auth_test(token=slack.app_token)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(slack.url.replace("/api/", "/link?ticket=stolen"))

"""A workspace with three people, a channel, and a small Bolt app that stands in for the bot."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.person import Person
from bot.playground.slack.server import FakeSlack


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as running:
        running.add_person("alice", id="U0ALICE", tz="Asia/Shanghai")
        running.add_person("bob", id="U0BOB")
        running.add_channel("C0OPS", "ops")
        yield running


@pytest.fixture
def alice(slack: FakeSlack) -> Person:
    return slack.people["U0ALICE"]


@pytest.fixture
def bob(slack: FakeSlack) -> Person:
    return slack.people["U0BOB"]


@pytest.fixture
def client(slack: FakeSlack) -> AsyncWebClient:
    return AsyncWebClient(slack.bot_token, base_url=slack.url, retry_handlers=[])


@pytest.fixture
async def bolt(slack: FakeSlack, client: AsyncWebClient) -> AsyncIterator[AsyncApp]:
    """A Bolt app behind a real HTTP server; the test registers what it listens to."""
    app = AsyncApp(client=client, signing_secret=slack.signing_secret, process_before_response=True)

    async def events(request: web.Request) -> web.Response:
        headers = {name: [value] for name, value in request.headers.items()}
        answer = await app.async_dispatch(AsyncBoltRequest(body=await request.text(), headers=headers))
        kind = answer.headers.get("content-type", ["text/plain"])[0]
        return web.Response(status=answer.status, text=answer.body, content_type=kind.partition(";")[0])

    server = web.Application()
    server.router.add_post("/slack/events", events)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.point_at(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    yield app
    await runner.cleanup()
    await asyncio.sleep(0)

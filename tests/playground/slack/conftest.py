"""A workspace with three people, a channel, and a small Bolt app that stands in for the bot."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.person import Person
from bot.playground.slack.server import FakeSlack

Json = dict[str, Any]


class Kit:
    """Views and messages as short as Slack takes them."""

    @staticmethod
    def plain(text: str) -> Json:
        return {"type": "plain_text", "text": text}

    @staticmethod
    def option(value: str) -> Json:
        return {"text": Kit.plain(value.upper()), "value": value}

    @staticmethod
    def text_input(name: str, **more: Any) -> Json:
        element = {"type": "plain_text_input", "action_id": name, **more.pop("element", {})}
        return {"type": "input", "block_id": name, "label": Kit.plain(name), "element": element, **more}

    @staticmethod
    def with_element(name: str, element: Json, **more: Any) -> Json:
        return {
            "type": "input",
            "block_id": name,
            "label": Kit.plain(name),
            "element": {"action_id": name.partition("~")[0], **element},
            **more,
        }

    @staticmethod
    def select(name: str, *values: str, **more: Any) -> Json:
        return Kit.with_element(name, {"type": "static_select", "options": [Kit.option(one) for one in values]}, **more)

    @staticmethod
    def section(text: str) -> Json:
        return {"type": "section", "text": {"type": "mrkdwn", "text": text}}

    @staticmethod
    def buttons(*names: str, **more: Any) -> Json:
        elements = [
            {"type": "button", "action_id": name, "text": Kit.plain(name.title()), "value": f"v-{name}", **more}
            for name in names
        ]
        return {"type": "actions", "block_id": "decide", "elements": elements}

    @staticmethod
    def modal(*blocks: Json, **more: Any) -> Json:
        view = {"type": "modal", "callback_id": "form", "title": Kit.plain("A form"), "blocks": list(blocks), **more}
        if any(block["type"] == "input" for block in blocks):
            view.setdefault("submit", Kit.plain("Send"))
        return view


@pytest.fixture
def kit() -> type[Kit]:
    return Kit


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
        headers: dict[str, str | Sequence[str]] = {name: [value] for name, value in request.headers.items()}
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


@pytest.fixture
async def two_sockets(slack: FakeSlack, client: AsyncWebClient) -> AsyncIterator[AsyncApp]:
    """One Bolt app connected twice."""
    app = AsyncApp(client=client, signing_secret=slack.signing_secret, process_before_response=True)
    handlers: list[Any] = [AsyncSocketModeHandler(app, slack.app_token, ping_interval=0.2) for _ in range(2)]
    for handler in handlers:
        await handler.connect_async()
    await slack.wait_for(lambda: slack.sockets.connections == 2)
    yield app
    for handler in handlers:
        await handler.close_async()

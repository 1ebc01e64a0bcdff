"""Socket Mode against a workspace on loopback: nothing is lost while connections come and go."""

import asyncio
import io
import json
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import ConfigError
from bot.playground.slack.server import FakeSlack
from bot.slack.once import Once
from bot.slack.payload import Answer, Payload
from bot.slack.socket import CONNECTIONS, Sockets

COMMAND = {
    "command": "/backup-plan",
    "text": "help",
    "user_id": "U0ANA",
    "team_id": "T0PLAY",
    "channel_id": "C0OPS",
    "trigger_id": "1.2",
}


class Listener:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.answer = Answer(200)
        self.called = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, payload: Payload) -> Answer:
        self.texts.append(payload.body["text"])
        self.called.set()
        await self.go_on.wait()
        return self.answer


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack(ack_seconds=0.5) as slack:
        yield slack


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def sockets(slack: FakeSlack, listener: Listener) -> AsyncIterator[Sockets]:
    sockets = to(slack, listener)
    yield sockets
    await sockets.close()


def to(slack: FakeSlack, listener: Listener, *, token: str = "") -> Sockets:
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.url, retry_handlers=[])
    return Sockets(Once(listener), client, SecretStr(token or slack.app_token), first_wait=0.01)


async def until_connected(slack: FakeSlack) -> None:
    await slack.wait_for(lambda: slack.sockets.connections == CONNECTIONS)


async def test_two_connections_are_open(slack: FakeSlack, sockets: Sockets) -> None:
    await sockets.start()
    assert sockets.connected == 1
    await slack.wait_for(lambda: sockets.connected == CONNECTIONS)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(200), ""),
        (Answer(200, "one moment"), '{"text": "one moment"}'),
        (Answer(200, '{"options": []}', "application/json;charset=utf-8"), '{"options": []}'),
    ],
)
async def test_an_answer_comes_back_as_the_acknowledgement(
    slack: FakeSlack, sockets: Sockets, listener: Listener, answer: Answer, told: str
) -> None:
    await sockets.start()
    listener.answer = answer
    delivery = await slack.deliver("slash_commands", COMMAND)
    assert (delivery.problem, delivery.answer) == ("", told)
    assert listener.texts == ["help"]


@pytest.mark.parametrize("status", [404, 500])
async def test_what_failed_is_not_acknowledged(
    slack: FakeSlack, sockets: Sockets, listener: Listener, status: int
) -> None:
    await sockets.start()
    listener.answer = Answer(status, "no")
    assert (await slack.deliver("slash_commands", COMMAND)).problem == "timeout"


async def test_a_malformed_payload_is_neither_handled_nor_acknowledged(
    slack: FakeSlack, sockets: Sockets, listener: Listener
) -> None:
    await sockets.start()
    assert (await slack.deliver("interactive", {"type": "block_actions"})).problem == "timeout"
    assert listener.texts == []


async def test_a_repeated_payload_is_handled_once(slack: FakeSlack, sockets: Sockets, listener: Listener) -> None:
    await sockets.start()
    await until_connected(slack)
    first = await slack.deliver("slash_commands", COMMAND)
    second = await slack.courier.repeat(first)
    assert (first.problem, second.problem) == ("", "")
    assert listener.texts == ["help"]


async def test_nothing_is_lost_while_slack_replaces_connections(
    slack: FakeSlack, sockets: Sockets, listener: Listener
) -> None:
    await sockets.start()
    await until_connected(slack)
    for number in range(60):
        if number % 20 == 10:
            await slack.sockets.refresh()
        delivery = await slack.deliver("slash_commands", {**COMMAND, "text": str(number), "trigger_id": str(number)})
        assert delivery.problem == ""
    assert listener.texts == [str(number) for number in range(60)]
    await until_connected(slack)


async def test_a_connection_that_breaks_is_opened_again(slack: FakeSlack, sockets: Sockets) -> None:
    await sockets.start()
    await until_connected(slack)
    await slack.sockets.close()
    await until_connected(slack)
    assert (await slack.deliver("slash_commands", COMMAND)).problem == ""


async def test_start_goes_on_trying_while_slack_cannot_be_reached(slack: FakeSlack, sockets: Sockets) -> None:
    slack.faults.cut("apps.connections.open")
    slack.faults.http_5xx("apps.connections.open")
    slack.faults.error("apps.connections.open", "internal_error")
    await sockets.start()
    await until_connected(slack)


async def test_start_waits_for_a_slack_that_is_not_there_yet(listener: Listener) -> None:
    slack = FakeSlack()
    await slack.start()
    port = int(slack.url.split(":")[2].split("/")[0])
    sockets = to(slack, listener)
    await slack.stop()
    starting = asyncio.create_task(sockets.start())
    await asyncio.sleep(0.05)
    assert not starting.done()
    slack = FakeSlack()
    await slack.start(port)
    await starting
    await until_connected(slack)
    await sockets.close()
    await slack.stop()


async def test_a_refused_token_is_a_wrong_setting(slack: FakeSlack, listener: Listener) -> None:
    sockets = to(slack, listener, token="xapp-wrong")
    with pytest.raises(ConfigError, match=r"^SLACK_APP_TOKEN is refused by Slack \(invalid_auth\)"):
        await sockets.start()
    await sockets.close()


async def test_closing_lets_what_is_in_flight_end(slack: FakeSlack, sockets: Sockets, listener: Listener) -> None:
    await sockets.start()
    listener.go_on.clear()
    delivering = asyncio.create_task(slack.deliver("slash_commands", COMMAND))
    await listener.called.wait()
    closing = asyncio.create_task(sockets.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    listener.go_on.set()
    await closing
    assert (await delivering).problem == ""
    assert sockets.connected == 0


async def test_neither_token_nor_ticket_nor_payload_is_logged(
    slack: FakeSlack, sockets: Sockets, listener: Listener, log: io.StringIO
) -> None:
    slack.faults.cut("apps.connections.open")
    await sockets.start()
    await until_connected(slack)
    await slack.sockets.refresh()
    await slack.deliver("slash_commands", {**COMMAND, "text": "marked-text"})
    await slack.deliver("interactive", {"type": "marked-type"})
    await slack.sockets.close()
    await sockets.close()
    logged = log.getvalue()
    assert "socket_opened" in logged
    assert not any(secret in logged for secret in (slack.app_token, slack.bot_token, "ticket", "marked-"))
    assert json.dumps(listener.texts) == '["marked-text"]'

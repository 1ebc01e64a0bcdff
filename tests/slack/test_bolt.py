"""Bolt answers for listeners that fail or are missing, and keeps payloads to itself."""

import io
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import ConfigError
from bot.playground.slack.server import FakeSlack
from bot.slack.bolt import new_app, to_bolt
from bot.slack.identity import Identity
from bot.slack.payload import Answer, Payload

ME = Identity(team_id="T0PLAY", team="play", bot_id="B0BOT", user_id="U0BOT")
COMMAND = Payload(
    "command",
    {"command": "/backup-plan", "text": "marked-text", "user_id": "U0ANA", "team_id": "T0PLAY", "channel_id": "C0OPS"},
)


def client(slack: FakeSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.url, retry_handlers=[])


async def test_what_a_listener_acks_is_the_answer() -> None:
    async with FakeSlack() as slack:
        app = new_app(client(slack), ME)

        @app.command("/backup-plan")
        async def command(ack: Any, body: dict[str, Any]) -> None:
            await ack({"text": body["text"]})

        answer = await to_bolt(app)(COMMAND)
    assert (answer.status, answer.body) == (200, '{"text": "marked-text"}')
    assert answer.content_type.startswith("application/json")


async def test_a_listener_that_fails_is_not_acked_and_its_payload_is_not_logged(log: io.StringIO) -> None:
    async with FakeSlack() as slack:
        app = new_app(client(slack), ME)

        @app.command("/backup-plan")
        async def command(body: dict[str, Any]) -> None:
            raise LookupError(len(body))

        answer = await to_bolt(app)(COMMAND)
    assert answer.status == 500
    assert "listener_failed" in log.getvalue()
    assert "LookupError" in log.getvalue()
    assert "marked-text" not in log.getvalue()


async def test_what_nobody_listens_to_is_not_acked_nor_logged(log: io.StringIO) -> None:
    async with FakeSlack() as slack:
        answer = await to_bolt(new_app(client(slack), ME))(COMMAND)
    assert answer == Answer(404, "The bot does not do this.", "text/plain;charset=utf-8")
    assert "payload_unhandled" in log.getvalue()
    assert "marked-text" not in log.getvalue()


def test_bolt_s_reading_of_the_environment_is_not_told(monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    new_app(AsyncWebClient(token="xoxb-1"), ME)
    assert log.getvalue() == ""


def test_bolt_s_own_installation_is_refused(monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "s3cret")
    with pytest.raises(ConfigError, match=r"^SLACK_CLIENT_ID and SLACK_CLIENT_SECRET must not be set"):
        new_app(AsyncWebClient(token="xoxb-1"), ME)
    assert log.getvalue() == ""

"""A security token that expires while a change is carried out: it is renewed, and nothing else changes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from flow.carrying_out import CONFIGURE, DESCRIBE, SHORTER, approve, events

from bot.playground.acts import ask, outcome, replies, said
from bot.playground.dbs.faults import Gate, hold, lose_answer
from bot.playground.stage import Stage

OpenStage = Callable[..., Awaitable[Stage]]
KEY = "LTAIplayground"
REDIS = "dbsredisecs01"


class Tokens:
    """What a service of credentials hands out: one key, and a token that this test lets expire."""

    def __init__(self) -> None:
        self.number = 1
        self.asked = 0

    @property
    def token(self) -> str:
        return f"sts-token-{self.number}"

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        until = datetime.now(UTC) + timedelta(hours=1)
        return web.json_response({
            "Code": "Success", "AccessKeyId": KEY, "AccessKeySecret": "playground-key-secret",
            "SecurityToken": self.token, "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        })  # fmt: skip

    def expire(self, stage: Stage) -> None:
        stage.dbs.porter.expired_tokens.add(self.token)
        self.number += 1
        stage.dbs.porter.tokens[KEY] = self.token


@pytest.fixture
async def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
async def uri(tokens: Tokens) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/credentials", tokens.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/credentials"
    await runner.cleanup()


@pytest.mark.parametrize("when", ["between_reading_and_sending", "between_two_sends"])
async def test_a_token_that_expires_in_mid_flight_is_renewed_and_the_client_token_stays(
    open_stage: OpenStage, tokens: Tokens, uri: str, when: str
) -> None:
    stage = await open_stage(
        ALIBABA_CLOUD_ACCESS_KEY_ID="",
        ALIBABA_CLOUD_ACCESS_KEY_SECRET="",
        ALIBABA_CLOUD_CREDENTIALS_URI=uri,
        EXECUTION_LEASE="8s",
        DBS_TIMEOUT="7s",
    )
    stage.dbs.porter.tokens[KEY] = tokens.token
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    gate = Gate()
    if when == "between_two_sends":
        stage.dbs.next(CONFIGURE, lose_answer())
    stage.dbs.next(DESCRIBE, *([hold(gate)] if when == "between_reading_and_sending" else []))
    await approve(stage, card)
    if when == "between_reading_and_sending":
        await gate.reached.wait()
    else:
        await stage.slack.wait_for(lambda: stage.dbs.effects)
    tokens.expire(stage)
    gate.release()

    assert said(await outcome(stage.slack, card))["state"] == "applied"
    sent = stage.dbs.calls(CONFIGURE)
    turned_away = ["InvalidSecurityToken.Expired", ""]
    assert [call.code for call in sent] == (turned_away if when == "between_reading_and_sending" else ["cut", ""])
    assert len({call.params["ClientToken"] for call in sent}) == len(stage.dbs.effects) == 1
    assert len(events(stage, card, "sent")) == (1 if when == "between_reading_and_sending" else 2)
    assert len(replies(stage.slack, card)) == 1
    assert tokens.asked == 2
    expired = [call for call in stage.dbs.requests if call.code == "InvalidSecurityToken.Expired"]
    assert len(expired) == 1
    text = stage.slack.traffic + stage.bots[0].log
    assert not any(f"sts-token-{number}" in text for number in (1, 2))

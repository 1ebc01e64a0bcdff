"""The bot's client against the playground's DBS, over real loopback HTTP."""

import logging
from collections.abc import AsyncIterator, Callable

import pytest

from bot.alibaba.credentials import FixedKeys, Keys
from bot.alibaba.dbs import DbsClient
from bot.playground.dbs import FakeDbs

KEY_ID = "LTAI5tMarkedKeyId"
KEY_SECRET = "marked/Key+Secret=="
TOKEN = "CAIS/marked+Token=="


@pytest.fixture(autouse=True)
def quiet_http(caplog: pytest.LogCaptureFixture) -> None:
    """Hold the HTTP library down as the bot's own logging does: it prints URLs, which in query mode tell all."""
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.WARNING, logger=name)


@pytest.fixture
async def fake() -> AsyncIterator[FakeDbs]:
    """A DBS that knows one key, which must come with a security token."""
    async with FakeDbs(keys={KEY_ID: KEY_SECRET}) as server:
        server.porter.tokens[KEY_ID] = TOKEN
        yield server


@pytest.fixture
def keys() -> FixedKeys:
    """What the fake knows."""
    return FixedKeys(Keys(KEY_ID, KEY_SECRET, TOKEN))


@pytest.fixture(params=["body", "query"])
async def dbs(fake: FakeDbs, keys: FixedKeys, request: pytest.FixtureRequest) -> AsyncIterator[DbsClient]:
    """The client, with parameters in the body and in the query."""
    client = DbsClient(fake.url, region="cn-hangzhou", keys=keys, timeout=5, parameters=request.param)
    async with client:
        yield client


@pytest.fixture
def marks() -> Callable[[str], list[str]]:
    """Find what must never be seen, raw or encoded in any usual way, by its marked middle."""
    middles = ("marked", "LTAI5t", "MarkedKeyId")
    return lambda text: [middle for middle in middles if middle in text]

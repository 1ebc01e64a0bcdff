"""The playground's DBS, spoken to by hand-made requests and by the official SDK."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from bot.alibaba.credentials import Keys
from bot.alibaba.signature import Signed, sign
from bot.playground.dbs import FakeDbs

KEYS = Keys("LTAIplayground", "playground-key-secret")


@dataclass
class Caller:
    """Sends single signed requests, which a test may spoil on the way."""

    fake: FakeDbs
    http: httpx.AsyncClient
    keys: Keys = field(default=KEYS)

    def signed(self, action: str, params: Mapping[str, str], version: str = "2019-03-06") -> Signed:
        """Sign a request with parameters in the body."""
        return sign(self.fake.url.removeprefix("http://"), action, version, params, self.keys, "body")

    async def send(self, signed: Signed, **headers: str) -> httpx.Response:
        """Send it, with headers replaced after signing."""
        return await self.http.post(
            self.fake.url + signed.target, headers={**signed.headers, **headers}, content=signed.content
        )

    async def __call__(self, action: str, params: Mapping[str, str], version: str = "2019-03-06") -> dict[str, Any]:
        """Call an operation and return the body of the answer."""
        body = (await self.send(self.signed(action, params, version))).json()
        assert isinstance(body, dict)
        return body


@pytest.fixture
async def fake() -> AsyncIterator[FakeDbs]:
    """A DBS with a plan of every kind."""
    async with FakeDbs() as server:
        yield server


@pytest.fixture
async def call(fake: FakeDbs) -> AsyncIterator[Caller]:
    """Somebody with a good key."""
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Caller(fake, http)


@pytest.fixture
def digest() -> Callable[[bytes], str]:
    """The hash of a body."""
    return lambda content: hashlib.sha256(content).hexdigest()

"""Bringing payloads to the bot, signed over HTTP or by Socket Mode, and waiting for an answer as long as Slack does."""

import asyncio
import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import aiohttp

from bot.playground.slack.journal import Delivery
from bot.playground.slack.socket_mode import SocketMode
from bot.playground.slack.workspace import Json
from bot.playground.slack.world import World


class Courier:
    """Delivers to one app: to its websockets while there are any, else to its request URL."""

    def __init__(self, world: World, sockets: SocketMode, ack_seconds: float) -> None:
        """`ack_seconds` is how long Slack waits: 3."""
        self._world = world
        self._sockets = sockets
        self.ack_seconds = ack_seconds
        self._session: aiohttp.ClientSession | None = None
        self.request_urls: list[str] = []
        """Processes of the app; each delivery goes to the next one, as a load balancer does it."""

    async def deliver(self, kind: str, payload: Json, retry: int = 0) -> Delivery:
        """Bring one payload to the bot and record what came of it; never raises. `retry` numbers a repeated event."""
        delivery = Delivery(kind, payload, self._world.clock(), _body(kind, payload))
        self._world.journal.deliveries.append(delivery)
        return await self._carry(delivery, retry)

    async def repeat(self, delivery: Delivery) -> Delivery:
        """Bring the same payload once more, freshly signed (HTTP) or in a new envelope (Socket Mode)."""
        return await self.deliver(delivery.kind, delivery.payload, retry=1 if delivery.kind == "events_api" else 0)

    def _next_url(self) -> str:
        if not self.request_urls:
            raise ConnectionError("the app has neither a request URL nor a websocket")
        self.request_urls.append(self.request_urls.pop(0))
        return self.request_urls[-1]

    async def post(self, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """Send anything at all to the request URL, as somebody on the internet might, and return status and body."""
        async with self._http().post(self._next_url(), data=body, headers=headers, allow_redirects=False) as response:
            return response.status, await response.text()

    def sign(
        self, body: bytes, timestamp: str, content_type: str = "application/x-www-form-urlencoded"
    ) -> dict[str, str]:
        """Return the headers with which Slack sends this body at this time (seconds since 1970)."""
        signed = b"v0:" + timestamp.encode() + b":" + body
        digest = hmac.new(self._world.app.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
        return {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={digest}",
        }

    async def close(self) -> None:
        """Close the connections to the bot."""
        if self._session is not None:
            await self._session.close()

    async def _carry(self, delivery: Delivery, retry: int) -> Delivery:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.ack_seconds):
                if self._sockets.connections:
                    await self._by_socket(delivery)
                else:
                    await self._by_http(delivery, retry)
        except TimeoutError:
            delivery.problem = "timeout"
        except (aiohttp.ClientError, ConnectionError) as wrong:
            delivery.problem = str(wrong) or type(wrong).__name__
        delivery.duration = time.monotonic() - began
        return delivery

    async def _by_socket(self, delivery: Delivery) -> None:
        delivery.via = "socket"
        ack = await self._sockets.send(delivery.kind, delivery.payload)
        delivery.status = 200
        delivery.answer = json.dumps(ack["payload"], ensure_ascii=False) if "payload" in ack else ""

    async def _by_http(self, delivery: Delivery, retry: int) -> None:
        url = self._next_url()
        body = delivery.body.encode()
        kind = "application/json" if delivery.kind == "events_api" else "application/x-www-form-urlencoded"
        headers = self.sign(body, str(int(self._world.clock())), kind)
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        async with self._http().post(url, data=body, headers=headers, allow_redirects=False) as response:
            delivery.answer = await response.text()
            delivery.status = response.status

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # a kept connection would break when the bot restarts, and the break would look like the bot's
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True), trust_env=False)
        return self._session


def _body(kind: str, payload: Json) -> str:
    if kind == "events_api":
        return json.dumps(payload, ensure_ascii=False)
    if kind == "slash_commands":
        return urlencode(payload)
    return urlencode({"payload": json.dumps(payload, ensure_ascii=False)})

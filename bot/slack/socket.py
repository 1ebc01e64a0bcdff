"""Socket Mode: Slack's payloads over websockets that the bot opens, for where nothing can reach it from outside.

There are two of them, and each is replaced before it goes: with one, a tenth of the clicks during Slack's hourly
refresh are lost (measured). slack_sdk's client is not used, because it puts the one-time address into its log lines.
"""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import aiohttp
import structlog
from pydantic import SecretStr
from pydantic_core import from_json
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import ConfigError
from bot.slack.payload import Answer, Dispatch, Malformed, from_fields
from bot.slack.web import SlackFailed, slack_call, stay

CONNECTIONS = 2
OPEN_SECONDS = 15
CLOSE_SECONDS = 2.0
PING_SECONDS = 10.0
RETIRE_SECONDS = 30
"""How long a connection that Slack gave notice to is still read; Slack closes it earlier."""
LONGEST_WAIT_SECONDS = 30.0

REFUSALS = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_expired",
        "token_revoked",
        "not_allowed_token_type",
        "missing_scope",
        "no_permission",
    }
)
"""Answers of apps.connections.open that asking again does not change."""

log = structlog.get_logger()


class Sockets:
    """The connections to Slack: payloads go to `dispatch`, its answers with status 200 back as acknowledgements."""

    def __init__(
        self, dispatch: Dispatch, client: AsyncWebClient, app_token: SecretStr, *, first_wait: float = 1.0
    ) -> None:
        """`client` opens the connections with `app_token`; after a failure it waits `first_wait` s, then longer."""
        self._dispatch = dispatch
        self._client = client
        self._app_token = app_token
        self._first_wait = first_wait
        self._session: aiohttp.ClientSession | None = None
        self._open: set[aiohttp.ClientWebSocketResponse] = set()
        self._keepers: set[asyncio.Task[None]] = set()
        self._readers: set[asyncio.Task[None]] = set()
        self._handling: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    async def start(self) -> None:
        """Return once the first connection is open, however long Slack cannot be reached.

        Raises ConfigError if Slack refuses the token.
        """
        self._session = aiohttp.ClientSession(middlewares=[stay])
        first = await self._connect(self._session)
        for number in range(CONNECTIONS):
            _spawn(self._keepers, self._keep(self._session, first if number == 0 else None))

    async def close(self) -> None:
        """Let what is in flight end, acknowledge it, and close the connections. Needs no `start` before."""
        await _cancel(self._keepers)
        while self._handling:
            await asyncio.wait(self._handling)
        await _cancel(self._readers)
        if self._session is not None:
            await self._session.close()

    async def _keep(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse | None) -> None:
        """Hold one connection open, opening the next as soon as this one ends or is given notice."""
        while True:
            try:
                socket = socket or await self._connect(session)
            except ConfigError as refused:
                # revoked while we were running: somebody may yet mend it
                log.warning("socket_token_refused", problem=str(refused))
                await asyncio.sleep(LONGEST_WAIT_SECONDS)
                continue
            greeted, leaving = asyncio.Event(), asyncio.Event()
            _spawn(self._readers, self._read(socket, greeted, leaving))
            await leaving.wait()
            socket = None
            if not greeted.is_set():
                # for example too many connections: without a pause we would knock without end
                await asyncio.sleep(self._first_wait)

    async def _connect(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        wait = self._first_wait
        while True:
            try:
                async with asyncio.timeout(OPEN_SECONDS):
                    return await self._connect_once(session)
            except SlackFailed as failed:
                if failed.code in REFUSALS:
                    raise ConfigError(
                        [f"SLACK_APP_TOKEN is refused by Slack ({failed.code}): it needs the scope connections:write."]
                    ) from None
                wait = max(wait, failed.retry_after)
                log.warning("socket_unavailable", code=failed.code, wait=wait)
            except (aiohttp.ClientError, OSError) as error:
                # the text of the error is left out: it has the one-time address in it
                log.warning("socket_unavailable", code=type(error).__name__, wait=wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    async def _connect_once(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        with slack_call():
            opened = await self._client.apps_connections_open(app_token=self._app_token.get_secret_value())
        ssl = self._client.ssl if self._client.ssl is not None else True
        socket = await session.ws_connect(
            str(opened.get("url")),
            heartbeat=PING_SECONDS,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
            proxy=self._client.proxy,
            ssl=ssl,
        )
        self._open.add(socket)
        log.info("socket_opened", connected=self.connected)
        return socket

    async def _read(
        self, socket: aiohttp.ClientWebSocketResponse, greeted: asyncio.Event, leaving: asyncio.Event
    ) -> None:
        try:
            async with asyncio.timeout(None) as limit:
                async for frame in socket:
                    match _envelope(frame):
                        case {"type": "hello"}:
                            greeted.set()
                        case {"type": "disconnect"}:
                            # not closed here: what Slack has sent before the notice is still to be read
                            leaving.set()
                            limit.reschedule(asyncio.get_running_loop().time() + RETIRE_SECONDS)
                        case {"envelope_id": str()} as envelope:
                            _spawn(self._handling, self._handle(socket, envelope))
        except TimeoutError:
            pass
        finally:
            leaving.set()
            self._open.discard(socket)
            await socket.close()
            log.info("socket_closed", connected=self.connected)

    async def _handle(self, socket: aiohttp.ClientWebSocketResponse, envelope: dict[str, Any]) -> None:
        try:
            payload = from_fields(envelope.get("payload"))
        except Malformed as problem:
            log.warning("request_refused", reason=str(problem))
            return
        answer = await self._dispatch(payload)
        if answer.status != 200:
            return
        told = _told(answer) if envelope.get("accepts_response_payload", True) else None
        try:
            await socket.send_json(
                {"envelope_id": envelope["envelope_id"], **({"payload": told} if told is not None else {})}
            )
        except (aiohttp.ClientError, OSError):
            log.warning("ack_lost", kind=payload.kind)


def _envelope(frame: aiohttp.WSMessage) -> dict[str, Any]:
    try:
        envelope = from_json(frame.data) if frame.type is aiohttp.WSMsgType.TEXT else {}
    except ValueError:
        envelope = {}
    return envelope if isinstance(envelope, dict) else {}


def _told(answer: Answer) -> object:
    if not answer.body:
        return None
    return json.loads(answer.body) if answer.content_type.startswith("application/json") else {"text": answer.body}


def _spawn(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    """Run `work`, kept in `tasks` until it ends: asyncio itself holds a task only weakly."""

    def ended(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("socket_failed", exc_info=error)

    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(ended)


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

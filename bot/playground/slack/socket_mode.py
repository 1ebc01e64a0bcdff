"""Socket Mode: up to ten websockets of the bot, each payload to one of them, acknowledged by its envelope's id."""

import asyncio
import itertools
import json
import secrets
import uuid
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from bot.playground.slack.workspace import Json
from bot.playground.slack.world import World

MOST = 10
_PING_SECONDS = 10.0


@dataclass(eq=False)
class _Connection:
    socket: web.WebSocketResponse
    waiting: dict[str, "asyncio.Future[Json]"] = field(default_factory=dict)
    refreshing: bool = False


class SocketMode:
    """The websockets that are open."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tickets: set[str] = set()
        self._connections: list[_Connection] = []
        self._sent: set[str] = set()
        self._turn = itertools.count()

    @property
    def connections(self) -> int:
        """How many websockets take payloads now."""
        return len(self._ready())

    def open(self, world: World, _: Json) -> Json:
        """apps.connections.open: hand out a websocket address that can be used once."""
        ticket = secrets.token_urlsafe(12)
        self._tickets.add(ticket)
        return {"url": f"{world.url.replace('http', 'ws', 1)}/link?ticket={ticket}&app_id={world.app.id}"}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Hold one websocket until either side closes it."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=408, text="the ticket is used or unknown")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=_PING_SECONDS)
        await socket.prepare(request)
        if len(self._connections) >= MOST:
            await socket.send_json(self._goodbye("too_many_websockets"))
            await socket.close()
            return socket
        connection = _Connection(socket)
        self._connections.append(connection)
        try:
            await socket.send_json(self._hello())
            self._world.workspace.changed()
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._take(connection, frame.data)
        finally:
            self._connections.remove(connection)
            for answer in connection.waiting.values():
                if not answer.done():
                    answer.cancel()
            self._world.workspace.changed()
        return socket

    async def send(self, kind: str, payload: Json) -> Json:
        """Send one payload to one connection and return its acknowledgement.

        Raises ConnectionError if that connection closes first: Slack does not send it again.
        """
        ready = self._ready()
        if not ready:
            raise ConnectionError("no websocket is open")
        connection = ready[next(self._turn) % len(ready)]
        envelope_id = str(uuid.uuid4())
        self._sent.add(envelope_id)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = answer
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        try:
            await connection.socket.send_json(envelope)
            await asyncio.wait([answer])
            if answer.cancelled():
                raise ConnectionError("the websocket closed before the acknowledgement")
            return answer.result()
        finally:
            connection.waiting.pop(envelope_id, None)

    async def refresh(self) -> None:
        """Ask the oldest connection to make room for a new one: it gets no further payload."""
        connection = self._ready()[0]
        connection.refreshing = True
        await connection.socket.send_json(self._goodbye("refresh_requested"))

    async def close(self) -> None:
        """Close every websocket."""
        for connection in list(self._connections):
            await connection.socket.close()

    def _ready(self) -> list[_Connection]:
        return [one for one in self._connections if not one.refreshing and not one.socket.closed]

    def _take(self, connection: _Connection, text: str) -> None:
        try:
            ack = json.loads(text)
            envelope_id = ack["envelope_id"]
        except (ValueError, KeyError, TypeError):
            self._world.journal.violation("Socket Mode: a message that acknowledges nothing")
            return
        if envelope_id not in self._sent:
            self._world.journal.violation(f"Socket Mode: there is no envelope {envelope_id!r}")
        waiting = connection.waiting.get(envelope_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(ack)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": {"host": "playground", "approximate_connection_time": 3600},
            "connection_info": {"app_id": self._world.app.id},
        }

    def _goodbye(self, reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "playground"}}

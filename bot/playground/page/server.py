"""The page's own HTTP server, on loopback only: the static files, one stream of what there is to see, and the acts."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

import aiohttp
from aiohttp import web

from bot.playground.page.behind import behind, payload
from bot.playground.page.hands import act
from bot.playground.page.hints import hint
from bot.playground.page.history import History
from bot.playground.page.setting import Setting
from bot.playground.page.sight import sight, surroundings
from bot.playground.page.upsets import UPSETS, Upsets

KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
SAFE = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
GLANCE = 0.25
"""Seconds after which a stream looks again though nobody said that anything changed: DBS and the ledger do not say."""
SETTLE = 0.03
"""Seconds in which changes that come together are shown together."""
ANSWER_SECONDS = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PageServer:
    """Serves the page for one setting; `start` and `stop` it."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._history = History(setting.ledger_file)
        self._upsets = Upsets(setting)
        self._runner: web.AppRunner | None = None
        self._pulse: asyncio.Task[None] | None = None
        self._port = 0
        self.health_url = ""
        """The bot's `/healthz`."""
        self.is_up = False
        """Whether the bot answered there when it was last asked."""

    @property
    def url(self) -> str:
        """Where people find the page."""
        return f"http://127.0.0.1:{self._port}/"

    async def start(self, port: int = 0) -> None:
        """Listen on loopback, at this port, or any free one where it is 0. Raises OSError if it is taken."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self._static)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/setting", self._surroundings)
        app.router.add_get("/sight", self._stream)
        app.router.add_get("/payload/{name}", self._payload)
        app.router.add_post("/act", self._act)
        app.router.add_post("/upset", self._upset)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self._port = self._runner.addresses[0][1]
        self._pulse = asyncio.create_task(self._feel_the_pulse())

    async def stop(self) -> None:
        """Stop listening and end every stream."""
        if self._pulse is not None:
            self._pulse.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keep other pages of the same browser from reading or acting here, by whatever name they reach loopback."""
        if request.host not in {f"127.0.0.1:{self._port}", f"localhost:{self._port}"}:
            raise web.HTTPForbidden(text="The playground answers to 127.0.0.1 and localhost only.")
        if request.method != "GET" and request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="JSON, please.")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(SAFE)
        return response

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info.get("name", "index.html")
        file = files(__package__).joinpath("static", PurePosixPath(name).name)
        kind = KINDS.get(PurePosixPath(name).suffix)
        if kind is None or not file.is_file():
            raise web.HTTPNotFound
        return web.Response(text=file.read_text("utf-8"), content_type=kind, charset="utf-8")

    async def _surroundings(self, _: web.Request) -> web.StreamResponse:
        upsets = [{"name": one.name, "label": one.label, "says": one.says} for one in UPSETS]
        return web.json_response({**surroundings(self._setting), "upsets": upsets})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Send `sight` and `behind` as server-sent events, whole, whenever they are not what they were."""
        person = self._setting.slack.people.get(request.query.get("as", ""))
        if person is None:
            raise web.HTTPNotFound(text="There is nobody of that id.")
        stream = web.StreamResponse(headers={**SAFE, "Content-Type": "text/event-stream"})
        await stream.prepare(request)
        sent: dict[str, str] = {}
        with contextlib.suppress(ConnectionResetError):
            while True:
                await self._history.refresh()
                now = {
                    "sight": {
                        **sight(self._setting, person),
                        "hint": hint(self._setting, self._history, person, is_up=self.is_up),
                    },
                    "behind": behind(self._setting, self._history, self._upsets),
                }
                for name, value in now.items():
                    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
                    if sent.get(name) != text:
                        sent[name] = text
                        await stream.write(f"event: {name}\ndata: {text}\n\n".encode())
                await self._setting.slack.world.workspace.next_change(GLANCE)
                await asyncio.sleep(SETTLE)
        return stream

    async def _payload(self, request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(payload(self._setting, request.match_info["name"]))
        except (LookupError, ValueError) as missing:
            raise web.HTTPNotFound from missing

    async def _act(self, request: web.Request) -> web.StreamResponse:
        asked = await _json(request)
        try:
            return web.json_response(await act(self._setting.slack.people[asked["as"]], asked))
        except (KeyError, TypeError, ValueError) as wrong:
            raise web.HTTPBadRequest(text=f"That cannot be done: {wrong}.") from wrong

    async def _upset(self, request: web.Request) -> web.StreamResponse:
        asked = await _json(request)
        try:
            forget = asked["name"] == "forget"
            said = self._upsets.forget() if forget else self._upsets.happen(asked["name"], asked["plan"])
        except KeyError as unknown:
            raise web.HTTPBadRequest(text=f"There is no {unknown}.") from unknown
        self._setting.slack.world.workspace.changed()
        return web.json_response({"said": said})

    async def _feel_the_pulse(self) -> None:
        """Ask the bot now and then whether it is there."""
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=limit) as session:
            while True:
                try:
                    async with session.get(self.health_url) as answer:
                        self.is_up = answer.status == 200
                except (aiohttp.ClientError, TimeoutError):
                    self.is_up = False
                await asyncio.sleep(ANSWER_SECONDS)


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        asked = await request.json()
    except ValueError as wrong:
        raise web.HTTPBadRequest(text="JSON, please.") from wrong
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest(text="An object, please.")
    return asked

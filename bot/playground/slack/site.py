"""The HTTP server of a workspace: which address leads where."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.playground.slack import answers, web_api
from bot.playground.slack.socket_mode import SocketMode
from bot.playground.slack.world import World

_LARGEST = 4 * 1024**2


class Site:
    """Listens on loopback while it is started."""

    def __init__(self, world: World, sockets: SocketMode) -> None:
        self._world = world
        self._sockets = sockets
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> str:
        """Listen at this port, or any free one if it is 0, and return the address."""
        methods = web_api.METHODS | {"apps.connections.open": self._sockets.open}

        async def api(request: web.Request) -> web.StreamResponse:
            return await web_api.call(self._world, request, methods)

        async def respond(request: web.Request) -> web.StreamResponse:
            return await answers.response_url(self._world, request)

        routes: list[tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]] = [
            ("POST", "/api/{method}", api),
            ("GET", "/api/{method}", api),
            ("POST", "/response/{token}", respond),
            ("GET", "/link", self._sockets.serve),
        ]
        app = web.Application(client_max_size=_LARGEST)
        for verb, path, handler in routes:
            app.router.add_route(verb, path, handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening; calls still held back by a gate are dropped."""
        if self._runner is not None:
            await self._runner.cleanup()

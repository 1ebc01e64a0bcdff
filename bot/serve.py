"""One ASGI application on one socket until SIGTERM or SIGINT; then what is in flight ends, within a limit.

uvicorn does the HTTP; the signals are ours, because uvicorn's end the process with the signal (exit 143).
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog
import uvicorn
import uvloop

from bot.door import Door, Limits
from bot.errors import ConfigError

GRACE_SECONDS = 20.0
REQUEST_GRACE_SECONDS = 5
"""The part of it that requests have: Slack waits for three seconds; the rest belongs to `stop`."""
KEEP_ALIVE_SECONDS = 75
"""Longer than the minute for which load balancers keep a connection: whoever closes first must not be us."""

Result = TypeVar("Result")
Application = Callable[..., Awaitable[None]]
"""ASGI: (scope, receive, send)."""

log = structlog.get_logger()


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run `main` on uvloop and return what it returns."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def serve(
    app: Application,
    host: str,
    port: int,
    *,
    start: Callable[[], Awaitable[None]],
    stop: Callable[[], Awaitable[None]],
    hang_up: Callable[[], None] = lambda: None,
    grace: float = GRACE_SECONDS,
    limits: Limits | None = None,
) -> None:
    """Serve `app` until a signal comes, then return; port 0 is any free one, told by the event `listening`.

    `start` runs while requests are answered already; what it raises ends serving and is raised here. `stop` runs once
    requests are done, whether or not `start` ended; after `grace` seconds in all it is cancelled. Each SIGHUP
    calls `hang_up` and ends nothing. `limits` are what clients may have. Raises ConfigError where nothing can listen
    on `host` and `port`.
    """
    with _listen(host, port) as listener, _signals(hang_up) as signalled:
        server = _Server(app, Door(limits))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        starting = asyncio.ensure_future(start())
        stopped = asyncio.create_task(signalled.wait())
        try:
            await asyncio.wait({serving, starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
            await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            log.info("stopping")
            stopped.cancel()
            starting.cancel()
            server.should_exit = True
            try:
                async with asyncio.timeout(grace):
                    await asyncio.wait({starting})
                    await serving
                    await stop()
            except TimeoutError:
                log.warning("stopped_in_flight", after=grace)
            log.info("stopped")


class _Server(uvicorn.Server):
    def __init__(self, app: Application, door: Door) -> None:
        self._door = door
        super().__init__(
            uvicorn.Config(
                app,
                http=door,  # type: ignore[arg-type]  # called as the class would be
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # nothing here depends on the client's address, and trusting a header would read the environment
                proxy_headers=False,
                backlog=door.most,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=REQUEST_GRACE_SECONDS,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        self._door.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def _listen(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0]  # behind it `create_server` repeats the address
        raise ConfigError([f"HOST and PORT: nothing can listen on {host}, port {port}: {why}."]) from error
    log.info("listening", host=host, port=listener.getsockname()[1])
    return listener


@contextmanager
def _signals(hang_up: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Tell of SIGTERM and SIGINT by an event (supervisors may send both, or one twice), and of SIGHUP by `hang_up`."""
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled.set)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    try:
        yield signalled
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)

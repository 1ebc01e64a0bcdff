"""Serving ends as it should: on a signal, after what is in flight, with exit code 0."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bot.errors import ConfigError
from bot.serve import serve

PROGRAM = """
import asyncio, sys
from bot.log import configure
from bot.serve import run, serve

async def app(scope, receive, send):
    if scope["path"] == "/slow":
        print("asked", flush=True)
        await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

async def start():
    await asyncio.sleep(START)

async def stop():
    await asyncio.sleep(STOP)
    print("stopped", flush=True)

def hang_up():
    print("hung up", flush=True)

configure("info", "json", sys.stdout)
run(serve(app, "127.0.0.1", 0, start=start, stop=stop, hang_up=hang_up, grace=2))
"""


@asynccontextmanager
async def program(*, start: float = 0, stop: float = 0) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the program above in a process and give its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM.replace("START", str(start)).replace("STOP", str(stop)),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout is not None
    port = None
    while port is None:
        port = json.loads(await process.stdout.readline()).get("port")
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    async with asyncio.timeout(10):
        out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_the_request_in_flight_end_and_exits_with_0(number: signal.Signals) -> None:
    async with program() as (process, url), httpx.AsyncClient(trust_env=False) as client:
        asking = asyncio.create_task(client.get(f"{url}/slow"))
        assert process.stdout is not None
        while b"asked" not in await process.stdout.readline():
            pass
        process.send_signal(number)
        process.send_signal(number)
        assert (await asking).text == "ok"
        code, out = await ended(process)
    assert code == 0
    assert "stopped\n" in out


@pytest.mark.parametrize("start", [0, 60])
async def test_a_hang_up_ends_nothing_and_is_passed_on_also_while_starting(start: int) -> None:
    async with program(start=start) as (process, url), httpx.AsyncClient(trust_env=False) as client:
        assert process.stdout is not None
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
            while b"hung up" not in await process.stdout.readline():
                pass
        assert (await client.get(url)).status_code == 200
        process.terminate()
        code, out = await ended(process)
    assert code == 0
    assert "stopped\n" in out


async def test_requests_are_answered_while_starting_and_a_signal_ends_the_start() -> None:
    async with program(start=60) as (process, url), httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).status_code == 200
        process.terminate()
        code, out = await ended(process)
    assert code == 0
    assert "stopped\n" in out


async def test_what_does_not_end_in_time_is_cut() -> None:
    async with program(stop=60) as (process, url), httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).status_code == 200
        process.terminate()
        code, out = await ended(process)
    assert code == 0
    assert "stopped_in_flight" in out


class Hooks:
    def __init__(self, error: Exception | None = None) -> None:
        self.stopped = 0
        self._error = error

    async def start(self) -> None:
        if self._error is not None:
            raise self._error

    async def stop(self) -> None:
        self.stopped += 1


async def nothing(_scope: object, _receive: object, _send: object) -> None:
    raise AssertionError


async def test_a_failed_start_ends_serving_and_is_raised() -> None:
    hooks = Hooks(ConfigError(["SLACK_BOT_TOKEN is refused."]))
    with pytest.raises(ConfigError, match=r"^SLACK_BOT_TOKEN is refused\.$"):
        await serve(nothing, "127.0.0.1", 0, start=hooks.start, stop=hooks.stop)
    assert hooks.stopped == 1


async def test_an_occupied_port_is_a_wrong_setting() -> None:
    hooks = Hooks()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"^HOST and PORT: nothing can listen on 127.0.0.1, port {port}: "):
            await serve(nothing, "127.0.0.1", port, start=hooks.start, stop=hooks.stop)
    assert hooks.stopped == 0

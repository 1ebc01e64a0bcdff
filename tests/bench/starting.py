"""Starting the bot, and keeping it running while nobody does anything."""

import asyncio
import math
import sys
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.processes import MEASURED, cpu, memory, on, quiet, start_bot
from bench.row import Row
from bench.stock import noop
from bot.playground.stage import Stage

IDLE_ROUNDS, IDLE_SECONDS = 3, 5.0
"""Each as long as it is from one sweep to the next."""
LIBRARIES = "import slack_bolt.async_app, aiohttp, httpx"
BARE = "Bolt app that does nothing, on the same server"

START = (
    "Nine tenths of it are imports. Beyond the reference's they are, in ms by `python -X importtime`: the bot's own "
    "modules 130; pydantic and its settings 75; sqlite-utils 35; structlog 13, and rich 7 where it is installed; "
    "uvicorn and uvloop 12; stamina 10. The certificates that httpx trusts take 28. The garbage collector looks at "
    "nothing meanwhile."
)


async def measure(rounds: int) -> list[Row]:
    """The bot has its default settings, the playground's policy and an empty ledger."""
    starts, imports = list[float](), list[float]()
    ours, theirs = list[float](), list[float]()
    with TemporaryDirectory() as folder:
        async with Stage(Path(folder)) as stage:
            await _start(stage)  # what is compiled or cached once
            await _import()
            for _ in range(rounds):
                took, size = await _start(stage)
                starts.append(took)
                ours.append(size)
                imports.append(await _import())
                async with noop(stage) as nothing:
                    theirs.append(await _memory(nothing.pid))
            idle, idle_too = await _idle(stage)
    return [
        Row(
            "Start, until `/healthz` answers 200", f'`python -c "{LIBRARIES}"`', 1.6,
            tuple(starts), tuple(imports), "ms", START,
        ),
        Row(
            "Memory of the idle process", BARE, 1.7, tuple(ours), tuple(theirs), "MiB", "PSS, right after the start."
        ),
        Row(
            "CPU of the idle process", BARE, math.inf, idle, idle_too, "% of a core",
            f"Over {IDLE_SECONDS:.0f} seconds a round, in which it sweeps and looks at its policy.", limit=0.5,
        ),
    ]  # fmt: skip


async def _start(stage: Stage) -> tuple[float, float]:
    """Return the milliseconds from starting the process until it is ready, and the MiB that it has then."""
    began = time.perf_counter()
    with on(MEASURED):
        bot = await stage.launch_bot()
    async with asyncio.timeout(30):
        while not await _healthy(bot.port):  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(0.005)
    took = time.perf_counter() - began
    size = await _memory(bot.process.pid)
    await bot.end()
    return took * 1000, size


async def _memory(pid: int) -> float:
    await quiet(pid)
    return memory(pid)


async def _idle(stage: Stage) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what both use of a core while nobody does anything, in per cent, round by round."""
    async with noop(stage) as nothing:
        pids = (await start_bot(stage)).process.pid, nothing.pid
        await quiet(pids[0])
        spent = [[cpu(pid) for pid in pids]]
        for _ in range(IDLE_ROUNDS):
            await asyncio.sleep(IDLE_SECONDS)
            spent.append([cpu(pid) for pid in pids])
    ours, theirs = (
        tuple((after - before) / IDLE_SECONDS / 10 for before, after in pairwise(each))
        for each in zip(*spent, strict=True)
    )
    return ours, theirs


async def _healthy(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return (await reader.readline()).startswith(b"HTTP/1.1 200")
    finally:
        writer.close()


async def _import() -> float:
    began = time.perf_counter()
    with on(MEASURED):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", LIBRARIES)
    await process.wait()
    return (time.perf_counter() - began) * 1000

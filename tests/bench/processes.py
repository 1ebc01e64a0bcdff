"""The processes of a measurement: what is measured runs on one core; load, fakes and this program on the other.

Linux only: CPU time and memory of other processes are asked of its kernel.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from bot.playground.stage import Bot, Stage, free_port

_CORES = sorted(os.sched_getaffinity(0))
MEASURED, REST = {_CORES[0]}, {_CORES[-1]}


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """Keep this process, and those that it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu(pid: int) -> float:
    """Return the milliseconds of CPU time that a process has used, all its threads together; right while it rests."""
    clock = ~pid << 3 | 2  # what clock_getcpuclockid(3) returns, which Python lacks; /proc counts in hundredths
    return time.clock_gettime(clock) * 1000


def memory(pid: int) -> float:
    """Return the MiB that a process has, its part of what it shares with others included (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


async def quiet(pid: int, moment: float = 0.35) -> None:
    """Wait until a process has hardly used its core for a moment, longer than a card's new drawing waits."""
    async with asyncio.timeout(60):
        while True:
            before = cpu(pid)
            await asyncio.sleep(moment)
            if cpu(pid) - before < 0.1 + moment * 3:
                return


async def start_bot(stage: Stage, **settings: str) -> Bot:
    """Start the bot on the core for what is measured."""
    with on(MEASURED):
        return await stage.start_bot(**settings)


async def start_metered(stage: Stage, **settings: str) -> Bot:
    """Start a bot that tells with each answer how much CPU time it took; see `bench.metered`."""
    port = free_port()
    log = stage.folder / f"bot-{port}.log"
    with on(MEASURED), log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.metered", "serve",
            env={**stage.environment(port), **settings}, stdin=asyncio.subprocess.DEVNULL, stdout=stream, stderr=stream,
        )  # fmt: skip
    bot = Bot(process, port, log)
    stage.bots.append(bot)
    await bot.wait_until_ready()
    return bot


class Child:
    """A module of the bench in a process of its own, which answers each line on its input with a line of JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def ask(self, **question: Any) -> Any:
        """Put a question and return the answer. Raises RuntimeError where the process ended instead."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        if not (line := await self._process.stdout.readline()):
            raise RuntimeError(f"a child of the bench ended with {await self._process.wait()}")
        return json.loads(line)


@asynccontextmanager
async def child(module: str, cores: set[int], **environment: str) -> AsyncIterator[Child]:
    """Start `python -m bench.<module>`, and end it afterwards."""
    with on(cores):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"bench.{module}", env={**os.environ, **environment}, limit=2**24,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
    try:
        yield Child(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def questions() -> Iterator[dict[str, Any]]:
    """Return what a child is asked, one by one, as it is asked."""
    return map(json.loads, iter(sys.stdin.readline, ""))


def answer(value: object) -> None:
    """Answer the last question."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()

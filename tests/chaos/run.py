"""One run: sixty changes, fifty approvers, and a plan of trouble; afterwards everything must be as if nothing was."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from commands import run_bot

from bot.playground.stage import Bot, Stage
from chaos.crowd import Crowd
from chaos.findings import Count, ends, examine, histories, is_over, recoveries
from chaos.stores import Store
from chaos.trouble import DBS, SLACK, Trouble, plan_trouble

CHANGES = 60
WINDOW = 14.0
"""Seconds in which trouble begins, and in which the changes come up for approval."""
LEASE, SWEEP = 4.0, 1.0
SETTINGS = {"EXECUTION_LEASE": "4s", "DBS_TIMEOUT": "3s", "SWEEP_INTERVAL": "1s", "TELL_GRACE": "2s"}
RATES = 100.0
"""So many times Slack's own rate limits: a minute of the crowd is a day of people."""
RESTART = 0.3
"""Seconds after which a process that ended is started again."""
QUIET = 40.0
"""Seconds for everything to come to its end once the trouble is over."""


@dataclass
class Result:
    """What one run came to."""

    store: str
    seed: int
    processes: int
    """How many bots shared the ledger."""
    wrong: list[str] = field(default_factory=list)
    """A sentence for everything that is not as it must be; empty if the run is green."""
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    clicks: int = 0
    failed_clicks: int = 0
    """Clicks that were not acknowledged in time: the person saw that it did not work."""
    count: Count = field(default_factory=lambda: Count(0, 0, 0))
    recoveries: list[float] = field(default_factory=list)
    """Seconds from the end of a process to the outcome of what it carried out, whatever else went wrong."""
    seconds: float = 0.0

    @property
    def changes(self) -> int:
        """How many changes there were."""
        return self.outcomes.total()


class Replicas:
    """The processes, each under a supervisor that starts it again, behind a load balancer that knows who is ready."""

    def __init__(self, stage: Stage, count: int) -> None:
        self._stage = stage
        self._current: list[Bot | None] = [None] * count
        self._supervisors: list[asyncio.Task[None]] = []
        self.ended: list[float] = []
        """When processes were killed or paused: seconds since 1970."""

    async def start(self) -> None:
        """Start all and wait until they are ready."""
        self._supervisors = [asyncio.create_task(self._supervise(n)) for n in range(len(self._current))]
        await self.wait_until_ready()

    async def wait_until_ready(self) -> None:
        """Wait until every process takes clicks; raises TimeoutError."""
        async with asyncio.timeout(30):
            while not all(self._current):  # noqa: ASYNC110 - seen from outside, like a load balancer
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Keep the supervisors from starting anything again."""
        for task in self._supervisors:
            task.cancel()
        await asyncio.gather(*self._supervisors, return_exceptions=True)

    async def kill(self, number: int) -> None:
        """End a process in the middle of whatever it does."""
        if (bot := self._current[number]) is not None:
            self.ended.append(time.time())
            with suppress(ProcessLookupError):  # it has just ended by itself
                await bot.kill()

    async def pause(self, number: int, seconds: float) -> None:
        """Stop a process for so long; it may be killed meanwhile."""
        if (bot := self._current[number]) is not None:
            self.ended.append(time.time())
            with suppress(ProcessLookupError):
                bot.process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(seconds)
                bot.process.send_signal(signal.SIGCONT)

    async def _supervise(self, number: int) -> None:
        while True:
            bot = await self._stage.launch_bot()
            with suppress(RuntimeError):  # it ended before it was ready, as it may without its database
                await bot.wait_until_ready()
                self._point_at(number, bot)
                await bot.process.wait()
            self._point_at(number, None)
            await asyncio.sleep(RESTART)

    def _point_at(self, number: int, bot: Bot | None) -> None:
        self._current[number] = bot
        self._stage.slack.point_at(*(one.events_url for one in self._current if one is not None))


async def run(store: Store, seed: int, folder: Path, *, changes: int = CHANGES, window: float = WINDOW) -> Result:
    """Play the run with this seed; `folder` takes its files."""
    began = time.monotonic()
    result = Result(store.name, seed, store.processes)
    async with store.open(folder) as settings, Stage(folder) as stage:
        stage.settings |= {**SETTINGS, **settings}
        stage.slack.world.limits.multiplier = RATES
        crowd = Crowd(stage, seed, changes)
        replicas = Replicas(stage, store.processes)
        await replicas.start()
        try:
            await _in_peace(stage, crowd.ask())
            plan = plan_trouble(seed, store.processes, store.faults, window=window, lease=LEASE)
            result.faults = Counter(one.what for one in plan)
            trouble = asyncio.gather(*(_go_wrong(one, stage, store, replicas) for one in plan))
            await asyncio.gather(trouble, crowd.click(window))
            await replicas.wait_until_ready()
            stage.dbs.forget()
            await _come_to_rest(stage, store, crowd)
        finally:
            await replicas.stop()
        found = histories(store.rows())
        result.wrong, result.count = examine(stage, crowd, found)
        result.wrong += stage.slack.violations
        result.wrong += await _verified(stage, folder)
        result.outcomes = Counter(ends(history)[0].type if ends(history) else "open" for history in found.values())
        result.recoveries = recoveries(found.values(), replicas.ended)
        result.clicks = len(crowd.clicks)
        result.failed_clicks = sum(not click.acked for click in crowd.clicks)
    result.wrong += [f"a process had a traceback: {bot.log_file}" for bot in stage.bots if "Traceback" in bot.log]
    result.seconds = time.monotonic() - began
    return result


async def _in_peace(stage: Stage, people: Awaitable[None]) -> None:
    """Let people do something while nothing goes wrong but that the machine may be slow: Slack waits longer."""
    courier, tickets = stage.slack.courier, stage.slack.world.tickets
    usual = courier.ack_seconds, tickets._trigger_seconds
    courier.ack_seconds = tickets._trigger_seconds = 10.0
    await people
    courier.ack_seconds, tickets._trigger_seconds = usual


async def _go_wrong(one: Trouble, stage: Stage, store: Store, replicas: Replicas) -> None:
    await asyncio.sleep(one.at)
    if one.what == "process killed":
        await replicas.kill(one.process)
    elif one.what == "process paused":
        await replicas.pause(one.process, one.seconds)
    elif one.what in SLACK:
        stage.slack.faults.add(one.where, SLACK[one.what])
    elif one.what in DBS:
        stage.dbs.next(one.where, DBS[one.what])
    else:
        await store.harm(one.what, one.seconds)


async def _come_to_rest(stage: Stage, store: Store, crowd: Crowd) -> None:
    """Wait until all is as it must be, at most `QUIET` seconds; approvers come back to what they could not approve."""
    end = time.monotonic() + QUIET
    while time.monotonic() < end:
        found = histories(store.rows())
        told = len(found) == len(crowd.plans) and all(map(is_over, found.values()))
        if told and not examine(stage, crowd, found)[0]:
            await asyncio.sleep(SWEEP)  # whatever is still to come, may come
            return
        pending = [plan for plan, history in found.items() if not any(one.type == "started" for one in history)]
        await crowd.come_back(pending)
        await asyncio.sleep(0.5)


async def _verified(stage: Stage, folder: Path) -> list[str]:
    """Return what `ledger verify --slack` says, where it is not content."""
    code, out, err = await run_bot("ledger", "verify", "--slack", folder=folder, environment=stage.environment(1))
    return [] if code == 0 else [out + err]

"""Those who call DBS over TLS, in a process of their own: the bot's client, the official SDK's two, and bare httpx."""

import asyncio
import gc
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
from alibabacloud_dbs20190306.client import Client
from alibabacloud_dbs20190306.models import ConfigureBackupPlanRequest
from alibabacloud_tea_openapi.utils_models import Config
from pydantic import SecretStr

from bench.processes import answer, questions
from bench.stock import WISH
from bot import log
from bot.alibaba.credentials import ChainedKeys, Keys
from bot.alibaba.dbs import VERSION, DbsClient
from bot.alibaba.reading import read_plan
from bot.alibaba.signature import sign
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.dbs.server import KEYS
from bot.serve import run
from bot.slack.filled import prefilled

TICK = 0.001
READ = read_plan(mysql_on_rds())
OPEN = {**prefilled(READ.values, {}), **WISH, "BackupPlanId": READ.plan_id, "BackupStorageType": ""}
PASSWORD = "SourceEndpointPassword"
del OPEN[PASSWORD]
SECRET = SecretStr("correct-horse")

Call = Callable[[], Awaitable[object]]


class Callers:
    """One client of each kind, for one address."""

    def __init__(self, url: str, trusted: str) -> None:
        self._host = url.removeprefix("https://")
        key, secret = next(iter(KEYS.items()))
        self._keys = Keys(key, secret)
        context = ssl.create_default_context(cafile=trusted)
        limits = httpx.Limits(max_connections=10)
        self._ours = DbsClient(url, region="cn-hangzhou", keys=ChainedKeys(), verify=context)
        self._bare = httpx.AsyncClient(base_url=url, verify=context, trust_env=False, limits=limits)
        self._sdk = Client(
            Config(
                access_key_id=key, access_key_secret=secret, endpoint=self._host, protocol="https", ca=trusted
            )
        )  # fmt: skip

    def ready(self, who: str) -> Call:
        """Return one call, with everything prepared that its caller has before it begins."""
        token = uuid4().hex
        everything = {**OPEN, PASSWORD: SECRET.get_secret_value(), "ClientToken": token}
        if who == "ours":
            return lambda: self._ours.configure(READ.plan_id, OPEN, {PASSWORD: SECRET}, token)
        if who == "bare":
            signed = sign(self._host, "ConfigureBackupPlan", VERSION, everything, self._keys, "body")
            return lambda: self._bare.post("/", headers=dict(signed.headers), content=signed.content)
        request = ConfigureBackupPlanRequest().from_map(everything)
        if who == "SDK, async":
            return lambda: self._sdk.configure_backup_plan_async(request)

        async def blocking() -> object:
            return self._sdk.configure_backup_plan(request)

        return blocking


async def timed(call: Call) -> tuple[float, float]:
    """Return the milliseconds that a call takes, and those of CPU."""
    used, began = time.process_time(), time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000


async def held_up(calls: list[Call]) -> float:
    """Return the most milliseconds for which the event loop kept something else waiting while these were under way."""
    late = [0.0]

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK)
            late.append(time.perf_counter() - began - TICK)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.02)
    await asyncio.gather(*(call() for call in calls))
    await asyncio.sleep(0)
    ticking.cancel()
    return max(late) * 1000


async def main() -> None:
    """Answer each question: what each call took, in turns, or how long the event loop was held up by all at once."""
    callers = Callers(os.environ["URL"], os.environ["TRUSTED"])
    gc.freeze()  # as `serve` does
    for question in questions():
        number, said = question["calls"], dict[str, Any]()
        if question["at_once"]:
            fresh = Callers(os.environ["URL"], os.environ["TRUSTED"])  # whose connections are still to be made
            for who in question["who"]:
                said[who] = await held_up([fresh.ready(who) for _ in range(number)])
        else:
            calls = {who: [callers.ready(who) for _ in range(number)] for who in question["who"]}
            said = {who: [] for who in calls}
            for each in range(number):
                for who, ready in calls.items():
                    said[who].append(await timed(ready[each]))
        answer(said)


if __name__ == "__main__":
    log.configure("warning", "text")
    run(main())

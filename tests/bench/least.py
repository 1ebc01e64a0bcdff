"""The least that carrying a change out takes, in a process of its own: read the plan once, write down two events."""

import os
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

from signing import KEYS

from bench.processes import answer, questions
from bench.stock import WISH, wish
from bot import log
from bot.alibaba.credentials import ChainedKeys
from bot.alibaba.dbs import DbsClient
from bot.clock import SystemClock
from bot.core import attempts, decisions
from bot.ledger.sqlite import SqliteLedger
from bot.serve import run

PLAN, OWNER = "dbsmysqlrds01", "least"
LEASE = timedelta(seconds=60)


async def main() -> None:
    """Answer each question for so many times with the milliseconds of each."""
    ledger = SqliteLedger(Path(os.environ["FOLDER"]) / "least.db", SystemClock(), timedelta(seconds=15), KEYS)
    dbs = DbsClient(os.environ["DBS"], region="cn-hangzhou", keys=ChainedKeys())
    number = 0
    for question in questions():
        took = []
        for _ in range(question["times"]):
            number += 1
            took.append(await once(ledger, dbs, f"c{number}"))
        answer(took)


async def once(ledger: SqliteLedger, dbs: DbsClient, change_id: str) -> float:
    """Return how long it takes from an approved change to one that may be sent."""
    data = wish(await dbs.read(PLAN), WISH, dbs.host, change_id).model_copy(update={"plan_id": change_id})
    await ledger.record(change_id, partial(decisions.request, by="U0RITA", data=data))
    await ledger.record(change_id, partial(decisions.announce, channel="C0OPS", ts="1.0"))
    for by in ("U0ANA", "U0BEN"):
        await ledger.record(change_id, partial(decisions.approve, by=by, digest=data.digest, objection=None))
    start = partial(attempts.start, owner=OWNER, client_token=change_id, lease=LEASE)
    began = time.perf_counter()
    await ledger.record(change_id, start)
    read_at = ledger.clock.now()
    await dbs.read(PLAN)
    send = partial(
        attempts.send,
        owner=OWNER,
        attempt=1,
        margin=timedelta(seconds=20),
        read_at=read_at,
        judged_by=data.demand.policy,
        in_force=data.demand.policy,
    )
    await ledger.record(change_id, send)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    log.configure("warning", "text")
    run(main())

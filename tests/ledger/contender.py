"""One more process on a ledger, started by the tests: `python contender.py ROLE LEDGER ARGUMENTS`.

It opens the ledger when a line arrives on its input, so that all contenders start at once, and prints what it did
as its last line.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import SecretStr
from signing import KEYS

from bot.core import decisions
from bot.core.events import Demand, Requested, stamp
from bot.errors import Refusal
from bot.ledger.postgres import PostgresLedger
from bot.ledger.sqlite import SqliteLedger
from bot.ports import Ledger

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class NoonClock:
    """It is always noon, as in the test that started this."""

    def now(self) -> datetime:
        return NOON

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def wish(change_id: str) -> Requested:
    """Ask for a change of a plan of its own."""
    plan = {"BackupPlanId": f"plan of {change_id}"}
    return Requested(
        plan_id=plan["BackupPlanId"], plan_name="", host="dbs.test", region="", status="running", proposed=plan,
        baseline=plan, known={}, secrets={}, reason="because", channel="C1", view_id=f"view of {change_id}",
        demand=Demand(approvals=1, approvers=(), pool=(), policy="", sentence=""), execute_within=60, digest="d1",
        expires_at=stamp(NOON + timedelta(hours=1)),
    )  # fmt: skip


async def fill(ledger: Ledger, me: str, many: str) -> object:
    """Record many changes of one's own, each with three events and a refused step."""
    for number in range(int(many)):
        change_id = f"{me}{number:03}"
        await ledger.record(change_id, partial(decisions.request, by="UR", data=wish(change_id)))
        await ledger.record(change_id, partial(decisions.announce, channel="C1", ts="1.0"))
        await ledger.record(change_id, partial(decisions.approve, by="UA", digest="d1", objection=None))
        with contextlib.suppress(Refusal):
            await ledger.record(change_id, partial(decisions.approve, by="UA", digest="d1", objection=None))
    return many


async def decide(ledger: Ledger, me: str, *change_ids: str) -> object:
    """Deny the same changes as everybody else, and say which of them were ours and what became of the others."""
    won, told = [], []
    for change_id in change_ids:
        try:
            await ledger.record(change_id, partial(decisions.deny, by=me, objection=None, reason=f"{me} says no"))
            won.append(change_id)
        except Refusal as refusal:
            told.append(refusal.sentence)
    return {"won": won, "told": told}


async def look(ledger: Ledger) -> object:
    """Open the ledger, no more."""
    return await ledger.team("T1")


async def die(ledger: SqliteLedger, change_id: str, statement: str) -> object:
    """Approve, killed right before the statement that begins with these words."""

    def trace(sql: str, _parameters: Sequence[object] | dict[str, object] | None) -> None:
        if sql.strip().startswith(statement):
            os.kill(os.getpid(), signal.SIGKILL)

    await ledger._write(lambda: setattr(ledger._db, "_tracer", trace))
    return await ledger.record(change_id, partial(decisions.approve, by="UA", digest="d1", objection=None))


ROLES: dict[str, Callable[..., Awaitable[object]]] = {"fill": fill, "decide": decide, "look": look, "die": die}


async def main(role: str, path: str, *arguments: str) -> None:
    """Wait for the start, open, play the role."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    grace = timedelta(seconds=15)
    ledger: Ledger = (
        PostgresLedger(SecretStr(path), grace, KEYS, clock=NoonClock())
        if path.startswith("postgresql:")
        else SqliteLedger(path, NoonClock(), grace, KEYS)
    )
    did = await ROLES[role](ledger, *arguments)
    await ledger.close()
    sys.stdout.write(json.dumps(did) + "\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""One deadline for all that is waited for before an answer, and none for what goes on after it."""

import asyncio
import threading
from datetime import datetime
from pathlib import Path

import pytest
from doubles import GRACE, NOON, ToldClock
from signing import KEYS

from bot import deadline
from bot.core.change import Change
from bot.core.decisions import Decision
from bot.errors import LedgerBusy
from bot.ledger.sqlite import SqliteLedger
from bot.tasks import Tasks


def test_without_a_deadline_every_limit_is_its_own() -> None:
    assert (deadline.left(7.0), deadline.left(7.0, keep=9.0), deadline.somebody_waits()) == (7.0, 7.0, False)


def test_a_deadline_shortens_what_may_be_waited() -> None:
    with deadline.delivery(2.0):
        assert 1.9 < deadline.left(7.0) <= 2.0
        assert deadline.left(0.5) == 0.5
        assert 1.4 < deadline.left(7.0, keep=0.5) <= 1.5
        assert deadline.left(7.0, keep=3.0) == 0.0


def test_all_of_slack_s_three_seconds_is_never_waited() -> None:
    assert deadline.SECONDS + 0.3 < 3.0


async def test_what_goes_on_after_the_answer_has_no_deadline() -> None:
    tasks, seen = Tasks(), []

    async def work() -> None:
        seen.append(deadline.somebody_waits())

    with deadline.delivery():
        await asyncio.gather(work(), tasks.start(work()))
        assert deadline.somebody_waits()
    assert sorted(seen) == [False, True]


async def test_who_gives_up_on_a_slow_ledger_is_told_what_is_known(tmp_path: Path) -> None:
    """What had begun may be recorded; what was still in the queue never is."""
    ledger = SqliteLedger(tmp_path / "ledger.db", ToldClock(), GRACE, KEYS)
    go_on, begun = threading.Event(), threading.Event()
    decided: list[str] = []

    def slow(_before: Change | None, _at: datetime) -> Decision:
        begun.set()
        go_on.wait(30)
        return None

    def queued(_before: Change | None, _at: datetime) -> Decision:
        decided.append("queued")
        return None

    async def record(decide: object) -> str:
        with deadline.delivery(0.1), pytest.raises(LedgerBusy) as caught:
            await ledger.record("c1", decide)  # type: ignore[arg-type]  # either of the two
        return str(caught.value)

    first = asyncio.create_task(record(slow))
    await asyncio.to_thread(begun.wait, 10)
    second = await record(queued)
    assert "may have been recorded or not" in await first
    assert "nothing was recorded" in second
    go_on.set()
    await ledger.close()
    assert decided == []
    assert ledger.clock.now() == NOON

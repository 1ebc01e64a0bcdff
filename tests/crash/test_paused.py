"""A process that is stopped where it hurts most, for longer than whatever it holds, while another one takes over.

As with a virtual machine that is moved, or a container that gets no processor: it never learns that time went by.
"""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from stores import eventually, happened, kinds

from bot.playground.acts import Message, ask, buttons, cards, fill, new_card, open_form, outcome, replies, said, settled
from bot.playground.dbs.faults import Gate, hold
from bot.playground.stage import Bot, Stage

pytestmark = pytest.mark.usefixtures("forked")

SetStage = Callable[..., Awaitable[Stage]]

STOPPED_BEFORE_CALL = Path(__file__).parents[1] / "stopped_before_call"
SOON = {"EXECUTION_LEASE": "3s", "DBS_TIMEOUT": "2s", "TELL_GRACE": "2s", "SWEEP_INTERVAL": "1s"}
REDIS, WISH = "dbsredisecs01", {"BackupRetentionPeriod": "30"}
CONFIGURE, DESCRIBE = "ConfigureBackupPlan", "DescribeBackupPlanList"


def free(file: Path) -> bool:
    """Whether nobody is writing to a SQLite file just now; true where there is none."""
    if not file.exists():
        return True
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as ledger:
        try:
            ledger.execute("begin immediate")
        except sqlite3.OperationalError:
            return False
        ledger.execute("rollback")
        return True


@asynccontextmanager
async def standing_still(stage: Stage, bot: Bot, *, of_itself: bool = False) -> AsyncIterator[None]:
    """Have the process stand still meanwhile; `of_itself` it does when it comes to it.

    Not amid a write to a file, whose lock nobody can take from a process that lives.
    """

    async def stands() -> bool:
        stat = await asyncio.to_thread(Path(f"/proc/{bot.process.pid}/stat").read_text)
        return stat.rpartition(")")[2].split()[0] == "T"

    async def stands_outside_of_a_write() -> bool:
        bot.process.send_signal(signal.SIGSTOP)
        await eventually(stands)
        if await asyncio.to_thread(free, stage.ledger_file):
            return True
        bot.process.send_signal(signal.SIGCONT)
        return False

    try:
        await eventually(stands if of_itself else stands_outside_of_a_write)
        yield
    finally:
        bot.process.send_signal(signal.SIGCONT)


async def test_a_process_stopped_between_its_lease_and_the_call_sends_late_what_dbs_knows_already(
    store: dict[str, str], set_stage: SetStage
) -> None:
    stage = await set_stage(**SOON, **store)
    url = stage.environment(0)["DATABASE_URL"]
    path = ":".join(filter(None, [str(STOPPED_BEFORE_CALL), stage.environment(0).get("PYTHONPATH")]))
    paused = await stage.start_bot(PYTHONPATH=path)
    card = await ask(stage.slack, stage.rita, REDIS, WISH)
    for person in (stage.ana, stage.ben):
        await person.click(card, "approve")
    async with standing_still(stage, paused, of_itself=True):
        assert (await kinds(url, card))[-2:] == ["started", "sent"]
        assert stage.dbs.calls(CONFIGURE) == []
        # on a busy machine three seconds may end between its lease and its call, too
        await stage.start_bot(EXECUTION_LEASE="30s")
        assert said(await outcome(stage.slack, card, seconds=30))["state"] == "applied"
        await settled(stage.slack, card)
    await stage.slack.wait_for(lambda: len(stage.dbs.calls(CONFIGURE)) == 2, 20)
    assert await paused.end() == 0

    assert len({call.params["ClientToken"] for call in stage.dbs.calls(CONFIGURE)}) == 1
    assert [call.code for call in stage.dbs.calls(CONFIGURE)] == ["", ""]
    assert len(stage.dbs.effects) == 1
    assert (await kinds(url, card))[4:] == ["started", "sent", "started", "sent", "applied", "told"]
    assert (len(replies(stage.slack, card)), len(cards(stage.slack))) == (1, 1)


async def test_a_process_stopped_before_it_posts_the_card_finds_that_another_one_has(
    store: dict[str, str], set_stage: SetStage
) -> None:
    stage = await set_stage(**SOON, **store)
    paused = await stage.start_bot()
    gate = Gate()
    await review(stage)
    stage.dbs.next(DESCRIBE, hold(gate))
    assert (await stage.rita.submit()).action == "clear"
    await gate.reached.wait()
    async with standing_still(stage, paused):
        await stage.start_bot()
        card = await new_card(stage.slack)
        await eventually(happened(stage.environment(0)["DATABASE_URL"], "announced"))
        gate.release()
    assert await paused.end() == 0
    assert len(cards(stage.slack)) == 1
    for person in (stage.ana, stage.ben):
        await person.click(card, "approve")
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    assert buttons(await settled(stage.slack, card)) == []


async def test_a_process_stopped_before_it_tells_the_outcome_finds_that_another_one_has(
    store: dict[str, str], set_stage: SetStage
) -> None:
    stage = await set_stage(**SOON, **store)
    url = stage.environment(0)["DATABASE_URL"]
    paused = await stage.start_bot()
    card, call = await called(stage)
    gate = Gate()
    stage.dbs.next(DESCRIBE, hold(gate))
    call.release()
    await gate.reached.wait()
    async with standing_still(stage, paused):
        assert (await kinds(url, card))[-1] == "applied"
        await stage.start_bot()
        assert said(await outcome(stage.slack, card, seconds=20))["state"] == "applied"
        await eventually(happened(url, "told"))
        gate.release()
    assert await paused.end() == 0
    assert len(replies(stage.slack, card)) == 1
    assert (await kinds(url, card)).count("told") == 1


async def test_a_process_stopped_after_it_looked_at_the_channel_says_nothing_any_more(
    store: dict[str, str], set_stage: SetStage
) -> None:
    """The last that it asks before it posts; in between it cannot know that the other one has posted."""
    stage = await set_stage(**SOON, **store)
    url = stage.environment(0)["DATABASE_URL"]
    paused = await stage.start_bot()
    card, call = await called(stage)
    answered = asyncio.Event()
    looked = len(stage.slack.journal.called("conversations.info"))
    stage.slack.faults.gate_answer("conversations.info", answered)
    call.release()
    await stage.slack.wait_for(lambda: len(stage.slack.journal.called("conversations.info")) > looked)
    async with standing_still(stage, paused):
        await stage.start_bot()
        assert said(await outcome(stage.slack, card, seconds=20))["state"] == "applied"
        await eventually(happened(url, "told"))
        answered.set()
    await stage.slack.wait_for(lambda: "held up for too long" in paused.log, 20)
    assert await paused.end() == 0
    assert len(replies(stage.slack, card)) == 1
    assert (await kinds(url, card)).count("told") == 1


async def called(stage: Stage) -> tuple[Message, Gate]:
    """Have a change approved and DBS called; return its card, and what holds back DBS's answer."""
    card, call = await ask(stage.slack, stage.rita, REDIS, WISH), Gate()
    stage.dbs.next(CONFIGURE, hold(call))
    for person in (stage.ana, stage.ben):
        await person.click(card, "approve")
    await call.reached.wait()
    return card, call


async def review(stage: Stage) -> None:
    """Rita fills the form in, as far as the review."""
    await open_form(stage.rita, REDIS)
    await fill(stage.rita, WISH)
    await stage.rita.submit()
    await stage.rita.wait_for_view(lambda view: view["callback_id"] == "review")
    await stage.rita.type("reason", "Disk is full")

"""What is next for a change, who does it, and that nothing and nobody keeps the sweep from the others."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from doubles import (
    ANA,
    BEN,
    EXECUTE_WITHIN,
    GRACE,
    LEASE,
    NOON,
    REQUESTER,
    Fault,
    Process,
    World,
    lost_answer,
    wish,
)

from bot.core import decisions
from bot.core.change import Change, State
from bot.core.events import Stale, Told, moment
from bot.errors import DbsThrottled, DbsUnanswered, DbsUnreachable, LedgerBusy, MessageUnanswered

DOWN = DbsUnreachable("ConnectError", "dbs.test cannot be reached.")
LOST = DbsUnanswered("ReadTimeout", "no answer.")
PATIENCE = 5.0
"""Seconds that a test waits for what must come."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as one:
        yield one


@pytest.fixture
def process(world: World) -> Process:
    return world.process()


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is the case that happens by itself."""
    async with asyncio.timeout(PATIENCE):
        while not await look():  # noqa: ASYNC110 - it happens in a ledger, which rings no bell
            await asyncio.sleep(0.005)


# From event to event


async def test_a_request_gets_its_card(world: World, process: Process) -> None:
    await world.asked()
    await process.go_on(await world.now())
    change = await world.now()
    assert change.card is not None
    assert (len(world.slack.said("card", "channel")), change.drawn_seq) == (1, change.seen_seq)


async def test_the_last_approval_leads_to_the_outcome_and_a_finished_card(world: World, process: Process) -> None:
    await world.approved()
    await process.go_on(await world.now())
    assert (await world.kinds())[-4:] == ["started", "sent", "applied", "told"]
    assert (len(world.slack.said("outcome")), world.slack.looked) == (1, [])
    assert world.slack.card is not None
    assert world.slack.card.state is State.APPLIED
    assert (await world.now()).drawn_seq == (await world.now()).seen_seq


async def test_an_approval_that_is_not_the_last_redraws_the_card_and_no_more(world: World, process: Process) -> None:
    await world.announced()
    await world.approve(ANA)
    await process.go_on(await world.now())
    assert world.slack.card is not None
    assert len(world.slack.card.votes) == 1
    assert (await world.kinds())[-1] == "approved"


async def test_what_comes_before_a_card_is_drawn_is_drawn_with_it(world: World, process: Process) -> None:
    """Two approvals and what became of them are one drawing, and nobody is told later for it."""
    await world.announced()
    drawn, waits, gate = len(world.slack.drawn), asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        waits.set()
        await gate.wait()

    process.engine._before_drawing = pause
    first = asyncio.create_task(process.go_on(await world.approve(ANA)))
    await waits.wait()
    async with asyncio.timeout(10):
        await process.go_on(await world.approve(BEN))
    assert len(world.slack.said("outcome")) == 1
    assert len(world.slack.drawn) == drawn
    gate.set()
    await first
    assert [change.state for change in world.slack.drawn[drawn:]] == [State.APPLIED]


async def test_a_denial_is_told_at_once(world: World, process: Process) -> None:
    await world.announced()
    await world.deny()
    await process.go_on(await world.now())
    assert (len(world.slack.said("outcome")), world.slack.looked, world.clock.now()) == (1, [], NOON)


async def test_advancing_again_changes_nothing(world: World, process: Process) -> None:
    await world.approved()
    await process.go_on(await world.now())
    before, posts, drawn = await world.now(), list(world.slack.posts), len(world.slack.drawn)
    for wrote in (0, before.seq - 1, before.seq):
        await process.engine.advance("c1", wrote=wrote)
    assert (await world.now(), world.slack.posts, len(world.slack.drawn)) == (before, posts, drawn)
    assert len(world.dbs.calls) == 1


async def test_a_change_that_is_not_there_is_passed_over(process: Process) -> None:
    await process.engine.advance("nobody's")


async def test_whoever_has_just_written_goes_on_at_once_in_a_task_of_its_own(world: World, process: Process) -> None:
    change = await world.approved()
    process.engine.advance_soon(change)
    await process.engine.finish(PATIENCE)
    assert (await world.now()).told is not None


# Time


async def test_req05_what_is_not_approved_in_time_expires_and_is_told(world: World, process: Process) -> None:
    await world.announced()
    world.clock.pass_by(timedelta(hours=4))
    await process.sweep()
    change = await world.now()
    assert (change.state, change.told is not None) == (State.EXPIRED, True)
    assert world.slack.card is not None
    assert world.slack.card.state is State.EXPIRED


async def test_what_is_approved_but_not_taken_up_in_time_is_not_sent(world: World, process: Process) -> None:
    await world.approved()
    world.clock.pass_by(EXECUTE_WITHIN)
    await process.sweep()
    assert ((await world.now()).state, world.dbs.calls) == (State.EXPIRED, [])


async def test_what_may_have_been_sent_does_not_expire(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", Fault(error=asyncio.CancelledError(), done=True))
    with pytest.raises(asyncio.CancelledError):
        await process.execute()
    world.clock.pass_by(EXECUTE_WITHIN)
    await world.process().sweep()
    assert (await world.now()).state is State.STUCK


# After a crash: the sweep is the recovery


async def test_req22_a_request_without_a_card_gets_one_after_the_grace(world: World, process: Process) -> None:
    await world.asked()
    await process.sweep()
    assert world.slack.posts == []
    world.clock.pass_by(GRACE)
    await process.sweep()
    assert (len(world.slack.said("card", "channel")), world.slack.looked) == (1, ["card"])


async def test_req22_a_card_that_was_posted_before_the_crash_is_found(world: World, process: Process) -> None:
    await world.slack.announce(await world.asked())
    world.clock.pass_by(GRACE)
    await process.sweep()
    assert len(world.slack.said("card", "channel")) == 1
    assert (await world.now()).card is not None


async def test_an_approved_change_is_taken_up_by_any_sweep(world: World, process: Process) -> None:
    await world.approved()
    await process.sweep()
    assert (await world.now()).state is State.APPLIED


async def test_req26_an_execution_is_taken_over_after_its_lease_and_told(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", Fault(error=asyncio.CancelledError(), done=True))
    with pytest.raises(asyncio.CancelledError):
        await process.execute()
    other = world.process()
    world.clock.pass_by(GRACE)
    await other.sweep()
    assert (await world.now()).state is State.EXECUTING
    world.clock.pass_by(LEASE)
    await other.sweep()
    change = await world.now()
    assert (change.state, change.told is not None, world.dbs.effects) == (State.APPLIED, True, 1)


async def test_an_outcome_is_told_by_others_only_after_the_grace(world: World, process: Process) -> None:
    await world.announced()
    await world.deny()
    await process.sweep()
    assert world.slack.said("outcome") == []
    world.clock.pass_by(GRACE)
    await process.sweep()
    assert (len(world.slack.said("outcome")), world.slack.looked) == (1, ["outcome"])


async def test_an_outcome_that_was_posted_before_the_crash_is_not_posted_again(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.approved()
    monkeypatch.setattr(process.ledger, "record", dying_at(process, decisions.told))
    with pytest.raises(asyncio.CancelledError):
        await process.go_on(await world.now())
    world.clock.pass_by(GRACE)
    await world.process().sweep()
    assert (len(world.slack.said("outcome")), (await world.kinds()).count("told")) == (1, 1)


async def test_a_card_that_lags_is_drawn_by_the_sweep(world: World, process: Process) -> None:
    await world.announced()
    await world.approve(ANA)
    world.clock.pass_by(GRACE)
    await process.sweep()
    assert world.slack.card is not None
    assert len(world.slack.card.votes) == 1


def dying_at(process: Process, step: Callable[..., Any]) -> Callable[..., Awaitable[Change]]:
    """Return a `record` at which the process dies before it writes that step down."""
    record = process.ledger.record

    async def die(change_id: str, decide: Any) -> Change:
        if getattr(decide, "func", decide) is step:
            raise asyncio.CancelledError
        return await record(change_id, decide)

    return die


# Two processes


async def test_req01_two_processes_that_take_up_the_same_change_send_and_tell_once(world: World) -> None:
    change = await world.approved()
    processes = [world.process() for _ in range(2)]
    await asyncio.gather(*(process.go_on(change) for process in processes for _ in range(3)))
    assert (len(world.dbs.calls), world.dbs.effects) == (1, 1)
    assert len(world.slack.said("outcome")) == 1
    assert (await world.kinds()).count("told") == 1


async def test_who_did_not_record_the_outcome_leaves_it_to_who_did(world: World) -> None:
    """The denial of another process meets the start of this one: only the other has anything to tell."""
    mine, other = world.process(), world.process()

    async def denied_elsewhere() -> None:
        await world.deny()

    await world.approved()
    world.dbs.next("read", Fault(meanwhile=denied_elsewhere))
    await mine.go_on(await world.now())
    assert ((await world.now()).state, world.slack.said("outcome")) == (State.DENIED, [])
    await other.go_on(await world.now())
    assert (len(world.slack.said("outcome")), world.dbs.calls) == (1, [])


async def test_a_process_that_is_telling_is_not_overtaken_by_the_sweep_of_another(world: World) -> None:
    mine, other = world.process(), world.process()

    async def sweep_elsewhere() -> None:
        await other.sweep()

    await world.announced()
    await world.deny()
    world.slack.next("reply", Fault(meanwhile=sweep_elsewhere))
    await mine.go_on(await world.now())
    assert len(world.slack.said("outcome")) == 1


async def test_req03_a_denial_while_an_execution_waits_is_told_at_once_by_who_recorded_it(world: World) -> None:
    """The attempt that waits must not keep it back, in the same process either."""
    process = world.process()
    asleep, goes_on = asyncio.Event(), asyncio.Event()

    async def sleep_on() -> None:
        asleep.set()
        await goes_on.wait()

    change = await world.approved()
    world.dbs.next("read", DOWN)
    world.clock.meanwhile.append(sleep_on)
    process.engine.advance_soon(change)
    await asyncio.wait_for(asleep.wait(), PATIENCE)
    await world.deny()
    await asyncio.wait_for(process.go_on(await world.now()), PATIENCE)
    assert len(world.slack.said("outcome")) == 1
    assert world.slack.card is not None
    assert world.slack.card.state is State.DENIED
    goes_on.set()
    await process.engine.finish(PATIENCE)
    assert (world.dbs.calls, len(world.slack.said("outcome"))) == ([], 1)


async def test_an_outcome_is_not_told_twice_by_one_process_whose_first_try_failed(
    world: World, process: Process
) -> None:
    """Somebody waits for the turn while the message is posted, but not written down."""
    await world.announced()
    change = await world.deny()
    world.slack.next("reply", lost_answer(), *([MessageUnanswered("lost")] * 9))
    world.slack.next("find", *([MessageUnanswered("lost")] * 4))
    await asyncio.gather(process.go_on(change), process.go_on(change))
    assert len(world.slack.said("outcome")) == 1
    assert (await world.now()).told is not None


# Nothing keeps the sweep from the others


async def test_a_change_that_somebody_altered_is_reported_and_the_others_go_on(
    world: World, process: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("c1", "c2"):
        await world.approved(name, plan_id=f"dbs {name}")
    with sqlite3.connect(world.folder / "ledger.db") as file:
        triggers = file.execute("select name from sqlite_master where type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            file.execute(f"drop trigger {trigger}")
        file.execute("update events set actor = 'U0EVE' where change_id = 'c1' and seq = 3")
    file.close()
    await process.sweep()
    assert (await world.now("c2")).state is State.APPLIED
    assert len(world.dbs.calls) == 1
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "ledger_altered" in line]
    assert "change=c1" in said
    assert "seq=3" in said


async def test_a_change_that_takes_long_does_not_hold_up_the_sweep(world: World, process: Process) -> None:
    stopped = asyncio.Event()

    async def hang() -> None:
        await stopped.wait()

    await world.approved("c1", plan_id="dbs1")
    world.secrets.next("fetch", Fault(meanwhile=hang))
    await asyncio.wait_for(process.engine.sweep(), PATIENCE)
    await world.approved("c2", plan_id="dbs2")
    await asyncio.wait_for(process.sweep(), PATIENCE)
    assert (await world.now("c2")).told is not None
    assert (await world.now("c1")).state is State.EXECUTING
    stopped.set()


async def test_a_card_that_lags_during_a_long_execution_does_not_make_the_sweep_wait_for_it(
    world: World, process: Process
) -> None:
    asleep, goes_on = asyncio.Event(), asyncio.Event()

    async def sleep_on() -> None:
        asleep.set()
        await goes_on.wait()

    change = await world.approved()
    world.dbs.next("read", DOWN)
    world.slack.next("redraw", MessageUnanswered("lost"))
    world.clock.meanwhile.append(sleep_on)
    process.engine.advance_soon(change)
    await asyncio.wait_for(asleep.wait(), PATIENCE)
    world.clock.pass_by(GRACE)
    await asyncio.wait_for(process.sweep(), PATIENCE)
    assert world.slack.card is not None
    assert world.slack.card.state is State.EXECUTING
    goes_on.set()


async def test_a_bug_in_one_change_does_not_stop_the_others(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce = process.cards.announce

    async def trip(change: Change, *, look: bool) -> Change:
        if change.id == "c1":
            raise KeyError("a bug")
        return await announce(change, look=look)

    monkeypatch.setattr(process.cards, "announce", trip)
    for name in ("c1", "c2"):
        await world.asked(name, plan_id=f"dbs {name}")
    world.clock.pass_by(GRACE)
    await process.sweep()
    assert ((await world.now("c1")).card is None, (await world.now("c2")).card is None) == (True, False)


async def test_a_card_that_cannot_be_drawn_keeps_nobody_from_being_told(world: World, process: Process) -> None:
    await world.approved()
    world.slack.next("redraw", *([KeyError("a bug")] * 9))
    await process.go_on(await world.now())
    assert (await world.now()).told is not None


async def test_a_thread_that_cannot_be_written_to_keeps_no_card_from_being_drawn(
    world: World, process: Process
) -> None:
    await world.approved()
    world.slack.next("reply", *([KeyError("a bug")] * 9))
    await process.go_on(await world.now())
    assert world.slack.card is not None
    assert world.slack.card.state is State.APPLIED


@pytest.mark.parametrize("error", [LedgerBusy("locked"), KeyError("a bug"), RuntimeError("another")])
async def test_the_loop_of_sweeps_outlives_whatever_happens_in_one(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    take_due, failures = process.ledger.take_due, [error, error]

    async def trip(hold: timedelta, limit: int = 50) -> object:
        if failures:
            raise failures.pop()
        return await take_due(hold, limit)

    async def is_applied() -> bool:
        return (await world.now()).state is State.APPLIED

    await world.approved()
    monkeypatch.setattr(process.ledger, "take_due", trip)
    loop = asyncio.create_task(process.engine.run())
    await until(is_applied)
    loop.cancel()
    assert failures == []


async def test_sweeps_follow_each_other_within_the_interval(process: Process, world: World) -> None:
    loop = asyncio.create_task(process.engine.run())

    async def a_few() -> bool:
        return len(world.clock.slept) > 20

    await until(a_few)
    loop.cancel()
    assert all(4.0 <= time <= 5.0 for time in world.clock.slept)
    assert len(set(world.clock.slept)) > 10, "replicas that start together must not sweep together"


# What is said on the way


async def test_that_it_takes_longer_is_said_once_and_keeps_the_repeat_from_nothing(
    world: World, process: Process
) -> None:
    stopped = asyncio.Event()

    async def hang() -> None:
        await stopped.wait()

    async def is_applied() -> bool:
        return (await world.now()).state is State.APPLIED

    change = await world.approved()
    world.dbs.next("configure", LOST, DbsThrottled("Throttling", "Slow down."))
    world.slack.next("reply", Fault(meanwhile=hang))
    process.engine.advance_soon(change)
    await until(is_applied)
    stopped.set()
    await process.engine.finish(PATIENCE)
    (note,) = world.slack.said("note")
    assert note.saying is not None
    assert "ReadTimeout: no answer." in note.saying.text
    assert "same ClientToken" in note.saying.text


async def test_req29_a_status_that_still_moves_is_followed_after_the_outcome(world: World, process: Process) -> None:
    async def is_noted() -> bool:
        return bool(world.slack.said("note"))

    await world.approved()
    world.dbs.statuses.extend(
        [("running", ""), ("running", ""), *[("init", "")] * 3, ("check_pass", ""), ("running", "")]
    )
    world.dbs.statuses.popleft()
    await process.go_on(await world.now())
    await until(is_noted)
    assert len(world.slack.said("outcome")) == 1


async def test_at_the_end_nobody_waits_for_a_status(world: World, process: Process) -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    await world.approved()
    world.dbs.statuses.extend([("running", ""), ("init", "")])
    world.clock.meanwhile.extend([nothing, nothing, for_ever])
    await process.go_on(await world.now())
    await asyncio.wait_for(process.engine.finish(60.0), PATIENCE)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def nothing() -> None:
    """Let time pass, and nothing else happen."""


async def test_what_cannot_be_finished_in_time_is_left_to_the_next_process(world: World, process: Process) -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    change = await world.approved()
    world.dbs.next("configure", Fault(meanwhile=for_ever))
    process.engine.advance_soon(change)

    async def is_sent() -> bool:
        return "sent" in await world.kinds()

    await until(is_sent)
    await process.engine.finish(0.01)
    world.clock.pass_by(LEASE)
    await world.process().sweep()
    assert (await world.now()).state is State.APPLIED


async def test_a_withdrawal_is_told_by_its_requester_s_click(world: World, process: Process) -> None:
    await world.announced()
    await world.approve(BEN)
    await world.ledger.record("c1", partial(decisions.withdraw, by=REQUESTER))
    await process.go_on(await world.now())
    (event,) = await world.events(kind="told")
    said = event.content()
    assert isinstance(said, Told)
    assert (said.via, moment(event.at)) == ("thread", NOON)


# A channel that is lost


SHARED = "The channel where it is decided is now shared with another organisation."


async def test_a_channel_lost_before_the_card_ends_the_change(world: World, process: Process) -> None:
    world.slack.lost = SHARED
    await world.asked()
    await process.go_on(await world.now())
    await told_alone(world)
    assert world.slack.said("card", "channel") == []


async def test_a_channel_found_lost_by_a_redraw_ends_the_change(world: World, process: Process) -> None:
    await world.announced()
    world.slack.lost = SHARED
    await process.go_on(await world.approve(ANA))
    await told_alone(world)
    assert world.slack.card is not None
    assert world.slack.card.votes == (), "it is not even drawn"


async def test_a_channel_found_lost_by_a_reminder_ends_the_change(world: World, process: Process) -> None:
    demand = wish().demand.model_copy(update={"remind_after": (600,)})
    change = await world.announced(demand=demand)
    world.clock.pass_by(timedelta(minutes=10))
    world.slack.lost = SHARED
    await process.go_on(change)
    await until(has_ended(world))
    world.clock.pass_by(GRACE)
    await process.sweep()
    await told_alone(world)


async def test_a_channel_found_lost_by_a_note_ends_the_change(world: World, process: Process) -> None:
    await world.approved()
    world.slack.lost = SHARED
    await process.telling.note(await world.now(), "It takes longer.")
    assert (await world.now()).state is State.STALE


@pytest.mark.parametrize("end", [World.deny, World.withdraw])
async def test_where_the_channel_is_lost_people_may_still_end_it(
    world: World, process: Process, end: Callable[[World], Awaitable[Change]]
) -> None:
    await world.announced()
    world.slack.lost = SHARED
    await process.go_on(await end(world))
    (told,) = world.slack.said("outcome", "dm")
    assert told.change.state in {State.DENIED, State.WITHDRAWN}
    assert (await world.kinds()).count("stale") == 0


async def test_after_a_send_the_outcome_goes_to_the_requester_alone(world: World, process: Process) -> None:
    async def share() -> None:
        world.slack.lost = SHARED

    await world.approved()
    world.dbs.next("configure", Fault(meanwhile=share))
    await process.go_on(await world.now())
    assert (await world.now()).state is State.APPLIED
    assert (len(world.slack.said("outcome", "dm")), world.slack.said("outcome")) == (1, [])


def has_ended(world: World) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return not (await world.now()).open

    return look


async def told_alone(world: World) -> None:
    """The change ends stale for its channel, and the requester hears that in a message of their own."""

    async def told() -> bool:
        return (await world.now()).told is not None

    await until(told)
    outcome = (await world.now()).outcome
    assert outcome == Stale(why="channel", sentence=SHARED)
    (post,) = world.slack.said("outcome", "dm")
    assert post.change.request.channel == "C1"


# A window that closes


async def test_a_window_that_closes_before_the_send_is_waited_for_and_said(world: World, process: Process) -> None:
    demand = wish().demand.model_copy(update={"windows": (("daily 11:00-12:01 UTC",),)})
    await world.approved(demand=demand)
    world.clock.pass_by(timedelta(minutes=1))
    await process.go_on(await world.now())
    change = await world.now()
    assert (change.state, change.waits_until) == (State.EXECUTING, NOON + timedelta(hours=23))
    (note,) = world.slack.said("note")
    assert note.saying is not None
    assert note.saying.text.startswith("The policy's window for it has closed. It waits until 2026-05-05 11:00 UTC")
    assert world.slack.card is not None
    assert world.slack.card.waits_until == change.waits_until
    assert not await world.is_due()
    world.clock.pass_by(timedelta(hours=22, minutes=59))
    await world.process().sweep()
    assert (await world.now()).state is State.APPLIED


async def test_what_is_throttled_until_its_window_closes_goes_on_in_the_next(world: World, process: Process) -> None:
    demand = wish().demand.model_copy(update={"windows": (("daily 11:00-12:01 UTC",),)})
    await world.approved(demand=demand)
    world.dbs.next("configure", *[DbsThrottled("Throttling", "Slow down.", retry_after=50.0)] * 2)
    await process.go_on(await world.now())
    change = await world.now()
    assert (change.waits_until, change.sent_at) == (NOON + timedelta(hours=23), ())
    assert (await world.deny()).state is State.DENIED

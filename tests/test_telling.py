"""What is said about a change, once: its card, the outcome with the plan read back, and where a status came to."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from doubles import ANA, BEN, GRACE, PROPOSED, Fault, Post, Process, World, lost_answer

from bot.core import attempts, decisions
from bot.core.change import Change, State
from bot.core.due import SETTLES
from bot.core.events import Told
from bot.core.saying import ReadBack, Saying
from bot.errors import DbsUnreachable, LedgerBusy, MessageGone, MessageThrottled, MessageUnanswered

DOWN = DbsUnreachable("ConnectError", "dbs.test cannot be reached.")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as one:
        yield one


@pytest.fixture
def process(world: World) -> Process:
    return world.process()


async def applied(world: World, process: Process, **otherwise: object) -> Change:
    """Have a change carried out."""
    await world.approved("c1", **otherwise)
    change = await process.execute()
    assert change.state is State.APPLIED
    world.dbs.read_at.clear()
    return change


def read_back(post: Post) -> ReadBack:
    assert post.saying is not None
    assert post.saying.read_back is not None
    return post.saying.read_back


async def told(world: World) -> Told:
    (event,) = await world.events(kind="told")
    said = event.content()
    assert isinstance(said, Told)
    return said


# The card


async def test_the_card_is_posted_and_where_it_is_is_written_down(world: World, process: Process) -> None:
    change = await process.cards.announce(await world.asked(), look=False)
    (card,) = world.slack.said("card", "channel")
    assert change.card is not None
    assert (change.card.channel, change.card.ts) == (card.message.channel, card.message.ts)
    assert (await world.now()).drawn_seq == change.seen_seq
    assert world.slack.looked == []


async def test_a_plan_that_moved_between_review_and_card_is_stale_at_once(world: World, process: Process) -> None:
    asked = await world.asked()
    world.dbs.change(BackupRetentionPeriod="99")
    change = await process.cards.announce(asked, look=False)
    (card,) = world.slack.said("card", "channel")
    assert (change.state, change.appended, card.change.state) == (State.STALE, True, State.STALE)
    assert (await world.kinds()) == ["requested", "announced", "stale"]
    assert (await world.now()).drawn_seq < change.seen_seq, "it is drawn again as the ledger has it"


async def test_a_crash_right_after_a_stale_card_leaves_a_card_that_is_drawn_again(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would stay a card without buttons of a change that waits for approvals."""
    record = process.ledger.record

    async def die_after_announced(change_id: str, decide: Any) -> Change:
        if decide.func is decisions.moved_before_card:
            raise asyncio.CancelledError
        return await record(change_id, decide)

    asked = await world.asked()
    world.dbs.change(BackupRetentionPeriod="99")
    monkeypatch.setattr(process.ledger, "record", die_after_announced)
    with pytest.raises(asyncio.CancelledError):
        await process.cards.announce(asked, look=False)
    change = await world.now()
    assert (change.state, change.drawn_seq < change.seen_seq) == (State.PENDING, True)


async def test_a_dbs_that_cannot_be_reached_keeps_no_card_back(world: World, process: Process) -> None:
    world.dbs.next("read", DOWN)
    change = await process.cards.announce(await world.asked(), look=False)
    assert (change.state, len(world.slack.said("card", "channel"))) == (State.PENDING, 1)


async def test_who_looks_takes_the_card_that_is_there(world: World, process: Process) -> None:
    asked = await world.asked()
    await world.slack.announce(asked)
    change = await process.cards.announce(asked, look=True)
    assert change.card is not None
    assert len(world.slack.said("card", "channel")) == 1


async def test_a_card_without_a_channel_leaves_the_change_as_it_is(world: World, process: Process) -> None:
    world.slack.gone.add("channel")
    change = await process.cards.announce(await world.asked(), look=False)
    assert (change.state, change.card, change.appended) == (State.PENDING, None, True)
    assert await world.kinds() == ["requested"]


async def test_req19_a_card_whose_answer_was_lost_is_found_and_not_posted_twice(world: World, process: Process) -> None:
    world.slack.next("announce", lost_answer())
    change = await process.cards.announce(await world.asked(), look=False)
    assert change.card is not None
    assert len(world.slack.said("card", "channel")) == 1
    assert world.slack.looked == ["card"]


# Redrawing


async def test_a_card_that_is_up_to_date_is_not_drawn_again(world: World, process: Process) -> None:
    await world.announced()
    await process.cards.see_to(await world.now())
    assert len(world.slack.drawn) == 1


async def test_a_card_is_drawn_as_the_change_is(world: World, process: Process) -> None:
    await world.announced()
    await world.approve(ANA)
    await process.cards.redraw(await world.now())
    assert world.slack.card is not None
    assert [vote.by for vote in world.slack.card.votes] == [ANA]
    assert (await world.now()).drawn_seq == 3


async def test_a_card_that_is_gone_counts_as_drawn(world: World, process: Process) -> None:
    await world.approved()
    world.slack.gone.add("card")
    await process.cards.redraw(await world.now())
    change = await world.now()
    assert change.drawn_seq == change.seen_seq


async def test_two_drawings_that_overlap_leave_the_card_to_be_drawn_again(world: World) -> None:
    """Nobody knows which of the two landed last."""
    slow, quick = world.process(), world.process()

    async def overtaken() -> None:
        await world.approve(BEN)
        await quick.cards.redraw(await world.now())

    await world.announced()
    await world.approve(ANA)
    world.slack.next("redraw", Fault(meanwhile=overtaken))
    await slow.cards.redraw(await world.now())
    assert world.slack.card is not None
    assert len(world.slack.card.votes) == 1, "the older drawing landed last"
    assert (await world.now()).drawn_seq == 0
    for counted in (0, 4):
        await quick.cards.redraw(await world.now())
        assert len(world.slack.card.votes) == 2
        assert (await world.now()).drawn_seq == counted
        world.clock.pass_by(SETTLES)


async def test_a_drawing_without_an_answer_may_land_late_so_the_card_is_drawn_again(
    world: World, process: Process
) -> None:
    await world.approved()
    world.slack.next("redraw", Fault(error=MessageUnanswered("lost")))
    await process.cards.redraw(await world.now())
    assert (await world.now()).drawn_seq == 0


async def test_a_drawing_that_slack_throttles_is_put_off_for_as_long_as_it_asks(world: World, process: Process) -> None:
    await world.announced()
    change = await world.approve(ANA)
    world.slack.next("redraw", MessageThrottled(120.0))
    await process.cards.redraw(change)
    world.clock.pass_by(timedelta(seconds=119))
    assert not await world.is_due()
    world.clock.pass_by(timedelta(seconds=1))
    assert await world.is_due()


# The outcome


async def test_req29_the_outcome_shows_the_plan_read_back(world: World, process: Process) -> None:
    change, shown = await process.telling.tell(await applied(world, process), look=False)
    (outcome,) = world.slack.said("outcome")
    assert shown == read_back(outcome).reading == world.dbs.plan
    assert read_back(outcome).differs == ()
    assert (change.told, change.appended) == (await told(world), True)
    assert (await told(world)).via == "thread"
    assert (await told(world)).status == "running"
    assert len(world.dbs.read_at) == 1, "no reason to read twice"


async def test_req29_a_mismatch_is_listed_after_three_reads_a_second_apart(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.dbs.change(BackupRetentionPeriod="31")
    await process.telling.tell(change, look=False)
    (outcome,) = world.slack.said("outcome")
    assert read_back(outcome).differs == ("BackupRetentionPeriod",)
    assert (await told(world)).differs == ("BackupRetentionPeriod",)
    gaps = [later - sooner for sooner, later in pairwise(world.dbs.read_at)]
    assert gaps == [timedelta(seconds=1)] * 2


async def test_req29_what_agrees_at_the_second_read_is_told_then(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.dbs.statuses.extend([("check_pass", ""), ("running", "")])
    await process.telling.tell(change, look=False)
    (outcome,) = world.slack.said("outcome")
    shown = read_back(outcome).reading
    assert shown is not None
    assert (shown.status, len(world.dbs.read_at)) == ("running", 2)


async def test_req29_a_status_that_does_not_run_is_told_after_three_reads(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.dbs.statuses.append(("init", "Precheck failed: no route to the database."))
    await process.telling.tell(change, look=False)
    (outcome,) = world.slack.said("outcome")
    shown = read_back(outcome)
    assert shown.reading is not None
    assert shown.reading.message == "Precheck failed: no route to the database."
    assert (shown.moving, len(world.dbs.read_at)) == (True, 3)


async def test_a_read_back_that_fails_once_is_made_up_for(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.dbs.next("read", DOWN)
    await process.telling.tell(change, look=False)
    (outcome,) = world.slack.said("outcome")
    assert read_back(outcome).reading is not None


async def test_a_plan_that_cannot_be_read_back_does_not_keep_the_outcome_back(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.dbs.next("read", DOWN, DOWN, DOWN)
    _, shown = await process.telling.tell(change, look=False)
    (outcome,) = world.slack.said("outcome")
    assert (shown, read_back(outcome).reading, (await told(world)).status) == (None, None, "")


async def test_only_what_was_applied_is_read_back(world: World, process: Process) -> None:
    await world.announced()
    change = await world.deny()
    await process.telling.tell(change, look=False)
    (outcome,) = world.slack.said("outcome")
    assert outcome.saying is not None
    assert (outcome.saying.read_back, world.dbs.read_at) == (None, [])


async def test_who_recorded_an_outcome_does_not_look_for_it(world: World, process: Process) -> None:
    await process.telling.tell(await applied(world, process), look=False)
    assert world.slack.looked == []


async def test_who_looks_and_finds_the_outcome_says_nothing(world: World, process: Process) -> None:
    change = await applied(world, process)
    first, _ = await world.process().telling.tell(change, look=False)
    assert first.told is not None
    (outcome,) = world.slack.said("outcome")
    await process.telling.tell(change, look=True)
    assert world.slack.said("outcome") == [outcome]
    assert (await told(world)).ts == outcome.message.ts


async def test_who_looks_and_finds_nothing_says_it(world: World, process: Process) -> None:
    await process.telling.tell(await applied(world, process), look=True)
    assert (len(world.slack.said("outcome")), world.slack.looked) == (1, ["outcome"])


async def test_req19_an_outcome_that_slack_throttles_is_posted_later_once(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.slack.next("reply", MessageThrottled(30.0), MessageThrottled(5.0))
    await process.telling.tell(change, look=False)
    assert world.clock.slept[-2:] == [30.0, 5.0]
    assert (len(world.slack.said("outcome")), world.slack.looked) == (1, ["outcome", "outcome"])


async def test_req19_an_outcome_whose_answer_was_lost_is_found_and_not_posted_twice(
    world: World, process: Process
) -> None:
    change = await applied(world, process)
    world.slack.next("reply", lost_answer())
    await process.telling.tell(change, look=False)
    (outcome,) = world.slack.said("outcome")
    assert (await told(world)).ts == outcome.message.ts


async def test_an_outcome_that_never_landed_is_posted_again(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.slack.next("reply", MessageUnanswered("lost"))
    world.slack.next("find", MessageThrottled(3.0))
    await process.telling.tell(change, look=False)
    assert len(world.slack.said("outcome")) == 1


async def test_an_outcome_that_slack_does_not_take_at_all_is_left_to_the_sweep(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.slack.next("reply", *([MessageUnanswered("lost")] * 5))
    with pytest.raises(MessageUnanswered):
        await process.telling.tell(change, look=False)
    assert (await world.now()).told is None
    world.clock.pass_by(GRACE)
    assert await world.is_due()


async def test_an_outcome_that_was_posted_but_not_written_down_is_looked_for_the_next_time(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = await applied(world, process)
    with monkeypatch.context() as patch:
        patch.setattr(process.ledger, "record", busy)
        with pytest.raises(LedgerBusy):
            await process.telling.tell(change, look=False)
    await process.telling.tell(change, look=False)
    assert (len(world.slack.said("outcome")), (await world.now()).told is not None) == (1, True)


async def busy(*_: object) -> Change:
    raise LedgerBusy("locked")


async def test_req20_where_the_thread_is_gone_the_requester_is_told_alone(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.slack.gone.add("thread")
    await process.telling.tell(change, look=False)
    (outcome,) = world.slack.said("outcome", "dm")
    assert read_back(outcome).reading is not None
    assert ((await told(world)).via, (await told(world)).channel) == ("dm", "D1")


async def test_req20_a_dm_that_slack_throttles_is_written_later(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.slack.gone.add("thread")
    world.slack.next("dm", MessageThrottled(9.0))
    await process.telling.tell(change, look=False)
    assert (len(world.slack.said("outcome", "dm")), world.clock.slept[-1]) == (1, 9.0)


async def test_req20_where_nobody_can_be_told_the_ledger_says_so(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.slack.gone |= {"thread", "dm"}
    await process.telling.tell(change, look=False)
    assert (await told(world)).via == "nowhere"
    assert world.slack.said("outcome") == []


async def test_an_outcome_of_a_change_without_a_card_goes_to_the_requester(world: World, process: Process) -> None:
    await world.asked()
    world.clock.pass_by(timedelta(hours=5))
    change = await world.ledger.record("c1", attempts.expire)
    await process.telling.tell(change, look=False)
    assert len(world.slack.said("outcome", "dm")) == 1


async def test_a_card_that_was_posted_but_not_written_down_still_has_its_thread(world: World, process: Process) -> None:
    asked = await world.asked()
    await world.slack.announce(asked)
    world.clock.pass_by(timedelta(hours=5))
    change = await world.ledger.record("c1", attempts.expire)
    await process.telling.tell(change, look=False)
    assert (await told(world)).via == "thread"


async def test_nobody_else_takes_up_a_change_that_is_being_told(world: World, process: Process) -> None:
    change = await applied(world, process)
    due: list[bool] = []

    async def look() -> None:
        due.append(await world.is_due())

    world.clock.pass_by(GRACE)
    world.dbs.next("read", Fault(meanwhile=look))
    world.slack.next("reply", Fault(meanwhile=look))
    await process.telling.tell(change, look=False)
    assert due == [False, False]


async def test_a_change_is_held_for_as_long_as_telling_takes(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hold ends soon after its process: it has to be renewed while Slack takes its time."""
    held: list[str] = []
    hold = process.ledger.hold

    async def count(change_id: str, time: timedelta) -> None:
        held.append(change_id)
        await hold(change_id, time)

    async def take_long() -> None:
        await asyncio.sleep(0.1)

    change = await applied(world, process)
    monkeypatch.setattr(process.ledger, "hold", count)
    monkeypatch.setattr(process.telling, "_grace", timedelta(seconds=0.06))
    world.slack.next("reply", Fault(meanwhile=take_long))
    await process.telling.tell(change, look=False)
    assert len(held) >= 4


# Notes, and a status that moves on


@pytest.mark.parametrize("moves", [[("init", ""), ("check_pass", ""), ("running", "")], [("running", "")]])
async def test_req29_a_status_that_still_moves_is_told_where_it_comes_to(
    world: World, process: Process, moves: list[tuple[str, str]]
) -> None:
    change = await applied(world, process)
    world.dbs.statuses.append(("init", ""))
    change, shown = await process.telling.tell(change, look=False)
    world.dbs.statuses.clear()
    world.dbs.statuses.extend(moves)
    await process.telling.watch(change, shown)
    (note,) = world.slack.said("note")
    reading = read_back(note).reading
    assert reading is not None
    assert reading.status == "running"


async def test_req29_a_status_that_rests_is_not_followed(world: World, process: Process) -> None:
    change, shown = await process.telling.tell(await applied(world, process), look=False)
    world.dbs.read_at.clear()
    await process.telling.watch(change, shown)
    assert (world.dbs.read_at, world.slack.said("note")) == ([], [])


async def test_a_plan_that_is_not_to_start_by_itself_rests_once_it_is_checked(world: World, process: Process) -> None:
    change = await applied(world, process, proposed={**PROPOSED, "AutoStartBackup": "false"})
    world.dbs.statuses.append(("check_pass", ""))
    change, shown = await process.telling.tell(change, look=False)
    (outcome,) = world.slack.said("outcome")
    world.dbs.read_at.clear()
    await process.telling.watch(change, shown)
    assert (read_back(outcome).moving, world.dbs.read_at) == (False, [])


async def test_req29_a_status_is_followed_for_a_minute_after_the_call_and_no_longer(
    world: World, process: Process
) -> None:
    change = await applied(world, process)
    ended = world.clock.now()
    world.dbs.statuses.append(("init", ""))
    change, shown = await process.telling.tell(change, look=False)
    await process.telling.watch(change, shown)
    assert world.slack.said("note") == [], "nothing new"
    assert timedelta(seconds=55) <= world.dbs.read_at[-1] - ended <= timedelta(seconds=65)


async def test_req29_a_precheck_that_fails_later_is_told_though_the_status_stays(
    world: World, process: Process
) -> None:
    change = await applied(world, process)
    world.dbs.statuses.append(("init", ""))
    change, shown = await process.telling.tell(change, look=False)
    world.dbs.statuses.extend([("init", ""), ("init", "Precheck failed: wrong password.")])
    await process.telling.watch(change, shown)
    (note,) = world.slack.said("note")
    reading = read_back(note).reading
    assert reading is not None
    assert reading.message == "Precheck failed: wrong password."


async def test_a_watch_outlasts_a_dbs_that_is_down_for_a_while(world: World, process: Process) -> None:
    change = await applied(world, process)
    world.dbs.statuses.append(("init", ""))
    change, shown = await process.telling.tell(change, look=False)
    world.dbs.statuses.append(("running", ""))
    world.dbs.statuses.popleft()
    world.dbs.next("read", DOWN, DOWN)
    await process.telling.watch(change, shown)
    assert len(world.slack.said("note")) == 1


async def test_a_watch_without_a_reading_ends_at_once(world: World, process: Process) -> None:
    change = await applied(world, process)
    await process.telling.watch(change, None)
    assert world.dbs.read_at == []


@pytest.mark.parametrize("error", [MessageGone("gone"), MessageUnanswered("lost")])
async def test_a_note_that_cannot_be_posted_is_let_go(world: World, process: Process, error: Exception) -> None:
    await world.announced()
    world.slack.next("reply", error)
    await process.telling.note(await world.now(), "Something happened.")
    assert world.slack.said("note") == []


async def test_a_note_that_slack_throttles_is_posted_later(world: World, process: Process) -> None:
    await world.announced()
    world.slack.next("reply", MessageThrottled(2.0))
    await process.telling.note(await world.now(), "Something happened.")
    (note,) = world.slack.said("note")
    assert note.saying is not None
    assert note.saying.text == "Something happened."


# Once, whatever is waited for and whoever else is at it


async def test_a_hold_under_which_somebody_waits_is_not_shortened(world: World) -> None:
    """Slack makes the outcome wait for twelve seconds, the card for one; another process sweeps all the time."""
    teller, other = world.process(), world.process()

    async def meanwhile() -> None:
        await teller.cards.redraw(await world.now())
        for _ in range(12):
            world.clock.pass_by(timedelta(seconds=1))
            await other.sweep()

    await world.announced()
    change = await world.deny()
    world.clock.pass_by(GRACE)
    world.slack.next("reply", MessageThrottled(12.0))
    world.slack.next("redraw", MessageThrottled(1.0))
    world.clock.meanwhile.append(meanwhile)
    await teller.telling.tell(change, look=False)
    await other.sweep()
    assert len(world.slack.said("outcome")) == 1


@pytest.mark.parametrize("kind", ["written down", "only posted"])
async def test_after_every_wait_it_is_looked_whether_it_was_told(world: World, kind: str) -> None:
    """However another process came to tell it: nothing is posted after a wait without another look."""
    teller, other = world.process(), world.process()

    async def told_elsewhere() -> None:
        if kind == "written down":
            await other.telling.tell(await world.now(), look=True)
        else:
            await world.slack.reply(change, Saying("outcome"))

    await world.announced()
    change = await world.deny()
    world.slack.next("reply", MessageThrottled(12.0))
    world.clock.meanwhile.append(told_elsewhere)
    await teller.telling.tell(change, look=False)
    assert len(world.slack.said("outcome")) == 1
    assert (await world.now()).told is not None


async def test_after_a_wait_a_card_that_was_posted_meanwhile_is_taken(world: World) -> None:
    teller, other = world.process(), world.process()

    async def announced_elsewhere() -> None:
        await other.cards.announce(await world.now(), look=True)

    world.slack.next("announce", MessageThrottled(12.0))
    world.clock.meanwhile.append(announced_elsewhere)
    await teller.cards.announce(await world.asked(), look=False)
    assert len(world.slack.said("card", "channel")) == 1


async def test_an_outcome_by_dm_is_written_once_though_its_answer_is_lost(world: World) -> None:
    """Nobody can look for it: the app does not read direct messages."""
    first, second = world.process(), world.process()
    await world.announced()
    world.slack.gone.add("thread")
    world.slack.next("dm", lost_answer(), lost_answer(), lost_answer())
    change = await world.deny()
    await first.go_on(change)
    for _ in range(8):
        world.clock.pass_by(GRACE)
        for process in (first, second):
            await process.sweep()
    assert len(world.slack.said("outcome", "dm")) == 1
    assert ((await told(world)).via, (await told(world)).ts) == ("dm", "")


@pytest.mark.parametrize("posted", [True, False])
async def test_a_crash_around_the_dm_does_not_have_it_written_twice(world: World, posted: bool) -> None:
    """It may be lost: then the ledger and the card say how it ended."""
    await world.announced()
    world.slack.gone.add("thread")
    world.slack.next("dm", Fault(error=asyncio.CancelledError(), done=posted))
    change = await world.deny()
    with pytest.raises(asyncio.CancelledError):
        await world.process().telling.tell(change, look=False)
    world.clock.pass_by(GRACE)
    await world.process().sweep()
    assert len(world.slack.said("outcome", "dm")) == int(posted)
    assert (await told(world)).via == "dm"


async def test_a_dm_that_slack_will_not_take_yet_is_written_by_whoever_comes_next(world: World) -> None:
    await world.announced()
    world.slack.gone.add("thread")
    world.slack.next("dm", *([MessageThrottled(1.0)] * 5))
    change = await world.deny()
    with pytest.raises(MessageThrottled):
        await world.process().telling.tell(change, look=False)
    world.clock.pass_by(GRACE)
    await world.process().sweep()
    assert len(world.slack.said("outcome", "dm")) == 1

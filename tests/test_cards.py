"""A card that Slack does not take, that is found late or deleted: it is drawn when it can be, and people are told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from doubles import ANA, BEN, GRACE, REQUESTER, Fault, Process, World, lost_answer

from bot.cards import CARD_DELETED, NO_CARD
from bot.core import decisions
from bot.core.change import State
from bot.core.due import LOOK, MOST_DRAWINGS, SETTLES, due_at
from bot.core.events import Announced
from bot.core.saying import Message
from bot.errors import MessageGone, MessageThrottled, MessageUnanswered

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as one:
        yield one


@pytest.fixture
def process(world: World) -> Process:
    return world.process()


def said_alone(world: World) -> list[str]:
    """Return the notes that the requester got."""
    return [post.saying.text for post in world.slack.said("note", "dm") if post.saying]


def shown(world: World) -> State:
    """Return what the card says."""
    assert world.slack.card is not None
    return world.slack.card.state


async def sweeps(world: World, *processes: Process, time: timedelta, every: timedelta) -> None:
    """Let time pass, with sweeps in it."""
    for _ in range(int(time / every)):
        world.clock.pass_by(every)
        for process in processes:
            await process.sweep()


# A card that cannot be posted


async def test_that_a_card_cannot_be_posted_is_told_whichever_attempt_finds_out(world: World) -> None:
    """Slack is away at first; of two processes that find out later, and at every later try, one tells."""
    first, second = world.process(), world.process()
    asked = await world.asked()
    world.slack.next("announce", *([MessageUnanswered("503")] * 5))
    await first.go_on(asked)
    assert said_alone(world) == []
    world.slack.gone.add("channel")
    await sweeps(world, first, second, time=HOUR, every=GRACE)
    assert said_alone(world) == [NO_CARD]


async def test_a_card_that_cannot_be_posted_is_tried_more_rarely(world: World, process: Process) -> None:
    await world.asked()
    tried: list[float] = []

    async def note() -> None:
        tried.append(world.clock.now().timestamp())

    world.slack.next("announce", *([Fault(meanwhile=note, error=MessageGone("archived"))] * 99))
    await sweeps(world, process, time=2 * HOUR, every=timedelta(seconds=5))
    gaps = [later - sooner for sooner, later in pairwise(tried)]
    assert gaps[2:8] == [20, 40, 80, 160, 320, 640]
    assert set(gaps[8:]) == {900}, "and never so rarely that nobody would wait for it"
    world.slack.faults.clear()
    await sweeps(world, process, time=HOUR, every=GRACE)
    assert len(world.slack.said("card", "channel")) == 1


async def test_the_note_about_a_card_is_written_once_though_its_answer_is_lost(world: World, process: Process) -> None:
    world.slack.gone.add("channel")
    world.slack.next("dm", MessageThrottled(3.0), lost_answer())
    await process.go_on(await world.asked())
    await sweeps(world, process, time=HOUR, every=GRACE)
    assert said_alone(world) == [NO_CARD]


# A card that is found late


async def test_a_card_found_after_the_end_is_written_down_and_drawn(world: World, process: Process) -> None:
    """It was posted, the process died, and the change expired before anybody looked."""
    await world.slack.announce(await world.asked())
    world.clock.pass_by(5 * HOUR)
    await process.sweep()
    change = await world.now()
    assert await world.kinds() == ["requested", "expired", "announced", "told"]
    assert change.told is not None
    assert world.slack.card is not None
    assert world.slack.card.state is State.EXPIRED
    assert len(world.slack.said("outcome")) == 1, "in the thread of the card"
    await sweeps(world, process, time=SETTLES + GRACE, every=GRACE)
    assert due_at(await world.now()) is None


async def test_a_card_that_is_posted_while_the_change_ends_is_drawn(world: World, process: Process) -> None:
    """An operator ends it while Slack makes the card wait."""

    async def ended() -> None:
        end = partial(decisions.end_by_operator, by="operator:root", reason="No.")
        await world.ledger.record("c1", end)

    world.slack.next("announce", MessageThrottled(30.0))
    world.clock.meanwhile.append(ended)
    await process.go_on(await world.asked())
    await sweeps(world, process, time=timedelta(minutes=2), every=GRACE)
    change = await world.now()
    assert change.card is not None
    assert world.slack.card is not None
    assert world.slack.card.state is State.DENIED
    assert (await world.kinds()).count("told") == len(world.slack.said("outcome")) == 1


# A drawing that is refused


async def test_an_ended_card_in_a_closed_channel_is_drawn_once_it_opens(world: World, process: Process) -> None:
    await world.announced()
    world.slack.gone.add("channel")
    await process.go_on(await world.deny())
    tried: list[float] = []

    async def note() -> None:
        tried.append(world.clock.now().timestamp())

    world.slack.next("redraw", *([Fault(meanwhile=note)] * 999))
    await sweeps(world, process, time=3 * DAY, every=timedelta(minutes=1))
    gaps = [later - sooner for sooner, later in pairwise(tried)]
    assert gaps[:3] == [120, 240, 480]
    assert gaps == sorted(gaps)
    assert max(gaps) <= DAY.total_seconds()
    assert shown(world) is State.PENDING, "it has its buttons still"
    world.slack.gone.clear()
    await sweeps(world, process, time=DAY, every=timedelta(minutes=1))
    assert shown(world) is State.DENIED
    assert due_at(await world.now()) is None


async def test_a_card_that_is_refused_for_weeks_is_left_alone(world: World, process: Process) -> None:
    await world.announced()
    world.slack.gone.add("channel")
    await process.go_on(await world.deny())
    await sweeps(world, process, time=60 * DAY, every=6 * HOUR)
    change = await world.now()
    assert (change.card_tries, due_at(change)) == (MOST_DRAWINGS, None)


async def test_a_click_on_an_ended_card_draws_it_at_once(world: World, process: Process) -> None:
    """However it is thought to stand: who clicked saw a button there."""
    await world.announced()
    world.slack.gone.add("channel")
    await process.go_on(await world.deny())
    world.slack.gone.clear()
    process.engine.draw_soon("c1")
    await process.engine.finish(5.0)
    assert world.slack.card is not None
    assert world.slack.card.state is State.DENIED
    assert (await world.now()).card_tries == 0


async def test_a_drawing_that_waits_a_moment_is_made_then(world: World, process: Process) -> None:
    await world.announced()
    await world.deny()
    world.slack.next("redraw", MessageThrottled(2.0))
    await process.cards.see_to(await world.now())
    assert shown(world) is State.DENIED
    assert world.clock.slept == [2.0]


async def test_a_drawing_that_waits_does_not_keep_the_outcome_back(world: World, process: Process) -> None:
    await world.announced()
    await world.deny()
    world.slack.next("redraw", MessageThrottled(3600.0))
    await process.cards.redraw(await world.now())
    await sweeps(world, process, time=timedelta(minutes=1), every=GRACE)
    assert len(world.slack.said("outcome")) == 1
    assert shown(world) is State.PENDING
    await sweeps(world, process, time=HOUR, every=GRACE)
    assert shown(world) is State.DENIED


# A card that was deleted


async def test_who_asked_is_told_when_the_card_is_deleted(world: World) -> None:
    """Nothing happens to the change: a sweep has to look. It can be withdrawn where it is told."""
    processes = world.process(), world.process()
    await world.announced()
    world.slack.gone |= {"card", "thread"}
    await sweeps(world, *processes, time=LOOK + GRACE, every=GRACE)
    (note,) = world.slack.said("note", "dm")
    assert said_alone(world) == [CARD_DELETED]
    assert note.change.open, "a message to the requester about an open change has Withdraw"
    await sweeps(world, *processes, time=HOUR, every=GRACE)
    assert len(said_alone(world)) == 1
    await world.ledger.record("c1", partial(decisions.withdraw, by=REQUESTER))


async def test_that_a_card_is_deleted_is_found_by_the_next_drawing_too(world: World, process: Process) -> None:
    await world.announced()
    world.slack.gone |= {"card", "thread"}
    await process.go_on(await world.approve(ANA))
    assert said_alone(world) == [CARD_DELETED]


async def test_nobody_is_told_of_the_deleted_card_of_an_ended_change(world: World, process: Process) -> None:
    await world.announced()
    world.slack.gone.add("card")
    await process.go_on(await world.deny())
    await sweeps(world, process, time=HOUR, every=GRACE)
    assert said_alone(world) == []


async def test_a_look_that_slack_does_not_answer_says_nothing(world: World, process: Process) -> None:
    await world.announced()
    world.slack.next("is_there", MessageUnanswered("503"), MessageThrottled(9.0), MessageGone("not_in_channel"))
    await sweeps(world, process, time=3 * LOOK + HOUR / 2, every=GRACE)
    assert said_alone(world) == []
    assert not world.slack.faults["is_there"]


# An update without an answer


async def test_an_update_that_lands_late_is_drawn_over(world: World, process: Process) -> None:
    """It takes its time in Slack, lands over the drawing that came after it, and would leave live buttons for good."""
    await world.announced()
    late = await world.approve(ANA)
    world.slack.next("redraw", MessageUnanswered("lost"))
    await process.go_on(late)
    await process.go_on(await world.withdraw())
    assert shown(world) is State.WITHDRAWN
    world.slack.drawn.append(late)
    await sweeps(world, process, time=SETTLES + 2 * GRACE, every=GRACE)
    assert shown(world) is State.WITHDRAWN
    drawings = len(world.slack.drawn)
    await sweeps(world, process, time=HOUR, every=GRACE)
    assert (len(world.slack.drawn), due_at(await world.now())) == (drawings, None), "and then it rests"


async def test_what_happens_after_an_unanswered_update_is_drawn_at_once(world: World, process: Process) -> None:
    """And once more in a minute, however often Slack asks to wait in between."""
    await world.announced()
    change = await world.approve(ANA)
    world.slack.next("redraw", MessageUnanswered("lost"), Fault(), Fault(), MessageThrottled(2.0))
    await process.go_on(change)
    await sweeps(world, process, time=2 * GRACE, every=GRACE)
    assert world.slack.card is not None
    assert len(world.slack.card.votes) == 1
    await process.go_on(await world.deny(BEN))
    assert shown(world) is State.DENIED
    drawings = len(world.slack.drawn)
    await sweeps(world, process, time=SETTLES + 2 * GRACE, every=GRACE)
    assert len(world.slack.drawn) == drawings + 1


async def test_an_event_during_an_unsettled_drawing_is_not_put_off(world: World, process: Process) -> None:
    await world.announced()
    change = await world.approve(ANA)
    world.slack.next("redraw", MessageUnanswered("lost"), Fault(meanwhile=world.withdraw))
    await process.cards.redraw(change)
    await process.cards.redraw(await world.now())
    assert shown(world) is State.PENDING
    await process.cards.see_to(await world.now())
    assert shown(world) is State.WITHDRAWN


# A card that is there twice


async def test_the_other_of_two_cards_is_drawn_where_it_is(world: World, process: Process) -> None:
    """Neither what the ledger knows of its own card nor an ended change is touched by it."""
    await world.announced()
    await process.go_on(await world.withdraw())
    before = await world.now()
    world.slack.next("redraw", MessageThrottled(2.0))
    process.engine.draw_twin_soon("c1", Message("C1", "9.0"))
    await process.engine.finish(5.0)
    assert world.slack.card is not None
    assert (world.slack.card.card, world.slack.card.state) == (Announced(channel="C1", ts="9.0"), State.WITHDRAWN)
    assert await world.now() == before


async def test_a_card_that_is_there_once_is_no_twin(world: World, process: Process) -> None:
    change = await world.announced()
    assert change.card is not None
    drawings = len(world.slack.drawn)
    process.engine.draw_twin_soon("c1", Message(change.card.channel, change.card.ts))
    process.engine.draw_twin_soon("c9", Message("C1", "1.0"))
    world.slack.next("redraw", MessageGone("cant_update_message"))
    process.engine.draw_twin_soon("c1", Message("C1", "9.0"))
    await process.engine.finish(5.0)
    assert len(world.slack.drawn) == drawings

"""Whom the bot calls on, when, and that nobody is called twice or for what is over."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from doubles import ANA, BEN, GRACE, NOON, REQUESTER, Fault, Process, World

from bot.core.change import State
from bot.core.demand import Demand, Matched, Slot
from bot.core.people import Channel, Person
from bot.errors import LookUpFailed, MessageGone, MessageThrottled, MessageUnanswered

CAT, LEA = "U0CAT", "U0LEA"
DBA = Slot(rule="production", who=("S0DBA",), at_least=1, pool=(ANA, BEN))
SRE = Slot(rule="production", who=("S0SRE",), at_least=1, pool=(CAT,), escalate_to=("S0LEADS",), stand_ins=(LEA,))
TEN, THIRTY = timedelta(minutes=10), timedelta(minutes=30)
POLICY = """
[defaults]
approvals = 2
approvers = ["S0DBA", "U0CAT", "U0LEA"]

[secrets.orders-db]
ref = "env:ORDERS"
plans = ["dbs*"]
sources = ["instance:rm-1"]
"""


def demand(**otherwise: Any) -> Demand:
    """A DBA and an SRE, two reminders, and with the last one the leads may stand in for the SRE."""
    said: dict[str, Any] = {
        "approvals": 2, "approvers": ("S0DBA", "S0SRE"), "pool": (ANA, BEN, CAT), "policy": "p",
        "sentence": "A DBA and an SRE.", "rules": (Matched(name="production"),), "slots": (DBA, SRE),
        "remind_after": (600, 1800), "escalate_to": ("S0LEADS",), "escalate_pool": (LEA,), "expires_after": 14400,
        "execute_within": 1800,
    }  # fmt: skip
    return Demand(**(said | otherwise))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as one:
        one.people.people |= {CAT: Person(CAT, "T0"), LEA: Person(LEA, "T0")}
        yield one


@pytest.fixture
def process(world: World) -> Process:
    return world.process(POLICY)


async def swept(world: World, *processes: Process) -> list[tuple[str, str, bool]]:
    """Sweep with these processes at once, let what they started end, and return the calls that came of it."""
    before = len(world.slack.calls)
    await asyncio.gather(*(one.sweep() for one in processes))
    for one in processes:
        await one.engine.finish(5.0)
    return world.slack.calls[before:]


async def recorded(world: World, process: Process, by: str) -> list[tuple[str, str, bool]]:
    """Approve as a click does, let what follows end, and return the calls that came of it."""
    before = len(world.slack.calls)
    process.engine.advance_soon(await world.approve(by))
    await process.engine.finish(5.0)
    return world.slack.calls[before:]


# Reminders


async def test_each_reminder_comes_at_its_time_and_not_a_moment_before(world: World, process: Process) -> None:
    await world.announced(demand=demand())
    for time in (TEN, THIRTY):
        for before in (GRACE, timedelta(milliseconds=1)):  # where the card is looked at, it is held for as long
            world.clock.time = NOON + time - before
            assert await swept(world, process) == []
        world.clock.time = NOON + time
        assert len(await swept(world, process)) == 1
        assert await swept(world, process) == []
    world.clock.time = NOON + timedelta(hours=3, minutes=59)
    assert await swept(world, process) == []
    assert [event.data["number"] for event in await world.events(kind="reminded")] == [1, 2]


async def test_a_reminder_goes_to_the_thread_and_names_only_who_can_still_act(world: World, process: Process) -> None:
    await world.announced(demand=demand())
    world.clock.pass_by(TEN)
    ((text, to, broadcast),) = await swept(world, process)
    assert (to, broadcast) == ("", False)
    assert text == (
        "*Still waiting for 2 more, until 2026-05-04 16:00 UTC.* <@U0ANA>, <@U0BEN>, <@U0CAT>: please approve or deny."
    )


async def test_who_approved_or_can_only_take_a_taken_place_is_not_reminded(world: World, process: Process) -> None:
    await world.announced(demand=demand())
    await world.approve(ANA)
    world.clock.pass_by(TEN)
    ((text, _, _),) = await swept(world, process)
    assert "waiting for 1 more" in text
    assert (CAT in text, ANA in text, BEN in text, REQUESTER in text, "subteam" in text) == (True, *[False] * 4)


async def test_the_last_reminder_calls_on_the_stand_ins_who_may_approve_from_then_on(
    world: World, process: Process
) -> None:
    await world.announced(demand=demand())
    await world.approve(ANA)
    objection, _ = await process.rights.standing(await world.now(), LEA)
    assert objection is not None
    world.clock.pass_by(TEN)
    ((text, _, _),) = await swept(world, process)
    assert LEA not in text
    world.clock.pass_by(THIRTY)
    ((text, _, _),) = await swept(world, process)
    assert text.endswith("<@U0CAT>: please approve or deny. <@U0LEA>: from now on you may approve as well.")
    assert await process.rights.standing(await world.now(), LEA) == (None, None)
    assert (await world.approve(LEA)).state is State.APPROVED


async def test_who_stands_in_and_approved_already_counts_from_the_last_reminder_on(
    world: World, process: Process
) -> None:
    sre = SRE.model_copy(update={"escalate_to": ("S0DBA",), "stand_ins": (ANA, BEN)})
    await world.announced(demand=demand(slots=(DBA, sre), escalate_to=("S0DBA",), escalate_pool=()))
    await world.approve(ANA)
    assert ((await world.approve(BEN)).missing, (await world.now()).counted) == (1, 1)
    world.clock.pass_by(THIRTY)
    assert await swept(world, process) == [], "nobody is reminded of what needs nobody any more"
    assert (await world.kinds())[-5:] == ["reminded", "started", "sent", "applied", "told"]


async def test_reminders_that_were_slept_through_come_once_and_as_the_last_one(world: World, process: Process) -> None:
    await world.announced(demand=demand())
    world.clock.pass_by(timedelta(hours=1))
    assert len(await swept(world, process)) == 1
    assert await swept(world, process) == []
    (event,) = await world.events(kind="reminded")
    assert event.data == {"number": 2, "last": True}


async def test_two_processes_remind_once(world: World) -> None:
    processes = [world.process(POLICY) for _ in range(2)]
    await world.announced(demand=demand(dm=True))
    for time in (TEN, THIRTY):
        world.clock.time = NOON + time
        # The sweep hands a change to one of them; here both come to it at once, as after a click.
        await asyncio.gather(*(one.engine.advance("c1") for one in processes * 3))
        for one in processes:
            await one.engine.finish(5.0)
    assert len(world.slack.calls) == len(await world.events(kind="reminded")) == 2


@pytest.mark.parametrize("end", ["denied", "approved", "expired"])
async def test_no_reminder_comes_after_the_outcome(world: World, process: Process, end: str) -> None:
    await world.announced(demand=demand())
    if end == "denied":
        await process.go_on(await world.deny())
    elif end == "approved":
        await world.approve(ANA)
        await process.go_on(await world.approve(CAT))
    else:
        world.clock.pass_by(timedelta(hours=5))
    assert await swept(world, process) == []
    world.clock.pass_by(THIRTY)
    assert await swept(world, process) == []
    assert (await world.now()).told is not None
    assert "reminded" not in await world.kinds()


async def test_a_reminder_that_slack_throttles_is_posted_afterwards(world: World, process: Process) -> None:
    await world.announced(demand=demand())
    world.slack.next("call", MessageThrottled(30))
    world.clock.pass_by(TEN)
    assert len(await swept(world, process)) == 1
    assert 30 in world.clock.slept


async def test_a_throttled_reminder_is_dropped_when_the_outcome_comes_meanwhile(world: World, process: Process) -> None:
    await world.announced(demand=demand())
    world.slack.next("call", Fault(meanwhile=world.deny, error=MessageThrottled(30)))
    world.clock.pass_by(TEN)
    assert await swept(world, process) == []
    assert (await world.now()).state is State.DENIED


@pytest.mark.parametrize("error", [MessageUnanswered("lost"), MessageGone("no thread")])
async def test_a_reminder_of_which_nobody_knows_whether_it_came_is_not_repeated(
    world: World, process: Process, error: Exception
) -> None:
    await world.announced(demand=demand())
    world.slack.next("call", Fault(error=error, done=True))
    world.clock.pass_by(TEN)
    assert len(await swept(world, process)) == 1
    assert await swept(world, process) == []


async def test_without_a_card_nobody_is_reminded_until_there_is_one(world: World, process: Process) -> None:
    await world.asked(demand=demand())
    world.slack.next("announce", MessageGone("no channel"))
    world.clock.pass_by(TEN)
    assert await swept(world, process) == []
    world.clock.pass_by(timedelta(minutes=1))
    assert len(await swept(world, process)) == 1
    assert (await world.kinds())[:3] == ["requested", "announced", "reminded"]


async def test_in_an_incident_the_channel_sees_the_reminder_too(world: World, process: Process) -> None:
    await world.announced(demand=demand(incident=True, on_call=("U0LEA",)))
    world.clock.pass_by(TEN)
    ((_, to, broadcast),) = await swept(world, process)
    assert (to, broadcast) == ("", True)


# Messages of their own


async def test_approvers_get_a_message_of_their_own_only_where_a_rule_says_so(world: World, process: Process) -> None:
    await world.asked("c1", demand=demand(dm=True))
    await world.asked("c2", plan_id="dbs2", demand=demand())
    for change_id in ("c1", "c2"):
        await process.go_on(await world.now(change_id))
    await process.engine.finish(5.0)
    assert [to for _, to, _ in world.slack.calls] == [ANA, BEN, CAT]


async def test_nobody_is_asked_to_approve_what_was_stale_before_its_card(world: World, process: Process) -> None:
    world.dbs.change(BackupRetentionPeriod="99")
    await world.asked(demand=demand(dm=True))
    await process.go_on(await world.now())
    await process.engine.finish(5.0)
    assert (await world.now()).state is State.STALE
    assert [to for _, to, _ in world.slack.calls] == [REQUESTER]


async def test_the_rest_of_the_approvers_are_not_written_to_once_it_is_decided(world: World, process: Process) -> None:
    await world.asked(demand=demand(dm=True))
    world.slack.next("call", Fault(), Fault(meanwhile=world.deny, error=MessageThrottled(5)))
    await process.go_on(await world.now())
    await process.engine.finish(5.0)
    assert [to for text, to, _ in world.slack.calls if "you can approve" in text] == [ANA]


async def test_the_requester_hears_of_approvals_by_message_or_in_the_thread(world: World, process: Process) -> None:
    await world.announced("c1", demand=demand(dm=True))
    assert await recorded(world, process, ANA) == [("<@U0ANA> approved your change. 1 more needed.", REQUESTER, False)]
    await world.deny("U0CAT")
    await world.announced("c2", demand=demand())
    process.engine.advance_soon(await world.approve(ANA, "c2"))
    await process.engine.finish(5.0)
    assert world.slack.calls[-1] == ("<@U0RITA>: <@U0ANA> approved. 1 more needed.", "", False)


async def test_without_rules_the_card_says_enough(world: World, process: Process) -> None:
    await world.announced()
    assert await recorded(world, process, ANA) == []
    assert await recorded(world, process, BEN) == []
    assert (await world.now()).told is not None


async def test_that_an_approved_change_waits_is_said_once_in_the_thread(world: World, process: Process) -> None:
    windows = (("Mon 13:00-14:00 UTC",),)
    await world.announced(demand=demand(windows=windows))
    await world.approve(ANA)
    ((text, to, _),) = await recorded(world, process, CAT)
    assert to == ""
    assert text.endswith("It waits until 2026-05-04 13:00 UTC, when the policy allows it to be carried out.")
    world.clock.pass_by(timedelta(minutes=59))
    assert await swept(world, process) == []
    assert world.dbs.calls == []
    world.clock.pass_by(timedelta(minutes=1))
    assert await swept(world, process) == []
    assert [call.at for call in world.dbs.calls] == [NOON + timedelta(hours=1)]


# The outcome, elsewhere


async def test_the_outcome_is_told_to_the_channels_of_the_rules_and_once(world: World) -> None:
    processes = [world.process(POLICY) for _ in range(2)]
    await world.announced(demand=demand(notify=("C0AUDIT", "C0MORE")))
    denied = await world.deny()
    await asyncio.gather(processes[0].go_on(denied), processes[1].engine.advance("c1"))
    for one in processes:
        await one.engine.finish(5.0)
    text = "The change that <@U0RITA> asked for is *denied*."
    assert world.slack.calls == [(text, "C0AUDIT", False), (text, "C0MORE", False)]


@pytest.mark.parametrize(
    "channel",
    [Channel("C0AUDIT", bot_is_member=True, is_shared_outside=True), Channel("C0AUDIT", bot_is_member=False), None],
)
async def test_a_channel_that_others_read_or_that_is_unknown_is_not_told(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch, channel: Channel | None
) -> None:
    async def look_up(_: str) -> Channel:
        if channel is None:
            raise LookUpFailed("nobody knows")
        return channel

    monkeypatch.setattr(world.people, "channel", look_up)
    await world.announced(demand=demand(notify=("C0AUDIT",)))
    await process.go_on(await world.deny())
    await process.engine.finish(5.0)
    assert world.slack.calls == []
    assert (await world.now()).told is not None


async def test_who_was_written_to_because_the_thread_is_gone_is_not_written_to_again(
    world: World, process: Process
) -> None:
    await world.announced(demand=demand(dm=True))
    world.slack.gone |= {"thread"}
    await process.go_on(await world.deny())
    await process.engine.finish(5.0)
    assert len(world.slack.said("outcome", "dm")) == 1
    assert world.slack.calls == []

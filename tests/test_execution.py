"""One change carried out: what is looked at before the call, what is written down around it, and what repeats it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from doubles import (
    ANA,
    BEN,
    CALL_TIME,
    EXECUTE_WITHIN,
    LEASE,
    NOON,
    PASSWORD,
    PLAN,
    POLICY,
    PROPOSED,
    REF,
    REQUESTER,
    Fault,
    Process,
    World,
    wish,
)

from bot.core import attempts, decisions
from bot.core.change import Change, State
from bot.core.events import Expired, Refused, SecretUse, Stale, Stuck, moment
from bot.core.people import Channel
from bot.core.policy import read_policy
from bot.errors import (
    DbsError,
    DbsRefused,
    DbsThrottled,
    DbsUnanswered,
    DbsUnreachable,
    LedgerBusy,
    LookUpFailed,
    Refusal,
    SecretMissing,
    SecretUnreachable,
)

LOST = DbsUnanswered("ReadTimeout", "no answer within 20 seconds.")
MISMATCH = DbsRefused("IdempotentParameterMismatch", "Other parameters.", "RQ1")
FORBIDDEN = DbsRefused("Request.Forbidden", "Not authorized.", "RQ2", "Grant the action.")
DOWN = DbsUnreachable("ConnectError", "dbs.test cannot be reached.")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as one:
        yield one


@pytest.fixture
def process(world: World) -> Process:
    return world.process()


def unanswered(*, done: bool) -> Fault:
    """Lose the answer, of a call that was carried out or not."""
    return Fault(error=LOST, done=done)


async def die() -> None:
    """Let the process that gets here end."""
    raise asyncio.CancelledError


async def nothing() -> None:
    """Let time pass, and nothing else happen."""


def gaps(world: World) -> list[float]:
    """Return the seconds from one send to the next."""
    times = [call.at for call in world.dbs.calls]
    return [(later - sooner).total_seconds() for sooner, later in pairwise(times)]


# The good case


async def test_what_was_approved_is_sent_once_and_written_down_around_the_call(world: World, process: Process) -> None:
    await world.approved()
    change = await process.execute()
    (call,) = world.dbs.calls
    started, sent, applied = (await world.events())[-3:]
    assert (change.state, change.appended, world.dbs.effects) == (State.APPLIED, True, 1)
    assert (started.type, sent.type, applied.type) == ("started", "sent", "applied")
    assert started.data["client_token"] == call.token
    assert moment(started.data["lease_end"]) == NOON + LEASE
    assert sent.data["attempt"] == started.data["attempt"] == 1
    assert applied.data["request_id"] == "R1"


async def test_req30_the_password_goes_beside_the_request_and_the_secret_s_name_goes_nowhere(
    world: World, process: Process
) -> None:
    await world.approved()
    await process.execute()
    (call,) = world.dbs.calls
    assert call.request == {name: text for name, text in PROPOSED.items() if name != "SourceEndpointPassword"}
    assert call.passwords == {"SourceEndpointPassword": PASSWORD}
    assert world.secrets.fetched == [REF]


async def test_a_change_without_a_secret_fetches_none(world: World, process: Process) -> None:
    redis = {**PLAN, "DatabaseType": "Redis", "BackupMethod": "logical"}
    world.dbs.plan = replace(world.dbs.plan, database_type="Redis")
    await world.approved(secrets={}, proposed={**PLAN, "BackupRetentionPeriod": "30"}, baseline=redis)
    assert (await process.execute()).state is State.APPLIED
    assert (world.secrets.fetched, world.dbs.calls[0].passwords) == ([], {})


async def test_sent_is_in_the_ledger_before_the_call_leaves(world: World, process: Process) -> None:
    seen: list[list[str]] = []

    async def look() -> None:
        seen.append((await world.kinds())[-2:])

    await world.approved()
    world.dbs.next("configure", Fault(meanwhile=look))
    await process.execute()
    assert seen == [["started", "sent"]]


async def test_the_plan_is_read_last_of_all_that_is_asked_before_the_first_send(world: World, process: Process) -> None:
    asked: list[str] = []

    async def look() -> None:
        asked.extend([*world.people.fresh, *world.secrets.fetched])
        asked.append((await world.kinds())[-1])

    async def sent() -> None:
        asked.append((await world.kinds())[-1])

    await world.approved()
    world.dbs.next("read", Fault(meanwhile=look))
    world.dbs.next("configure", Fault(meanwhile=sent))
    assert (await process.execute()).state is State.APPLIED
    assert sorted(asked[:-3]) == sorted([REQUESTER, ANA, BEN, "S0DBA", "C1"])
    assert asked[-3:] == [REF, "started", "sent"], "the secret before the plan, and after it one line of the ledger"
    assert len(world.people.fresh) == 5
    assert len(world.dbs.read_at) == 1
    assert world.secrets.fetched == [REF]


async def test_what_changes_while_a_secret_is_fetched_is_not_overwritten(world: World, process: Process) -> None:
    async def console() -> None:
        world.dbs.change(BackupRetentionPeriod="1825")

    await world.approved()
    world.secrets.next("fetch", Fault(meanwhile=console))
    change = await process.execute()
    assert (change.state, world.dbs.calls) == (State.STALE, [])


async def test_a_reading_that_is_too_old_is_done_again_before_the_send(world: World, process: Process) -> None:
    async def held_up() -> None:
        world.clock.pass_by(attempts.MOST_AGE + timedelta(seconds=1))

    await world.approved()
    world.dbs.next("read", Fault(meanwhile=held_up))
    change = await process.execute()
    assert (change.state, len(world.dbs.calls), len(world.dbs.read_at)) == (State.APPLIED, 1, 2)
    assert len(world.secrets.fetched) == 2, "the look is repeated as a whole"
    assert len(world.people.fresh) == 10


async def test_what_is_held_up_between_the_ledger_and_the_call_does_not_leave(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing left, so that is no send, and everything is looked at again."""
    record, held_up = process.ledger.record, [timedelta(minutes=5)]

    async def slowly(change_id: str, decide: Any) -> Change:
        change = await record(change_id, decide)
        if change.history[-1].type == "sent" and held_up:
            world.clock.pass_by(held_up.pop())
            world.dbs.change(BackupRetentionPeriod="99")
        return change

    await world.approved()
    monkeypatch.setattr(process.ledger, "record", slowly)
    change = await process.execute()
    assert (change.state, change.sent_at, world.dbs.calls) == (State.STALE, (), [])


DENIES = """
[[rules]]
name = "never"
plans = ["orders"]
deny = true
"""
STEPS = ["person", "channel", "fetch", "read", "record"]


@pytest.mark.parametrize("step", STEPS)
async def test_a_policy_that_denies_from_any_step_on_is_not_sent_past(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Between any two steps of the look the policy may change, up to the line of the ledger that says it is sent."""

    async def deny() -> None:
        process.policy = read_policy(POLICY + DENIES)

    await world.approved()
    record = process.ledger.record

    async def late(change_id: str, decide: Any) -> Change:
        if world.dbs.read_at:
            await deny()
        return await record(change_id, decide)

    places: dict[str, Any] = {"fetch": world.secrets, "read": world.dbs}
    if step == "record":
        monkeypatch.setattr(process.ledger, "record", late)
    else:
        places.get(step, world.people).next({"person": ANA, "channel": "C1"}.get(step, step), Fault(meanwhile=deny))
    change = await process.execute()
    assert isinstance(change.outcome, Stale)
    assert change.outcome.why == "policy"
    assert (world.dbs.calls, change.sent_at) == ([], ())


@pytest.mark.parametrize("step", ["person", "fetch", "read"])
async def test_a_policy_that_still_allows_it_is_looked_at_and_sent(world: World, process: Process, step: str) -> None:
    async def change_something_else() -> None:
        process.policy = read_policy(POLICY.replace("[defaults]", '[defaults]\nexpires_after = "3h"'))

    await world.approved()
    place = {"read": world.dbs, "fetch": world.secrets, "person": world.people}[step]
    place.next(ANA if step == "person" else step, Fault(meanwhile=change_something_else))
    change = await process.execute()
    assert (change.state, len(world.dbs.calls), len(world.dbs.read_at)) == (State.APPLIED, 1, 2)


# The channel


@pytest.mark.parametrize(
    ("policy", "channel", "said"),
    [
        (POLICY, Channel("C1", is_shared_outside=True), "now shared with another organisation"),
        (POLICY.replace("[defaults]", '[defaults]\nchannels = ["C2"]'), Channel("C1"), "no longer allows changes in"),
        (POLICY, Channel("C1", is_known=False), "can no longer see the channel"),
    ],
)
async def test_a_channel_that_is_lost_makes_it_stale(world: World, policy: str, channel: Channel, said: str) -> None:
    await world.approved()
    world.people.channels["C1"] = channel
    change = await world.process(policy).execute()
    assert isinstance(change.outcome, Stale)
    assert change.outcome.why == "channel"
    assert said in change.outcome.sentence
    assert (world.dbs.calls, world.secrets.fetched) == ([], [])


@pytest.mark.parametrize("channel", [Channel("C1", is_archived=True), Channel("C1")])
async def test_a_channel_that_is_archived_or_left_is_not_lost(world: World, process: Process, channel: Channel) -> None:
    await world.approved()
    world.people.channels["C1"] = channel
    assert (await process.execute()).state is State.APPLIED


async def test_a_channel_is_looked_up_until_slack_says_what_it_is(world: World, process: Process) -> None:
    await world.approved()
    world.people.next("C1", *([LookUpFailed("Slack did not answer.")] * 3))
    assert (await process.execute()).state is State.APPLIED
    assert len(process.waited) == 3


async def test_after_a_send_the_channel_no_longer_matters(world: World) -> None:
    await sent_and_dead(world)
    world.people.channels["C1"] = Channel("C1", is_shared_outside=True)
    assert (await world.process().execute()).state is State.APPLIED


async def test_a_change_that_waits_for_approvals_is_not_carried_out(world: World, process: Process) -> None:
    await world.announced()
    await world.approve(ANA)
    change = await process.execute()
    assert (change.state, change.appended, world.dbs.calls) == (State.PENDING, False, [])


async def test_a_change_that_has_ended_is_left_alone(world: World, process: Process) -> None:
    await world.approved()
    await process.execute()
    change = await process.execute()
    assert (change.state, change.appended, len(world.dbs.calls)) == (State.APPLIED, False, 1)


# Nothing is sent of what is stale


async def test_req11_a_plan_that_moved_is_stale_and_says_how_it_is_now(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.change(BackupRetentionPeriod="99")
    change = await process.execute()
    assert isinstance(change.outcome, Stale)
    assert change.outcome.why == "plan"
    assert change.outcome.now["BackupRetentionPeriod"] == "99"
    assert world.dbs.calls == []


async def test_what_every_backup_changes_does_not_make_a_plan_stale(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.plan = replace(world.dbs.plan, status="check_pass", message="Backup of last night failed.", region="x")
    assert (await process.execute()).state is State.APPLIED


async def test_another_engine_behind_the_same_plan_is_stale(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.plan = replace(world.dbs.plan, backup_method="physical")
    assert (await process.execute()).state is State.STALE


@pytest.mark.parametrize(
    "flags", [{"is_deleted": True}, {"is_guest": True}, {"is_stranger": True}, {"is_bot": True}, {"team_id": "T1"}]
)
async def test_req06_an_approver_who_no_longer_counts_makes_it_stale(
    world: World, process: Process, flags: dict[str, Any]
) -> None:
    await world.approved()
    world.people.people[BEN] = replace(world.people.people[BEN], **flags)
    change = await process.execute()
    assert isinstance(change.outcome, Stale)
    assert change.outcome.why == "approver"
    assert change.outcome.sentence == f"<@{BEN}> may no longer approve, so 1 of 2 approvals are left."
    assert world.dbs.calls == []


async def test_req06_an_approver_who_left_the_group_makes_it_stale(world: World, process: Process) -> None:
    await world.approved()
    world.people.groups["S0DBA"] = frozenset({ANA, REQUESTER})
    change = await process.execute()
    assert isinstance(change.outcome, Stale)
    assert change.outcome.why == "approver"


async def test_a_requester_who_is_deactivated_makes_it_stale(world: World, process: Process) -> None:
    await world.approved()
    world.people.people[REQUESTER] = replace(world.people.people[REQUESTER], is_deleted=True)
    change = await process.execute()
    assert isinstance(change.outcome, Stale)
    assert change.outcome.why == "requester"
    assert world.dbs.calls == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("approvals = 2", "approvals = 3", "The policy now asks for 3 approvals, not 2."),
        ('ref = "env:ORDERS"', 'ref = "env:OTHER"', "keeps the secret 'orders-db' elsewhere"),
        ('plans = ["dbs*"]', 'plans = ["other"]', "does not allow the secret 'orders-db' for plan dbs1"),
        ('sources = ["instance:rm-1"]', 'sources = ["instance:rm-2"]', "the secret 'orders-db' for instance:rm-1"),
        ("[secrets.orders-db]", "[secrets.another]", "no longer has the secret 'orders-db'"),
    ],
)
async def test_req35_a_policy_that_no_longer_allows_it_makes_it_stale(
    world: World, old: str, new: str, said: str
) -> None:
    await world.approved()
    change = await world.process(POLICY.replace(old, new)).execute()
    assert isinstance(change.outcome, Stale)
    assert change.outcome.why == "policy"
    assert said in change.outcome.sentence
    assert (world.dbs.calls, world.secrets.fetched) == ([], [])


async def test_req04_a_vote_from_outside_the_pool_counts_for_nothing(world: World, process: Process) -> None:
    """Nobody can cast one; the fold of the history does not take that on trust."""
    demand = wish().demand.model_copy(update={"pool": (ANA,)})
    await world.approved(demand=demand)
    assert (await process.execute()).state is State.PENDING
    assert (world.dbs.calls, world.secrets.fetched) == ([], [])


async def test_a_looser_policy_changes_nothing(world: World) -> None:
    await world.approved()
    assert (await world.process(POLICY.replace("approvals = 2", "approvals = 1")).execute()).state is State.APPLIED


async def test_everybody_is_looked_up_afresh_before_the_first_send(world: World, process: Process) -> None:
    await world.approved()
    await process.execute()
    assert sorted(world.people.fresh) == sorted([REQUESTER, ANA, BEN, "S0DBA", "C1"])
    assert world.people.asked == []


# Nor of what is refused


@pytest.mark.parametrize(
    "altered",
    [
        {"proposed": {**PROPOSED, "BackupRetentionPeriod": "1"}},
        {"baseline": {**PLAN, "DatabaseType": "MySQL", "BackupMethod": "logical", "OSSBucketName": "x"}},
        {"secrets": {"SourceEndpointPassword": SecretUse(name="orders-db", ref="env:OTHER")}},
        {"secrets": {"SourceEndpointPassword": SecretUse(name="other-db", ref=REF)}},
        {"secrets": {}},
        {"host": "dbs.elsewhere"},
    ],
)
async def test_req10_a_record_that_is_not_what_was_approved_is_refused(
    world: World, process: Process, altered: dict[str, Any]
) -> None:
    """Even where every hash in the ledger was made to fit."""
    await world.approved(digest=wish().digest, **altered)
    change = await process.execute()
    assert isinstance(change.outcome, Refused)
    assert change.outcome.code == "DigestMismatch"
    assert (world.dbs.calls, world.secrets.fetched, world.people.fresh) == ([], [], [])


@pytest.mark.parametrize(
    "altered",
    [
        {"proposed": {**PROPOSED, "BackupPlanId": "dbs2"}},
        {"baseline": {**PLAN, "BackupPlanId": "dbs2", "DatabaseType": "MySQL", "BackupMethod": "logical"}},
        {"plan_id": "dbs2", "proposed": PROPOSED, "baseline": {**PLAN, "DatabaseType": "MySQL"}},
        {"baseline": {"DatabaseType": "MySQL", "BackupMethod": "logical"}},
    ],
)
async def test_req10_one_change_has_one_plan_or_nothing_is_sent(
    world: World, process: Process, altered: dict[str, Any]
) -> None:
    """It cannot be asked for; and had somebody written it into the ledger, approved and hashed, it is not sent."""
    with pytest.raises(Refusal, match="not the one that would be changed"):
        await world.asked("c1", **altered)
    assert await world.ledger.change("c1") is None
    await world.ledger.record("c1", lambda *_: (REQUESTER, wish("c1", **altered)))
    await world.approve(ANA)
    await world.approve(BEN)
    change = await process.execute()
    assert isinstance(change.outcome, Refused)
    assert change.outcome.code == "PlanMismatch"
    assert (world.dbs.calls, world.dbs.read_at, world.secrets.fetched) == ([], [], [])


async def test_req10_another_endpoint_than_at_the_approval_is_refused(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.host = "dbs.elsewhere"
    change = await process.execute()
    assert isinstance(change.outcome, Refused)
    assert change.outcome.code == "DigestMismatch"
    assert world.dbs.read_at == []


async def test_a_locked_plan_is_refused_and_says_what_to_do(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.plan = replace(world.dbs.plan, status="locked")
    change = await process.execute()
    assert isinstance(change.outcome, Refused)
    assert change.outcome.code == "PlanLocked"
    assert "unlocked" in change.outcome.advice
    assert world.dbs.calls == []


async def test_a_secret_that_is_missing_refuses_and_names_it(world: World, process: Process) -> None:
    await world.approved()
    world.secrets.values.clear()
    change = await process.execute()
    assert isinstance(change.outcome, Refused)
    assert (change.outcome.code, change.outcome.message) == (
        "SecretMissing",
        f"The secret orders-db cannot be had: There is no secret {REF}.",
    )
    assert (await world.kinds())[-2:] == ["started", "refused"]


async def test_what_dbs_refuses_to_read_is_refused_with_its_words(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("read", FORBIDDEN)
    change = await process.execute()
    assert change.outcome == Refused(
        code="Request.Forbidden", message="Not authorized.", request_id="RQ2", advice="Grant the action."
    )
    assert world.dbs.calls == []


async def test_what_breaks_a_rule_by_now_is_refused_before_it_counts_as_sent(world: World, process: Process) -> None:
    """The rules may have become stricter while a change waited for its approvals."""
    await world.approved(proposed={**PROPOSED, "BackupRetentionPeriod": "9999"})
    change = await process.execute()
    assert isinstance(change.outcome, Refused)
    assert change.outcome.code == "InvalidRequest"
    assert "sent" not in await world.kinds()


@pytest.mark.parametrize("error", [FORBIDDEN, MISMATCH])
async def test_a_refusal_of_the_first_send_is_final(world: World, process: Process, error: DbsRefused) -> None:
    await world.approved()
    world.dbs.next("configure", error)
    change = await process.execute()
    assert change.outcome == Refused(
        code=error.code, message=error.message, request_id=error.request_id, advice=error.advice
    )
    assert len(world.dbs.calls) == 1


# Cannot be sent for now: tried again until `execute_within`, then expired


@pytest.mark.parametrize(
    ("asked", "error", "reason"),
    [
        ("read", DOWN, "The plan could not be read: ConnectError: dbs.test cannot be reached."),
        ("read", LOST, "The plan could not be read: ReadTimeout: no answer within 20 seconds."),
        ("fetch", SecretUnreachable("KMS does not answer"), "The secret orders-db cannot be had: KMS does not answer."),
        ("person", LookUpFailed("Slack did not answer."), "Slack did not answer."),
    ],
)
async def test_what_cannot_be_reached_for_an_hour_expires_and_says_why(
    world: World, process: Process, asked: str, error: Exception, reason: str
) -> None:
    await world.approved()
    place = {"read": world.dbs, "fetch": world.secrets, "person": world.people}[asked]
    place.next(ANA if asked == "person" else asked, *([error] * 500))
    change = await process.execute()
    assert change.outcome == Expired(why="execution", detail=reason)
    assert moment(change.ended_at) == NOON + EXECUTE_WITHIN
    assert (world.dbs.calls, change.sent_at) == ([], ())
    assert process.waited[0] == reason


@pytest.mark.parametrize("asked", ["read", "fetch", "person"])
async def test_what_comes_back_in_time_is_sent(world: World, process: Process, asked: str) -> None:
    await world.approved()
    error = {"read": DOWN, "fetch": SecretUnreachable("KMS"), "person": LookUpFailed("Slack")}[asked]
    place = {"read": world.dbs, "fetch": world.secrets, "person": world.people}[asked]
    place.next(ANA if asked == "person" else asked, *([error] * 20))
    change = await process.execute()
    assert (change.state, len(world.dbs.calls)) == (State.APPLIED, 1)
    assert change.attempt is not None
    assert change.attempt.attempt == 21


async def test_a_wait_that_dbs_asks_for_beyond_the_time_allowed_ends_with_that_time(
    world: World, process: Process
) -> None:
    await world.approved()
    throttled = DbsThrottled("Throttling.User", "Slow down.", retry_after=7200.0)
    world.dbs.next("read", throttled, throttled)
    change = await process.execute()
    assert isinstance(change.outcome, Expired)
    assert "Throttling.User: Slow down." in change.outcome.detail
    assert moment(change.ended_at) == NOON + EXECUTE_WITHIN


async def test_nothing_is_sent_once_the_time_is_over_even_if_it_ran_out_just_before_the_call(
    world: World, process: Process
) -> None:
    async def dawdle() -> None:
        world.clock.pass_by(LEASE / 2)

    await world.approved(execute_within=30)
    world.secrets.next("fetch", Fault(meanwhile=dawdle))
    change = await process.execute()
    assert change.outcome == Expired(why="execution", detail="There was no time left for a whole call.")
    assert world.dbs.calls == []


async def test_another_process_that_finds_it_too_late_says_what_the_last_attempt_met(world: World) -> None:
    await world.approved()
    dead = world.process()
    world.dbs.next("read", DOWN, DOWN)
    world.clock.meanwhile.extend([nothing, die])
    with pytest.raises(asyncio.CancelledError):
        await dead.execute()
    world.clock.pass_by(EXECUTE_WITHIN)
    change = await world.process().execute()
    assert isinstance(change.outcome, Expired)
    assert change.outcome.detail.startswith("The plan could not be read")


# Repeats


async def test_req26_the_nth_repeat_follows_within_two_to_the_n_seconds_and_never_later_than_the_lease(
    world: World, process: Process
) -> None:
    await world.approved()
    world.dbs.next("read", *([DOWN] * 12))
    await process.execute()
    waits = world.clock.slept
    assert len(waits) == 12
    for n, wait in enumerate(waits, start=1):
        assert 0 < wait < min(2**n, LEASE.total_seconds())


async def test_req27_dbs_is_asked_again_after_the_time_it_named(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", DbsThrottled("Throttling.User", "Slow down.", retry_after=7.5))
    world.dbs.next("configure", DbsUnanswered("InternalError", "Later.", retry_after=90.0))
    world.dbs.next("configure", DbsThrottled("Throttling.User", "Slow down.", retry_after=7.5))
    change = await process.execute()
    assert change.state is State.APPLIED
    assert gaps(world) == [7.5, 90.0, 7.5]


async def test_an_attempt_that_waits_has_its_lease_from_when_it_begins(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", DbsThrottled("Throttling", "Slow down.", retry_after=100.0))
    await process.execute()
    second = (await world.events(kind="started"))[1]
    assert moment(second.data["not_before"]) == NOON + timedelta(seconds=100)
    assert moment(second.data["lease_end"]) == NOON + timedelta(seconds=100) + LEASE
    assert second.data["after"] == "DBS asks to wait: Throttling: Slow down."


async def test_req25_the_token_is_the_same_in_every_attempt_and_every_call(world: World) -> None:
    await world.approved()
    world.dbs.next("configure", unanswered(done=False), DbsThrottled("Throttling", ""), unanswered(done=False))
    await world.process().execute()
    tokens = {event.data["client_token"] for event in await world.events(kind="started")}
    assert tokens == {call.token for call in world.dbs.calls}
    assert len(tokens) == 1
    assert len(world.dbs.calls) == 4
    (token,) = tokens
    assert token.isascii()
    assert 0 < len(token) <= 64


async def test_req25_no_two_changes_share_a_token(world: World, process: Process) -> None:
    for name in ("c1", "c2"):
        await world.approved(name, plan_id=f"dbs {name}")
        world.dbs.change(BackupRetentionPeriod="730")
        await process.execute(name)
    assert len({call.token for call in world.dbs.calls}) == len(world.dbs.calls) == 2


async def test_there_is_one_sent_for_each_call(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", unanswered(done=False), DbsThrottled("Throttling", ""), DOWN)
    await process.execute()
    sent = [event.data["attempt"] for event in await world.events(kind="sent")]
    assert sent == [1, 2, 3, 4]
    assert len(world.dbs.calls) == len(sent)


@pytest.mark.parametrize("error", [LOST, DbsUnanswered("NotJson", "HTML.")])
async def test_req26_an_answer_that_is_lost_after_the_effect_is_asked_for_again_under_the_same_token(
    world: World, process: Process, error: DbsError
) -> None:
    await world.approved()
    world.dbs.next("configure", Fault(error=error, done=True))
    change = await process.execute()
    assert change.state is State.APPLIED
    assert len({call.token for call in world.dbs.calls}) == 1
    assert (len(world.dbs.calls), world.dbs.effects) == (2, 1)
    assert all(call.request == world.dbs.calls[0].request for call in world.dbs.calls)


async def test_req26_a_plan_that_looks_as_before_is_sent_again(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", unanswered(done=False))
    change = await process.execute()
    assert (change.state, len(world.dbs.calls), world.dbs.effects) == (State.APPLIED, 2, 1)


async def test_a_plan_that_somebody_else_changed_after_a_send_is_stuck_and_not_sent_again(
    world: World, process: Process
) -> None:
    async def meddle() -> None:
        world.dbs.change(BackupRetentionPeriod="99")

    await world.approved()
    world.dbs.next("configure", unanswered(done=False))
    world.clock.meanwhile.append(meddle)
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert "neither what it was nor what was approved" in change.outcome.sentence
    assert change.outcome.now["BackupRetentionPeriod"] == "99"
    assert len(world.dbs.calls) == 1


async def test_after_five_sends_a_person_has_to_look(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", *([unanswered(done=False)] * 9))
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert change.outcome.sentence.startswith("It was sent 5 times, and no answer says what came of it.")
    assert "no answer within 20 seconds." in change.outcome.sentence
    assert len(world.dbs.calls) == 5


async def test_the_last_send_leaves_within_fifteen_minutes_of_the_first(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", *([DbsUnanswered("InternalError", "", retry_after=400.0)] * 9))
    change = await process.execute()
    assert change.state is State.STUCK
    assert gaps(world) == [400.0, 400.0]


async def test_five_sends_without_an_answer_are_spread_over_ten_minutes(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", *([DbsUnanswered("InternalError", "", retry_after=0.1)] * 9))
    change = await process.execute()
    assert change.state is State.STUCK
    assert gaps(world) == [15.0, 60.0, 180.0, 360.0]


async def test_a_restart_does_not_hurry_the_next_send(world: World) -> None:
    await world.approved()
    world.dbs.next("configure", *[unanswered(done=False)] * 3)
    world.clock.meanwhile.extend([nothing, nothing, die])
    with pytest.raises(asyncio.CancelledError):
        await world.process().execute()
    world.clock.pass_by(timedelta(seconds=5))
    at = (await world.now()).lease_end
    world.clock.pass_by(at - world.clock.now())
    assert (await world.process().execute()).state is State.APPLIED
    assert gaps(world)[:2] == [15.0, 60.0]
    assert gaps(world)[2] >= 180.0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DbsThrottled("Throttling.User", "Slow down."), "DBS asks to wait: Throttling.User: Slow down."),
        (DOWN, "DBS cou"),
    ],
)
async def test_what_dbs_never_takes_uses_no_send_and_expires_saying_so(
    world: World, process: Process, error: DbsError, words: str
) -> None:
    await world.approved()
    world.dbs.next("configure", *([error] * 500))
    change = await process.execute()
    assert isinstance(change.outcome, Expired)
    assert change.outcome.detail.startswith(words)
    assert moment(change.ended_at) == NOON + EXECUTE_WITHIN
    assert (change.sent_at, world.dbs.effects) == ((), 0)
    assert len(world.dbs.calls) > attempts.MOST_SENDS


@pytest.mark.parametrize("who", [ANA, REQUESTER])
async def test_after_a_throttled_send_people_may_still_change_their_mind(
    world: World, process: Process, who: str
) -> None:
    async def change_one_s_mind() -> None:
        if who == REQUESTER:
            await world.ledger.record("c1", partial(decisions.withdraw, by=REQUESTER))
        else:
            await world.deny()

    await world.approved()
    world.dbs.next("configure", DbsThrottled("Throttling", "Slow down."))
    world.clock.meanwhile.append(change_one_s_mind)
    change = await process.execute()
    assert change.state is (State.WITHDRAWN if who == REQUESTER else State.DENIED)
    assert len(world.dbs.calls) == 1


async def test_after_a_throttled_send_everything_is_looked_at_again(world: World, process: Process) -> None:
    async def leave() -> None:
        world.people.groups["S0DBA"] = frozenset({ANA})

    await world.approved()
    world.dbs.next("configure", DbsThrottled("Throttling", "Slow down."))
    world.clock.meanwhile.append(leave)
    change = await process.execute()
    assert isinstance(change.outcome, Stale)
    assert change.outcome.why == "approver"


async def test_what_dbs_did_although_it_throttled_is_stuck(world: World, process: Process) -> None:
    """Never "nothing was sent": the plan is what was proposed."""
    await world.approved()
    world.dbs.next("configure", Fault(error=DbsThrottled("Throttling", "Slow down."), done=True))
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert change.outcome.sentence.startswith("DBS asked to wait when it was sent, and yet the plan is now what was")
    assert change.outcome.now["BackupRetentionPeriod"] == "30"


async def test_what_was_put_off_is_looked_at_before_it_expires(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", Fault(error=DbsThrottled("Throttling", "", retry_after=7200.0), done=True))
    assert (await process.execute()).state is State.STUCK


async def test_what_was_put_off_and_cannot_be_read_any_more_is_stuck(world: World, process: Process) -> None:
    """Never "the change was not sent"."""
    await world.approved()
    world.dbs.next("configure", Fault(error=DbsThrottled("Throttling", "Slow down."), done=True))
    world.dbs.next("read", Fault(), FORBIDDEN)
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert change.outcome.sentence.startswith("DBS put off what was sent, and whether the plan is as it was could not")


async def test_a_throttled_send_after_an_unanswered_one_leaves_that_open(world: World, process: Process) -> None:
    async def too_late() -> None:
        with pytest.raises(Refusal, match="being carried out"):
            await world.deny()

    await world.approved()
    world.dbs.next("configure", unanswered(done=True), DbsThrottled("Throttling", "Slow down."))
    world.clock.meanwhile.extend([nothing, too_late])
    change = await process.execute()
    assert (change.state, world.dbs.effects, len(world.dbs.calls)) == (State.APPLIED, 1, 3)
    assert [event.data["undone"] for event in await world.events(kind="started")] == [False, False, True]


async def test_a_crash_after_a_throttled_answer_counts_as_unanswered(world: World, monkeypatch: Any) -> None:
    process = world.process()
    start = attempts.start

    def dies(change: Change, *rest: Any, undone: int = 0, **more: Any) -> Any:
        if undone:
            raise asyncio.CancelledError
        return start(change, *rest, **more)

    await world.approved()
    world.dbs.next("configure", DbsThrottled("Throttling", "Slow down."))
    monkeypatch.setattr(attempts, "start", dies)
    with pytest.raises(asyncio.CancelledError):
        await process.execute()
    monkeypatch.undo()
    assert len((await world.now()).sent_at) == 1
    world.clock.pass_by(LEASE)
    assert (await world.process().execute()).state is State.APPLIED


async def test_nothing_is_sent_hours_later(world: World) -> None:
    await world.approved()
    dead = world.process()
    world.dbs.next("configure", unanswered(done=False))
    world.clock.meanwhile.append(die)
    with pytest.raises(asyncio.CancelledError):
        await dead.execute()
    world.clock.pass_by(timedelta(hours=2))
    change = await world.process().execute()
    assert isinstance(change.outcome, Stuck)
    assert change.outcome.sentence.startswith("It was sent once,")
    assert len(world.dbs.calls) == 1


@pytest.mark.parametrize(("error", "words"), [(FORBIDDEN, "Request.Forbidden"), (DOWN, "dbs.test cannot be reached")])
async def test_a_plan_that_cannot_be_read_after_a_send_is_read_until_the_time_for_sending_is_over(
    world: World, process: Process, error: DbsError, words: str
) -> None:
    await world.approved()
    world.dbs.next("configure", unanswered(done=True))
    world.dbs.next("read", Fault(), *([error] * 500))
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert change.outcome.sentence.startswith("It was sent once, and no answer says what came of it.")
    assert words in change.outcome.sentence
    assert moment(change.ended_at) <= NOON + timedelta(minutes=15)
    assert len(world.dbs.calls) == 1


async def test_a_mismatch_of_the_token_after_a_send_is_stuck(world: World, process: Process) -> None:
    """A password that was rotated in between makes another request of it: the first copy may have been applied."""
    await world.approved()
    world.dbs.next("configure", unanswered(done=False), MISMATCH)
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert "IdempotentParameterMismatch" in change.outcome.sentence


@pytest.mark.parametrize("done", [False, True])
async def test_a_refusal_after_an_unanswered_send_is_stuck(world: World, process: Process, done: bool) -> None:
    """The first copy may still be on its way, however the plan looks now."""
    await world.approved()
    world.dbs.next("configure", unanswered(done=done), FORBIDDEN)
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert "or may yet be; a repeat was refused" in change.outcome.sentence
    assert len(world.dbs.calls) == 2


async def test_a_refusal_after_an_unanswered_send_of_nothing_that_dbs_shows_is_stuck(
    world: World, process: Process
) -> None:
    """The plan looks the same whether or not the new password arrived."""
    await world.approved(proposed={**PROPOSED, "BackupRetentionPeriod": "730"})
    world.dbs.next("configure", unanswered(done=True), FORBIDDEN)
    assert (await process.execute()).state is State.STUCK


@pytest.mark.parametrize("error", [FORBIDDEN, MISMATCH])
async def test_a_refusal_is_believed_only_while_the_plan_is_as_it_was(
    world: World, process: Process, error: DbsRefused
) -> None:
    await world.approved()
    world.dbs.next("configure", Fault(error=error, done=True))
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert change.outcome.sentence == f"DBS refused it, and yet the plan is now what was proposed: {error}"
    assert change.outcome.now["BackupRetentionPeriod"] == "30"
    assert len(world.dbs.calls) == 1


async def test_a_refusal_beside_a_plan_that_somebody_changed_is_stuck(world: World, process: Process) -> None:
    async def meddle() -> None:
        world.dbs.change(BackupRetentionPeriod="99")

    await world.approved()
    world.dbs.next("configure", Fault(error=FORBIDDEN, meanwhile=meddle))
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert "is now not what it was" in change.outcome.sentence
    assert change.outcome.now["BackupRetentionPeriod"] == "99"


async def test_after_a_refusal_only_the_reading_is_repeated(world: World, process: Process) -> None:
    """DBS said no; by now people and policy may as well, and nobody asks them again before a repeat."""
    await world.approved()
    world.dbs.next("configure", FORBIDDEN)
    world.dbs.next("read", Fault(), DOWN, LOST, DOWN)
    change = await process.execute()
    assert (change.state, len(world.dbs.calls)) == (State.REFUSED, 1)
    assert process.waited == []


async def test_a_refusal_beside_a_refused_reading_is_stuck_at_once(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", FORBIDDEN)
    world.dbs.next("read", Fault(), DbsRefused("InvalidJobId", "There is no such plan."))
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert "could not be read: InvalidJobId: There is no such plan." in change.outcome.sentence
    assert len(await world.kinds()) == len({*await world.kinds()}) + 1  # two approvals, one of everything else


async def test_a_refusal_that_no_reading_ever_confirms_is_stuck(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", *[FORBIDDEN] * 9)
    world.dbs.next("read", Fault(), *([DOWN] * 500))
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert len(world.dbs.calls) == 1


async def test_a_refusal_of_what_dbs_does_not_show_says_that_only_its_word_is_known(
    world: World, process: Process
) -> None:
    await world.approved(proposed={**PROPOSED, "BackupRetentionPeriod": "730"})
    world.dbs.next("configure", FORBIDDEN)
    change = await process.execute()
    assert isinstance(change.outcome, Refused)
    assert change.outcome.advice == (
        "Grant the action. DBS does not show what was to change, so only its answer says that it was not done."
    )


async def test_a_secret_that_is_missing_after_a_send_is_stuck(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", unanswered(done=False))
    world.secrets.next("fetch", Fault(), SecretMissing("There is none."))
    change = await process.execute()
    assert isinstance(change.outcome, Stuck)
    assert "There is none." in change.outcome.sentence


async def test_req35_a_secret_that_the_policy_withdraws_between_two_sends_is_not_sent_again(world: World) -> None:
    await sent_and_dead(world)
    change = await world.process(POLICY.replace('sources = ["instance:rm-1"]', 'sources = ["instance:rm-2"]')).execute()
    assert isinstance(change.outcome, Stuck)
    assert len(world.dbs.calls) == 1


async def test_req10_a_record_that_is_altered_between_two_sends_is_not_sent_again(world: World) -> None:
    await sent_and_dead(world)
    world.dbs.host = "dbs.elsewhere"
    change = await world.process().execute()
    assert isinstance(change.outcome, Stuck)
    assert len(world.dbs.calls) == 1


async def test_who_approved_is_not_asked_again_once_it_may_have_been_carried_out(world: World) -> None:
    await sent_and_dead(world)
    world.people.groups["S0DBA"] = frozenset()
    assert (await world.process().execute()).state is State.APPLIED


async def sent_and_dead(world: World) -> None:
    """Leave a change behind whose process died after an unanswered send, with its lease run out."""
    await world.approved()
    world.dbs.next("configure", Fault(meanwhile=die))
    with pytest.raises(asyncio.CancelledError):
        await world.process().execute()
    world.clock.pass_by(LEASE)


# Several processes, crashes, and people who change their mind


async def test_req26_after_a_crash_our_own_effect_is_not_taken_for_somebody_else_s(world: World) -> None:
    await world.approved()
    world.dbs.next("configure", Fault(error=asyncio.CancelledError(), done=True))
    with pytest.raises(asyncio.CancelledError):
        await world.process().execute()
    world.clock.pass_by(LEASE)
    change = await world.process().execute()
    assert (change.state, world.dbs.effects) == (State.APPLIED, 1)
    assert len({call.token for call in world.dbs.calls}) == 1


async def test_another_process_takes_over_only_after_the_lease(world: World) -> None:
    mine, other = world.process(), world.process()
    seen: list[Change] = []

    async def too_early() -> None:
        world.clock.pass_by(LEASE - timedelta(milliseconds=1))
        seen.append(await other.execute())

    await world.approved()
    world.dbs.next("configure", Fault(meanwhile=too_early))
    change = await mine.execute()
    assert (seen[0].state, seen[0].appended) == (State.EXECUTING, False)
    assert change.state is State.APPLIED
    assert len(world.dbs.calls) == 1


async def test_a_process_that_lost_its_lease_does_not_send(world: World) -> None:
    """Its successor has sent meanwhile, which it must not take for its own record."""
    slow, quick = world.process(), world.process()

    async def overtaken() -> None:
        world.clock.pass_by(LEASE)
        world.dbs.next("configure", unanswered(done=False))
        world.clock.meanwhile.append(die)
        with pytest.raises(asyncio.CancelledError):
            await quick.execute()

    await world.approved()
    world.secrets.next("fetch", Fault(meanwhile=overtaken))
    change = await slow.execute()
    assert (change.state, change.appended) == (State.EXECUTING, False)
    assert len(world.dbs.calls) == 1
    assert [event.data["attempt"] for event in await world.events(kind="sent")] == [2]


async def test_a_look_that_leaves_no_time_for_a_whole_call_is_repeated(world: World, process: Process) -> None:
    async def dawdle() -> None:
        world.clock.pass_by(LEASE - CALL_TIME + timedelta(milliseconds=1))

    await world.approved()
    world.secrets.next("fetch", Fault(meanwhile=dawdle))
    change = await process.execute()
    assert change.state is State.APPLIED
    assert [event.data["attempt"] for event in await world.events(kind="sent")] == [2]
    assert len(world.dbs.read_at) == len(world.secrets.fetched) == 2
    (call,) = world.dbs.calls
    assert change.attempt is not None
    assert call.at + CALL_TIME <= moment(change.attempt.lease_end)


async def test_a_success_that_comes_late_is_recorded_whoever_s_attempt_it_is(world: World) -> None:
    paused, other = world.process(), world.process()
    asleep, done = asyncio.Event(), asyncio.Event()
    successors: list[asyncio.Task[Change]] = []

    async def sleep_on() -> None:
        asleep.set()
        await done.wait()

    async def taken_over() -> None:
        world.clock.pass_by(LEASE)
        world.dbs.next("read", DOWN)
        world.clock.meanwhile.append(sleep_on)
        successors.append(asyncio.create_task(other.execute()))
        await asleep.wait()

    await world.approved()
    world.dbs.next("configure", Fault(meanwhile=taken_over))
    change = await paused.execute()
    done.set()
    (successor,) = await asyncio.gather(*successors)
    assert (change.state, change.appended) == (State.APPLIED, True)
    assert [event.data["owner"] for event in await world.events(kind="started")][:2] == [paused.owner, other.owner]
    assert (await world.kinds()).count("applied") == 1
    assert (successor.state, successor.appended) == (State.APPLIED, False)
    assert len(world.dbs.calls) == 1


async def test_a_verdict_of_a_process_that_lost_its_lease_does_not_count(world: World) -> None:
    slow, quick = world.process(), world.process()

    async def overtaken() -> None:
        world.clock.pass_by(LEASE)
        assert (await quick.execute()).state is State.APPLIED

    await world.approved()
    world.dbs.next("configure", Fault(meanwhile=overtaken, error=FORBIDDEN))
    change = await slow.execute()
    assert (change.state, change.appended) == (State.APPLIED, False)


@pytest.mark.parametrize("asked", ["read", "fetch", "person"])
@pytest.mark.parametrize("who", [ANA, REQUESTER])
async def test_req03_nothing_is_sent_after_a_denial_or_withdrawal_that_races_with_the_start(
    world: World, process: Process, asked: str, who: str
) -> None:
    async def change_one_s_mind() -> None:
        if who == REQUESTER:
            await world.ledger.record("c1", partial(decisions.withdraw, by=REQUESTER))
        else:
            await world.deny()

    await world.approved()
    place = {"read": world.dbs, "fetch": world.secrets, "person": world.people}[asked]
    place.next(BEN if asked == "person" else asked, Fault(meanwhile=change_one_s_mind))
    change = await process.execute()
    assert change.state is (State.WITHDRAWN if who == REQUESTER else State.DENIED)
    assert change.appended is False
    assert world.dbs.calls == []


async def test_req03_a_denial_before_the_start_keeps_it_from_starting(world: World, process: Process) -> None:
    await world.approved()
    await world.deny()
    change = await process.execute()
    assert (change.state, change.attempt) == (State.DENIED, None)


async def test_req03_a_denial_after_sent_is_refused(world: World, process: Process) -> None:
    async def too_late() -> None:
        with pytest.raises(Refusal, match="being carried out"):
            await world.deny()

    await world.approved()
    world.dbs.next("configure", Fault(meanwhile=too_late))
    assert (await process.execute()).state is State.APPLIED


async def test_who_denies_while_the_bot_waits_is_heard_before_anything_is_asked_again(
    world: World, process: Process
) -> None:
    await world.approved()
    world.dbs.next("read", DOWN)
    world.clock.meanwhile.append(world.deny)
    change = await process.execute()
    assert change.state is State.DENIED
    assert (len(world.dbs.read_at), world.secrets.fetched) == (1, [REF])


async def test_a_ledger_that_is_busy_before_the_call_lets_nothing_leave(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise LedgerBusy("locked")

    await world.approved()
    monkeypatch.setattr(attempts, "send", busy)
    with pytest.raises(LedgerBusy):
        await process.execute()
    assert world.dbs.calls == []


async def test_the_history_never_holds_the_password(world: World, process: Process) -> None:
    await world.approved()
    world.dbs.next("configure", unanswered(done=True))
    await process.execute()
    assert PASSWORD not in str([event.data for event in await world.events()])

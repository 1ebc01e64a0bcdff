"""What every ledger promises, whatever it is made of."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from bot.core import attempts, decisions
from bot.core.change import Change, ImpossibleEvent, State
from bot.core.draft import Draft
from bot.core.events import (
    Applied,
    Approved,
    Denied,
    EventData,
    Refused,
    Requested,
    Stale,
    Stuck,
    Told,
    Withdrawn,
    moment,
    stamp,
)
from bot.core.reading import Reading
from bot.core.remembered import LastSet
from bot.errors import AlreadyRequested, LedgerBusy, PlanTaken, Refusal
from bot.ports import Decide, Ledger

Ask = Callable[..., Awaitable[Change]]
LEASE = timedelta(seconds=60)


def says(actor: str, data: EventData) -> Decide:
    """Decide always the same, whatever the change."""
    return lambda _change, _now: (actor, data)


def approval(by: str) -> Decide:
    return partial(decisions.approve, by=by, digest="d1", objection=None)


def denial(by: str) -> Decide:
    return partial(decisions.deny, by=by, objection=None, reason="no")


def nothing(_change: Change | None, _now: datetime) -> None:
    """Decide that nothing needs to be written down."""


def announcement(change: Change | None, now: datetime) -> decisions.Decision:
    return decisions.announce(change, now, channel="C1", ts="1.0")


async def carry_out(ledger: Ledger, change_id: str) -> Change:
    """Approve a change and let DBS say yes."""
    await send(ledger, change_id)
    return await ledger.record(change_id, partial(attempts.applied, request_id="R1"))


async def send(ledger: Ledger, change_id: str) -> Change:
    """Approve a change and send it; nobody knows yet what came of it."""
    for person in ("UA", "UB"):
        await ledger.record(change_id, approval(person))
    change = await ledger.record(change_id, partial(attempts.start, owner="P", client_token="t", lease=LEASE))
    sending = partial(attempts.send, owner="P", attempt=1, margin=timedelta(), judged_by="p", in_force="p")
    return await ledger.record(change_id, partial(sending, read_at=moment(change.last_at)))


# Recording


async def test_what_is_recorded_is_read_back(ledger: Ledger, ask: Ask, wish: Callable[..., Requested]) -> None:
    asked = await ask("c1", view_id="V1")
    after = await ledger.record("c1", approval("UA"))
    assert (asked.state, asked.seq, asked.requester, asked.request) == (State.PENDING, 1, "UR", wish(view_id="V1"))
    assert [vote.by for vote in after.votes] == ["UA"]
    read = await ledger.change("c1")
    assert read is not None
    assert read == replace(after, appended=False)
    assert [event.type for event in read.history] == ["requested", "approved"]


async def test_only_the_call_that_wrote_something_says_so(ledger: Ledger, ask: Ask) -> None:
    await ask()
    assert (await ledger.record("c1", approval("UA"))).appended
    assert not (await ledger.record("c1", nothing)).appended
    read = await ledger.change("c1")
    assert read is not None
    assert not read.appended


async def test_an_unknown_change_is_none(ledger: Ledger) -> None:
    assert await ledger.change("c1") is None


async def test_each_hash_covers_the_event_and_the_hash_before(ledger: Ledger, ask: Ask) -> None:
    await ask()
    await ledger.record("c1", approval("UA"))
    previous = ""
    for event in await ledger.events("c1"):
        said = [previous, event.change_id, event.seq, event.type, event.actor, event.at, event.data]
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert event.hash == hashlib.sha256(text.encode()).hexdigest()
        previous = event.hash
    change = await ledger.change("c1")
    assert change is not None
    assert change.head == previous


async def test_a_refusal_writes_nothing(ledger: Ledger, ask: Ask) -> None:
    before = await ask()
    with pytest.raises(Refusal, match="somebody else"):
        await ledger.record("c1", approval("UR"))
    assert await ledger.change("c1") == before


async def test_a_decision_that_fails_writes_nothing_and_holds_nothing(ledger: Ledger, ask: Ask) -> None:
    before = await ask()

    def fail(_change: Change | None, _now: datetime) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ledger.record("c1", fail)
    assert await ledger.change("c1") == before
    assert (await ledger.record("c1", approval("UA"))).seq == 2


async def test_deciding_nothing_writes_nothing(ledger: Ledger, ask: Ask) -> None:
    before = await ask()
    assert await ledger.record("c1", nothing) == before
    assert len(list(await ledger.events())) == 1


async def test_deciding_nothing_about_an_unknown_change_is_a_refusal(ledger: Ledger) -> None:
    with pytest.raises(Refusal) as refusal:
        await ledger.record("c1", nothing)
    assert refusal.value.reason == "unknown"


async def test_a_step_that_the_table_does_not_name_is_not_written(ledger: Ledger, ask: Ask) -> None:
    before = await ask()
    with pytest.raises(ImpossibleEvent):
        await ledger.record("c1", says("bot", Applied(request_id="R1")))
    assert await ledger.change("c1") == before


async def test_a_history_begins_with_a_request(ledger: Ledger) -> None:
    with pytest.raises(ImpossibleEvent):
        await ledger.record("c1", says("UA", Approved(digest="d1")))
    assert not list(await ledger.events())


async def test_a_decision_sees_the_very_time_that_is_recorded(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    await ask()
    advance(1.2345678)
    seen = []

    def look(_change: Change | None, now: datetime) -> tuple[str, EventData]:
        seen.append(now)
        return "UA", Approved(digest="d1")

    after = await ledger.record("c1", look)
    assert seen == [moment(after.last_at)]


async def test_time_never_runs_backwards_within_a_change(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    asked = await ask()
    advance(-30)
    after = await ledger.record("c1", approval("UA"))
    assert after.last_at == asked.last_at


# The second lock


async def test_a_plan_has_one_open_change(ledger: Ledger, ask: Ask) -> None:
    await ask("c1")
    assert await ledger.open_change("dbs.test", "dbs1") == "c1"
    with pytest.raises(PlanTaken) as taken:
        await ask("c2")
    assert taken.value.change_id == "c1"
    assert await ledger.change("c2") is None
    assert len(list(await ledger.events())) == 1


async def test_the_same_plan_id_at_another_host_is_another_plan(ledger: Ledger, ask: Ask) -> None:
    await ask("c1")
    await ask("c2", host="dbs.elsewhere")
    assert await ledger.open_change("dbs.elsewhere", "dbs1") == "c2"


async def test_a_change_that_ended_frees_its_plan(ledger: Ledger, ask: Ask) -> None:
    await ask("c1")
    await ledger.record("c1", denial("UA"))
    assert await ledger.open_change("dbs.test", "dbs1") is None
    await ask("c2")
    assert await ledger.open_change("dbs.test", "dbs1") == "c2"


async def test_a_submission_delivered_again_is_the_same_request(ledger: Ledger, ask: Ask) -> None:
    await ask("c1", view_id="V1")
    with pytest.raises(AlreadyRequested) as open_still:
        await ask("c2", view_id="V1")
    await ledger.record("c1", denial("UA"))
    with pytest.raises(AlreadyRequested) as ended:
        await ask("c3", view_id="V1")
    assert open_still.value.change_id == ended.value.change_id == "c1"


async def test_a_person_votes_once_even_if_a_decision_forgot_to_ask(ledger: Ledger, ask: Ask) -> None:
    await ask()
    before = await ledger.record("c1", says("UA", Approved(digest="d1")))
    with pytest.raises(ImpossibleEvent):
        await ledger.record("c1", says("UA", Approved(digest="d1")))
    assert await ledger.change("c1") == replace(before, appended=False)


@pytest.mark.parametrize(("first", "second"), [(approval, denial), (denial, approval), (denial, denial)])
async def test_of_two_that_decide_at_once_the_second_sees_what_the_first_did(
    open_ledger: Callable[[], Ledger],
    ledger: Ledger,
    ask: Ask,
    first: Callable[[str], Decide],
    second: Callable[[str], Decide],
) -> None:
    await ask()
    other = open_ledger()
    inside, go_on = threading.Event(), threading.Event()

    def slowly(change: Change | None, now: datetime) -> decisions.Decision:
        inside.set()
        assert go_on.wait(2)
        return first("UA")(change, now)

    seen: list[int] = []

    def looking(change: Change | None, now: datetime) -> decisions.Decision:
        seen.append(change.seq if change else 0)
        return second("UB")(change, now)

    slow = asyncio.create_task(ledger.record("c1", slowly))
    await asyncio.to_thread(inside.wait, 2)
    quick = asyncio.create_task(other.record("c1", looking))
    await asyncio.sleep(0.05)
    assert not seen, "the second decides only after the first"
    go_on.set()
    results = await asyncio.gather(slow, quick, return_exceptions=True)
    assert seen == [2]
    change = await ledger.change("c1")
    assert change is not None
    assert change.state is State.DENIED
    if first is denial:
        assert isinstance(results[1], Refusal)
        assert "already denied by <@UA>" in results[1].sentence


async def test_of_two_requests_for_one_plan_at_once_one_is_told_about_the_other(
    open_ledger: Callable[[], Ledger], wish: Callable[..., Requested]
) -> None:
    ledgers = [open_ledger() for _ in range(4)]
    requests = [
        ledger.record(f"c{number}", partial(decisions.request, by="UR", data=wish(view_id=f"V{number}")))
        for number, ledger in enumerate(ledgers)
    ]
    results = await asyncio.gather(*requests, return_exceptions=True)
    (winner,) = [result for result in results if isinstance(result, Change)]
    losers = [result for result in results if isinstance(result, PlanTaken)]
    assert [loser.change_id for loser in losers] == [winner.id] * 3


async def test_a_caller_that_is_cancelled_leaves_no_transaction_open(
    open_ledger: Callable[[], Ledger], ledger: Ledger, ask: Ask
) -> None:
    await ask()
    inside, go_on = threading.Event(), threading.Event()

    def slowly(change: Change | None, now: datetime) -> decisions.Decision:
        inside.set()
        assert go_on.wait(2)
        return approval("UA")(change, now)

    task = asyncio.create_task(ledger.record("c1", slowly))
    await asyncio.to_thread(inside.wait, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    after = await open_ledger().record("c1", approval("UB"))
    assert [vote.by for vote in after.votes] == ["UA", "UB"], "the one that had begun was recorded whole"


# What was applied


async def test_nothing_is_known_of_a_plan_that_the_bot_never_changed(ledger: Ledger, ask: Ask) -> None:
    await ask()
    assert await ledger.last_applied("dbs.test", "dbs1") == LastSet()


async def test_the_newest_applied_change_tells_what_the_bot_set(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    await ask("c9", proposed={"BackupPlanId": "dbs1", "BackupRateLimit": "1"})
    await carry_out(ledger, "c9")
    advance(60)
    await ask("c2", proposed={"BackupPlanId": "dbs1", "BackupRateLimit": "2"})
    applied = await carry_out(ledger, "c2")
    advance(60)
    await ask("c3", proposed={"BackupPlanId": "dbs1", "BackupRateLimit": "3"})
    await ledger.record("c3", denial("UA"))
    last = LastSet({"BackupPlanId": "dbs1", "BackupRateLimit": "2"}, applied.ended_at)
    assert await ledger.last_applied("dbs.test", "dbs1") == last
    assert await ledger.last_applied("dbs.elsewhere", "dbs1") == LastSet()


async def test_what_a_later_change_may_have_set_is_overtaken(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    """From its last approval on, for as long as nobody knows what came of it; then until the next one is applied."""
    first = {"BackupPlanId": "dbs1", "BackupStrategyType": "manual", "AutoStartBackup": "true", "BackupRateLimit": "1"}
    await ask("c9", proposed=first)
    await carry_out(ledger, "c9")
    advance(60)

    async def overtaken() -> frozenset[str]:
        return (await ledger.last_applied("dbs.test", "dbs1")).overtaken

    later = {**first, "BackupStrategyType": "simple", "BackupSpeedLimit": "7"}
    del later["BackupRateLimit"]
    await ask("c2", proposed=later)
    assert await overtaken() == frozenset(), "nobody has approved it"
    await send(ledger, "c2")
    other = {"BackupStrategyType", "BackupSpeedLimit", "BackupRateLimit"}
    assert await overtaken() == other
    await ledger.record("c2", says("bot", Stuck(sentence="Nobody knows.")))
    assert await overtaken() == other
    advance(60)
    await ask("c1", proposed={**first, "AutoStartBackup": "false"})
    await ledger.record("c1", denial("UA"))
    assert await overtaken() == other
    advance(60)
    await ask("c0", proposed=first)
    await carry_out(ledger, "c0")
    assert await overtaken() == frozenset()


async def test_what_dbs_refused_to_set_is_overtaken(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    """Of what it does not show, only its word says that it was not done."""
    first = {"BackupPlanId": "dbs1", "BackupStrategyType": "simple"}
    await ask("c9", proposed=first)
    await carry_out(ledger, "c9")
    advance(60)
    await ask("c2", proposed={**first, "BackupStrategyType": "manual"})
    await send(ledger, "c2")
    await ledger.record("c2", says("bot", Refused(code="Busy", message="")))
    assert (await ledger.last_applied("dbs.test", "dbs1")).overtaken == {"BackupStrategyType"}


# What is due


async def test_a_request_without_a_card_is_due_after_the_grace(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    await ask()
    assert await ledger.take_due(LEASE) == []
    advance(15)
    assert await ledger.take_due(LEASE) == ["c1"]


async def test_what_one_took_nobody_else_takes_until_the_hold_is_over(
    open_ledger: Callable[[], Ledger], ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    other = open_ledger()
    await ask()
    advance(15)
    assert await ledger.take_due(timedelta(seconds=10)) == ["c1"]
    assert await other.take_due(timedelta(seconds=10)) == []
    advance(10)
    assert await other.take_due(timedelta(seconds=10)) == ["c1"]


async def test_of_many_that_sweep_at_once_each_change_goes_to_one(
    open_ledger: Callable[[], Ledger], ask: Ask, advance: Callable[[float], datetime]
) -> None:
    for number in range(30):
        await ask(f"c{number:02}", plan_id=f"dbs{number}")
    advance(15)
    swept = await asyncio.gather(*(open_ledger().take_due(LEASE, 10) for _ in range(5)))
    assert sorted(change_id for part in swept for change_id in part) == [f"c{number:02}" for number in range(30)]


async def test_the_longest_due_are_taken_first(ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]) -> None:
    for change_id in ("c3", "c1", "c2"):
        await ask(change_id, plan_id=change_id)
        advance(1)
    advance(15)
    assert await ledger.take_due(LEASE, 2) == ["c3", "c1"]
    assert await ledger.take_due(LEASE, 2) == ["c2"]


async def test_a_hold_keeps_a_change_from_falling_due(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    await ask()
    await ledger.hold("c1", timedelta(seconds=40))
    advance(39)
    assert await ledger.take_due(LEASE) == []
    advance(1)
    assert await ledger.take_due(LEASE) == ["c1"]


async def test_a_hold_makes_nothing_due_that_is_not(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    await ask()
    await ledger.record("c1", announcement)
    await ledger.drawn("c1", 1, over=0)
    await ledger.hold("c1", timedelta(seconds=10))
    advance(10)
    assert await ledger.take_due(LEASE) == []


async def test_a_hold_only_grows(
    open_ledger: Callable[[], Ledger], ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    """Neither what another process holds or records, nor how the card stands, lets anybody at what one is at."""
    await ask()
    await ledger.record("c1", announcement)
    await ledger.hold("c1", timedelta(seconds=40))
    other = open_ledger()
    await other.hold("c1", timedelta(seconds=1))
    await other.card_waits("c1", timedelta(seconds=1))
    await other.drawn("c1", 1, over=0)
    for person in ("UA", "UB"):
        await other.record("c1", approval(person))
    advance(39)
    assert await other.take_due(LEASE) == []
    advance(1)
    assert await other.take_due(LEASE) == ["c1"]


async def test_what_nobody_is_at_is_taken_at_once_after_the_last_approval(ledger: Ledger, ask: Ask) -> None:
    await ask()
    for person in ("UA", "UB"):
        await ledger.record("c1", approval(person))
    assert await ledger.take_due(LEASE) == ["c1"]


async def test_a_card_that_waits_holds_up_nothing_else(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    await ask()
    await ledger.record("c1", announcement)
    await ledger.record("c1", says("UR", Withdrawn()))
    await ledger.card_waits("c1", timedelta(hours=5))
    advance(15)
    assert await ledger.take_due(timedelta(seconds=1)) == ["c1"]
    await ledger.record("c1", says("bot", Told(via="thread", channel="C1", ts="2.0")))
    advance(15)
    assert await ledger.take_due(LEASE) == []
    advance(5 * 3600)
    assert await ledger.take_due(LEASE) == ["c1"]
    read = await ledger.change("c1")
    assert read is not None
    await ledger.drawn("c1", read.seen_seq, over=read.drawn_seq)
    advance(LEASE.total_seconds())
    assert await ledger.take_due(LEASE) == []


async def test_pauses_of_a_card_are_counted_until_something_new_shows_on_it(ledger: Ledger, ask: Ask) -> None:
    await ask()
    await ledger.record("c1", announcement)
    for tried in (False, True, True):
        await ledger.card_waits("c1", timedelta(days=30), tried=tried)
    waiting = await ledger.change("c1")
    assert waiting is not None
    assert (waiting.card_tries, moment(waiting.card_due)) == (2, moment(waiting.last_at) + timedelta(days=1))
    after = await ledger.record("c1", approval("UA"))
    assert (after.card_tries, after.card_due) == (0, "")


async def test_the_card_of_a_change_that_waits_for_people_is_looked_at_now_and_then(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    await ask()
    await ledger.record("c1", announcement)
    await ledger.drawn("c1", 1, over=0)
    advance(599)
    assert await ledger.take_due(LEASE) == []
    advance(1)
    assert await ledger.take_due(LEASE) == ["c1"]


async def test_what_ended_is_due_until_it_is_told(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    await ask()
    await ledger.record("c1", says("UR", Withdrawn()))
    advance(15)
    assert await ledger.take_due(timedelta(seconds=1)) == ["c1"]
    await ledger.record("c1", says("bot", Told(via="thread", channel="C1", ts="2.0")))
    advance(100_000)
    assert await ledger.take_due(LEASE) == []


# How far the card is drawn


async def test_a_card_that_lags_behind_is_due(ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]) -> None:
    await ask()
    await ledger.record("c1", announcement)
    await ledger.drawn("c1", 1, over=0)
    advance(60)
    assert await ledger.take_due(LEASE) == []
    after = await ledger.record("c1", approval("UA"))
    assert after.drawn_seq == 1
    advance(15)
    assert await ledger.take_due(timedelta(seconds=1)) == ["c1"]
    await ledger.drawn("c1", after.seen_seq, over=1)
    advance(60)
    assert await ledger.take_due(LEASE) == []
    read = await ledger.change("c1")
    assert read is not None
    assert read.drawn_seq == after.seen_seq


async def test_two_drawings_that_crossed_are_drawn_again(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    await ask()
    await ledger.record("c1", announcement)
    after = await ledger.record("c1", approval("UA"))
    await ledger.drawn("c1", after.seen_seq, over=0)
    await ledger.drawn("c1", 1, over=0)
    read = await ledger.change("c1")
    assert read is not None
    assert read.drawn_seq == 0
    advance(15)
    assert await ledger.take_due(LEASE) == ["c1"]


async def test_a_drawing_that_does_not_count_yet_is_made_again(
    ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]
) -> None:
    await ask()
    await ledger.record("c1", announcement)
    ended = await ledger.record("c1", says("UR", Withdrawn()))
    await ledger.record("c1", says("bot", Told(via="thread", channel="C1", ts="2.0")))
    await ledger.drawn("c1", 1, over=0, again=timedelta(minutes=1))
    advance(15)
    assert await ledger.take_due(timedelta(seconds=1)) == ["c1"], "not put off: more has happened since"
    await ledger.drawn("c1", ended.seen_seq, over=0, again=timedelta(minutes=1))
    advance(59)
    assert await ledger.take_due(LEASE) == []
    advance(1)
    assert await ledger.take_due(timedelta(seconds=1)) == ["c1"]
    await ledger.drawn("c1", ended.seen_seq, over=0)
    advance(100_000)
    assert await ledger.take_due(LEASE) == []


async def test_drawing_does_not_end_a_hold(ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]) -> None:
    await ask()
    await ledger.record("c1", announcement)
    ended = await ledger.record("c1", says("bot", Stale(why="policy", sentence="The policy wants three.")))
    await ledger.hold("c1", timedelta(seconds=40))
    await ledger.drawn("c1", ended.seen_seq, over=0)
    advance(39)
    assert await ledger.take_due(LEASE) == []


async def test_drawing_an_unknown_change_is_nothing(ledger: Ledger) -> None:
    await ledger.drawn("c1", 1, over=0)
    assert await ledger.change("c1") is None


# Drafts, the workspace, the export


FULL = Draft(
    view_id="V1", opener="UR", channel="C1", known={"BackupRateLimit": "1"}, values={"BackupPlanName": "é"}, renewal=3,
    reading=Reading(values={"BackupPlanId": "dbs1"}, database_type="MySQL", backup_method="logical", status="init"),
)  # fmt: skip


@pytest.mark.parametrize("draft", [FULL, Draft(view_id="V1", opener="UR")], ids=["full", "empty"])
async def test_a_draft_comes_back_as_it_was(ledger: Ledger, draft: Draft) -> None:
    await ledger.keep_draft(draft)
    assert await ledger.draft("V1") == draft
    assert await ledger.draft("V2") is None


async def test_a_draft_kept_again_is_replaced_and_lasts_an_hour_from_then(
    ledger: Ledger, advance: Callable[[float], datetime]
) -> None:
    await ledger.keep_draft(Draft(view_id="V1", opener="UR"))
    advance(1800)
    await ledger.keep_draft(FULL)
    advance(3600)
    assert await ledger.draft("V1") == FULL
    advance(0.001)
    assert await ledger.draft("V1") is None


async def test_a_draft_is_revised_as_it_is_by_then(ledger: Ledger, advance: Callable[[float], datetime]) -> None:
    """Two who revise at once each see what the other made of it, and none brings back what has gone."""

    def once_more(draft: Draft) -> Draft:
        return replace(draft, submissions=draft.submissions + 1)

    assert await ledger.revise_draft("V1", once_more) is None
    assert await ledger.draft("V1") is None
    await ledger.keep_draft(FULL)
    found = await asyncio.gather(*(ledger.revise_draft("V1", once_more) for _ in range(8)))
    assert sorted(draft.submissions for draft in found if draft) == list(range(1, 9))
    assert await ledger.revise_draft("V1", lambda _: None) is None
    assert await ledger.draft("V1") == replace(FULL, submissions=8)
    advance(3600.001)
    assert await ledger.revise_draft("V1", once_more) is None


async def test_two_processes_revise_a_draft_one_after_the_other(open_ledger: Callable[[], Ledger]) -> None:
    ledgers = [open_ledger(), open_ledger()]
    await ledgers[0].keep_draft(FULL)
    revisions = [
        ledger.revise_draft("V1", lambda draft: replace(draft, submissions=draft.submissions + 1))
        for ledger in ledgers * 5
    ]
    await asyncio.gather(*revisions)
    assert await ledgers[1].draft("V1") == replace(FULL, submissions=10)


async def test_a_ledger_belongs_to_the_first_workspace_that_opened_it(
    open_ledger: Callable[[], Ledger], ledger: Ledger
) -> None:
    assert await ledger.team("T1") == "T1"
    assert await open_ledger().team("T2") == "T1"


async def test_of_several_that_note_the_same_one_is_told_how_it_stood_before(
    ledger: Ledger, open_ledger: Callable[[], Ledger]
) -> None:
    others = [ledger, open_ledger(), open_ledger()]
    for now, before in (("a", ""), ("b", "a"), ("a", "b")):
        answers = await asyncio.gather(*(one.noted("policy", now) for one in others))
        assert sorted(answers, key=str) == sorted([before, None, None], key=str)
    assert await ledger.noted("another topic", "a") == ""


async def test_no_topic_of_a_note_is_the_workspace(ledger: Ledger) -> None:
    await ledger.noted("team", "T2")
    assert await ledger.team("T1") == "T1"


async def test_events_come_change_by_change_in_order(ledger: Ledger, ask: Ask) -> None:
    await ask("c2", plan_id="dbs2")
    await ask("c1")
    await ledger.record("c2", approval("UA"))
    assert [(event.change_id, event.seq) for event in await ledger.events()] == [("c1", 1), ("c2", 1), ("c2", 2)]
    assert [(event.type, event.actor) for event in await ledger.events("c2")] == [
        ("requested", "UR"),
        ("approved", "UA"),
    ]
    assert not list(await ledger.events("c3"))


async def test_an_event_says_what_it_was_given(ledger: Ledger, ask: Ask, advance: Callable[[float], datetime]) -> None:
    await ask()
    now = advance(1)
    await ledger.record("c1", says("UA", Denied(reason="„zu kurz“ <!channel>")))
    last = list(await ledger.events("c1"))[-1]
    assert last.data == {"reason": "„zu kurz“ <!channel>"}
    assert last.at == stamp(now)


async def test_a_closed_ledger_says_so(ledger: Ledger) -> None:
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerBusy, match="closed"):
        await ledger.team("T1")

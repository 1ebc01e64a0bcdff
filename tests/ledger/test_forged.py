"""What becomes of a change when somebody writes to the ledger: to its history, or to the projection of a sound one."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest

from bot.core import attempts, decisions
from bot.core.change import Change
from bot.core.events import Denied, EventData, Sent, Started, Told, moment, stamp
from bot.errors import LedgerAltered, PlanTaken, Refusal
from bot.ledger.recording import RecordingLedger
from bot.ledger.sql import SqlLedger
from bot.ledger.statements import ALL_CHANGES, ONE_CHANGE, Parameters
from bot.ports import Decide

Ask = Callable[..., Awaitable[Change]]
Advance = Callable[[float], datetime]
HOLD = timedelta(seconds=15)
FAR = "2099-01-01T00:00:00.000Z"


def says(actor: str, data: EventData) -> Decide:
    return lambda _change, _now: (actor, data)


def approval(by: str) -> Decide:
    return partial(decisions.approve, by=by, digest="d1", objection=None)


announcement = partial(decisions.announce, channel="C1", ts="1.0")


async def write(ledger: RecordingLedger, *statements: str) -> None:
    """Write as somebody with every right, whom no trigger keeps from it."""
    open_up = (
        "alter table events disable trigger all"
        if ledger.FOR_UPDATE
        else "drop trigger if exists events_stay"
    )  # fmt: skip
    for statement in (open_up, *statements):
        values: Parameters = {"far": FAR} if ":far" in statement else {}
        await ledger._write(ledger._execute, statement, values)


async def row(ledger: RecordingLedger, change_id: str = "c1") -> dict[str, object]:
    """Return what the projection says of a change."""
    (found,) = await ledger._write(lambda: ledger._rows(ONE_CHANGE, {"change_id": change_id}))
    names = ALL_CHANGES.split("select ")[1].split(" from ")[0].split(", ")
    return dict(zip(names, found, strict=True))


EDIT = "update events set actor = 'U0EVE' where change_id = 'c1' and seq = 2"
UNDO = "update events set actor = 'bot' where change_id = 'c1' and seq = 2"


# A history that does not hold together


async def test_an_altered_change_is_set_aside_and_its_plan_is_free(
    ledger: SqlLedger, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever finds it: a click, a sweep, or somebody who asks for another change of the plan."""
    await ask()
    await ledger.record("c1", announcement)
    await write(ledger, EDIT)
    for _ in range(3):
        with pytest.raises(LedgerAltered):
            await ledger.record("c1", approval("UA"))
        with pytest.raises(LedgerAltered):
            await ledger.change("c1")
    said = await row(ledger)
    assert (said["state"], said["open"]) == ("altered", 0)
    assert await ledger.open_change("dbs.test", "dbs1") is None
    await ask("c2")
    assert [finding.change_id for finding in await ledger.findings()] == ["c1"]
    assert capsys.readouterr().out.count("ledger_altered") == 1


@pytest.mark.parametrize("asked_first", [True, False])
async def test_a_request_finds_its_plan_held_by_an_altered_change(
    ledger: SqlLedger, ask: Ask, asked_first: bool
) -> None:
    await ask()
    await ledger.record("c1", announcement)
    await write(ledger, EDIT)
    if asked_first:
        assert await ledger.open_change("dbs.test", "dbs1") is None
    await ask("c2")
    assert await ledger.open_change("dbs.test", "dbs1") == "c2"


async def test_an_altered_change_is_looked_at_ever_more_rarely(ledger: SqlLedger, ask: Ask, advance: Advance) -> None:
    await ask()
    await ledger.record("c1", announcement)
    await write(ledger, EDIT)
    start, looked = advance(15), []
    for _ in range(4 * 24 * 60):
        for change_id in await ledger.take_due(HOLD):
            looked.append(advance(0))
            with pytest.raises(LedgerAltered):
                await ledger.change(change_id)
        advance(60)
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(looked)]
    assert looked[0] == start
    assert gaps[:4] == [60, 120, 240, 480]
    assert max(gaps) == 24 * 3600


async def test_a_hundred_and_fifty_altered_changes_starve_nobody(ledger: SqlLedger, ask: Ask, advance: Advance) -> None:
    for number in range(150):
        await ask(f"a{number:03}", plan_id=f"dbsa{number}")
    await write(ledger, "update events set actor = 'U0EVE' where change_id <> 'c1'")
    advance(60)
    await ask("c1")
    advance(15)
    swept: list[str] = []
    for _ in range(4):  # each sweep takes fifty
        for change_id in await ledger.take_due(HOLD):
            swept.append(change_id)
            if change_id != "c1":
                with pytest.raises(LedgerAltered):
                    await ledger.change(change_id)
        advance(5)
    assert "c1" in swept


async def test_a_change_that_is_sound_again_goes_on(ledger: SqlLedger, ask: Ask, advance: Advance) -> None:
    await ask()
    await ledger.record("c1", announcement)
    before = await row(ledger)
    await write(ledger, EDIT)
    with pytest.raises(LedgerAltered):
        await ledger.change("c1")
    await write(ledger, UNDO)
    advance(60)
    assert await ledger.take_due(HOLD) == ["c1"]
    assert await ledger.change("c1") is not None
    assert await row(ledger) | {"held_until": ""} == before
    assert await ledger.open_change("dbs.test", "dbs1") == "c1"
    assert await ledger.findings() == []


async def test_a_change_that_is_sound_again_waits_for_its_plan(ledger: SqlLedger, ask: Ask, advance: Advance) -> None:
    await ask()
    await ledger.record("c1", announcement)
    await write(ledger, EDIT)
    with pytest.raises(LedgerAltered):
        await ledger.change("c1")
    await ask("c2")
    await write(ledger, UNDO)
    for look in (partial(ledger.change, "c1"), partial(ledger.record, "c1", approval("UA"))):
        with pytest.raises(LedgerAltered, match="meanwhile change c2 of its plan was opened"):
            await look()
    assert await ledger.open_change("dbs.test", "dbs1") == "c2"
    await ledger.record("c2", says("UA", Denied(reason="no")))
    advance(600)
    assert "c1" in await ledger.take_due(HOLD)
    assert await ledger.change("c1") is not None
    assert await ledger.open_change("dbs.test", "dbs1") == "c1"


# A projection that does not follow from a sound history

STATES: dict[str, tuple[Decide, ...]] = {
    "asked": (),
    "pending": (announcement,),
    "approved": (announcement, approval("UA"), approval("UB")),
    "sent": (
        announcement,
        approval("UA"),
        approval("UB"),
        says(
            "bot",
            Started(
                attempt=1,
                owner="P",
                client_token="t",
                not_before=stamp(moment(FAR)),
                lease_end="2026-05-04T12:10:00.000Z",
            ),
        ),
        says("bot", Sent(attempt=1)),
    ),
    "denied": (announcement, says("UA", Denied(reason="no"))),
}
FORGED = {
    "due_at is null": "due_at = null",
    "due_at far away": "due_at = :far",
    "due_at no time": "due_at = 'tomorrow'",
    "open": "open = 1 - open",
    "state": "state = 'applied'",
    "head": "head = 'f'",
    "seq": "seq = seq + 1",
    "plan": "plan_id = 'dbs9'",
    "drawn_seq": "drawn_seq = 99",
    "held": "held_until = :far",
    "left": "left_until = :far",
    "card put off": "card_due = :far",
    "no time": "held_until = 'x', left_until = 'x', card_due = 'x'",
    "out of sight": "open = 0, due_at = null",
}
BREAKS_THE_CHAIN = {"head", "seq"}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("forged", FORGED)
async def test_a_forged_projection_is_found_and_renewed(
    ledger: SqlLedger, ask: Ask, advance: Advance, state: str, forged: str
) -> None:
    """Every column in every state: `verify` names it, and the next pass writes again what follows from the history."""
    await ask()
    for decide in STATES[state]:
        await ledger.record("c1", decide)
    advance(20)
    sound = await row(ledger)
    assert await ledger.findings() == []
    await write(ledger, "update changes set WHAT".replace("WHAT", FORGED[forged]))
    assert {finding.change_id for finding in await ledger.findings()} == {"c1"}
    await ledger.renew_all()
    if forged in BREAKS_THE_CHAIN:
        said = await row(ledger)
        assert (said["open"], said["altered"]) == (0, 1), "nobody can tell whether the end was cut off"
        assert await ledger.findings()
        return
    found = await row(ledger)
    put_off = {name: "" for name in ("card_due", "held_until", "left_until") if found[name] != sound[name]}
    assert found == sound | put_off
    assert await ledger.findings() == []
    change = await ledger.change("c1")
    assert change is not None
    assert await ledger.open_change("dbs.test", "dbs1") == ("c1" if change.open else None)
    advance(24 * 3600)
    assert await ledger.take_due(HOLD) == ["c1"], "somebody looks at it"


@pytest.mark.parametrize("forged", sorted(FORGED.keys() - BREAKS_THE_CHAIN))
async def test_whoever_records_the_next_event_renews_it_too(ledger: SqlLedger, ask: Ask, forged: str) -> None:
    await ask()
    await ledger.record("c1", announcement)
    await write(ledger, "update changes set WHAT".replace("WHAT", FORGED[forged]))
    await ledger.record("c1", approval("UA"))
    assert await ledger.findings() == []


async def test_a_forged_hold_keeps_nobody_away(ledger: SqlLedger, ask: Ask, advance: Advance) -> None:
    await ask()
    await write(ledger, "update changes set held_until = :far, left_until = :far")
    advance(15)
    assert await ledger.take_due(HOLD) == ["c1"]
    assert await ledger.take_due(HOLD) == [], "and who took it holds it"


async def test_a_plan_that_only_the_projection_calls_taken_is_free(
    ledger: SqlLedger, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    await ask()
    await ledger.record("c1", says("UA", Denied(reason="no")))
    await write(ledger, "update changes set open = 1")
    await ask("c2")
    assert await ledger.open_change("dbs.test", "dbs1") == "c2"
    assert "projection_renewed" in capsys.readouterr().out


async def test_two_changes_of_a_plan_are_never_both_carried_on(ledger: SqlLedger, ask: Ask) -> None:
    """Somebody makes room for a second change: the first is set aside until that has ended."""
    await ask()
    await ledger.record("c1", announcement)
    await write(ledger, "update changes set open = 0, due_at = null")
    await ask("c2")
    for person in ("UA", "UB"):
        with pytest.raises(LedgerAltered, match="change c2 of its plan"):
            await ledger.record("c1", approval(person))
    with pytest.raises(PlanTaken):
        await ask("c3")
    await ledger.record("c2", says("UA", Denied(reason="no")))
    assert [vote.by for vote in (await ledger.record("c1", approval("UA"))).votes] == ["UA"]


# What an operator ends


def ending(reason: str = "It is in the way.") -> Decide:
    return partial(decisions.end_by_operator, by="operator:root", reason=reason)


@pytest.mark.parametrize("state", STATES)
async def test_an_operator_ends_whatever_is_open(ledger: SqlLedger, ask: Ask, advance: Advance, state: str) -> None:
    await ask()
    for decide in STATES[state]:
        await ledger.record("c1", decide)
    if state == "denied":
        with pytest.raises(Refusal, match="already denied by <@UA>"):
            await ledger.record("c1", ending())
        return
    change = await ledger.record("c1", ending())
    assert change.state == ("stuck" if state == "sent" else "denied")
    assert (change.ended_by, change.open) == ("operator:root", False)
    assert await ledger.open_change("dbs.test", "dbs1") is None
    assert await ledger.findings() == []
    advance(15)
    assert await ledger.take_due(HOLD) == ["c1"], "the sweep tells it"
    assert "already" in decisions.ended_sentence(change)
    assert "by the operator root" in decisions.ended_sentence(change)


async def test_what_comes_back_after_an_operator_ended_it_changes_nothing(ledger: SqlLedger, ask: Ask) -> None:
    await ask()
    for decide in STATES["sent"]:
        await ledger.record("c1", decide)
    ended = await ledger.record("c1", ending())
    after = await ledger.record("c1", partial(attempts.applied, request_id="R1"))
    assert (after.state, after.seq) == ("stuck", ended.seq)
    await ledger.record("c1", says("bot", Told(via="thread", channel="C1", ts="2.0")))


async def test_an_operator_cannot_end_what_is_not_there(ledger: SqlLedger) -> None:
    with pytest.raises(Refusal) as refusal:
        await ledger.record("c9", ending())
    assert refusal.value.reason == "unknown"

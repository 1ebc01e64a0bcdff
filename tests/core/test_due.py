"""Reminders and windows in the life of a change: when it is due, when a reminder is, and from when it may be sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot.core.attempts import send, start
from bot.core.change import Change, State, fold
from bot.core.demand import Demand, Slot
from bot.core.due import due_at
from bot.core.events import (
    Announced,
    Approved,
    Denied,
    EventData,
    Reminded,
    Requested,
    Started,
    Withdrawn,
    chained,
    moment,
    stamp,
)
from bot.core.reminders import remind, reminder_is_due, reminder_times

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
"""A Monday."""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CARD = Announced(channel="C1", ts="1.0")
YES = Approved(digest="d")


def changed(*said: tuple[str, EventData], at: datetime = NOON, **asked: Any) -> Change:
    """Return a change of which all this happened at one moment, its card drawn."""
    wanted: dict[str, Any] = {
        "approvals": 2, "approvers": ("S1",), "pool": ("UA", "UB"), "policy": "", "sentence": "",
        "remind_after": (600, 1800),
    }  # fmt: skip
    requested = Requested(
        plan_id="dbs1", plan_name="", host="", region="", status="", proposed={}, baseline={}, known={}, secrets={},
        reason="", channel="C1", view_id="V1", digest="d", expires_at=stamp(at + 4 * HOUR), execute_within=1800,
        demand=Demand.model_validate(wanted | asked),
    )  # fmt: skip
    head, events = "", []
    for seq, (by, data) in enumerate((("UR", requested), *said), start=1):
        events.append(chained(head, "c1", seq, by, stamp(at), data))
        head = events[-1].hash
    change = fold(events)
    assert change is not None
    return replace(change, drawn_seq=change.seen_seq)


PENDING = (("bot", CARD),)
APPROVED = (*PENDING, ("UA", YES), ("UB", YES))


def test_reminders_come_after_the_request_in_order() -> None:
    assert reminder_times(changed()) == [NOON + 10 * MINUTE, NOON + 30 * MINUTE]
    assert reminder_times(changed(remind_after=())) == []


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        (PENDING, 10),
        ((*PENDING, ("bot", Reminded(number=1, last=False))), 30),
        ((*PENDING, ("bot", Reminded(number=2, last=True))), 240),
        ((*PENDING, ("UA", YES)), 10),
        ((), 0),
    ],
    ids=["first", "second", "none left: it expires", "after an approval", "without a card that comes first"],
)
def test_a_change_is_due_at_the_next_reminder_that_was_not_used_up(
    said: tuple[tuple[str, EventData], ...], minutes: float
) -> None:
    assert due_at(changed(*said)) == NOON + minutes * MINUTE


@pytest.mark.parametrize(("minutes", "number"), [(9.99, None), (10, 1), (29.99, 1), (30, 2), (239, 2), (240, None)])
def test_a_reminder_uses_up_all_the_times_that_have_come(minutes: float, number: int | None) -> None:
    decided = remind(changed(*PENDING), NOON + minutes * MINUTE)
    assert decided == (None if number is None else ("bot", Reminded(number=number, last=number == 2)))


@pytest.mark.parametrize("end", [(("UA", YES), ("UB", YES)), (("UA", Denied(reason="no")),), (("UR", Withdrawn()),)])
def test_what_waits_for_nobody_any_more_reminds_nobody(end: tuple[tuple[str, EventData], ...]) -> None:
    assert not reminder_is_due(changed(*PENDING, *end), NOON + HOUR)


def test_nobody_is_reminded_of_a_change_without_a_card_or_of_none() -> None:
    assert not reminder_is_due(changed(), NOON + HOUR)
    assert remind(None, NOON) is None


def test_whoever_stands_in_since_the_last_reminder_may_make_it_approved_from_then_on() -> None:
    slots = (
        Slot(rule="r", who=("S1",), at_least=1, pool=("UA", "UB")),
        Slot(rule="r", who=("S2",), at_least=1, pool=("UC",), escalate_to=("S1",), stand_ins=("UA", "UB")),
    )
    waiting = changed(*APPROVED, slots=slots)
    assert (waiting.state, waiting.counted, waiting.missing) == (State.PENDING, 1, 1)
    after = changed(*APPROVED, ("bot", Reminded(number=2, last=True)), slots=slots)
    assert (after.state, after.counted, after.approved_at) == (State.APPROVED, 2, stamp(NOON))


# Windows

AFTERNOON = (("Mon 14:00-15:00 UTC",),)


def test_what_is_approved_outside_its_window_is_due_when_that_opens_and_has_its_time_from_then_on() -> None:
    change = changed(*APPROVED, windows=AFTERNOON)
    assert (change.waits_until, due_at(change)) == (NOON + 2 * HOUR, NOON + 2 * HOUR)
    assert change.expires_at == NOON + 2 * HOUR + 30 * MINUTE
    open_then = changed(*APPROVED, at=NOON + 2 * HOUR + MINUTE, windows=AFTERNOON)
    assert (open_then.waits_until, open_then.expires_at) == (None, NOON + 2 * HOUR + 31 * MINUTE)


def test_a_freeze_keeps_a_window_shut() -> None:
    change = changed(*APPROVED, windows=(("daily 10:00-16:00 UTC",),), freezes=("2026-05-04/2026-05-05",))
    assert change.opens_at == datetime(2026, 5, 6, 10, tzinfo=UTC)


def test_what_can_never_be_sent_does_not_hold_its_plan_for_ever() -> None:
    change = changed(*APPROVED, freezes=("2026-05-04/2036-05-05",))
    assert change.expires_at == NOON + 30 * MINUTE
    assert not change.may_be_sent(NOON)


@pytest.mark.parametrize(("minutes", "starts"), [(0, False), (119.99, False), (120, True), (149, True)])
def test_an_execution_starts_within_the_window_only(minutes: float, starts: bool) -> None:
    change = changed(*APPROVED, windows=AFTERNOON)
    decided = start(change, NOON + minutes * MINUTE, owner="P", client_token="t", lease=MINUTE)
    assert (decided is not None and isinstance(decided[1], Started)) is starts


def test_a_first_send_is_not_made_once_the_window_has_closed_in_the_meantime() -> None:
    begin = NOON + 3 * HOUR - MINUTE
    started = Started(attempt=1, owner="P", client_token="t", not_before=stamp(begin), lease_end=stamp(begin + HOUR))
    change = changed(*APPROVED, ("bot", started), at=begin, windows=AFTERNOON)
    try_to_send = partial(send, owner="P", attempt=1, margin=MINUTE, judged_by="p", in_force="p")
    assert try_to_send(change, begin, read_at=begin) is not None
    assert try_to_send(change, NOON + 3 * HOUR, read_at=NOON + 3 * HOUR) is None
    assert moment(change.approved_at) == begin

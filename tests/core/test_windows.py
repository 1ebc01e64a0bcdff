"""What waits for its windows: followed from wake to wake, and held against looking at the clock every minute."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from core.test_calendar import TURNS, freezes, utc, windows
from core.test_due import APPROVED, MINUTE, changed
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.attempts import NO_MORE, expire, send, start
from bot.core.calendar import is_open, opens_at
from bot.core.change import Change, State, apply
from bot.core.decisions import Decision
from bot.core.due import due_at
from bot.core.events import Expired, chained, moment, stamp

OWNERS = "P", "Q"
LEASE = MINUTE
EVENING = (("daily 11:00-12:00 UTC",),)
LAST = utc("2026-05-04T11:59:59.950")
"""The last moment of that window, on a Monday."""


def follow(change: Change, now: datetime, decision: Decision) -> Change:
    if decision is None:
        return change
    event = chained(change.head, "c1", change.seq + 1, decision[0], stamp(now), decision[1])
    after = apply(change, event)
    return replace(after, drawn_seq=after.seen_seq)


def wakes(change: Change, pause: timedelta) -> Iterator[Change]:
    """Follow a change that is never taken by DBS: each time it is due one of two processes goes on with it."""
    now, number = moment(change.approved_at), 0
    while change.open:
        due = due_at(change)
        assert due is not None
        now, number = max(now, due), number + 1
        owner = OWNERS[number % 2]
        change = follow(change, now, expire(change, now))
        change = follow(change, now, start(change, now, owner=owner, client_token="t", lease=LEASE))
        while change.state is State.EXECUTING and not change.parked:
            now = max(now, moment(change.attempt.not_before if change.attempt else ""))
            if now >= change.expires_at:
                change = follow(change, now, expire(change, now, owner=owner))
                break
            try_again = start(change, now, owner=owner, client_token="t", lease=LEASE, wait=pause, after="DBS is away.")
            change = follow(change, now, try_again)
        yield change


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(windows, min_size=1, max_size=2), max_size=2),
    st.lists(freezes, max_size=1),
    st.sampled_from(TURNS),
    st.integers(-1800, 600),
    st.integers(10, 600),
)
def test_what_is_approved_has_its_time_before_it_expires(
    rules: list[list[str]], frozen: list[str], turn: str, minutes: int, within: int
) -> None:
    """It had `execute_within` of one opening, or all of an opening that began after the approval; unless none comes."""
    at = utc(turn) + timedelta(minutes=minutes)
    asked = {"windows": tuple(map(tuple, rules)), "freezes": tuple(frozen)}
    approved = change = replace_within(changed(*APPROVED, at=at, **asked), within)
    woken = 0
    for change in wakes(approved, timedelta(minutes=within) / 5):  # noqa: B007 - the last one is what counts
        woken += 1
    assert isinstance(change.outcome, Expired)
    assert woken <= 12, "nobody asks over and over while it is closed"
    ended = moment(change.ended_at)
    looked = (at + step * MINUTE for step in range(int((ended - at) / MINUTE)))
    runs = [(is_so, list(run)) for is_so, run in groupby(looked, key=lambda when: is_open(rules, frozen, when))]
    openings = [run for is_so, run in runs if is_so]
    whole = [run for run in openings if run[0] > at and not is_open(rules, frozen, run[-1] + MINUTE)]
    had = any(len(run) >= within for run in openings) or bool(whole)
    assert had or opens_at(rules, frozen, ended) is None, "it had its time"


@settings(max_examples=40, deadline=None)
@given(st.lists(windows, min_size=1, max_size=2), st.sampled_from(TURNS), st.integers(-1800, 600), st.integers(10, 600))
def test_nothing_begins_and_nothing_is_sent_while_it_is_closed(
    rule: list[str], turn: str, minutes: int, within: int
) -> None:
    at = utc(turn) + timedelta(minutes=minutes)
    approved = change = replace_within(changed(*APPROVED, at=at, windows=(tuple(rule),)), within)
    for change in wakes(approved, timedelta(minutes=within) / 9):  # noqa: B007 - as above
        pass
    assert change.state is State.EXPIRED
    known = approved
    for event in change.history[approved.seq :]:
        known = apply(known, event)
        if known.attempt is not None and known.open and not known.parked:
            begin, own = moment(known.attempt.not_before), known.attempt
            sending = partial(send, read_at=begin, judged_by="p", in_force="p", margin=LEASE)
            sent = sending(known, begin, owner=own.owner, attempt=own.attempt)
            assert (sent is not None) is (is_open([rule], [], begin) and begin < known.expires_at)


def replace_within(change: Change, minutes: int) -> Change:
    """Return a change that is to be sent within so many minutes."""
    return replace(change, request=change.request.model_copy(update={"execute_within": minutes * 60}))


def test_an_approval_in_the_last_moment_waits_for_the_next_window() -> None:
    change = changed(*APPROVED, at=LAST, windows=EVENING)
    assert change.waits_until is None
    now = LAST + timedelta(milliseconds=70)
    decision = start(change, now, owner="P", client_token="t", lease=LEASE)
    change = follow(change, now, decision)
    opening = utc("2026-05-05T11:00")
    assert change.waits_until == due_at(change) == opening
    assert change.expires_at == opening + 30 * MINUTE
    for owner in OWNERS:
        assert start(change, now, owner=owner, client_token="t", lease=LEASE) is None, "that is said once"
        begun = start(change, opening, owner=owner, client_token="t", lease=LEASE)
        assert begun is not None, "any process takes it up at once"
        after = follow(change, opening, begun)
        try_to_send = partial(send, read_at=opening, judged_by="p", in_force="p")
        assert try_to_send(after, opening, owner=owner, attempt=2, margin=LEASE) is not None


def test_a_window_that_closes_before_the_time_is_used_up_gives_the_next_as_well() -> None:
    change = changed(*APPROVED, at=utc("2026-05-04T11:45"), windows=EVENING)
    assert change.expires_at == utc("2026-05-05T11:30")
    whole = changed(*APPROVED, at=utc("2026-05-04T11:30"), windows=EVENING)
    assert whole.expires_at == utc("2026-05-04T12:00")


def test_what_no_window_will_take_any_more_ends_and_says_so() -> None:
    change = changed(*APPROVED, at=LAST, windows=EVENING, freezes=("2026-05-05/2036-05-05",))
    decision = start(change, LAST + MINUTE, owner="P", client_token="t", lease=LEASE)
    assert decision is not None
    assert decision[1] == Expired(why="execution", detail=NO_MORE)

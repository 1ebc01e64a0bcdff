"""When it opens: checked against looking at the clock every minute."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.calendar import closes_at, is_open, opens_at, read_window, reminders_past

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Santiago"]
TURNS = [
    "2026-03-08T07:00",
    "2026-03-29T01:00",
    "2026-04-04T15:00",
    "2026-09-06T04:00",
    "2026-10-25T01:00",
    "2026-11-01T06:00",
]
"""When clocks are put forward or back in one of them."""

times = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
days = st.sampled_from(["daily", "Sat-Mon", "Sun", "Mon,Sat", "Tue-Thu"])
windows = st.builds(
    lambda day, hours, zone: f"{day} {hours[0]}-{hours[1]} {zone}",
    days,
    st.tuples(times, times | st.just("24:00")).filter(lambda pair: pair[0] != pair[1]),
    st.sampled_from(ZONES),
)
freezes = st.builds(
    lambda turn, length, zone: f"{turn[:10]}/{utc(turn) + timedelta(days=length):%Y-%m-%d} {zone}",
    st.sampled_from(TURNS),
    st.integers(0, 1),
    st.sampled_from(ZONES),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(windows, min_size=1, max_size=2), max_size=2),
    st.lists(freezes, max_size=1),
    st.sampled_from(TURNS),
    st.integers(-1800, 600),
)
def test_it_opens_and_closes_at_the_first_minute_that_does(
    rules: list[list[str]], frozen: list[str], turn: str, minutes: int
) -> None:
    at = utc(turn) + timedelta(minutes=minutes)
    now = is_open(rules, frozen, at)
    found = closes_at(rules, frozen, at) if now else opens_at(rules, frozen, at)
    assert (opens_at if now else closes_at)(rules, frozen, at) == at
    seen = (at + timedelta(minutes=step) for step in range(1, 2881))
    first = next((moment for moment in seen if is_open(rules, frozen, moment) is not now), None)
    if first is None:
        assert found is None or found > at + timedelta(minutes=2880)
    else:
        assert found == first


def test_seconds_do_not_matter_to_the_minute_it_opens() -> None:
    at = utc("2026-03-29T00:59") + timedelta(seconds=30, microseconds=7)
    assert opens_at([["daily 02:30-04:00 Europe/Berlin"]], [], at) == utc("2026-03-29T01:00")


def test_a_day_that_a_place_never_had_is_never_shown() -> None:
    """Samoa went from Thursday to Saturday when it changed sides of the date line."""
    friday = [["Fri 00:00-24:00 Pacific/Apia"]]
    assert opens_at(friday, [], utc("2011-12-28T12:00")) == utc("2012-01-05T10:00")


def test_a_window_that_never_closes_and_one_that_never_opens() -> None:
    assert closes_at([["daily 00:00-24:00 UTC"]], [], utc("2026-05-06T02:00")) is None
    assert opens_at([["Mon 00:00-24:00 UTC"], ["Tue 00:00-24:00 UTC"]], [], utc("2026-05-06T02:00")) is None


def test_days_may_go_around_the_week() -> None:
    assert read_window("Fri-Mon 09:00-10:00 UTC").days == {4, 5, 6, 0}
    assert read_window("Mon-Wed,Fri 09:00-10:00 UTC").days == {0, 1, 2, 4}
    assert read_window("Sun-Sun 09:00-10:00 UTC").days == {6}


@pytest.mark.parametrize(
    ("minutes", "past"), [(0, ()), (9, ()), (10, (600,)), (29, (600,)), (30, (600, 1800)), (999, (600, 1800))]
)
def test_reminder_times_are_past_from_their_second_on(minutes: int, past: tuple[int, ...]) -> None:
    since = utc("2026-05-06T02:00")
    assert reminders_past((1800, 600), since, since + timedelta(minutes=minutes)) == past

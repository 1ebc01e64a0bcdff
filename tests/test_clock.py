"""The time of a ledger elsewhere, as it is known between two questions."""

import time
from datetime import UTC, datetime, timedelta

from bot.clock import HEARD_WITHIN, HeardClock, SystemClock

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_before_anything_was_heard_it_is_the_machine_s_time() -> None:
    assert timedelta() <= SystemClock().now() - HeardClock().now() + timedelta(seconds=1) < timedelta(seconds=2)


def test_what_was_heard_goes_on_whatever_the_machine_s_clock_says() -> None:
    clock = HeardClock()
    clock.hear(LONG_AGO, time.monotonic())
    before = time.monotonic()
    first = clock.now()
    time.sleep(0.01)
    assert timedelta(seconds=0.01) <= clock.now() - first <= timedelta(seconds=time.monotonic() - before)
    assert first - LONG_AGO < timedelta(seconds=10)


def test_an_answer_that_took_long_is_not_the_time_now() -> None:
    """The process may have been stopped after it asked."""
    clock = HeardClock()
    clock.hear(LONG_AGO, time.monotonic() - HEARD_WITHIN)
    assert SystemClock().now() - clock.now() < timedelta(seconds=10)
    clock.hear(LONG_AGO, time.monotonic())
    clock.hear(LONG_AGO + timedelta(days=1), time.monotonic() - HEARD_WITHIN)
    assert clock.now() - LONG_AGO < timedelta(seconds=10)

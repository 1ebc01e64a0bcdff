"""How often one person may have something read again."""

import pytest

from bot.errors import Refusal
from bot.slack.sparing import Sparing


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_fourth_time_within_a_minute_is_refused() -> None:
    time = Time()
    sparing = Sparing(3, time)
    for _ in range(3):
        with sparing.turn("UA c1"):
            time.now += 10
    with pytest.raises(Refusal, match="3 times within a minute"), sparing.turn("UA c1"):
        pass
    with sparing.turn("UB c1"), sparing.turn("UA c2"):
        time.now = 60.0
    with sparing.turn("UA c1"):
        pass


def test_one_at_a_time_whatever_becomes_of_it() -> None:
    sparing = Sparing(3, Time())
    with sparing.turn("UA c1"), pytest.raises(Refusal, match="being done already"), sparing.turn("UA c1"):
        pass
    with pytest.raises(ZeroDivisionError), sparing.turn("UA c1"):
        raise ZeroDivisionError
    with sparing.turn("UA c1"):
        pass


def test_what_is_over_is_forgotten() -> None:
    time = Time()
    sparing = Sparing(3, time)
    for number in range(100):
        with sparing.turn(f"UA c{number}"):
            time.now += 1
    assert len(sparing._begun) <= 60

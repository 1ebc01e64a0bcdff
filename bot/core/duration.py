"""Durations as people write them in settings and policy: `<int>` and s, m, h or d."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(value: object) -> timedelta:
    """Read `90s`, `15m`, `4h` or `2d`. Raises ValueError with the sentence a person reads."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", value, re.ASCII) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError("must be a whole number above 0 followed by s, m, h or d, as in 90s, 15m, 4h or 2d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def say_duration(duration: timedelta) -> str:
    """Write a duration as `parse_duration` reads it, in the largest unit that fits."""
    seconds = int(duration.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]

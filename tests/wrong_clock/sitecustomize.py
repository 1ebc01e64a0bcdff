"""Gives one process a machine's clock that is SECONDS_AHEAD of the true time: put this folder on its PYTHONPATH.

What the kernel counts without a date (`time.monotonic`, the event loop's time) stays right, as it does in life.
"""

import datetime as dt
import os
import time
from datetime import datetime as true_datetime
from typing import Any

AHEAD = float(os.environ["SECONDS_AHEAD"])

_true_time = time.time


class _Kind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, true_datetime)


class _Datetime(true_datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return true_datetime.fromtimestamp(_true_time() + AHEAD, tz)


time.time = lambda: _true_time() + AHEAD
dt.datetime = _Datetime  # type: ignore[misc]

"""When a change may be carried out: windows and freezes of the policy, by the clock on the wall of their time zone.

A skipped hour is never shown by that clock and a doubled one is shown twice, and so it is with a window in it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import chain
from zoneinfo import ZoneInfo

HORIZON = 400
"""Days ahead that are searched for an opening: more than a year, so that a freeze every Christmas is seen through."""

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOW = re.compile(r"(\S+) ([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2}) (\S+)", re.ASCII)
_FREEZE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})/([0-9]{4}-[0-9]{2}-[0-9]{2})(?: (\S+))?", re.ASCII)

Windows = Iterable[Iterable[str]]
"""The windows of each rule that has some: open is what every rule has open."""


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of some days of the week; those that end at or before they start reach into the next day."""

    days: frozenset[int]
    start: int
    """Minutes after midnight, like `end`."""
    end: int
    zone: tzinfo

    def holds(self, at: datetime) -> bool:
        """Whether the clock on the wall shows a time within."""
        local = at.astimezone(self.zone)
        minute, weekday = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.end:
            return weekday in self.days and self.start <= minute < self.end
        since_yesterday = (weekday - 1) % 7 in self.days and minute < self.end
        return since_yesterday or (weekday in self.days and minute >= self.start)


@dataclass(frozen=True, slots=True)
class Freeze:
    """Whole days, both ends included."""

    first: date
    last: date
    zone: tzinfo

    def holds(self, at: datetime) -> bool:
        """Whether the calendar on the wall shows one of these days."""
        return self.first <= at.astimezone(self.zone).date() <= self.last


@lru_cache(maxsize=1024)
def read_window(text: str) -> Window:
    """Read `Mon-Fri 09:00-18:00 Asia/Shanghai`. Raises ValueError with the sentence a person reads."""
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no window; write one like 'Mon-Fri 09:00-18:00 Asia/Shanghai' or 'daily …'")
    hours = [int(part) for part in match.group(2, 3, 4, 5)]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if hours[1] > 59 or hours[3] > 59 or start >= 1440 or end > 1440:
        raise ValueError(f"{text!r} has a time that no clock shows; the day is 00:00-24:00")
    if start == end:
        raise ValueError(f"{text!r} begins when it ends; the whole day is 00:00-24:00")
    return Window(_read_days(match[1]), start, end, _read_zone(match[6]))


@lru_cache(maxsize=1024)
def read_freeze(text: str) -> Freeze:
    """Read `2026-12-24/2027-01-02`, in UTC unless a time zone follows. Raises ValueError with a sentence."""
    match = _FREEZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no freeze; write its first and last day like '2026-12-24/2027-01-02'")
    try:
        first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2])
    except ValueError as error:
        raise ValueError(f"{text!r} has a day that no calendar shows") from error
    if last < first:
        raise ValueError(f"{text!r} ends before it begins")
    return Freeze(first, last, _read_zone(match[3] or "UTC"))


def _read_days(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"{part!r} is no day; write {', '.join(DAYS)}, two of them with '-' between, or 'daily'")
        begin = DAYS.index(first)
        length = (DAYS.index(last) - begin) % 7 if dash else 0
        days.update((begin + step) % 7 for step in range(length + 1))
    return frozenset(days)


def _read_zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC  # known even where the machine has no time zone database
    try:
        if name != "localtime":  # each machine's own
            return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        pass
    raise ValueError(f"{name!r} is no time zone known here; write its IANA name, like UTC or Asia/Shanghai")


def is_open(windows: Windows, freezes: Iterable[str], at: datetime) -> bool:
    """Whether a change may be carried out at this moment."""
    return all(any(read_window(text).holds(at) for text in rule) for rule in windows) and not any(
        read_freeze(text).holds(at) for text in freezes
    )


def opens_at(windows: Windows, freezes: Iterable[str], at: datetime) -> datetime | None:
    """Return the first moment from `at` on when a change may be carried out, or None within `HORIZON` days."""
    return _first(windows, freezes, at, wanted=True)


@lru_cache(maxsize=1024)
def deadline(
    windows: tuple[tuple[str, ...], ...], freezes: tuple[str, ...], since: datetime, within: timedelta
) -> datetime:
    """Return until when what was approved at `since` may be sent first: `within` after the opening that this waits for.

    Where it closes again before that, `within` counts from the next opening: a window's last moment is not all there
    was. That is done once, so that windows shorter than `within` do not keep a change open for ever.
    """
    opens = opens_at(windows, freezes, since)
    if opens is None:
        return since + within
    end = opens + within
    closes = _first(windows, freezes, opens, wanted=False, before=end) if windows or freezes else None
    again = opens_at(windows, freezes, closes) if closes is not None and closes < end else None
    return end if again is None else again + within


def closes_at(windows: Windows, freezes: Iterable[str], at: datetime) -> datetime | None:
    """Return the first moment from `at` on when it may not, or None within `HORIZON` days."""
    return _first(windows, freezes, at, wanted=False)


def _first(
    windows: Windows, freezes: Iterable[str], at: datetime, *, wanted: bool, before: datetime | None = None
) -> datetime | None:
    rules, frozen = [tuple(rule) for rule in windows], tuple(freezes)
    if is_open(rules, frozen, at) is wanted:
        return at
    clocks: dict[tzinfo, set[int]] = {}
    for window in map(read_window, chain.from_iterable(rules)):
        clocks.setdefault(window.zone, {0}).update({window.start, window.end % 1440})
    for freeze in map(read_freeze, frozen):
        clocks.setdefault(freeze.zone, {0})
    for day in range(HORIZON):
        begin = at.astimezone(UTC) + timedelta(days=day)
        if before is not None and begin >= before:
            return None
        end = begin + timedelta(days=1)
        turns = {turn for zone, minutes in clocks.items() for turn in _turns(zone, minutes, begin, end)}
        for turn in sorted(turns):
            if begin < turn <= end and is_open(rules, frozen, turn) is wanted:
                return turn
    return None


def _turns(zone: tzinfo, minutes: set[int], begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield every moment of a day in which the clock may come to show one of these times, and a few more."""
    day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        for minute in minutes:
            for fold in (0, 1):
                local = datetime.combine(day, time(minute // 60, minute % 60, fold=fold), zone)
                yield local.astimezone(UTC)
        day += timedelta(days=1)
    low, high = int(begin.timestamp()), int(end.timestamp()) + 1
    before = begin.astimezone(zone).utcoffset()
    if before != end.astimezone(zone).utcoffset():
        while high - low > 1:
            middle = (low + high) // 2
            if datetime.fromtimestamp(middle, zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        yield datetime.fromtimestamp(high, UTC)


def reminders_past(remind_after: Iterable[int], since: datetime, at: datetime) -> tuple[int, ...]:
    """Return which reminder times, in seconds after `since`, have come by `at`."""
    return tuple(sorted(seconds for seconds in remind_after if since + timedelta(seconds=seconds) <= at))

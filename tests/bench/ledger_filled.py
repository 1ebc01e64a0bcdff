"""Fills a ledger, whose tables the bot made, with made-up histories: in bulk, past the bot, in the order of time."""

import asyncio
import sqlite3
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path

import psycopg
from bench.ledger_made import ChangeRow, EventRow, Made, made
from pydantic import SecretStr

from bot.clock import SystemClock
from bot.ledger.store import open_ledger

AT_ONCE = 2000
"""Changes that are made and written together."""
CORES = 2

Portion = tuple[list[EventRow], list[ChangeRow]]
_AT: Callable[[EventRow], str] = itemgetter(4)


def fill(address: Path | SecretStr, number: int, until: datetime) -> int:
    """Make a ledger of so many changes and return the bytes that the JSON of their events takes."""
    asyncio.run(open_ledger(address, SystemClock(), timedelta()).close())
    counted = _Counted(_in_order(_all_made(number, until)))
    if isinstance(address, Path):
        _write_file(address, counted)
    else:
        _write_database(address, counted)
    return counted.bytes


class _Counted:
    """What is written, and the bytes of JSON in it."""

    def __init__(self, portions: Iterable[Portion]) -> None:
        self._portions = portions
        self.bytes = 0

    def __iter__(self) -> Iterator[Portion]:
        for events, changes in self._portions:
            self.bytes += sum(len(event[5].encode()) for event in events)
            yield events, changes


def _all_made(number: int, until: datetime) -> Iterator[list[Made]]:
    """Have the changes made on all cores, a few portions ahead of what is written."""
    starts = range(0, number, AT_ONCE)
    if len(starts) == 1:
        yield made(0, number, number, until)
        return
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        coming = (pool.submit(made, start, min(start + AT_ONCE, number), number, until) for start in starts)
        ahead = deque(islice(coming, 2 * CORES))
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(islice(coming, 1))


def _in_order(portions: Iterable[list[Made]]) -> Iterator[Portion]:
    """Yield events by their time, as they were recorded, for that decides how full pages are; and the changes."""
    events: list[EventRow] = []
    for portion in portions:
        for one in portion:
            events += one.events
        events.sort(key=_AT)
        past = bisect_right(events, _AT(portion[-1].events[0]), key=_AT)
        yield events[:past], [one.change for one in portion]
        events = events[past:]
    yield events, []


def _write_file(path: Path, portions: Iterable[Portion]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("pragma synchronous = off")
        db.execute("pragma cache_size = -200000")  # in KiB
        for events, changes in portions:
            db.execute("begin")
            db.executemany("insert into events values (?, ?, ?, ?, ?, ?, ?)", events)
            db.executemany("insert into changes values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", changes)
            db.execute("commit")
        db.execute("pragma wal_checkpoint(truncate)")


def _write_database(url: SecretStr, portions: Iterable[Portion]) -> None:
    with psycopg.connect(url.get_secret_value(), autocommit=True) as connection, connection.cursor() as cursor:
        for events, changes in portions:
            with cursor.copy("copy events from stdin") as copy:
                copy.write("".join(map(_event_line, events)))
            with cursor.copy("copy changes from stdin") as copy:
                copy.write("".join(map(_change_line, changes)))
        connection.execute("vacuum (analyze) events, changes")  # as the server does by itself in the course of time


def _event_line(row: EventRow) -> str:
    change_id, seq, kind, actor, at, data, digest = row
    escaped = data.replace("\\", "\\\\")
    return f"{change_id}\t{seq}\t{kind}\t{actor}\t{at}\t{escaped}\t{digest}\n"


def _change_line(row: ChangeRow) -> str:
    return "\t".join([r"\N" if one is None else str(one) for one in row]) + "\n"

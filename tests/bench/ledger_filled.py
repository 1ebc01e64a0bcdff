"""Fills a ledger, whose tables the bot made, with made-up histories: in bulk, past the bot, in the order of time."""

import asyncio
import sqlite3
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path

import psycopg
from pydantic import SecretStr

from bench.ledger_made import ChangeRow, EventRow, Made, made
from bench.processes import MEASURED, REST, on
from bot.clock import SystemClock
from bot.ledger.store import open_ledger

AT_ONCE = 500
"""Changes that are made and written together."""
EVERY = 7
"""Of so many changes one is remembered, to be looked up."""

Portion = tuple[list[EventRow], list[ChangeRow]]
_AT: Callable[[EventRow], str] = itemgetter(4)


@dataclass(frozen=True)
class Filled:
    """What was written."""

    json: int
    """Bytes that the JSON of the events takes."""
    ids: tuple[str, ...]
    """Some of the changes."""


def fill(number: int, until: datetime, *addresses: Path | SecretStr) -> Filled:
    """Make so many changes and write them to empty ledgers."""
    size, ids = 0, []
    with ExitStack() as stack:
        stack.enter_context(on(MEASURED | REST))
        writers = [stack.enter_context(_writer(address)) for address in addresses]
        threads = stack.enter_context(ThreadPoolExecutor(len(writers)))
        for events, changes in _in_order(_all_made(number, until)):
            for writing in [threads.submit(write, events, changes) for write in writers]:
                writing.result()
            size += sum(len(event[5].encode()) for event in events)
            ids += [str(change[0]) for change in changes[::EVERY]]
    return Filled(size, tuple(ids))


def _all_made(number: int, until: datetime) -> Iterator[list[Made]]:
    """Have the changes made on all cores, a few portions ahead of what is written."""
    starts = range(0, number, AT_ONCE)
    if len(starts) == 1:
        yield made(0, number, number, until)
        return
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        coming = (pool.submit(made, start, min(start + AT_ONCE, number), number, until) for start in starts)
        ahead = deque(islice(coming, 4))
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


@contextmanager
def _writer(address: Path | SecretStr) -> Iterator[Callable[[list[EventRow], list[ChangeRow]], None]]:
    asyncio.run(open_ledger(address, SystemClock(), timedelta()).close())
    with _file(address) if isinstance(address, Path) else _database(address) as write:
        yield write


@contextmanager
def _file(path: Path) -> Iterator[Callable[[list[EventRow], list[ChangeRow]], None]]:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as db:
        db.execute("pragma journal_mode = off")
        db.execute("pragma synchronous = off")
        db.execute("pragma cache_size = -200000")  # in KiB

        def write(events: list[EventRow], changes: list[ChangeRow]) -> None:
            db.execute("begin")
            db.executemany("insert into events values (?, ?, ?, ?, ?, ?, ?, ?)", events)
            db.executemany(
                "insert into changes values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", changes
            )
            db.execute("commit")

        yield write
        db.execute("pragma journal_mode = wal")


@contextmanager
def _database(url: SecretStr) -> Iterator[Callable[[list[EventRow], list[ChangeRow]], None]]:
    with psycopg.connect(url.get_secret_value(), autocommit=True) as connection, connection.cursor() as cursor:

        def write(events: list[EventRow], changes: list[ChangeRow]) -> None:
            with cursor.copy("copy events from stdin") as copy:
                copy.write("".join(map(_event_line, events)))
            with cursor.copy("copy changes from stdin") as copy:
                copy.write("".join(map(_change_line, changes)))

        yield write
        connection.execute("vacuum (analyze) events, changes")  # as the server does by itself in the course of time


def _event_line(row: EventRow) -> str:
    change_id, seq, kind, actor, at, data, digest, signature = row
    escaped = data.replace("\\", "\\\\")
    return f"{change_id}\t{seq}\t{kind}\t{actor}\t{at}\t{escaped}\t{digest}\t{signature}\n"


def _change_line(row: ChangeRow) -> str:
    return "\t".join([r"\N" if one is None else str(one) for one in row]) + "\n"

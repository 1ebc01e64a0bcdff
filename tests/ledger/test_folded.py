"""Reading a change again: what was checked before is not checked again, what is new or different is."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from signing import KEYS, all_signed, signed

from bot.core.events import Approved, Event, Requested, chained
from bot.errors import LedgerAltered
from bot.ledger import statements
from bot.ledger.chain import fold_checked
from bot.ledger.folded import KEPT, Folded
from bot.ledger.statements import Row, event_row

AT = "2026-05-04T12:00:00.000Z"


def rows_of(history: Sequence[Event]) -> list[tuple[Any, ...]]:
    return [tuple(event_row(event).values()) for event in history]


@pytest.fixture
def history(wish: Callable[..., Requested]) -> list[Event]:
    asked = chained("", "c1", 1, "UR", AT, wish())
    return all_signed([asked, chained(asked.hash, "c1", 2, "UA", AT, Approved(digest="d1"))])


def test_every_part_of_a_history_folds_to_what_it_folds_to_from_the_beginning(history: list[Event]) -> None:
    fold = Folded(KEYS).fold
    for number in (1, 1, 2, 2, 1):
        part = history[:number]
        head = (number, part[-1].hash)
        assert fold("c1", rows_of(part), head) == fold_checked("c1", part, head, KEYS)


def test_what_is_the_same_as_last_time_is_not_read_again(history: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    event_of = statements.event_of

    def noting(row: Row) -> Event:
        read.append(row[1])
        return event_of(row)

    monkeypatch.setattr(statements, "event_of", noting)
    fold = Folded(KEYS).fold
    fold("c1", rows_of(history[:1]), (1, history[0].hash))
    fold("c1", rows_of(history), (2, history[1].hash))
    fold("c1", rows_of(history), (2, history[1].hash))
    assert read == [1, 2]


def test_a_head_that_does_not_fit_is_found_in_what_is_known(history: list[Event]) -> None:
    fold = Folded(KEYS).fold
    fold("c1", rows_of(history), (2, history[1].hash))
    for head in ((2, ""), (3, history[1].hash), None):
        with pytest.raises(LedgerAltered):
            fold("c1", rows_of(history), head)


def test_only_so_many_changes_are_kept(wish: Callable[..., Requested]) -> None:
    kept = Folded(KEYS)
    for number in range(KEPT + 5):
        event = signed(chained("", f"c{number}", 1, "UR", AT, wish()))
        kept.fold(event.change_id, rows_of([event]), (1, event.hash))
    assert len(kept._last) <= KEPT

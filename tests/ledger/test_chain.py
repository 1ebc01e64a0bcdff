"""An edited, removed, moved or impossible event is found, and with the heads told in Slack a tail that was cut."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from signing import KEYS, signed

from bot.core.events import (
    Applied,
    Approved,
    Denied,
    Event,
    EventData,
    Requested,
    Started,
    Stuck,
    Told,
    Withdrawn,
    chain_hash,
    chained,
    moment,
)
from bot.errors import LedgerAltered
from bot.ledger import chain as chains
from bot.ledger.chain import by_change, missing_tail
from bot.ledger.export import json_lines
from bot.ledger.statements import change_row

AT = "2026-05-04T12:00:00.000Z"
AT_NOON = moment(AT)
verify = partial(chains.verify, keys=KEYS)
fold_checked = partial(chains.fold_checked, keys=KEYS)
compare_projection = partial(chains.compare_projection, keys=KEYS)
TOLD = Told(via="thread", channel="C1", ts="1.0")


def chain(change_id: str, *said: tuple[str, EventData]) -> list[Event]:
    """Write a signed history whose hashes fit, whether or not it makes sense."""
    history: list[Event] = []
    for seq, (actor, data) in enumerate(said, start=1):
        history.append(signed(chained(history[-1].hash if history else "", change_id, seq, actor, AT, data)))
    return history


@pytest.fixture
def history(wish: Callable[..., Requested]) -> list[Event]:
    return chain("c1", ("UR", wish()), ("UA", Approved(digest="d1")), ("UB", Denied(reason="no")), ("bot", TOLD))


def test_a_history_as_it_was_recorded_has_no_findings(history: list[Event], wish: Callable[..., Requested]) -> None:
    assert verify(history) == []
    assert verify([*history, *chain("c2", ("UR", wish()))]) == []
    assert verify([]) == []


@pytest.mark.parametrize(
    "edit",
    [
        {"actor": "UX"},
        {"at": "2026-05-04T12:00:00.001Z"},
        {"type": "barred"},
        {"type": "no such thing"},
        {"data": {"digest": "d2"}},
        {"data": {"unreadable": "\ud800"}},
        {"hash": "0" * 64},
    ],
)
def test_an_edited_event_is_found(history: list[Event], edit: dict[str, object]) -> None:
    history[1] = replace(history[1], **edit)  # type: ignore[arg-type]  # one of each field's type
    first = verify(history)[0]
    assert (first.change_id, first.seq) == ("c1", 2)
    assert "not what was recorded" in first.sentence


def test_an_edited_event_with_a_hash_that_fits_is_found_in_the_next(history: list[Event]) -> None:
    event = history[1]
    digest = chain_hash(history[0].hash, "c1", 2, event.type, "UX", event.at, event.data)
    history[1] = signed(replace(event, actor="UX", hash=digest))
    (finding,) = verify(history)
    assert str(finding) == "Change c1, event 3: it is not what was recorded: its hash does not follow from event 2."


@pytest.mark.parametrize(
    ("gone", "seq", "sentence"),
    [
        ({1}, 1, "event 1 is missing."),
        ({2}, 2, "event 2 is missing."),
        ({2, 3}, 2, "events 2 to 3 are missing."),
    ],
)
def test_a_removed_event_is_found(history: list[Event], gone: set[int], seq: int, sentence: str) -> None:
    (finding,) = verify(event for event in history if event.seq not in gone)
    assert (finding.seq, finding.sentence) == (seq, sentence)


def test_events_in_another_order_are_found(history: list[Event]) -> None:
    first, second, third, fourth = history
    assert verify([first, third, second, fourth])[:2] == verify([first, third, second])
    assert [finding.seq for finding in verify([first, third, second, fourth])] == [2, 2, 3]
    renumbered = [first, replace(third, seq=2), replace(second, seq=3), fourth]
    assert [finding.seq for finding in verify(renumbered)] == [2, 3, 4]


def test_an_event_twice_is_found(history: list[Event]) -> None:
    (finding,) = verify([*history[:2], *history[1:]])
    assert (finding.seq, finding.sentence) == (2, "it stands after event 2.")


@pytest.mark.parametrize(
    ("said", "seq"),
    [
        ([("UA", Approved(digest="d1"))], 1),
        ([None, ("bot", Applied(request_id="R1"))], 2),
        ([None, ("bot", Stuck(sentence="?"))], 2),
        ([None, ("UA", Denied(reason="")), ("UA", Approved(digest="d1"))], 3),
        ([None, ("UA", Denied(reason="")), ("UR", Withdrawn())], 3),
        ([None, ("UA", Denied(reason="")), ("bot", TOLD), ("bot", TOLD)], 4),
        ([None, None], 2),
    ],
)
def test_a_step_that_never_could_happen_is_found_though_its_hash_fits(
    wish: Callable[..., Requested], said: list[tuple[str, EventData] | None], seq: int
) -> None:
    findings = verify(chain("c1", *(step or ("UR", wish()) for step in said)))
    assert [finding.seq for finding in findings] == [seq]


def test_a_type_that_does_not_exist_is_found_though_its_hash_fits(history: list[Event]) -> None:
    digest = chain_hash(history[-1].hash, "c1", 5, "blessed", "UX", AT, {})
    (finding,) = verify([*history, signed(Event("c1", 5, "blessed", "UX", AT, {}, digest))])
    assert finding.sentence == "there is no event of type 'blessed'."


def test_data_of_another_event_are_found_though_the_hash_fits(history: list[Event]) -> None:
    digest = chain_hash(history[0].hash, "c1", 2, "approved", "UX", AT, {"mood": "good"})
    (finding,) = verify([history[0], signed(Event("c1", 2, "approved", "UX", AT, {"mood": "good"}, digest))])
    assert finding.sentence == "its data are not those of 'approved'."


def test_one_change_that_was_altered_says_nothing_about_another(
    history: list[Event], wish: Callable[..., Requested]
) -> None:
    other = chain("c2", ("UR", wish()), ("UA", Approved(digest="d1")))
    other[1] = replace(other[1], actor="UX")
    assert [(finding.change_id, finding.seq) for finding in verify([*history, *other])] == [("c2", 2)]


def test_a_change_is_folded_only_from_a_history_that_holds(history: list[Event]) -> None:
    change = fold_checked("c1", history, (4, history[-1].hash))
    assert change is not None
    assert (change.seq, change.ended_by) == (4, "UB")
    assert fold_checked("c1", [], None) is None
    for broken, head, seq in (
        (history[1:], (4, history[-1].hash), 1),
        (history[:-1], (4, history[-1].hash), 4),
        (history, (3, history[-2].hash), 4),
        (history, (4, "another"), 4),
        (history, None, 1),
        ([], (4, history[-1].hash), 1),
    ):
        with pytest.raises(LedgerAltered) as altered:
            fold_checked("c1", broken, head)
        assert (altered.value.change_id, altered.value.seq) == ("c1", seq)


# What Slack was told


@pytest.mark.parametrize(
    ("kept", "seq", "sentence"),
    [
        (3, 4, "Slack was told of event 4, but event 4 is missing."),
        (2, 3, "Slack was told of event 4, but events 3 to 4 are missing."),
        (0, 1, "Slack was told of event 4, but events 1 to 4 are missing."),
    ],
)
def test_a_tail_that_was_cut_is_found(history: list[Event], kept: int, seq: int, sentence: str) -> None:
    cut = history[:kept]
    assert verify(cut) == []
    (finding,) = missing_tail(by_change(cut), {"c1": (4, history[-1].hash)})
    assert (finding.change_id, finding.seq, finding.sentence) == ("c1", seq, sentence)


def test_what_came_after_slack_was_told_is_no_finding(history: list[Event]) -> None:
    for event in history:
        assert missing_tail(by_change(history), {"c1": (event.seq, event.hash)}) == []


def test_a_history_written_anew_with_hashes_that_fit_is_found(
    history: list[Event], wish: Callable[..., Requested]
) -> None:
    forged = chain("c1", ("UR", wish(reason="other")), ("UA", Approved(digest="d1")), ("UB", Approved(digest="d1")))
    assert verify(forged) == []
    (finding,) = missing_tail(by_change(forged), {"c1": (3, history[2].hash)})
    assert (finding.change_id, finding.seq) == ("c1", 3)
    assert "its hash differs" in finding.sentence


# The projection


def test_a_projection_that_follows_from_the_events_has_no_findings(history: list[Event]) -> None:
    change = fold_checked("c1", history, (4, history[-1].hash))
    assert change is not None
    assert compare_projection(by_change(history), [(*change_row(change).values(), 0, "")], now=AT_NOON) == []


def test_a_row_without_events_and_events_without_a_row_are_found(history: list[Event]) -> None:
    (without_row,) = compare_projection(by_change(history), [])
    assert (without_row.change_id, without_row.seq) == ("c1", 4)
    (without_events,) = compare_projection({}, [("c9", *("",) * 18)])
    assert (without_events.change_id, without_events.seq) == ("c9", 1)


# The export


def test_an_export_holds_everything_that_is_hashed(history: list[Event]) -> None:
    lines = list(json_lines(history))
    assert all("\n" not in line for line in lines)
    read = [json.loads(line) for line in lines]
    assert list(read[0]) == ["change_id", "seq", "type", "actor", "at", "data", "hash", "signature"]
    assert verify(Event(**line) for line in read) == []
    assert [Event(**line) for line in read] == history


def test_an_altered_event_that_no_file_can_hold_does_not_stop_the_export(history: list[Event]) -> None:
    (line,) = json_lines([replace(history[1], data={"digest": "\ud800"})])
    assert json.loads(line.encode())["data"] == {"digest": "\ud800"}


def test_an_attempt_belongs_to_the_chain_like_everything_else(wish: Callable[..., Requested]) -> None:
    started = Started(attempt=1, owner="P", client_token="t", not_before=AT, lease_end=AT)
    approvals = [(person, Approved(digest="d1")) for person in ("UA", "UB")]
    events = chain("c1", ("UR", wish()), *approvals, ("bot", started))
    assert verify(events) == []
    events[3] = replace(events[3], data=events[3].data | {"client_token": "another"})
    assert [finding.seq for finding in verify(events)] == [4]

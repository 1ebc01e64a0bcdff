"""The table of what may follow what, the fold of a history, and when somebody should look at a change again."""

import itertools
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core import states
from bot.core.change import ENDED, OPEN, Change, ImpossibleEvent, State, apply, fold
from bot.core.due import due_at
from bot.core.events import (
    EVENTS,
    Announced,
    Applied,
    Approved,
    Barred,
    Demand,
    Denied,
    Event,
    EventData,
    Expired,
    Refused,
    Reminded,
    Requested,
    Sent,
    Stale,
    Started,
    Stuck,
    Told,
    Withdrawn,
    chained,
    stamp,
)
from bot.core.states import ONLY_AFTER_SENT, ONLY_BEFORE_SENT, TRANSITIONS

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

REQUESTED = Requested(
    plan_id="dbs1", plan_name="Orders", host="dbs.test", region="", status="running",
    proposed={"BackupRetentionPeriod": "30"}, baseline={"DatabaseType": "MySQL", "BackupMethod": "logical"}, known={},
    secrets={}, reason="because", channel="C1", view_id="V1", digest="d1", execute_within=1800,
    demand=Demand(approvals=2, approvers=("S1",), pool=("UA", "UB"), policy="", sentence=""),
    expires_at=stamp(NOON + timedelta(hours=4)),
)  # fmt: skip
ANNOUNCED = Announced(channel="C1", ts="1.0")
YES = Approved(digest="d1")
STARTED = Started(
    attempt=1, owner="P", client_token="t", not_before=stamp(NOON), lease_end=stamp(NOON + timedelta(minutes=10))
)
SENT = Sent(attempt=1)
TOLD = Told(via="thread", channel="C1", ts="2.0")

SAMPLES: tuple[EventData, ...] = (
    REQUESTED, ANNOUNCED, Reminded(number=1, last=False), YES,
    Barred(action="deny", reason="requester", sentence="No."), Denied(reason="no"), Withdrawn(),
    Expired(why="approval"), STARTED, SENT, Applied(request_id="R1"), Refused(code="X", message=""),
    Stale(why="plan", sentence=""), Stuck(sentence=""), TOLD,
)  # fmt: skip

TO_PENDING: tuple[tuple[str, EventData], ...] = (("UR", REQUESTED),)
TO_APPROVED = (*TO_PENDING, ("UA", YES), ("UB", YES))
TO_EXECUTING = (*TO_APPROVED, ("bot", STARTED))
TO_SENT = (*TO_EXECUTING, ("bot", SENT))
WAYS: dict[str, tuple[tuple[str, EventData], ...]] = {
    "pending": TO_PENDING,
    "approved": TO_APPROVED,
    "executing": TO_EXECUTING,
    "executing, sent": TO_SENT,
    "applied": (*TO_SENT, ("bot", Applied(request_id="R1"))),
    "refused": (*TO_EXECUTING, ("bot", Refused(code="X", message=""))),
    "stale": (*TO_EXECUTING, ("bot", Stale(why="plan", sentence=""))),
    "stuck": (*TO_SENT, ("bot", Stuck(sentence=""))),
    "denied": (*TO_APPROVED, ("UA", Denied(reason="no"))),
    "withdrawn": (*TO_PENDING, ("UR", Withdrawn())),
    "expired": (*TO_PENDING, ("bot", Expired(why="approval"))),
}


def history(*said: tuple[str, EventData]) -> list[Event]:
    """Write events a minute apart."""
    events: list[Event] = []
    for seq, (actor, data) in enumerate(said, start=1):
        before = events[-1].hash if events else ""
        events.append(chained(before, "c1", seq, actor, stamp(NOON + (seq - 1) * MINUTE), data))
    return events


def after(*said: tuple[str, EventData]) -> Change:
    change = fold(history(*said))
    assert change is not None
    return change


def test_the_samples_are_one_of_each_event() -> None:
    assert [type(sample) for sample in SAMPLES] == list(EVENTS.values())


def test_the_diagram_on_top_of_the_module_says_what_the_table_says() -> None:
    drawn: set[tuple[str, str]] = set()
    for line in re.findall(r"^    (\w+)\b.*→ (.*)$", str(states.__doc__), re.MULTILINE):
        drawn |= {(line[0], target.strip()) for target in line[1].split("|")}
    table = {(str(state), str(end)) for (state, _), end in TRANSITIONS.items() if state in OPEN and state is not end}
    assert drawn == table | {("pending", "approved")}


def test_nothing_has_no_history() -> None:
    assert fold([]) is None


@pytest.mark.parametrize(("way", "said"), WAYS.items(), ids=WAYS)
def test_a_history_leads_where_the_table_says(way: str, said: tuple[tuple[str, EventData], ...]) -> None:
    change = after(*said)
    assert change.state == way.split(",", maxsplit=1)[0]
    assert change.open == (change.state in OPEN) != (change.state in ENDED)
    assert (change.seq, change.history[-1].hash) == (len(said), change.head)
    assert (change.outcome is None) == change.open


@pytest.mark.parametrize(("way", "sample"), list(itertools.product(WAYS, SAMPLES)), ids=lambda it: str(it)[:20])
def test_what_the_table_does_not_name_is_an_error(way: str, sample: EventData) -> None:
    change = after(*WAYS[way])
    kind = type(sample)
    sent = bool(change.sent_at)
    named = (change.state, kind) in TRANSITIONS and kind not in (ONLY_BEFORE_SENT if sent else ONLY_AFTER_SENT)
    event = chained(change.head, "c1", change.seq + 1, "UC", stamp(NOON), sample)
    if named:
        assert apply(change, event).seq == change.seq + 1
    else:
        with pytest.raises(ImpossibleEvent, match=f"change c1 is {change.state} and cannot be {kind.type()}"):
            apply(change, event)


@pytest.mark.parametrize("sample", SAMPLES[1:], ids=lambda it: it.type())
def test_a_history_begins_with_a_request_only(sample: EventData) -> None:
    with pytest.raises(ImpossibleEvent, match="begins with"):
        fold(history(("UA", sample)))


def test_it_is_told_once() -> None:
    with pytest.raises(ImpossibleEvent, match="told twice"):
        after(*WAYS["denied"], ("bot", TOLD), ("bot", TOLD))


def test_the_last_approval_needed_makes_it_approved() -> None:
    assert [(one.state, one.missing) for one in (after(*TO_APPROVED[:n]) for n in (1, 2, 3))] == [
        (State.PENDING, 2),
        (State.PENDING, 1),
        (State.APPROVED, 0),
    ]


def test_more_approvals_than_needed_are_not_missing_any() -> None:
    change = after(*TO_APPROVED)
    assert replace(change, votes=(*change.votes, *change.votes)).missing == 0


def test_it_knows_who_said_what_and_when() -> None:
    change = after(
        ("UR", REQUESTED), ("bot", ANNOUNCED), ("UA", YES), ("UX", SAMPLES[4]), ("UB", Denied(reason="too short"))
    )
    assert (change.requester, change.requested_at, change.card) == ("UR", stamp(NOON), ANNOUNCED)
    assert [(vote.by, vote.at, vote.digest) for vote in change.votes] == [("UA", stamp(NOON + 2 * MINUTE), "d1")]
    assert change.barred == {("UX", "deny", "requester")}
    assert (change.ended_by, change.ended_at) == ("UB", stamp(NOON + 4 * MINUTE))
    assert change.outcome == Denied(reason="too short")
    assert change.last_at == change.ended_at


def test_being_told_changes_neither_the_end_nor_what_the_card_shows() -> None:
    ended, told = after(*WAYS["applied"]), after(*WAYS["applied"], ("bot", TOLD))
    assert (told.ended_at, told.ended_by, told.outcome, told.seen_seq) == (
        ended.ended_at, ended.ended_by, ended.outcome, ended.seen_seq,
    )  # fmt: skip
    assert told.told == TOLD


def test_what_does_not_show_on_the_card_does_not_make_it_old() -> None:
    assert after(("UR", REQUESTED), ("bot", ANNOUNCED), ("UX", SAMPLES[4])).seen_seq == 1
    assert after(*TO_SENT).seen_seq == len(TO_EXECUTING)


def test_facts_are_the_plans_engine_and_method_and_all_that_is_proposed() -> None:
    assert REQUESTED.facts() == {
        "DatabaseType": "MySQL", "BackupMethod": "logical", "BackupRetentionPeriod": "30",
    }  # fmt: skip


def test_approvals_and_the_first_send_each_have_their_time() -> None:
    assert after(*TO_PENDING).expires_at == NOON + timedelta(hours=4)
    assert after(*TO_APPROVED).expires_at == NOON + 2 * MINUTE + timedelta(minutes=30)
    assert after(*TO_EXECUTING).lease_end == NOON + timedelta(minutes=10)
    with pytest.raises(ImpossibleEvent, match="never started"):
        _ = after(*TO_APPROVED).lease_end


# When somebody should look again


def test_a_request_without_a_card_is_due_at_once() -> None:
    assert due_at(after(*TO_PENDING)) == NOON


def test_a_request_with_a_card_is_due_when_it_expires_or_its_card_lags_behind() -> None:
    change = after(("UR", REQUESTED), ("bot", ANNOUNCED))
    assert due_at(replace(change, drawn_seq=1)) == NOON + timedelta(hours=4)
    assert due_at(change) == NOON + MINUTE


def test_what_is_approved_is_due_at_once_and_what_is_under_way_when_its_lease_ends() -> None:
    approved = replace(after(*TO_APPROVED), card=ANNOUNCED)
    assert due_at(replace(approved, drawn_seq=approved.seen_seq)) == NOON + 2 * MINUTE
    sent = replace(after(*TO_SENT), card=ANNOUNCED)
    assert due_at(replace(sent, drawn_seq=sent.seen_seq)) == NOON + timedelta(minutes=10)


@pytest.mark.parametrize("way", sorted(ENDED))
def test_what_ended_is_due_until_it_is_told_and_drawn(way: State) -> None:
    request, *rest = WAYS[way]
    said = (request, ("bot", ANNOUNCED), *rest)
    ended = after(*said)
    assert due_at(replace(ended, drawn_seq=ended.seen_seq)) == NOON + (len(said) - 1) * MINUTE
    told = after(*said, ("bot", TOLD))
    assert due_at(told) == NOON + len(said) * MINUTE
    assert due_at(replace(told, drawn_seq=told.seen_seq)) is None


def test_a_change_whose_card_never_came_is_done_when_it_is_told() -> None:
    assert due_at(after(*WAYS["expired"], ("bot", TOLD))) is None

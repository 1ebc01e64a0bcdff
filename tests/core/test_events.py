"""Events are written one way, hashed one way, and refuse what they do not know."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.core.events import (
    EVENTS,
    Approved,
    Denied,
    EventData,
    SecretUse,
    Stale,
    Told,
    canonical_json,
    chain_hash,
    chained,
    change_digest,
    moment,
    stamp,
)

AT = "2026-05-04T12:00:00.000Z"
NAMES = (
    "requested announced reminded approved barred denied withdrawn expired "
    "started sent applied refused stale stuck told"
)  # fmt: skip

moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_every_event_is_named_after_its_class_in_lower_case() -> None:
    assert list(EVENTS) == NAMES.split()
    assert all(kind.type() == name for name, kind in EVENTS.items())


def test_a_moment_is_written_in_utc_to_the_millisecond() -> None:
    east = timezone(timedelta(hours=8))
    assert stamp(datetime(2026, 5, 4, 20, 0, 0, 123999, tzinfo=east)) == "2026-05-04T12:00:00.123Z"
    assert moment("2026-05-04T12:00:00.123Z") == datetime(2026, 5, 4, 12, 0, 0, 123000, tzinfo=UTC)


@given(moments, moments)
def test_stamps_sort_as_text_like_the_moments_they_stand_for(one: datetime, other: datetime) -> None:
    assert (stamp(one) < stamp(other)) == (moment(stamp(one)) < moment(stamp(other)))
    assert timedelta() <= one - moment(stamp(one)) < timedelta(milliseconds=1)


def test_json_is_hashed_sorted_tight_and_in_its_own_letters() -> None:
    assert canonical_json({"b": [1, "ü"], "a": None}) == '{"a":null,"b":[1,"ü"]}'


def test_a_hash_covers_the_event_and_the_one_before() -> None:
    first = chained("", "c1", 1, "UA", AT, Denied(reason="zu kurz ✓"))
    text = f'["","c1",1,"denied","UA","{AT}",{{"reason":"zu kurz ✓"}}]'
    assert first.hash == hashlib.sha256(text.encode()).hexdigest()
    second = chained(first.hash, "c1", 2, "UB", AT, Approved(digest="d1"))
    text = f'["{first.hash}","c1",2,"approved","UB","{AT}",{{"digest":"d1"}}]'
    assert second.hash == hashlib.sha256(text.encode()).hexdigest()


def test_nothing_in_an_event_can_change_without_its_hash() -> None:
    said = {"previous": "", "change_id": "c1", "seq": 1, "kind": "denied", "actor": "UA", "at": AT, "data": {}}
    other = {"previous": "0", "change_id": "c2", "seq": 2, "kind": "told", "actor": "UB", "at": "", "data": {"a": ""}}
    hashes = {chain_hash(**(said | {name: other[name]})) for name in said}  # type: ignore[arg-type]
    assert len(hashes | {chain_hash(**said)}) == 1 + len(said)  # type: ignore[arg-type]


def test_an_event_read_back_says_the_same() -> None:
    told = Told(via="dm", channel="D1", ts="1.0", status="running", differs=("BackupPeriod",))
    assert chained("", "c1", 1, "bot", AT, told).content() == told


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Approved, {"digest": "d1", "mood": "good"}),
        (Approved, {}),
        (Told, {"via": "pigeon", "channel": "C1", "ts": "1.0"}),
        (Stale, {"why": "weather", "sentence": ""}),
        (Denied, {"reason": None}),
    ],
)
def test_an_event_takes_only_what_it_knows(kind: type[EventData], data: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(data)


def test_what_happened_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError):
        Approved(digest="d1").digest = "d2"  # type: ignore[misc]


@pytest.mark.parametrize(
    "otherwise",
    [
        {"proposed": {"BackupRetentionPeriod": "31"}},
        {"proposed": {}},
        {"secrets": {"SourceEndpointPassword": SecretUse(name="orders", ref="env:OTHER")}},
        {"secrets": {"SourceEndpointPassword": SecretUse(name="other", ref="env:ORDERS")}},
        {"secrets": {}},
        {"host": "dbs.elsewhere"},
        {"baseline": {"BackupRetentionPeriod": "31"}},
    ],
)
def test_an_approval_is_bound_to_all_that_is_sent_and_to_the_plan_as_it_was(otherwise: dict[str, object]) -> None:
    said: dict[str, object] = {
        "proposed": {"BackupRetentionPeriod": "30"},
        "secrets": {"SourceEndpointPassword": SecretUse(name="orders", ref="env:ORDERS")},
        "host": "dbs.test",
        "baseline": {"BackupRetentionPeriod": "730"},
    }
    assert change_digest(**said) != change_digest(**(said | otherwise))  # type: ignore[arg-type]


def test_the_order_in_which_things_were_typed_does_not_matter_to_the_digest() -> None:
    one = change_digest({"A": "1", "B": "2"}, {}, "dbs.test", {})
    assert one == change_digest({"B": "2", "A": "1"}, {}, "dbs.test", {})

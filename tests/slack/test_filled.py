"""What a form holds: what was read, remembered and typed, and where its problems are told."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.draft import Draft
from bot.core.plan import parameter
from bot.core.reading import Reading
from bot.slack.filled import form_problems, is_of, is_outdated, merged, placed, prefilled, proposed, proposed_again
from bot.slack.form import form_view
from bot.slack.inputs import block_id, name_of

RDS = {
    "BackupPlanId": "dbs1", "BackupPlanName": "orders", "SourceEndpointInstanceType": "RDS",
    "SourceEndpointRegion": "cn-hangzhou", "SourceEndpointInstanceID": "rm-1", "SourceEndpointUserName": "backup",
    "SourceEndpointIP": "rm-1.rds", "SourceEndpointPort": "3306",
}  # fmt: skip
ECS = {**RDS, "SourceEndpointInstanceType": "ECS", "SourceEndpointIP": "10.0.0.1"}
LONG = "[" + ",".join(f'{{"DBName":"d{n:04}"}}' for n in range(300)) + "]"


def draft(read: dict[str, str], values: dict[str, str] | None = None, **more: Any) -> Draft:
    """A draft of a MySQL plan."""
    reading = Reading(read, "MySQL", "logical", "running")
    return Draft("V1", "U1", "C1", reading, {}, prefilled(read, {}) if values is None else values, **more)


def state(**typed: str | None) -> dict[str, Any]:
    """A view whose text inputs hold this, block ids being names with `__` for `~`."""
    held = {name.replace("__", "~"): text for name, text in typed.items()}
    blocks = [{"type": "input", "block_id": block} for block in held]
    return {
        "blocks": blocks,
        "state": {"values": {block: {name_of(block): {"value": text}} for block, text in held.items()}},
    }


def test_what_is_read_and_remembered_is_prefilled_and_what_dbs_finds_itself_is_not() -> None:
    values = prefilled(RDS, {"AutoStartBackup": "false", "BackupPlanName": "as it was once"})
    assert values["AutoStartBackup"] == "false"
    assert values["BackupPlanName"] == "orders", "what DBS shows counts more than what was once set"
    assert not {"SourceEndpointIP", "SourceEndpointPort"} & values.keys()
    assert prefilled(ECS, {})["SourceEndpointIP"] == "10.0.0.1"


def test_what_was_cleared_is_gone_and_what_is_hidden_is_kept() -> None:
    before = draft(RDS, {"BackupPlanName": "orders", "BackupStartTime": "03:00", "OSSBucketName": "b"})
    now = merged(before, state(BackupPlanName=None, OSSBucketName__2="c"))
    assert now == {"BackupStartTime": "03:00", "OSSBucketName": "c"}


def test_an_address_typed_by_a_person_stays_whatever_the_source_becomes() -> None:
    ecs = draft(ECS, {**ECS, "SourceEndpointIP": "10.9.9.9"})
    now = merged(ecs, state(SourceEndpointInstanceType="RDS", SourceEndpointIP="10.9.9.9", SourceEndpointPort="3306"))
    assert now["SourceEndpointIP"] == "10.9.9.9"
    assert "SourceEndpointPort" not in now, "which was only read"
    rds = draft(RDS)
    now = merged(rds, state(SourceEndpointInstanceType="ECS", SourceEndpointIP__1=None, SourceEndpointPort__1=None))
    assert "SourceEndpointIP" not in now, "the address of an RDS instance says nothing about another source"


def test_a_view_is_outdated_when_it_lacks_an_input_or_has_one_too_many() -> None:
    simple = draft(ECS)
    view = form_view(simple, ["s"])
    assert not is_outdated(view, simple)
    assert not is_outdated(form_view(simple, []), simple), "a plan without secrets has no input for one"
    assert is_outdated(view, draft(ECS, {**ECS, "BackupStrategyType": "manual"}))
    assert is_outdated(view, draft(ECS, {**ECS, "SourceEndpointInstanceType": "RDS"})), "its address is another input"
    assert is_of(view, simple)
    assert not is_of(view, draft(ECS, renewal=1))
    kept = draft({**ECS, "BackupObjects": LONG})
    assert not is_outdated(form_view(kept, ["s"]), kept)


def test_a_problem_goes_to_its_own_input_under_whatever_id_that_has() -> None:
    shown = state(BackupPlanName__3="", SourceEndpointInstanceType__3="RDS", BackupStrategyType__3="simple")
    found = {
        "BackupPlanName": ["One.", "Two."],
        "BackupPeriod": ["Hidden, and governed by the strategy."],
        "SourceEndpointPassword": ["Hidden, and governed by the source."],
        "DatabaseType": ["No input at all."],
    }
    assert placed(found, shown) == {
        "BackupPlanName~3": "One. Two.",
        "BackupStrategyType~3": "Hidden, and governed by the strategy.",
        "SourceEndpointInstanceType~3": "Hidden, and governed by the source. No input at all.",
    }


def test_hidden_values_are_neither_judged_nor_proposed() -> None:
    hidden = draft(RDS, {**RDS, "BackupStrategyType": "manual", "BackupStartTime": "nonsense", "BackupRateLimit": "x"})
    assert "BackupStartTime" not in form_problems(hidden)
    assert not {"BackupStartTime", "BackupRateLimit", "DatabaseType", "BackupMethod"} & proposed(hidden).keys()


def test_a_second_try_proposes_the_same_but_for_what_no_input_can_hold() -> None:
    again = {"BackupRetentionPeriod": "30", "BackupObjects": LONG, "AutoStartBackup": "true"}
    read = {**RDS, "BackupObjects": '[{"DBName":"now"}]', "BackupRetentionPeriod": "99"}
    assert proposed_again({**again, "BackupPlanId": "dbs9"}, read) == {**again, "BackupObjects": '[{"DBName":"now"}]'}


def test_ids_are_renewed_behind_a_tilde() -> None:
    assert [block_id("BackupPlanName", renewal) for renewal in (0, 1, 12)] == [
        "BackupPlanName", "BackupPlanName~1", "BackupPlanName~12",
    ]  # fmt: skip
    assert name_of("BackupPlanName~12") == "BackupPlanName"


@pytest.mark.parametrize("known", [{}, {"AutoStartBackup": "true"}])
def test_a_switch_nobody_knows_begins_as_left_to_dbs(known: dict[str, str]) -> None:
    reading = Reading(RDS, "MySQL", "logical", "wait")
    view = form_view(Draft("V1", "U1", "", reading, known, prefilled(RDS, known)), [])
    switches = {b["block_id"]: b["element"] for b in view["blocks"] if b.get("block_id") in SWITCHES}
    assert [option["value"] for option in switches["EnableBackupLog"]["options"]] == ["true", "false", "leave"]
    assert switches["EnableBackupLog"]["initial_option"]["value"] == "leave", "DBS does not say, though it might"
    assert switches["AutoStartBackup"]["initial_option"]["value"] == known.get("AutoStartBackup", "leave")
    assert len(switches["AutoStartBackup"]["options"]) == (2 if known else 3)
    assert not parameter("AutoStartBackup").readable


SWITCHES = {"EnableBackupLog", "AutoStartBackup"}


def text_in(draft: Draft, name: str) -> str:
    """What the form says about a parameter: its input, with label and hint."""
    view = form_view(draft, ["s"])
    return next(str(block) for block in view["blocks"] if name_of(block.get("block_id", "")) == name)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("BackupRetentionPeriod", "3650", "3650 days"),
        ("BackupStartTime", "25:61", "25:61 UTC"),
        ("BackupPeriod", "Monday,Someday", "Monday, Someday"),
        ("BackupStorageType", "moon", "moon"),
        ("SourceEndpointInstanceType", "Moon", "Moon"),
        ("EnableBackupLog", "perhaps", "perhaps"),
    ],
)
def test_what_an_input_cannot_hold_is_kept_while_it_is_empty(name: str, text: str, words: str) -> None:
    """It is not blanked: neither by showing the form, nor by submitting it untouched, nor by a redraw."""
    before = draft({**ECS, name: text})
    said = text_in(before, name)
    assert f"Kept as it is while this is empty: {words}." in said
    assert "'optional': True" in said
    now = draft({**ECS, name: text}, merged(before, state(**{name: None})))
    assert proposed(now)[name] == text
    assert name not in form_problems(now)
    lower = {"BackupRetentionPeriod": "1825", "BackupStartTime": "03:00"}.get(name)
    if lower:
        edited = draft({**ECS, name: text}, merged(now, state(**{name: lower})))
        assert proposed(edited)[name] == lower
        again = draft({**ECS, name: text}, merged(edited, state(**{name: None})))
        assert proposed(again)[name] == text, "an input that was emptied again keeps it again"


def test_half_a_character_is_not_kept_as_it_cannot_leave() -> None:
    odd = draft({**ECS, "BackupPlanName": "a\ud800"})
    assert "BackupPlanName" in form_problems(odd)
    assert "cannot be sent again" in text_in(odd, "BackupPlanName")


@pytest.mark.parametrize("objects", ['[ {"DBName": "a",  "NewKey": [1]} ]', " [{not json", LONG.replace(",", ", ")])
def test_objects_nobody_edited_are_sent_byte_for_byte(objects: str) -> None:
    read = {**ECS, "BackupObjects": objects}
    before = draft(read)
    typed = {} if len(objects) > 3000 else {"BackupObjects": objects}
    now = draft(read, merged(before, state(**typed)))
    assert proposed(now)["BackupObjects"] == objects
    assert "BackupObjects" not in form_problems(now)
    edited = draft(read, merged(before, state(BackupObjects='[{"DBName":"b","NewKey":[1]}]')))
    assert "unknown" in form_problems(edited)["BackupObjects"][0]


def test_a_made_up_bucket_is_let_go_and_an_own_one_taken_back() -> None:
    system = {**ECS, "BackupStorageType": "system", "OSSBucketName": "made-up"}
    before = draft(system)
    assert "OSSBucketName" not in proposed(before)
    assert "DBS finds it by itself (made-up)" in text_in(before, "OSSBucketName")
    own = draft({**ECS, "BackupStorageType": "own", "OSSBucketName": "mine"})
    built_in = draft({**own.reading.values}, merged(own, state(BackupStorageType="system", OSSBucketName="mine")))  # type: ignore[union-attr]
    assert "OSSBucketName" not in proposed(built_in)


def test_no_user_is_demanded_where_dbs_has_none() -> None:
    read = {name: text for name, text in RDS.items() if name != "SourceEndpointUserName"}
    by_rds = draft(read)
    assert form_problems(by_rds) == {}
    for name in ("SourceEndpointUserName", "SourceEndpointPassword"):
        assert "'optional': True" in text_in(by_rds, name)
        assert "'optional': False" in text_in(draft(RDS), name)


def test_an_rds_plan_needs_neither_host_nor_port() -> None:
    bare = {name: text for name, text in RDS.items() if name not in {"SourceEndpointIP", "SourceEndpointPort"}}
    assert {*form_problems(draft(bare))} == {"SourceEndpointPassword"}


def test_what_people_set_over_dbs_stays_in_the_form_and_is_sent() -> None:
    """What DBS found by itself is not; but a host that the last change sent would be lost."""
    known = {"SourceEndpointIP": "10.0.3.7", "SourceEndpointPassword": "s"}
    read = {**RDS, "SourceEndpointIP": "10.0.3.7"}
    before = draft(read, prefilled(read, known))
    assert "SourceEndpointPort" not in proposed(before)
    now = replace(before, known=known, values=merged(before, state(BackupStartTime="03:00")))
    assert proposed(now)["SourceEndpointIP"] == "10.0.3.7"
    assert "over what DBS would find by itself" in text_in(now, "SourceEndpointIP")
    assert "DBS finds it by itself (3306)" in text_in(now, "SourceEndpointPort")
    cleared = replace(now, values=merged(now, state(SourceEndpointIP__1=None)))
    assert "SourceEndpointIP" not in proposed(cleared)

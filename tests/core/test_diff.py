"""What people read before they approve, what moved meanwhile, and what DBS made of it."""

import pytest

from bot.core.diff import Diff, Row, RowKind, compare_read_back, diff, moved
from bot.core.plan import Plan, normalise, parameters
from bot.core.reading import Reading

SHOWN = normalise(
    {
        "BackupPlanId": "dbstooi01",
        "BackupPlanName": "orders",
        "SourceEndpointInstanceType": "rds",
        "SourceEndpointRegion": "cn-hangzhou",
        "SourceEndpointInstanceID": "rm-uf6orders01",
        "SourceEndpointIP": "rm-uf6orders01.mysql.rds.aliyuncs.com",
        "SourceEndpointPort": "3306",
        "SourceEndpointUserName": "backup",
        "BackupObjects": "shop\ncrm",
        "BackupPeriod": "MONDAY,FRIDAY",
        "BackupStartTime": "14:22",
        "EnableBackupLog": "true",
        "BackupRetentionPeriod": "730",
        "DuplicationInfrequentAccessPeriod": "180",
        "DuplicationArchivePeriod": "365",
        "BackupStorageType": "system",
        "CrossAliyunId": "1234567890123456",
        "CrossRoleName": "dbs-reader",
    }
)
READING = Reading(SHOWN, "MySQL", "logical", "check_pass")
KNOWN = {"SourceEndpointPassword": "orders-db", "BackupStrategyType": "simple", "AutoStartBackup": "true"}
"""What the bot last applied."""

DERIVED = {"SourceEndpointIP", "SourceEndpointPort"}
FULL = {name: text for name, text in SHOWN.items() if name not in {"SourceEndpointIP", "SourceEndpointPort"}} | KNOWN
"""The full prefilled set: nothing changes."""
MANUAL = {name: text for name, text in FULL.items() if name not in {"BackupPeriod", "BackupStartTime"}} | {
    "BackupStrategyType": "manual"
}
MANUAL_KNOWN = {**KNOWN, "BackupStrategyType": "manual"}
"""The same for a plan that this bot set manual."""


def difference(reading: Reading = READING, /, **proposed: str | None) -> Diff:
    """The diff of the full set with some values changed, None for left out."""
    values = {name: text for name, text in {**FULL, **proposed}.items() if text is not None}
    return diff(reading, values, KNOWN)


def row(found: tuple[Row, ...], name: str) -> Row:
    """The one row of a parameter."""
    (one,) = [each for each in found if each.parameter == name]
    return one


def changing(found: Diff) -> list[Row]:
    """The rows but for what is sent as this bot last set it."""
    return [each for each in found.rows if each.kind is not RowKind.REMEMBERED]


def codes(found: Diff) -> list[str]:
    """The risks' codes."""
    return [risk.code for risk in found.risks]


def test_the_full_prefilled_set_changes_nothing() -> None:
    """No risk; what DBS shows is among the unchanged, and what it does not show is told as remembered."""
    found = difference()
    assert {each.parameter: each.kind for each in found.rows} == dict.fromkeys(KNOWN, RowKind.REMEMBERED)
    assert (found.risks, found.changes_nothing) == ((), True)
    assert {each.parameter for each in found.unchanged} == set(SHOWN)
    assert all(each.kind is RowKind.UNCHANGED for each in found.unchanged)
    assert not difference(BackupRetentionPeriod="800").changes_nothing


def test_a_change_has_both_values_in_full() -> None:
    """In people's words, with units; long values are not cut."""
    text = "\n".join(f"db{number:04}" for number in range(2000))
    found = difference(BackupRetentionPeriod="30", BackupObjects=text)
    changed = row(found.rows, "BackupRetentionPeriod")
    assert changed == Row("BackupRetentionPeriod", "Backup retention", "730 days", "30 days", RowKind.CHANGED)
    assert row(found.rows, "BackupObjects").now == "shop: whole database\ncrm: whole database"
    assert row(found.rows, "BackupObjects").proposed.count("\n") == 1999


def test_what_dbs_cannot_show_is_known_from_the_bot_or_unknown() -> None:
    """The bot's own last value is marked as such; without one, a sent value goes over an unknown one."""
    found = difference(AutoStartBackup="false", SourceEndpointPassword="orders-new")
    assert row(found.rows, "AutoStartBackup").now == "on (last set by this bot)"
    assert row(found.rows, "SourceEndpointPassword").now == "orders-db (last set by this bot)"
    assert row(found.rows, "SourceEndpointPassword").proposed == "orders-new"
    since = diff(READING, FULL, KNOWN, "2026-11-12T23:30:00.000Z")
    assert row(since.rows, "BackupStrategyType").now == "simple (set by this bot on 12 Nov 2026)"
    blind = row(diff(READING, FULL, None).rows, "AutoStartBackup")
    assert (blind.now, blind.proposed, blind.kind) == ("unknown", "on", RowKind.UNKNOWN)


def test_what_dbs_shows_is_believed_over_what_the_bot_last_set() -> None:
    """Somebody may have used the console."""
    found = diff(READING, FULL, {**KNOWN, "BackupRetentionPeriod": "10"})
    assert changing(found) == []


@pytest.mark.parametrize("method", ["logical", "physical"])
def test_each_omitted_unknown_value_has_a_row_and_a_risk(method: str) -> None:
    """Of the parameters that apply."""
    reading = Reading(SHOWN, "MySQL", method, "check_pass")
    found = diff(reading, {name: text for name, text in FULL.items() if name not in KNOWN}, None)
    facts = {**SHOWN, **reading.facts}
    expected = [each for each in parameters() if not each.readable and each.applies(facts)]
    assert [(each.parameter, each.now, each.proposed, each.kind) for each in found.rows] == [
        (each.name, "unknown", "not sent: DBS decides", RowKind.NOT_SENT) for each in expected
    ]
    assert [risk.sentence.split(":")[0] for risk in found.risks] == [each.label for each in expected]
    assert set(codes(found)) == {"unknown-now"}
    assert {"cleared", "schedule-manual", "days-fewer", "secret-changed"} <= found.codes


@pytest.mark.parametrize("name", ["BackupRetentionPeriod", "EnableBackupLog", "BackupPeriod", "AutoStartBackup"])
def test_each_cleared_value_has_a_row_and_a_risk(name: str) -> None:
    """Whether DBS or the bot knows the value."""
    found = difference(**{name: None})
    assert [(each.parameter, each.proposed) for each in changing(found)] == [(name, "not sent: DBS decides")]
    assert [code for code in codes(found) if code != "schedule-incomplete"] == ["cleared"]


def test_what_is_absent_and_stays_so_is_not_mentioned() -> None:
    """A bucket that never was."""
    found = difference()
    assert "OSSBucketName" not in {each.parameter for each in (*found.rows, *found.unchanged)}
    assert row(difference(OSSBucketName="backups").rows, "OSSBucketName").now == "(none)"


def test_host_and_port_of_a_managed_database_are_shown_but_not_sent() -> None:
    """Unless a person set them, or the source moves."""
    shown = row(difference().unchanged, "SourceEndpointPort")
    assert (shown.now, shown.proposed) == ("3306", "not sent: DBS finds it by itself")
    assert row(difference(SourceEndpointPort="3307").rows, "SourceEndpointPort").proposed == "3307"
    elsewhere = difference(SourceEndpointInstanceID="rm-other")
    assert row(elsewhere.rows, "SourceEndpointPort").kind is RowKind.NOT_SENT
    assert codes(elsewhere) == ["source-changed"], "it is said once"
    assert "cleared" in elsewhere.codes
    assert "cleared" not in difference(BackupRetentionPeriod="30").codes, "the same source"


def test_a_schedule_that_ends_is_shown() -> None:
    """Days and time stop applying when the strategy becomes manual."""
    found = difference(BackupStrategyType="manual")
    assert row(found.rows, "BackupPeriod").proposed == ("not sent: can be set only when the backup strategy is simple")
    assert codes(found) == ["schedule-manual", "cleared", "cleared"]


def test_days_and_time_of_a_manual_plan_are_not_mentioned_once_gone() -> None:
    gone = {name: text for name, text in SHOWN.items() if name not in {"BackupPeriod", "BackupStartTime"}}
    later = diff(Reading(gone, "MySQL", "logical", "check_pass"), MANUAL, MANUAL_KNOWN)
    assert (changing(later), codes(later)) == ([], ["schedule-manual"]), "nobody can read whether it still is"
    assert later.risks[0].sentence.startswith("The strategy stays manual")


def test_what_dbs_shows_and_is_not_sent_has_a_row_whatever_is_remembered() -> None:
    """The bot set the plan manual; that DBS shows days and a time says that somebody changed that."""
    later = diff(READING, MANUAL, MANUAL_KNOWN)
    assert [(each.parameter, each.now, each.kind) for each in changing(later)] == [
        ("BackupPeriod", "Monday, Friday", RowKind.NOT_SENT),
        ("BackupStartTime", "14:22 UTC", RowKind.NOT_SENT),
    ]
    assert codes(later) == ["schedule-manual", "cleared", "cleared"]
    assert not later.changes_nothing


@pytest.mark.parametrize("known", [{}, KNOWN, MANUAL_KNOWN])
@pytest.mark.parametrize("method", ["logical", "physical"])
@pytest.mark.parametrize("name", [each.name for each in parameters() if each.readable and each.name in SHOWN])
def test_no_value_that_dbs_shows_goes_unmentioned(name: str, method: str, known: dict[str, str]) -> None:
    sent = {each: text for each, text in MANUAL.items() if each != name}
    found = diff(Reading(SHOWN, "MySQL", method, "init"), sent, known)
    one = row((*found.rows, *found.unchanged), name)
    if name in DERIVED:
        assert one.kind is RowKind.UNCHANGED
        assert "by itself" in one.proposed
    else:
        assert one.kind is RowKind.NOT_SENT
        assert "cleared" in found.codes


@pytest.mark.parametrize("name", ["SourceEndpointIP", "SourceEndpointPort"])
def test_what_people_set_over_dbs_is_not_found_by_itself(name: str) -> None:
    """Left out it moves: DBS then finds another host or port."""
    found = diff(READING, FULL, {**KNOWN, name: SHOWN[name]})
    assert row(found.rows, name).proposed == "not sent: DBS decides"
    assert {"cleared", "source-changed"} <= found.codes
    sent = diff(READING, {**FULL, name: SHOWN[name]}, {**KNOWN, name: SHOWN[name]})
    assert row(sent.unchanged, name).proposed == row(sent.unchanged, name).now
    assert sent.codes == frozenset()


@pytest.mark.parametrize(
    ("proposed", "code"),
    [
        ({"BackupRetentionPeriod": "729"}, "retention-shortened"),
        ({"EnableBackupLog": "false"}, "log-backup-off"),
        ({"SourceEndpointInstanceID": "rm-other"}, "source-changed"),
        ({"SourceEndpointIP": "10.0.0.1"}, "source-changed"),
        ({"SourceEndpointDatabaseName": "other"}, "source-changed"),
        ({"BackupStorageType": "own"}, "storage-changed"),
        ({"OSSBucketName": "other"}, "storage-changed"),
        ({"CrossAliyunId": "9999567890123456"}, "account-changed"),
        ({"CrossAliyunId": None, "CrossRoleName": None}, "account-changed"),
        ({"BackupStrategyType": "manual"}, "schedule-manual"),
        ({"BackupPeriod": "Monday"}, "days-fewer"),
        ({"BackupObjects": "shop"}, "objects-reduced"),
        ({"BackupObjects": "shop\ncrm\nhr"}, "objects-changed"),
        ({"BackupObjects": None}, "objects-absent"),
        ({"DuplicationArchivePeriod": "800"}, "lifecycle-order"),
        ({"DuplicationInfrequentAccessPeriod": "365"}, "lifecycle-order"),
        ({"DuplicationArchivePeriod": None, "DuplicationInfrequentAccessPeriod": "730"}, "lifecycle-order"),
        ({"DuplicationArchivePeriod": "366"}, "lifecycle-changed"),
        ({"SourceEndpointPassword": "orders-new"}, "secret-changed"),
        ({"BackupPlanName": "orders 2"}, "renamed"),
    ],
)
def test_a_risk_is_named(proposed: dict[str, str | None], code: str) -> None:
    """Once, in a sentence; what is left out may add that DBS decides."""
    found = difference(**proposed)
    assert codes(found).count(code) == 1
    assert {*codes(found)} - {code} <= {"cleared", "lifecycle-changed", "single-day"}
    assert all(risk.sentence.endswith(".") for risk in found.risks)


@pytest.mark.parametrize(
    "proposed",
    [
        {"BackupRetentionPeriod": "731"},
        {"BackupObjects": "crm\nshop"},
        {"BackupPeriod": "Monday,Tuesday,Friday"},
        {"BackupPlanName": " orders "},
        {"AutoStartBackup": "false"},
        {"BackupStartTime": "03:00"},
    ],
)
def test_what_is_harmless_is_no_risk(proposed: dict[str, str]) -> None:
    """A warning that always shows is not read."""
    assert difference(**proposed).risks == ()


@pytest.mark.parametrize(
    ("status", "risky"),
    [(status, False) for status in ("wait", "init", "check_pass")]
    + [(status, True) for status in ("running", "pause", "stop", "locked", "dreaming", "")],
)
def test_a_status_in_which_dbs_may_refuse_is_a_risk(status: str, risky: bool) -> None:
    """No page says which statuses allow the call."""
    assert (codes(difference(Reading(SHOWN, "MySQL", "logical", status))) == ["status"]) is risky


def test_an_unknown_engine_or_method_is_a_risk() -> None:
    """The change can still be asked for."""
    found = difference(Reading(SHOWN, "OceanBase", "", "init"))
    assert codes(found) == ["unknown-engine", "unknown-method"]


def test_objects_may_be_absent_behind_an_agent() -> None:
    """There the gateway decides."""
    found = difference(SourceEndpointInstanceType="Agent", BackupGatewayId="7", BackupObjects=None)
    assert "objects-absent" not in codes(found)


def test_the_first_source_of_a_plan_is_no_change_of_source() -> None:
    """A plan that waits to be configured has none."""
    reading = Reading({"BackupPlanId": "dbstooi01", "BackupPlanName": "orders"}, "MySQL", "logical", "wait")
    first = codes(diff(reading, {**FULL, "BackupStorageType": "own"}, KNOWN))
    assert first == ["account-changed", "lifecycle-changed"]


def test_storage_that_is_not_shown_is_your_own() -> None:
    """DBS's empty value and its absence mean the same."""
    reading = Reading(
        {name: text for name, text in SHOWN.items() if name != "BackupStorageType"}, "MySQL", "logical", "init"
    )
    found = diff(reading, {**FULL, "BackupStorageType": "own"}, KNOWN)
    assert changing(found) == []
    assert row(found.unchanged, "BackupStorageType").now == "own (your OSS bucket)"


def test_what_moved_is_told_for_parameters_and_facts() -> None:
    """What was seen, and what is there today."""
    now = {**READING.baseline, "BackupRetentionPeriod": "30", "DatabaseType": "MSSQL", "OSSBucketName": "b"}
    del now["CrossRoleName"]
    assert [(each.parameter, each.now, each.proposed) for each in moved(READING.baseline, now)] == [
        ("BackupRetentionPeriod", "730 days", "30 days"),
        ("OSSBucketName", "(none)", "b"),
        ("CrossRoleName", "dbs-reader", "(none)"),
        ("DatabaseType", "MySQL", "SQL Server"),
    ]


def test_nothing_moved_when_only_order_or_spelling_differs() -> None:
    """DBS need not answer the same thing in the same text."""
    now = {**READING.baseline, "BackupObjects": '[{"DBName":"crm"},{"DBName":"shop"}]', "BackupPeriod": "FRIDAY,MONDAY"}
    assert moved(READING.baseline, now) == ()


def test_a_read_back_that_agrees_has_no_mismatch() -> None:
    """In wire form as well as in text form; what cannot be read is not compared."""
    values = {**FULL, **READING.facts, "BackupStorageType": "own"}
    reading = Reading({**SHOWN, "BackupStorageType": "own"}, "MySQL", "logical", "init")
    assert compare_read_back(values, reading) == ()
    assert compare_read_back(Plan.parse(values).request(), reading) == ()
    absent = Reading(
        {name: text for name, text in SHOWN.items() if name != "BackupStorageType"}, "MySQL", "logical", "init"
    )
    assert compare_read_back(Plan.parse(values).request(), absent) == ()


@pytest.mark.parametrize("name", [each.name for each in parameters() if each.readable])
def test_each_readable_parameter_is_compared(name: str) -> None:
    """A value that DBS shows otherwise, or not at all, is a mismatch; but of a resource group it may show none."""
    sent = {"BackupStorageType": "system"}.get(name, SHOWN.get(name, "1"))
    other = Reading({**SHOWN, name: {"BackupObjects": "[]"}.get(name, "elsewhere")}, "MySQL", "logical", "init")
    without = Reading({each: text for each, text in SHOWN.items() if each != name}, "MySQL", "logical", "init")
    assert [each.parameter for each in compare_read_back({name: sent}, other)] == [name]
    missing = [] if name == "ResourceGroupId" else [name]
    assert [each.parameter for each in compare_read_back({name: sent}, without)] == missing


def test_a_resource_group_that_is_no_longer_shown_has_not_moved() -> None:
    shown = {"ResourceGroupId": "rg-1"}
    assert moved(shown, {}) == ()
    assert [row.parameter for row in moved({}, shown)] == ["ResourceGroupId"]
    assert [row.parameter for row in moved(shown, {"ResourceGroupId": "rg-2"})] == ["ResourceGroupId"]


def test_a_bucket_that_dbs_made_up_is_neither_sent_nor_changed() -> None:
    system = {**SHOWN, "BackupStorageType": "system", "OSSBucketName": "made-up"}
    sent = {name: text for name, text in system.items() if name != "OSSBucketName"}
    difference = diff(Reading(system, "MySQL", "logical", "init"), sent)
    (row,) = [row for row in difference.unchanged if row.parameter == "OSSBucketName"]
    assert row.proposed == "not sent: DBS finds it by itself"
    assert "storage-changed" not in {risk.code for risk in difference.risks}
    away = diff(Reading(system, "MySQL", "logical", "init"), {**sent, "BackupStorageType": "own"})
    assert [row.parameter for row in away.rows if row.parameter == "OSSBucketName"] == ["OSSBucketName"]


def test_objects_with_keys_nobody_knows_are_compared_as_json() -> None:
    one, other = '[{"DBName":"a","NewKey":{"x":1,"y":2}}]', '[ {"NewKey": {"y": 2, "x": 1}, "DBName": "a"} ]'
    assert moved({"BackupObjects": one}, {"BackupObjects": other}) == ()
    assert len(moved({"BackupObjects": one}, {"BackupObjects": other.replace("2", "3")})) == 1


NOON = "2026-11-03T12:00:00.000Z"


def cautioned(method: str = "logical", ends: str = "", read_at: str = NOON, **proposed: str | None) -> list[str]:
    """The codes of a change of SHOWN, in which None leaves a value out."""
    details = {"InstanceExpiredTimestamp": ends}
    reading = Reading(SHOWN, "MySQL", method, "init", details=details, read_at=read_at)
    sent = {name: text for name, text in {**SHOWN, **proposed}.items() if text is not None}
    return [risk.code for risk in diff(reading, sent).risks]


@pytest.mark.parametrize(
    ("proposed", "code"),
    [
        ({"BackupPeriod": "Monday"}, "single-day"),
        ({"BackupPeriod": "Monday", "BackupStrategyType": "simple"}, "single-day"),
        ({"BackupPeriod": None}, "schedule-incomplete"),
        ({"BackupStartTime": None, "BackupStrategyType": "simple"}, "schedule-incomplete"),
        ({"BackupRetentionPeriod": "3650"}, "retention-long"),
        ({"method": "physical", "SourceEndpointInstanceID": "rm-other"}, "source-physical"),
        ({"ends": "1796200000000"}, "expiring"),
        ({"ends": "1796200000"}, "expiring"),
        ({"ends": "2026-12-03T11:59:00Z"}, "expiring"),
        ({"ends": "2026-11-03"}, "expiring"),
    ],
)
def test_what_documents_do_not_settle_is_a_caution(proposed: dict[str, str], code: str) -> None:
    whole = {"BackupPeriod": "Monday,Friday", "BackupStartTime": "14:22"}
    assert code in cautioned(**{**whole, **proposed})


@pytest.mark.parametrize(
    "proposed",
    [
        {},
        {"BackupStrategyType": "manual", "BackupPeriod": None, "BackupStartTime": None},
        {"BackupStrategyType": "manual", "BackupPeriod": "Monday"},
        {"BackupRetentionPeriod": "1825"},
        {"SourceEndpointInstanceID": "rm-other"},
        {"method": "physical"},
        *[{"ends": ends} for ends in ("", "0", "x", "-1", "2026-12-03T12:00:00Z", "4102444800000", "9" * 400)],
        {"ends": "1796200000000", "read_at": ""},
    ],
)
def test_what_is_settled_is_no_caution(proposed: dict[str, str]) -> None:
    codes = {"single-day", "schedule-incomplete", "retention-long", "source-physical", "expiring"}
    whole = {"BackupPeriod": "Monday,Friday", "BackupStartTime": "14:22"}
    assert not codes & {*cautioned(**{**whole, **proposed})}


def test_never_moving_a_backup_is_in_order() -> None:
    never = {"DuplicationInfrequentAccessPeriod": "0", "DuplicationArchivePeriod": "0", "BackupRetentionPeriod": "30"}
    assert "lifecycle-order" not in cautioned(**never)
    assert "lifecycle-order" in cautioned(**{**never, "DuplicationArchivePeriod": "30"})

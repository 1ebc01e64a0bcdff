"""What DescribeBackupPlanList reports, in the words in which it would be sent."""

import json
import re
from typing import Any

import pytest

from bot.alibaba.reading import details, read_plan, summarise
from bot.playground.dbs import plans

ABSENT = None
FIFTY = re.findall(
    r"\w+",
    """
    BackupGatewayId BackupGatewayIdentifier BackupMethod BackupObjects BackupPeriod BackupPlanCreateTime BackupPlanId
    BackupPlanName BackupPlanRegion BackupPlanStatus BackupRetentionPeriod BackupSetDownloadDir
    BackupSetDownloadFullDataFormat BackupSetDownloadGatewayId BackupSetDownloadIncrementDataFormat
    BackupSetDownloadTargetType BackupStartTime BackupStorageType BeginTimestampForRestore CrossAliyunId CrossRoleName
    DatabaseType DuplicationArchivePeriod DuplicationInfrequentAccessPeriod EnableBackupLog
    EnableMysqlPhysicalBackupBinLog EndTimestampForRestore ErrMessage IncrementBackupRetentionPeriod
    IncrementDuplicationArchivePeriod IncrementDuplicationInfrequentAccessPeriod InstanceChargeType InstanceClass
    InstanceExpiredTimestamp LogBackupRetentionPeriod LogDuplicationArchivePeriod LogDuplicationInfrequentAccessPeriod
    OSSBucketName OSSBucketRegion OpenBackupSetAutoDownload ResourceGroupId SourceEndpointDatabaseName
    SourceEndpointEnableSsl SourceEndpointHost SourceEndpointInstanceID SourceEndpointInstanceType SourceEndpointIpPort
    SourceEndpointOracleSID SourceEndpointPort SourceEndpointRegion SourceEndpointUserName StorageEncryptMethod
    """,
)


@pytest.mark.parametrize(
    ("field", "reported", "parameter", "value"),
    [
        ("SourceEndpointInstanceType", "rds", "SourceEndpointInstanceType", "RDS"),
        ("SourceEndpointInstanceType", "EXPRESS", "SourceEndpointInstanceType", "Express"),
        ("SourceEndpointInstanceType", "moonbase", "SourceEndpointInstanceType", "moonbase"),
        ("SourceEndpointIpPort", "10.0.0.1:3306", "SourceEndpointIP", "10.0.0.1"),
        ("SourceEndpointIpPort", "10.0.0.1:3306", "SourceEndpointPort", "3306"),
        ("SourceEndpointIpPort", "fe80::1:3306", "SourceEndpointIP", "fe80::1"),
        ("SourceEndpointIpPort", "db.internal", "SourceEndpointIP", "db.internal"),
        ("SourceEndpointIpPort", "db.internal", "SourceEndpointPort", ABSENT),
        ("SourceEndpointIpPort", ":", "SourceEndpointIP", ABSENT),
        ("SourceEndpointIpPort", "db.internal:0", "SourceEndpointPort", ABSENT),
        ("SourceEndpointHost", "10.9.9.9", "SourceEndpointIP", "10.9.9.9"),
        ("SourceEndpointPort", "5432", "SourceEndpointPort", "5432"),
        ("SourceEndpointPort", 5432, "SourceEndpointPort", "5432"),
        ("BackupGatewayId", 0, "BackupGatewayId", ABSENT),
        ("BackupGatewayId", "0", "BackupGatewayId", ABSENT),
        ("BackupGatewayId", 23313123312, "BackupGatewayId", "23313123312"),
        ("BackupPeriod", "MONDAY", "BackupPeriod", "Monday"),
        ("BackupPeriod", "FRIDAY, monday", "BackupPeriod", "Monday,Friday"),
        ("BackupPeriod", "", "BackupPeriod", ABSENT),
        ("BackupStartTime", "14:22Z", "BackupStartTime", "14:22"),
        ("BackupStorageType", "", "BackupStorageType", "own"),
        ("BackupStorageType", "system", "BackupStorageType", "system"),
        ("BackupStorageType", None, "BackupStorageType", ABSENT),
        ("EnableBackupLog", True, "EnableBackupLog", "true"),
        ("EnableBackupLog", "False", "EnableBackupLog", "false"),
        ("EnableBackupLog", None, "EnableBackupLog", ABSENT),
        ("BackupRetentionPeriod", 730, "BackupRetentionPeriod", "730"),
        ("BackupRetentionPeriod", "730", "BackupRetentionPeriod", "730"),
        ("BackupRetentionPeriod", 730.0, "BackupRetentionPeriod", "730"),
        ("BackupRetentionPeriod", 0, "BackupRetentionPeriod", "0"),
        ("CrossAliyunId", 2694410000000001, "CrossAliyunId", "2694410000000001"),
        ("CrossAliyunId", 0, "CrossAliyunId", ABSENT),
        ("BackupPlanName", "TRUE", "BackupPlanName", "TRUE"),
        ("OSSBucketName", "", "OSSBucketName", ABSENT),
        ("BackupObjects", ' [ {"DBName": "shop"} ]\n', "BackupObjects", ' [ {"DBName": "shop"} ]\n'),
        ("BackupObjects", '[{"DBName":"a","NewKey":1}]', "BackupObjects", '[{"DBName":"a","NewKey":1}]'),
        ("BackupObjects", '[{\\"DBName\\":\\"shop\\"}]', "BackupObjects", '[{"DBName":"shop"}]'),
        ("BackupObjects", r"[{\"DBName\":\"l\\u00e4den\"}]", "BackupObjects", r'[{"DBName":"l\u00e4den"}]'),
        ("BackupObjects", r"[{\"DBName\":\"a\\\"b\"}]", "BackupObjects", r'[{"DBName":"a\"b"}]'),
        ("BackupObjects", [{"DBName": "shop"}], "BackupObjects", '[{"DBName": "shop"}]'),
        ("BackupObjects", "[]", "BackupObjects", ABSENT),
        ("BackupObjects", "[{not json", "BackupObjects", "[{not json"),
    ],
)
def test_a_field_is_read_in_its_canonical_form(field: str, reported: Any, parameter: str, value: str | None) -> None:
    assert read_plan(plans.mysql_on_rds(**{field: reported})).values.get(parameter) == value


def test_every_kind_of_plan_is_read() -> None:
    for plan in plans.catalogue():
        reading = read_plan(plan)
        assert reading.plan_id == plan["BackupPlanId"]
        assert reading.facts == {"DatabaseType": plan["DatabaseType"], "BackupMethod": plan["BackupMethod"]}
        assert all(isinstance(value, str) and value for value in reading.values.values())
        assert json.loads(reading.values.get("BackupObjects", "[]")) is not None


def test_facts_are_in_the_api_s_spelling_and_unknown_ones_stay_as_they_are() -> None:
    reading = read_plan(plans.mysql_on_rds(DatabaseType="mysql", BackupMethod="Physical", BackupPlanStatus="RUNNING"))
    assert (reading.database_type, reading.backup_method, reading.status) == ("MySQL", "physical", "running")
    strange = read_plan(plans.mysql_on_rds(DatabaseType="Clickhouse", BackupMethod="quantum"))
    assert (strange.database_type, strange.backup_method) == ("Clickhouse", "quantum")


def test_a_nearly_empty_entry_is_read_as_what_it_says() -> None:
    reading = read_plan({"BackupPlanId": "dbs1", "Surprise": {"x": [1]}})
    assert (dict(reading.values), reading.database_type, reading.status) == ({"BackupPlanId": "dbs1"}, "", "")
    assert summarise({}).plan_id == ""


def test_what_a_backup_changes_every_night_is_not_part_of_the_baseline() -> None:
    night: dict[str, Any] = {
        "BackupPlanStatus": "stop",
        "ErrMessage": "x",
        "EndTimestampForRestore": 1,
        "InstanceClass": "large",
    }
    assert read_plan(plans.mysql_on_rds(**night)).baseline == read_plan(plans.mysql_on_rds()).baseline


def test_every_field_is_kept_somewhere_and_only_parameters_are_judged() -> None:
    """All 50 of the SDK's model, and those that nobody knows yet."""
    detail = plans.mysql_on_rds() | {name: f"x{number}" for number, name in enumerate(FIFTY)} | {"New": {"a": [1]}}
    reading = read_plan(detail)
    kept = {*reading.values, *reading.facts, *reading.details}
    kept |= {"BackupPlanStatus", "BackupPlanRegion", "ErrMessage"}
    kept |= {"SourceEndpointIpPort", "SourceEndpointHost"}  # they are the parameters for host and port
    assert {*FIFTY, "New"} <= kept
    assert reading.details["New"] == '{"a": [1]}'
    assert reading.details["StorageEncryptMethod"] == f"x{FIFTY.index('StorageEncryptMethod')}"
    assert not {*reading.details} & {*reading.baseline}


def test_what_is_only_shown_is_cleaned_and_bounded() -> None:
    many = {f"Field{number:03}": "v" * 1000 for number in range(500)} | {"N" * 500: "x"}
    told = {"BackupPlanStatus": "password=hunter2", "BackupPlanRegion": "hunter3", "OSSBucketRegion": "pwd:hunter2"}
    reading = read_plan({**plans.mysql_on_rds(), **told, **many}, ["hunter3"])
    said = str([reading.status, reading.region, reading.details])
    assert "hunter" not in said
    assert len(said) < 9000
    assert max(map(len, reading.details.values())) == 200


def test_a_single_entry_may_come_without_its_list() -> None:
    assert details({"Items": {"BackupPlanDetail": {"BackupPlanId": "a"}}}) == [{"BackupPlanId": "a"}]
    assert details({"Items": [{"BackupPlanId": "a"}, None]}) == [{"BackupPlanId": "a"}]
    assert details({}) == []

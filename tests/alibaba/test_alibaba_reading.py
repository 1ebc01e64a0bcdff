"""What DescribeBackupPlanList reports, in the words in which it would be sent."""

import json
from typing import Any

import pytest

from bot.alibaba.reading import details, read_plan, summarise
from bot.playground.dbs import plans

ABSENT = None


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
        ("BackupObjects", '[ {"DBName": "shop"} ]', "BackupObjects", '[{"DBName":"shop"}]'),
        ("BackupObjects", '[{\\"DBName\\":\\"shop\\"}]', "BackupObjects", '[{"DBName":"shop"}]'),
        ("BackupObjects", r"[{\"DBName\":\"l\\u00e4den\"}]", "BackupObjects", '[{"DBName":"läden"}]'),
        ("BackupObjects", r"[{\"DBName\":\"a\\\"b\"}]", "BackupObjects", r'[{"DBName":"a\"b"}]'),
        ("BackupObjects", [{"DBName": "shop"}], "BackupObjects", '[{"DBName":"shop"}]'),
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
    assert read_plan(plans.mysql_on_rds(**night), "x").baseline == read_plan(plans.mysql_on_rds()).baseline


def test_a_single_entry_may_come_without_its_list() -> None:
    assert details({"Items": {"BackupPlanDetail": {"BackupPlanId": "a"}}}) == [{"BackupPlanId": "a"}]
    assert details({"Items": [{"BackupPlanId": "a"}, None]}) == [{"BackupPlanId": "a"}]
    assert details({}) == []

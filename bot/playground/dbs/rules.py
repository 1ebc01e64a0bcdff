"""What the fake demands of ConfigureBackupPlan, as a table of its own. If it and the bot disagree, one is wrong."""

import json
import re
from collections.abc import Mapping
from typing import Any

from bot.playground.dbs.refusals import Refused

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TEXTS = {
    "BackupPlanId",
    "BackupPlanName",
    "SourceEndpointRegion",
    "SourceEndpointInstanceID",
    "SourceEndpointIP",
    "SourceEndpointDatabaseName",
    "SourceEndpointUserName",
    "SourceEndpointPassword",
    "SourceEndpointOracleSID",
    "OSSBucketName",
    "BackupObjects",
    "BackupStartTime",
    "CrossAliyunId",
    "CrossRoleName",
    "ResourceGroupId",
    "ClientToken",
}
INTEGERS = {
    "SourceEndpointPort": 65535,
    "BackupGatewayId": 2**63 - 1,
    "BackupLogIntervalSeconds": 2**31 - 1,
    "BackupRetentionPeriod": 3650,  # what the console's pages allow; the API's page says 1825
    "DuplicationInfrequentAccessPeriod": 2**31 - 1,
    "DuplicationArchivePeriod": 2**31 - 1,
    "BackupSpeedLimit": 2**63 - 1,
    "BackupRateLimit": 10485760,
}
BOOLEANS = {"EnableBackupLog", "AutoStartBackup"}
CHOICES = {
    "SourceEndpointInstanceType": {"RDS", "ECS", "Express", "Agent", "DDS", "Other"},
    "BackupStrategyType": {"simple", "manual"},
    "BackupStorageType": {"", "system"},
}
BY_SOURCE = {
    "RDS": {"SourceEndpointRegion", "SourceEndpointInstanceID"},
    "DDS": {"SourceEndpointRegion", "SourceEndpointInstanceID"},
    "ECS": {"SourceEndpointRegion", "SourceEndpointInstanceID", "SourceEndpointPort"},
    "Express": {"SourceEndpointRegion", "SourceEndpointInstanceID", "SourceEndpointIP", "SourceEndpointPort"},
    "Agent": {"SourceEndpointRegion", "BackupGatewayId", "SourceEndpointIP", "SourceEndpointPort"},
    "Other": {"SourceEndpointIP", "SourceEndpointPort"},
}
BY_ENGINE = {
    "PostgreSQL": {"SourceEndpointDatabaseName"},
    "MongoDB": {"SourceEndpointDatabaseName"},
    "Oracle": {"SourceEndpointOracleSID"},
}
LOGIN = {"SourceEndpointUserName", "SourceEndpointPassword"}
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def check(params: Mapping[str, str], plan: Mapping[str, Any]) -> None:
    """Raise Refused for the first parameter that the plan's engine, method or source does not allow, or lacks."""
    for name, value in params.items():
        if not _is_well_formed(name, value):
            raise Refused("InvalidParameter", f"The specified parameter {name} is not valid: {value!r}.")
    for name in sorted(_required(params, plan)):
        if not params.get(name):
            raise Refused("MissingParameter", f"The parameter {name} is required.")
    physical = plan["BackupMethod"] in ("physical", "duplication")
    for name in ("BackupSpeedLimit", "BackupRateLimit"):
        if name in params and not (physical and plan["DatabaseType"] == "MySQL"):
            raise Refused("InvalidParameter", f"The parameter {name} is for physical backups of MySQL.")
    if "BackupLogIntervalSeconds" in params and not physical:
        raise Refused("InvalidParameter", "The parameter BackupLogIntervalSeconds is for physical backups.")
    if bool(params.get("CrossAliyunId")) != bool(params.get("CrossRoleName")):
        raise Refused("InvalidParameter", "CrossAliyunId and CrossRoleName belong together.")


def _required(params: Mapping[str, str], plan: Mapping[str, Any]) -> set[str]:
    source, engine = params.get("SourceEndpointInstanceType", ""), plan["DatabaseType"]
    needed = {"BackupPlanId", "BackupPlanName", "SourceEndpointInstanceType"}
    needed |= BY_SOURCE.get(source, set()) | BY_ENGINE.get(engine, set())
    if engine == "Redis" or (source == "Agent" and engine == "MSSQL"):
        return needed
    if source == "RDS" and plan.get("SourceEndpointInstanceType") == "rds" and not plan.get("SourceEndpointUserName"):
        return needed  # a plan that RDS made: DBS does not sign in with a name
    return needed | LOGIN


def _is_well_formed(name: str, value: str) -> bool:
    if name in CHOICES:
        return value in CHOICES[name]
    if name in BOOLEANS:
        return value in ("true", "false")
    if name in INTEGERS:
        return re.fullmatch(r"\d{1,19}", value, re.ASCII) is not None and int(value) <= INTEGERS[name]
    if name == "BackupPeriod":
        return bool(value) and set(value.split(",")) <= set(DAYS)
    if name == "BackupStartTime":
        return TIME.fullmatch(value) is not None
    if name == "BackupObjects":
        return _is_object_list(value)
    if name == "ClientToken":
        return value.isascii() and 0 < len(value) <= 64
    return name in TEXTS


def _is_object_list(value: str) -> bool:
    try:
        objects = json.loads(value)
    except ValueError:
        return False
    return isinstance(objects, list) and all(isinstance(item, dict) and item.get("DBName") for item in objects)

"""A plan as DescribeBackupPlanList reports it, turned into the words and text forms in which it would be sent."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.core.plan import normalise
from bot.core.reading import PlanSummary, Reading

_SAME_NAME = (
    "BackupPlanId",
    "BackupPlanName",
    "SourceEndpointInstanceType",
    "SourceEndpointRegion",
    "SourceEndpointInstanceID",
    "SourceEndpointDatabaseName",
    "SourceEndpointUserName",
    "SourceEndpointOracleSID",
    "BackupGatewayId",
    "OSSBucketName",
    "BackupObjects",
    "BackupPeriod",
    "BackupStartTime",
    "EnableBackupLog",
    "BackupRetentionPeriod",
    "DuplicationInfrequentAccessPeriod",
    "DuplicationArchivePeriod",
    "BackupStorageType",
    "CrossAliyunId",
    "CrossRoleName",
    "ResourceGroupId",
)
"""Parameters that the reply calls as the request does."""
_FACTS = ("DatabaseType", "BackupMethod")
_ZERO_IS_NONE = {"SourceEndpointPort", "CrossAliyunId"}


def read_plan(detail: Mapping[str, Any], message: str = "") -> Reading:
    """Return one entry of `BackupPlanDetail` as a Reading; `message` is DBS's own about the plan, already cleaned.

    What DBS leaves out, or answers as empty, has no value; only an empty BackupStorageType is one and reads `own`.
    """
    told = {name: text(detail[name]) for name in (*_SAME_NAME, *_FACTS) if detail.get(name) is not None}
    told |= _address(detail)
    if "EnableBackupLog" in told:
        told["EnableBackupLog"] = told["EnableBackupLog"].lower()
    values = normalise({name: told[name] for name in told if not (told[name] == "0" and name in _ZERO_IS_NONE)})
    engine, method = (values.pop(name, "") for name in _FACTS)
    status, region = text(detail.get("BackupPlanStatus")).lower(), text(detail.get("BackupPlanRegion"))
    return Reading(values, engine, method, status, message, region)


def summarise(detail: Mapping[str, Any]) -> PlanSummary:
    """Return one entry of `BackupPlanDetail` as a line of the typeahead."""
    engine = normalise({"DatabaseType": text(detail.get("DatabaseType"))}).get("DatabaseType", "")
    plan_id, name = text(detail.get("BackupPlanId")), text(detail.get("BackupPlanName"))
    return PlanSummary(plan_id, name, engine, text(detail.get("BackupPlanStatus")).lower())


def details(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the plans in a reply, whichever way none or a single one is written."""
    items = body.get("Items")
    found = items.get("BackupPlanDetail") if isinstance(items, dict) else items
    if isinstance(found, dict):
        found = [found]
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def text(value: object) -> str:
    """Return the text of a JSON value, the same whether DBS answers `30`, `30.0` or `"30"`."""
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _address(detail: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield host and port: their own fields where present, else the halves of `host:port`, parted at the last colon."""
    host, colon, port = text(detail.get("SourceEndpointIpPort")).rpartition(":")
    if not colon:
        host, port = port, ""
    yield "SourceEndpointIP", text(detail.get("SourceEndpointHost")) or host
    yield "SourceEndpointPort", text(detail.get("SourceEndpointPort")) or port

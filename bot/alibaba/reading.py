"""A plan as DescribeBackupPlanList reports it, turned into the words and text forms in which it would be sent."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from bot.alibaba.redact import clean
from bot.core.events import stamp
from bot.core.objects_json import undoubled
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
_ADDRESS = ("SourceEndpointIpPort", "SourceEndpointHost", "SourceEndpointPort")
_ZERO_IS_NONE = {"SourceEndpointPort", "CrossAliyunId"}
_ELSEWHERE = {*_SAME_NAME, *_FACTS, *_ADDRESS, "BackupPlanStatus", "BackupPlanRegion", "ErrMessage"}
"""Fields of the reply that a Reading has in a place of their own."""
_MOST_DETAILS = 100
_LONGEST_NAME, _LONGEST_DETAIL, _LONGEST_DETAILS = 64, 200, 6000
"""Characters of one field's name, of its value, and of all of them: they go into the ledger."""


def read_plan(detail: Mapping[str, Any], secrets: Iterable[str] = (), now: datetime | None = None) -> Reading:
    """Return one entry of `BackupPlanDetail` as a Reading; what is only shown is cleaned of `secrets`.

    What DBS leaves out, or answers as empty, has no value; only an empty BackupStorageType is one and reads `own`.
    """
    told = {name: text(detail[name]) for name in (*_SAME_NAME, *_FACTS) if detail.get(name) is not None}
    told |= _address(detail)
    if "EnableBackupLog" in told:
        told["EnableBackupLog"] = told["EnableBackupLog"].lower()
    values = normalise({name: told[name] for name in told if not (told[name] == "0" and name in _ZERO_IS_NONE)})
    if "BackupObjects" in values:
        values["BackupObjects"] = _objects(detail["BackupObjects"])
    engine, method = (values.pop(name, "") for name in _FACTS)
    known = tuple(secrets)
    return Reading(
        values=values,
        database_type=engine,
        backup_method=method,
        status=clean(text(detail.get("BackupPlanStatus")).lower(), known, _LONGEST_NAME),
        message=clean(text(detail.get("ErrMessage")), known),
        region=clean(text(detail.get("BackupPlanRegion")), known, _LONGEST_NAME),
        details=_details(detail, known),
        read_at=stamp(now) if now else "",
    )


def _details(detail: Mapping[str, Any], secrets: tuple[str, ...]) -> dict[str, str]:
    """Return every other field, the unknown ones too: they are shown and compared, never sent."""
    others = ((name, text(value)) for name, value in detail.items() if name not in _ELSEWHERE)
    said = (
        (clean(name, secrets, _LONGEST_NAME), clean(value, secrets, _LONGEST_DETAIL)) for name, value in others if value
    )
    found: dict[str, str] = {}
    left = _LONGEST_DETAILS
    for name, value in islice(said, _MOST_DETAILS):
        left -= len(name) + len(value)
        if left < 0:
            break
        found[name] = value
    return found


def _objects(value: object) -> str:
    """Return BackupObjects byte for byte, but for one escaping too many, which is the reply's and not the plan's."""
    return undoubled(value) if isinstance(value, str) else text(value)


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

"""A plan as DescribeBackupPlanList reports it, turned into the words and text forms in which it would be sent."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.core.conditions import BackupMethod, DatabaseType, SourceEndpointInstanceType, Word
from bot.core.objects import parse_objects
from bot.core.reading import PlanSummary, Reading


def read_plan(detail: Mapping[str, Any], message: str = "") -> Reading:
    """Return one entry of `BackupPlanDetail` as a Reading; `message` is DBS's own about the plan, already cleaned.

    What DBS leaves out, or answers as empty, has no value; only an empty BackupStorageType is one and reads `own`.
    """
    values = {name: form(detail[name]) for name, form in _FORMS.items() if detail.get(name) is not None}
    values |= _address(detail)
    return Reading(
        values={name: value for name, value in values.items() if value},
        database_type=_word(DatabaseType, detail.get("DatabaseType")),
        backup_method=_word(BackupMethod, detail.get("BackupMethod")),
        status=text(detail.get("BackupPlanStatus")).lower(),
        message=message,
        region=text(detail.get("BackupPlanRegion")),
    )


def summarise(detail: Mapping[str, Any]) -> PlanSummary:
    """Return one entry of `BackupPlanDetail` as a line of the typeahead."""
    return PlanSummary(
        plan_id=text(detail.get("BackupPlanId")),
        name=text(detail.get("BackupPlanName")),
        engine=_word(DatabaseType, detail.get("DatabaseType")),
        status=text(detail.get("BackupPlanStatus")).lower(),
    )


def details(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the plans in a reply, whichever way an empty or a single one is written."""
    items = body.get("Items")
    found = items.get("BackupPlanDetail") if isinstance(items, dict) else items
    if isinstance(found, dict):
        found = [found]
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def text(value: object) -> str:
    """Return the text of a JSON value, the same whether DBS answers `30`, `30.0` or `"30"`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.strip() if isinstance(value, str) else str(value)


def _address(detail: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield host and port: their own fields where present, else the halves of `host:port`, parted at the last colon."""
    host, colon, port = text(detail.get("SourceEndpointIpPort")).rpartition(":")
    if not colon:
        host, port = port, ""
    yield "SourceEndpointIP", text(detail.get("SourceEndpointHost")) or host
    yield "SourceEndpointPort", _unless_zero(detail.get("SourceEndpointPort") or port)


def _unless_zero(value: object) -> str:
    number = text(value)
    return "" if number == "0" else number


def _on_off(value: object) -> str:
    return {"1": "true", "0": "false"}.get(text(value), text(value).lower())


def _days(value: object) -> str:
    return ",".join(day.strip().capitalize() for day in text(value).split(","))


def _time(value: object) -> str:
    """Keep hours and minutes; the documentation writes a Z behind them, its own replies do not."""
    found = re.fullmatch(r"(\d\d:\d\d)(:\d\d)?Z?", text(value), re.ASCII)
    return found[1] if found else text(value)


def _objects(value: object) -> str:
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    try:
        return "" if written.strip() in ("", "[]") else parse_objects(written)
    except ValueError:
        return written


def _storage(value: object) -> str:
    return text(value) or "own"


def _word(among: type[Word], value: object) -> str:
    """Return the API's spelling of a word; one that nobody has heard of stays as it is."""
    try:
        return among(text(value)).value
    except ValueError:
        return text(value)


_FORMS: Mapping[str, Callable[[object], str]] = {
    "BackupPlanId": text,
    "BackupPlanName": text,
    "SourceEndpointInstanceType": lambda value: _word(SourceEndpointInstanceType, value),
    "SourceEndpointRegion": text,
    "SourceEndpointInstanceID": text,
    "SourceEndpointDatabaseName": text,
    "SourceEndpointUserName": text,
    "SourceEndpointOracleSID": text,
    "BackupGatewayId": _unless_zero,
    "OSSBucketName": text,
    "BackupObjects": _objects,
    "BackupPeriod": _days,
    "BackupStartTime": _time,
    "EnableBackupLog": _on_off,
    "BackupRetentionPeriod": text,
    "DuplicationInfrequentAccessPeriod": text,
    "DuplicationArchivePeriod": text,
    "BackupStorageType": _storage,
    "CrossAliyunId": text,
    "CrossRoleName": text,
    "ResourceGroupId": text,
}
"""Reply field → text form, for the parameters that have the same name in both."""

"""What the people who decide should not overlook: each risk has a code and a sentence, and none of them refuses."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from bot.core.conditions import BackupMethod, BackupStrategyType, DatabaseType, SourceEndpointInstanceType
from bot.core.objects import is_reduced
from bot.core.plan import parameter
from bot.core.reading import Reading, Values

_SOURCE = (
    "SourceEndpointInstanceType",
    "SourceEndpointRegion",
    "SourceEndpointInstanceID",
    "BackupGatewayId",
    "SourceEndpointIP",
    "SourceEndpointPort",
    "SourceEndpointDatabaseName",
    "SourceEndpointOracleSID",
)
_STORAGE = ("BackupStorageType", "OSSBucketName")
_ACCOUNT = ("CrossAliyunId", "CrossRoleName")
_LIFECYCLE = ("DuplicationInfrequentAccessPeriod", "DuplicationArchivePeriod", "BackupRetentionPeriod")

ABOUT: Mapping[str, tuple[str, ...]] = {
    "retention-shortened": ("BackupRetentionPeriod",),
    "log-backup-off": ("EnableBackupLog",),
    "source-changed": _SOURCE,
    "storage-changed": _STORAGE,
    "account-changed": _ACCOUNT,
    "schedule-manual": ("BackupStrategyType",),
}
"""Each risk that a rule of the policy can be about, and the parameters that may bring it."""

_STATUSES = {
    "wait": "",
    "init": "",
    "check_pass": "",
    "running": "The plan is running: DBS does not say whether it takes a change now.",
    "pause": "The plan is paused: DBS does not say whether it takes a change now.",
    "stop": "The plan has failed and stopped: DBS does not say whether it takes a change now.",
    "locked": "The plan is locked: unlock it first, in the DBS console or by renewing it.",
}


@dataclass(frozen=True)
class Risk:
    """One thing to look at before approving."""

    code: str
    """A stable word, for tests and the ledger."""
    sentence: str


def omitted(label: str, *, known: bool) -> Risk:
    """Return the risk of leaving a parameter out; `known` tells whether its current value is."""
    fate = "DBS decides whether that stays or falls back to a default."
    if known:
        return Risk("cleared", f"{label}: the present value is no longer sent. {fate}")
    return Risk("omitted-unknown", f"{label}: not sent, and the present value is unknown. {fate}")


def risks(reading: Reading, current: Values, proposed: Values, touched: Collection[str]) -> Iterator[Risk]:
    """Yield what is risky about going from `current` to `proposed`, both normalised, `touched` being what differs."""
    yield from _plan(reading)
    yield from _retention(current, proposed)
    if proposed.get("EnableBackupLog") == "false" != current.get("EnableBackupLog"):
        yield Risk("log-backup-off", "Log backup is turned off: no restore to a point between two full backups.")
    if any(name in current for name in _SOURCE):
        # A plan that has no source yet gets its first one; that is no change of source.
        yield from _moves("source-changed", "The source changes", _SOURCE, touched)
    yield from _moves("storage-changed", "The place where backups are kept changes", _STORAGE, touched)
    yield from _moves("account-changed", "The account whose database is backed up changes", _ACCOUNT, touched)
    yield from _schedule(current, proposed)
    yield from _objects(current, proposed)


def _plan(reading: Reading) -> Iterator[Risk]:
    status = reading.status
    if said := _STATUSES.get(status, f"The bot does not know the plan's status {status or '(none)'}."):
        yield Risk("status", said)
    for code, kind, word in (
        ("unknown-engine", DatabaseType, reading.database_type),
        ("unknown-method", BackupMethod, reading.backup_method),
    ):
        if not _is_one_of(kind, word):
            subject = "engine" if kind is DatabaseType else "backup method"
            yield Risk(code, f"The bot does not know the {subject} {word or '(none)'}: its rules may not fit.")


def _retention(current: Values, proposed: Values) -> Iterator[Risk]:
    before, after = _number(current, "BackupRetentionPeriod"), _number(proposed, "BackupRetentionPeriod")
    if before is not None and after is not None and after < before:
        yield Risk(
            "retention-shortened", f"Backups are kept for {after} days instead of {before}: older ones may be deleted."
        )
    steps = [(name, days) for name in _LIFECYCLE if (days := _number(proposed, name)) is not None]
    if any(earlier[1] >= later[1] for earlier, later in pairwise(steps)):
        listed = ", ".join(f"{parameter(name).label} {days} days" for name, days in steps)
        yield Risk("lifecycle-order", f"{listed}: each should be longer than the one before, or DBS may refuse.")


def _moves(code: str, what: str, names: Collection[str], touched: Collection[str]) -> Iterator[Risk]:
    if moved := [parameter(name).label for name in names if name in touched]:
        yield Risk(code, f"{what}: {', '.join(moved)}.")


def _schedule(current: Values, proposed: Values) -> Iterator[Risk]:
    manual = BackupStrategyType.MANUAL
    if proposed.get("BackupStrategyType") == manual != current.get("BackupStrategyType"):
        yield Risk("schedule-manual", "The strategy becomes manual: no full backup is made until somebody starts one.")
    before, after = (_days(values) for values in (current, proposed))
    if 0 < after < before:
        yield Risk("days-fewer", f"Full backups are made on {after} instead of {before} days of the week.")


def _objects(current: Values, proposed: Values) -> Iterator[Risk]:
    before, after = current.get("BackupObjects"), proposed.get("BackupObjects")
    if after is None:
        if proposed.get("SourceEndpointInstanceType") != SourceEndpointInstanceType.AGENT:
            yield Risk("objects-absent", "Backup objects are not named: DBS decides what is backed up, or refuses.")
    elif before is not None and not parameter("BackupObjects").same(before, after):
        if is_reduced(before, after):
            yield Risk("objects-reduced", "Something that is backed up now may no longer be: see Backup objects.")
        else:
            yield Risk("objects-changed", "What is backed up changes: see Backup objects.")


def _is_one_of(kind: type[Enum], word: str) -> bool:
    try:
        kind(word)
    except ValueError:
        return False
    return True


def _number(values: Values, name: str) -> int | None:
    try:
        return int(values[name])
    except (KeyError, ValueError):
        return None


def _days(values: Values) -> int:
    return len(values["BackupPeriod"].split(",")) if "BackupPeriod" in values else 0

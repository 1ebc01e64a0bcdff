"""Building the largest form and the largest card that the playground's plans lead to, beside writing them as JSON."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from bench.row import Row
from bench.stock import wish
from bot.alibaba.reading import read_plan
from bot.core.change import Change, begin
from bot.core.draft import Draft
from bot.core.events import chained, stamp
from bot.core.reading import Reading
from bot.playground.dbs.plans import catalogue
from bot.playground.stage import CHANNEL
from bot.slack.card import card_blocks
from bot.slack.filled import prefilled
from bot.slack.form import form_view

TIMES = 50
OTHER = {
    "BackupPlanName": "another name", "BackupRetentionPeriod": "30", "BackupPeriod": "Friday",
    "BackupStartTime": "03:30", "DuplicationInfrequentAccessPeriod": "30", "DuplicationArchivePeriod": "60",
    "BackupObjects": '[{"DBName":"shop"},{"DBName":"orders","TableIncludes":[{"TableName":"lines"}]}]',
    "OSSBucketName": "another-bucket", "EnableBackupLog": "false", "BackupLogIntervalSeconds": "600",
    "BackupRateLimit": "1024", "BackupSpeedLimit": "2048", "SourceEndpointUserName": "other",
    "SourceEndpointPassword": "orders-db", "BackupStrategyType": "simple", "ResourceGroupId": "rg-other",
    "CrossAliyunId": "2694410000000001", "CrossRoleName": "backup-reader", "BackupStorageType": "system",
    "AutoStartBackup": "true",
}  # fmt: skip
"""A change of whatever can be changed."""


def measure(rounds: int) -> list[Row]:
    """In this process: no network is in it."""
    readings = [read_plan(detail) for detail in catalogue()]
    forms = [partial(form_view, _draft(reading), ["orders-db"], "Asia/Shanghai") for reading in readings]
    cards = [partial(card_blocks, _change(reading)) for reading in readings]
    return [
        _row("Building the fullest form", max(forms, key=_size), rounds),
        _row("Building the fullest card", max(cards, key=_size), rounds),
    ]


def _row(work: str, build: Callable[[], object], rounds: int) -> Row:
    result = build()
    figures, references = [], []
    for _ in range(rounds):
        figures.append(_took(build))
        references.append(_took(partial(json.dumps, result)))
    note = f"{_size(build) / 1024:.0f} KiB of JSON."
    return Row(work, "one `json.dumps` of the result", 15.0, tuple(figures), tuple(references), "ms", note)


def _took(work: Callable[[], object]) -> float:
    """Return the milliseconds that it takes once."""
    began = time.perf_counter()
    for _ in range(TIMES):
        work()
    return (time.perf_counter() - began) * 1000 / TIMES


def _size(build: Callable[[], object]) -> int:
    return len(json.dumps(build()))


def _draft(reading: Reading) -> Draft:
    return Draft("V1", "U0RITA", CHANNEL, reading, {}, prefilled(reading.values, {}))


def _change(reading: Reading) -> Change:
    data = wish(reading, OTHER, "dbs.test", "V1")
    return begin(chained("", "1m867dvmbbjq2xq", 1, "U0RITA", stamp(datetime.now(UTC)), data))

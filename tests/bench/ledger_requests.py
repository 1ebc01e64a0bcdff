"""Requests of a company with many plans, made of what the bot reads, proposes and demands.

A million of them would take the bot's own classes minutes, so each kind is written once, with gaps.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bot.alibaba.reading import read_plan
from bot.core.draft import Draft
from bot.core.evaluation import evaluate
from bot.core.events import Requested, SecretUse, canonical_json, change_digest
from bot.core.people import Channel
from bot.core.policy import read_policy
from bot.core.policy_rule import Facts
from bot.core.reading import Reading, Values
from bot.playground.dbs import plans
from bot.slack.filled import SECRET, prefilled, proposed

HOST = "dbs-api.cn-hangzhou.aliyuncs.com"
KINDS: tuple[Callable[..., dict[str, Any]], ...] = (
    plans.mysql_on_rds, plans.mysql_on_ecs, plans.postgresql_by_gateway, plans.redis_on_ecs, plans.mongodb_on_dds,
    plans.sqlserver_by_agent, plans.oracle_on_ecs,
)  # fmt: skip
WITHOUT_SECRET = (plans.redis_on_ecs, plans.sqlserver_by_agent)
REQUESTERS = tuple(f"U04R{number:06}Q" for number in range(40))
APPROVERS = tuple(f"U04A{number:06}D" for number in range(8))
CHANNEL = Channel("C04BACKUPS1", name="db-backups")
SECRET_USE = SecretUse(name="orders-db", ref="kms:backup/orders-db")
POLICY = read_policy('[defaults]\napprovals = 2\napprovers = ["S04DBAGROUP"]\n')
REASONS = (
    "The disk is full, and nobody has ever asked for a restore older than a month.",
    "Audit asked for two years (DB-4711).",
    "Größere Aufbewahrung für den Abschluss, siehe DB-4720.",
    "Put back what was tried last week.",
)
PLAN_ID = "<plan id>"
GAPS = {name: f"%({name})s" for name in ("view", "expires", "reason")}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for of a plan."""

    requester: str
    digest: str
    text: str
    """The canonical JSON of `Requested`, with the gaps `%(view)s`, `%(expires)s` and `%(reason)s`."""


def plan_id(plan: int) -> str:
    """Return the id of one of the plans."""
    return f"dbs1{plan:05}jyajqk"


@cache
def asked(plan: int, applied_before: int) -> Asked:
    """Return what is asked for after so many changes of the plan were applied: 0, 1 for odd or 2 for even numbers."""
    requester = REQUESTERS[plan % len(REQUESTERS)]
    text = _of_kind(plan % len(KINDS), applied_before, requester).replace(PLAN_ID, plan_id(plan))
    data = json.loads(text)
    digest = change_digest(data["proposed"], _secrets(data["proposed"]), HOST, data["baseline"])
    return Asked(requester, digest, text % {**GAPS, "digest": digest})


@cache
def _of_kind(kind: int, applied_before: int, requester: str) -> str:
    reading, values = _read(kind, _days(applied_before)), _proposed(kind, _days(applied_before + 1))
    members = {"S04DBAGROUP": frozenset(APPROVERS)}
    demand = evaluate(POLICY, Facts(PLAN_ID, requester=requester, members=members))
    request = Requested(
        plan_id=reading.plan_id,
        plan_name=reading.values["BackupPlanName"],
        host=HOST,
        region=reading.region,
        status=reading.status,
        proposed=dict(values),
        baseline=reading.baseline,
        known=dict(_proposed(kind, _days(applied_before))) if applied_before else {},
        secrets=_secrets(values),
        demand=demand,
        channel=CHANNEL.id,
        channel_name=CHANNEL.name,
        execute_within=demand.execute_within,
        digest="%(digest)s",
        view_id=GAPS["view"],
        expires_at=GAPS["expires"],
        reason=GAPS["reason"],
    )
    return canonical_json(request.model_dump(mode="json"))


def _days(applied_before: int) -> str:
    """Return what the retention is then: every change that is applied takes the one before back."""
    return ("730", "30")[applied_before % 2]


def _secrets(values: Mapping[str, str]) -> dict[str, SecretUse]:
    return {SECRET: SECRET_USE} if SECRET in values else {}


def _read(kind: int, days: str) -> Reading:
    return read_plan(KINDS[kind](PLAN_ID, BackupRetentionPeriod=int(days)))


def _proposed(kind: int, days: str) -> Values:
    """Return what the form proposes: everything it was opened with, the retention and, where there is one, a secret."""
    reading = _read(kind, "730")
    values = {**prefilled(reading.values, {}), "BackupRetentionPeriod": days}
    if KINDS[kind] not in WITHOUT_SECRET:
        values[SECRET] = SECRET_USE.name
    return proposed(Draft("", "", reading=reading, values=values))

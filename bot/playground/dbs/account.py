"""The plans of one account and what DBS does with them: listing, configuring, and remembering client tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.playground.dbs import rules
from bot.playground.dbs.faults import Fault
from bot.playground.dbs.plans import Plan
from bot.playground.dbs.refusals import Refused, forbidden

SAME_TEXT = rules.TEXTS - {"BackupPlanId", "SourceEndpointIP", "SourceEndpointPassword", "ClientToken"}
NUMBERS = {"BackupGatewayId", "BackupRetentionPeriod", "DuplicationInfrequentAccessPeriod", "DuplicationArchivePeriod"}


@dataclass(frozen=True)
class Effect:
    """One time that a plan was really changed."""

    plan_id: str
    token: str
    params: Mapping[str, str]
    """Everything that was sent, the password included."""


class Account:
    """What there is behind the protocol; `describe` and `configure` take parameters and return a reply's body."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans: dict[str, Plan] = {plan["BackupPlanId"]: dict(plan) for plan in plans}
        self.effects: list[Effect] = []
        self.forbidden: set[str] = set()
        self.unknown: Literal["error", "empty", "other"] = "error"
        """How an id that is no plan's is answered; an account without plans answers a list likewise, unless `other`."""
        self.needs_region = False
        """Whether nothing is found, and nothing listed, unless a region is named."""
        self._answered: dict[str, tuple[Mapping[str, str], dict[str, Any]]] = {}
        self._coming: dict[str, list[tuple[str, str]]] = {}

    def describe(self, params: Mapping[str, str]) -> dict[str, Any]:
        """DescribeBackupPlanList: by ids, or page by page, from page 0."""
        number, size = _number(params, "PageNum", 0), _number(params, "PageSize", 30)
        if not 1 <= size <= 100:
            raise Refused("InvalidParameterValid", "PageSize must be between 1 and 100.")
        region = params.get("Region", "")
        if params.get("BackupPlanId"):
            found = self._named(params["BackupPlanId"].split(","), region)
        else:
            found = self._there(list(self.plans.values()), region)
            if not self.plans and self.unknown == "error":
                raise Refused("InvalidParameterValid", "The specified parameter is not valid: BackupPlanId.")
        shown = found[number * size : (number + 1) * size]
        return {
            "Items": {"BackupPlanDetail": [dict(plan) for plan in shown]},
            "PageNum": number,
            "PageSize": size,
            "TotalPages": -(-len(found) // size),
            "TotalElements": len(found),
        }

    def configure(self, params: Mapping[str, str], fault: Fault) -> dict[str, Any]:
        """ConfigureBackupPlan: once for each client token, whatever becomes of the answer."""
        token = params.get("ClientToken", "")
        if token in self._answered:
            sent, reply = self._answered[token]
            if sent != params:
                message = "The request uses the same client token as a previous, but non-identical request."
                raise Refused("IdempotentParameterMismatch", message)
            return reply
        plan = self._changeable(params.get("BackupPlanId", ""))
        rules.check(params, plan)
        plan_id = plan["BackupPlanId"]
        plan.update(applied({name: value for name, value in params.items() if name not in fault.ignore}, plan))
        self.effects.append(Effect(plan_id, token, dict(params)))
        self._move_on(plan, params, fault)
        # The sample reply of the documentation has this ErrCode beside Success: true; so may the real one.
        reply = {"BackupPlanId": plan_id, "ErrCode": "Param.NotFound", "ErrMessage": ""}
        if token:
            self._answered[token] = (dict(params), reply)
        return reply

    def _there(self, plans: list[Plan], region: str) -> list[Plan]:
        """Return those of a region; without one all of them, or none."""
        if region:
            return [plan for plan in plans if plan.get("BackupPlanRegion", region) == region]
        return [] if self.needs_region else plans

    def _named(self, ids: list[str], region: str) -> list[Plan]:
        for plan_id in ids:
            if plan_id in self.forbidden:
                raise forbidden("DescribeBackupPlanList", f"backupplan/{plan_id}")
        known = self._there([self.plans[plan_id] for plan_id in ids if plan_id in self.plans], region)
        if not known and self.unknown == "error":
            raise Refused("InvalidParameterValid", f"The specified parameter is not valid: {','.join(ids)}.")
        if not known and self.unknown == "other":
            return list(self.plans.values())[:1]
        for plan in known:
            if coming := self._coming.get(plan["BackupPlanId"]):
                plan["BackupPlanStatus"], plan["ErrMessage"] = coming[0]
                del coming[: len(coming) > 1]
        return known

    def _changeable(self, plan_id: str) -> Plan:
        if plan_id in self.forbidden:
            raise forbidden("ConfigureBackupPlan", f"backupplan/{plan_id}")
        if plan_id not in self.plans:
            raise Refused("InvalidJobId", f"The backup plan {plan_id} does not exist.")
        plan = self.plans[plan_id]
        if plan["BackupPlanStatus"] == "locked":
            raise Refused("InvalidJobStatus", f"The backup plan {plan_id} is locked.", status=403)
        return plan

    def _move_on(self, plan: Plan, params: Mapping[str, str], fault: Fault) -> None:
        self._coming.pop(plan["BackupPlanId"], None)
        if fault.statuses:
            *moving, last = [(status, "") for status in fault.statuses]
            self._coming[plan["BackupPlanId"]] = [*moving, (last[0], fault.message)]
            plan["BackupPlanStatus"], plan["ErrMessage"] = self._coming[plan["BackupPlanId"]][0]
        elif plan["BackupPlanStatus"] in ("wait", "init", "check_pass"):
            plan["BackupPlanStatus"] = "check_pass" if params.get("AutoStartBackup") == "false" else "running"
            plan["ErrMessage"] = ""


def applied(params: Mapping[str, str], plan: Plan) -> Plan:
    """Return the reply fields that these parameters change; what the API cannot show leaves no trace."""
    fields: Plan = {name: value for name, value in params.items() if name in SAME_TEXT}
    if plan.get("ResourceGroupId") == "":
        fields.pop("ResourceGroupId", None)  # a reply that does not show it goes on not showing it
    fields |= {name: int(params[name]) for name in NUMBERS & params.keys()}
    if "BackupStorageType" in params:
        fields["BackupStorageType"] = params["BackupStorageType"]
        if params["BackupStorageType"] == "system" != plan.get("BackupStorageType"):
            fields["OSSBucketName"] = f"dbs-made-up-{plan['BackupPlanId']}"
    if "EnableBackupLog" in params:
        fields["EnableBackupLog"] = params["EnableBackupLog"] == "true"
    if "SourceEndpointInstanceType" in params:
        fields["SourceEndpointInstanceType"] = params["SourceEndpointInstanceType"].lower()
    if "BackupPeriod" in params:
        fields["BackupPeriod"] = params["BackupPeriod"].upper()
    if {"SourceEndpointIP", "SourceEndpointPort"} & params.keys():
        host, _, port = str(plan.get("SourceEndpointIpPort", "")).rpartition(":")
        host, port = params.get("SourceEndpointIP", host), params.get("SourceEndpointPort", port)
        fields["SourceEndpointIpPort"] = f"{host}:{port}"
        if "SourceEndpointHost" in plan:
            fields |= {"SourceEndpointHost": host, "SourceEndpointPort": port}
    return fields


def _number(params: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(params.get(name, default))
    except ValueError:
        raise Refused("InvalidParameterValid", f"{name} is not a number.") from None

"""What the playground's DBS does with plans and tokens, and how it fails on order."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from stores import eventually

from bot.playground.dbs import FakeDbs, Gate, faults
from bot.playground.dbs.plans import ESCAPED, catalogue, crowd

if TYPE_CHECKING:
    from playground.dbs.conftest import Caller

CONFIGURE = "ConfigureBackupPlan"
LIST = "DescribeBackupPlanList"
ORDERS = {
    "BackupPlanId": "dbsmysqlrds01",
    "BackupPlanName": "orders",
    "SourceEndpointInstanceType": "RDS",
    "SourceEndpointRegion": "cn-hangzhou",
    "SourceEndpointInstanceID": "rm-uf6orders01",
    "SourceEndpointUserName": "backup",
    "SourceEndpointPassword": "secret",
    "ClientToken": "t1",
}


async def described(call: "Caller", plan_id: str = "dbsmysqlrds01") -> dict[str, Any]:
    body = await call(LIST, {"BackupPlanId": plan_id})
    plan: dict[str, Any] = body["Items"]["BackupPlanDetail"][0]
    return plan


async def test_a_plan_of_every_kind_is_listed_with_pages_that_start_at_zero(call: "Caller") -> None:
    first = await call(LIST, {"PageSize": "6"})
    second = await call(LIST, {"PageSize": "6", "PageNum": "1"})
    seen = [plan["BackupPlanId"] for body in (first, second) for plan in body["Items"]["BackupPlanDetail"]]
    assert seen == [plan["BackupPlanId"] for plan in catalogue()]
    assert (first["TotalElements"], first["TotalPages"]) == (len(seen), 2)
    assert (await call(LIST, {"PageSize": "101"}))["Code"] == "InvalidParameterValid"


async def test_what_is_configured_is_shown_in_the_reply_s_own_forms(call: "Caller") -> None:
    wanted = {
        "BackupPeriod": "Monday,Friday",
        "EnableBackupLog": "false",
        "BackupRetentionPeriod": "30",
        "SourceEndpointIP": "10.1.1.1",
        "SourceEndpointPort": "3307",
        "BackupStorageType": "system",
    }
    answer = await call(CONFIGURE, ORDERS | wanted)
    assert (answer["Success"], answer["ErrCode"]) == (True, "Param.NotFound")
    plan = await described(call)
    assert plan["SourceEndpointInstanceType"] == "rds"
    assert plan["BackupPeriod"] == "MONDAY,FRIDAY"
    assert plan["EnableBackupLog"] is False
    assert plan["BackupRetentionPeriod"] == 30
    assert plan["SourceEndpointIpPort"] == "10.1.1.1:3307"
    assert plan["BackupStorageType"] == "system"
    assert "secret" not in json.dumps(plan)


async def test_a_token_takes_effect_once_and_goes_with_one_set_of_parameters(call: "Caller", fake: FakeDbs) -> None:
    first, again = await call(CONFIGURE, ORDERS), await call(CONFIGURE, ORDERS)
    assert first["BackupPlanId"] == again["BackupPlanId"]
    assert [effect.token for effect in fake.effects] == ["t1"]
    other = await call(CONFIGURE, ORDERS | {"SourceEndpointPassword": "rotated"})
    assert other["Code"] == "IdempotentParameterMismatch"
    await call(CONFIGURE, ORDERS | {"ClientToken": "t2"})
    assert [effect.token for effect in fake.effects] == ["t1", "t2"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"BackupPlanName": ""}, "MissingParameter"),
        ({"SourceEndpointPassword": ""}, "MissingParameter"),
        ({"SourceEndpointInstanceType": "ECS"}, "MissingParameter"),
        ({"SourceEndpointInstanceType": "rds"}, "InvalidParameter"),
        ({"EnableBackupLog": "True"}, "InvalidParameter"),
        ({"BackupRetentionPeriod": "3651"}, "InvalidParameter"),
        ({"BackupStartTime": "14:22Z"}, "InvalidParameter"),
        ({"BackupPeriod": "MONDAY"}, "InvalidParameter"),
        ({"BackupObjects": "shop"}, "InvalidParameter"),
        ({"BackupStorageType": "own"}, "InvalidParameter"),
        ({"ClientToken": "x" * 65}, "InvalidParameter"),
        ({"BackupRateLimit": "1"}, "InvalidParameter"),
        ({"BackupLogIntervalSeconds": "1"}, "InvalidParameter"),
        ({"CrossAliyunId": "1"}, "InvalidParameter"),
        ({"DatabaseType": "MySQL"}, "InvalidParameter"),
        ({"BackupPlanId": "dbsnobody"}, "InvalidJobId"),
        ({"BackupPlanId": "dbslocked0001"}, "InvalidJobStatus"),
        ({"BackupPlanId": "dbsforbidden1"}, "Request.Forbidden"),
        ({"BackupPlanId": "dbspgexpress1"}, "MissingParameter"),
        ({"BackupPlanId": "dbsoracleecs1"}, "MissingParameter"),
    ],
)
async def test_what_is_missing_or_wrong_is_refused(
    call: "Caller", fake: FakeDbs, change: dict[str, str], code: str
) -> None:
    assert (await call(CONFIGURE, ORDERS | change))["Code"] == code
    assert not fake.effects


async def test_redis_and_sql_server_by_agent_need_no_login(call: "Caller") -> None:
    common = {"BackupPlanName": "n", "SourceEndpointRegion": "cn-hangzhou", "SourceEndpointPort": "1433"}
    agent = {"SourceEndpointInstanceType": "Agent", "SourceEndpointIP": "172.16.8.4", "BackupGatewayId": "23"}
    ecs = {"SourceEndpointInstanceType": "ECS", "SourceEndpointInstanceID": "i-1"}
    assert (await call(CONFIGURE, common | agent | {"BackupPlanId": "dbsmssqlagent"}))["Success"] is True
    assert (await call(CONFIGURE, common | ecs | {"BackupPlanId": "dbsredisecs01"}))["Success"] is True


async def test_physical_backups_of_mysql_take_limits(call: "Caller", fake: FakeDbs) -> None:
    ecs = {"SourceEndpointInstanceType": "ECS", "SourceEndpointPort": "3306", "BackupPlanId": "dbsmysqlecs01"}
    limits = {"BackupRateLimit": "10485760", "BackupSpeedLimit": "1", "BackupLogIntervalSeconds": "60"}
    assert (await call(CONFIGURE, ORDERS | ecs | limits))["Success"] is True
    assert fake.effects[0].params["BackupRateLimit"] == "10485760"


@pytest.mark.parametrize("shape", ["error", "empty", "other"])
async def test_an_unknown_id_is_answered_in_one_of_three_ways(call: "Caller", fake: FakeDbs, shape: Any) -> None:
    fake.account.unknown = shape
    body = await call(LIST, {"BackupPlanId": "dbsnobody"})
    shown = [plan["BackupPlanId"] for plan in body.get("Items", {}).get("BackupPlanDetail", [])]
    assert (body.get("Code"), shown) == {
        "error": ("InvalidParameterValid", []),
        "empty": (None, []),
        "other": (None, ["dbsmysqlrds01"]),
    }[shape]


async def test_a_plan_that_was_never_configured_runs_afterwards_unless_told_to_wait(call: "Caller") -> None:
    fresh = ORDERS | {"BackupPlanId": "dbswait000001"}
    await call(CONFIGURE, fresh | {"AutoStartBackup": "false"})
    assert (await described(call, "dbswait000001"))["BackupPlanStatus"] == "check_pass"
    await call(CONFIGURE, fresh | {"AutoStartBackup": "true", "ClientToken": "t2"})
    assert (await described(call, "dbswait000001"))["BackupPlanStatus"] == "running"


async def test_statuses_follow_one_another_and_the_last_one_stays(call: "Caller", fake: FakeDbs) -> None:
    fake.next(CONFIGURE, faults.then("check_pass", "init", message="precheck failed"))
    await call(CONFIGURE, ORDERS)
    seen = [await described(call) for _ in range(3)]
    assert [plan["BackupPlanStatus"] for plan in seen] == ["check_pass", "init", "init"]
    assert [plan["ErrMessage"] for plan in seen] == ["", "precheck failed", "precheck failed"]


async def test_a_plan_can_be_changed_behind_the_bot_s_back(call: "Caller", fake: FakeDbs) -> None:
    fake.change("dbsmysqlrds01", BackupRetentionPeriod=7)
    assert (await described(call))["BackupRetentionPeriod"] == 7


@pytest.mark.parametrize(
    ("fault", "status", "code", "effects"),
    [
        (faults.throttle(250), 400, "Throttling.User", 0),
        (faults.fail(), 503, "ServiceUnavailable", 0),
        (faults.fail(500, "InternalError", after=True), 500, "InternalError", 1),
        (faults.refuse("InvalidParameter"), 400, "InvalidParameter", 0),
        (faults.success_false("Param.NotFound"), 200, "Param.NotFound", 0),
        (faults.forbid(), 403, "Request.Forbidden", 0),
        (faults.token_mismatch(), 400, "IdempotentParameterMismatch", 0),
        (faults.echo(), 400, "SignatureDoesNotMatch", 0),
    ],
)
async def test_an_error_on_order_comes_once(
    call: "Caller", fake: FakeDbs, fault: faults.Fault, status: int, code: str, effects: int
) -> None:
    fake.next(CONFIGURE, fault)
    response = await call.send(call.signed(CONFIGURE, ORDERS))
    body = response.json()
    assert (response.status_code, body.get("Code") or body["ErrCode"], len(fake.effects)) == (status, code, effects)
    assert fake.requests[0].code == code
    assert response.headers.get("x-acs-retry-after") == ("250" if "Throttling" in code else None)
    assert (await call(CONFIGURE, ORDERS))["Success"] is True
    assert len(fake.effects) == 1


@pytest.mark.parametrize(("fault", "effects"), [(faults.lose_answer(), 1), (faults.cut(), 0)])
async def test_a_connection_is_cut_before_or_after_the_effect(
    call: "Caller", fake: FakeDbs, fault: faults.Fault, effects: int
) -> None:
    fake.next(CONFIGURE, fault)
    with pytest.raises(httpx.TransportError):
        await call(CONFIGURE, ORDERS)
    assert len(fake.effects) == effects


async def test_garbage_comes_after_the_effect(call: "Caller", fake: FakeDbs) -> None:
    fake.next(CONFIGURE, faults.garbage(b"<html>"))
    response = await call.send(call.signed(CONFIGURE, ORDERS))
    assert (response.status_code, response.content, len(fake.effects)) == (200, b"<html>", 1)


async def test_a_reply_can_lie_and_a_parameter_be_ignored(call: "Caller", fake: FakeDbs) -> None:
    fake.next(CONFIGURE, faults.lie(BackupPlanId="another"), faults.ignore("BackupPlanName"))
    assert (await call(CONFIGURE, ORDERS))["BackupPlanId"] == "another"
    await call(CONFIGURE, ORDERS | {"ClientToken": "t2", "BackupPlanName": "new"})
    assert (await described(call))["BackupPlanName"] == "orders"


@pytest.mark.parametrize("before", [True, False])
async def test_a_gate_holds_a_call_before_or_after_the_effect(call: "Caller", fake: FakeDbs, before: bool) -> None:
    gate = Gate()
    fake.next(CONFIGURE, faults.hold(gate, before=before))
    task = asyncio.create_task(call(CONFIGURE, ORDERS))
    await gate.reached.wait()
    assert len(fake.effects) == (0 if before else 1)
    assert not task.done()
    gate.release()
    assert (await task)["Success"] is True


async def test_a_slow_call_takes_effect_even_if_nobody_waits_for_it(call: "Caller", fake: FakeDbs) -> None:
    async def arrived() -> object:
        return fake.calls(CONFIGURE)

    async def done() -> object:
        return fake.effects

    fake.next(CONFIGURE, faults.slow(0.2))
    asking = asyncio.create_task(call(CONFIGURE, ORDERS))
    await eventually(arrived)
    asking.cancel()
    assert fake.effects == []
    await eventually(done)
    assert asking.cancelled()
    assert len(fake.effects) == 1


async def test_an_operation_that_does_not_exist_is_refused(call: "Caller") -> None:
    assert (await call("DeleteBackupPlan", {}))["Code"] == "InvalidAction.NotFound"
    assert (await call(LIST, {}, version="2016-01-20"))["Code"] == "InvalidAction.NotFound"


async def test_kms_gives_text_and_binary_secrets_and_knows_no_success_field(call: "Caller", fake: FakeDbs) -> None:
    fake.kms.secrets |= {"prod/orders": "hunter2", "blob": b"\x00"}
    fake.kms.forbidden.add("other")
    told = await call("GetSecretValue", {"SecretName": "prod/orders"}, version="2016-01-20")
    assert (told["SecretData"], told["SecretDataType"]) == ("hunter2", "text")
    assert "Success" not in told
    assert (await call("GetSecretValue", {"SecretName": "blob"}, "2016-01-20"))["SecretDataType"] == "binary"
    assert (await call("GetSecretValue", {"SecretName": "no"}, "2016-01-20"))["Code"] == "Forbidden.ResourceNotFound"
    assert (await call("GetSecretValue", {"SecretName": "other"}, "2016-01-20"))["Code"] == "Forbidden.NoPermission"
    assert (await call("GetSecretValue", {}, "2016-01-20"))["Code"] == "MissingParameter"


def test_the_catalogue_has_a_plan_with_quotes_escaped_once_too_often() -> None:
    assert ESCAPED.startswith('[{\\"')
    assert len({plan["BackupPlanId"] for plan in crowd(10_000)}) == 10_000

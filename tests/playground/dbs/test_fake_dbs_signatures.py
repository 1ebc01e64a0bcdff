"""Who gets in at the playground's DBS, and who does not."""

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_dbs20190306.client import Client
from alibabacloud_dbs20190306.models import ConfigureBackupPlanRequest, DescribeBackupPlanListRequest
from alibabacloud_tea_openapi.utils_models import Config

from bot.alibaba.credentials import Keys
from bot.playground.dbs import FakeDbs

if TYPE_CHECKING:
    from playground.dbs.conftest import Caller

KEYS = Keys("LTAIplayground", "playground-key-secret")
READ = {"BackupPlanId": "dbsmysqlrds01"}


def sdk(fake: FakeDbs, token: str | None = None) -> Any:
    """Make the official client, pointed at the fake."""
    return Client(
        Config(
            access_key_id=KEYS.access_key_id,
            access_key_secret=KEYS.access_key_secret,
            security_token=token,
            endpoint=fake.url.removeprefix("http://"),
            protocol="http",
        )
    )


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK's own
@pytest.mark.parametrize("token", [None, "CAIS+/=="])
async def test_the_official_sdk_is_let_in_and_understood(fake: FakeDbs, token: str | None) -> None:
    """It signs with its own code and puts all parameters into the query."""
    if token:
        fake.porter.tokens[KEYS.access_key_id] = token
    client = sdk(fake, token)
    request = ConfigureBackupPlanRequest(
        backup_plan_id="dbsmysqlrds01",
        backup_plan_name="nächtlich & ~100% * +",
        source_endpoint_instance_type="RDS",
        source_endpoint_region="cn-hangzhou",
        source_endpoint_instance_id="rm-uf6orders01",
        source_endpoint_user_name="backup",
        source_endpoint_password="pass word+&=%~*ü",
        backup_storage_type="",
        backup_retention_period=30,
    )
    configured = await asyncio.to_thread(client.configure_backup_plan, request)
    assert configured.body.success is True
    assert fake.effects[0].params["SourceEndpointPassword"] == "pass word+&=%~*ü"
    assert not fake.requests[0].raw_body
    listed = await asyncio.to_thread(
        client.describe_backup_plan_list, DescribeBackupPlanListRequest(backup_plan_id="dbsmysqlrds01")
    )
    [plan] = listed.body.items.backup_plan_detail
    assert plan.backup_plan_name == "nächtlich & ~100% * +"
    assert plan.backup_retention_period == 30


async def test_a_body_changed_on_the_way_is_refused(call: "Caller") -> None:
    signed = call.signed("DescribeBackupPlanList", READ)
    response = await call.send(replace(signed, content=b"BackupPlanId=dbsmysqlecs01"))
    assert (response.status_code, response.json()["Code"]) == (400, "SignatureDoesNotMatch")


async def test_a_body_changed_together_with_its_hash_is_refused(call: "Caller", digest: Any) -> None:
    content = b"BackupPlanId=dbsmysqlecs01"
    signed = replace(call.signed("DescribeBackupPlanList", READ), content=content)
    response = await call.send(signed, **{"x-acs-content-sha256": digest(content)})
    assert response.json()["Code"] == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "header",
    ["x-acs-action", "x-acs-version", "x-acs-signature-nonce", "content-type", "host"],
)
async def test_a_header_changed_on_the_way_is_refused(call: "Caller", header: str) -> None:
    signed = call.signed("ConfigureBackupPlan", READ)
    response = await call.send(signed, **{header: "DescribeBackupPlanList"})
    assert response.json()["Code"] == "SignatureDoesNotMatch"


async def test_a_parameter_added_to_the_query_is_refused(call: "Caller") -> None:
    signed = replace(call.signed("DescribeBackupPlanList", READ), target="/?PageSize=1")
    assert (await call.send(signed)).json()["Code"] == "SignatureDoesNotMatch"


async def test_a_header_of_alibaba_cloud_that_is_not_signed_is_refused(call: "Caller") -> None:
    response = await call.send(call.signed("DescribeBackupPlanList", READ), **{"x-acs-security-token": "t"})
    assert response.json()["Code"] == "IncompleteSignature"


async def test_a_wrong_key_secret_and_an_unknown_key_are_refused(call: "Caller") -> None:
    call.keys = Keys(KEYS.access_key_id, "another")
    assert (await call("DescribeBackupPlanList", READ))["Code"] == "SignatureDoesNotMatch"
    call.keys = Keys("LTAInobody", KEYS.access_key_secret)
    assert (await call("DescribeBackupPlanList", READ))["Code"] == "InvalidAccessKeyId.NotFound"


async def test_a_request_sent_twice_is_let_in_once(call: "Caller") -> None:
    signed = call.signed("DescribeBackupPlanList", READ)
    assert (await call.send(signed)).status_code == 200
    assert (await call.send(signed)).json()["Code"] == "SignatureNonceUsed"


@pytest.mark.parametrize("offset", [-16 * 60, 16 * 60])
async def test_a_request_is_good_for_fifteen_minutes(call: "Caller", fake: FakeDbs, offset: int) -> None:
    fake.porter.now = lambda: time.time() + offset
    assert (await call("DescribeBackupPlanList", READ))["Code"] == "InvalidTimeStamp.Expired"


async def test_a_temporary_key_needs_its_token(call: "Caller", fake: FakeDbs) -> None:
    fake.porter.tokens[KEYS.access_key_id] = "sts"
    assert (await call("DescribeBackupPlanList", READ))["Code"].startswith("InvalidSecurityToken")
    call.keys = replace(KEYS, security_token="sts")
    assert (await call("DescribeBackupPlanList", READ))["Success"] is True
    fake.porter.expired_tokens.add("sts")
    assert (await call("DescribeBackupPlanList", READ))["Code"] == "InvalidSecurityToken.Expired"


@pytest.mark.parametrize("header", ["", "Bearer x", "ACS3-HMAC-SHA256 Credential=a"])
async def test_a_request_without_a_signature_is_refused(call: "Caller", header: str) -> None:
    response = await call.send(call.signed("DescribeBackupPlanList", READ), authorization=header)
    assert response.json()["Code"] == "IncompleteSignature"


async def test_a_signature_error_echoes_what_was_sent(call: "Caller") -> None:
    """As some real ones do: what cleans error texts has to be tried on it."""
    call.keys = replace(KEYS, access_key_secret="another")
    answer = await call("DescribeBackupPlanList", {"SourceEndpointPassword": "a b"})
    assert "SourceEndpointPassword=a+b" in answer["Message"]


async def test_every_request_is_kept_as_it_came(call: "Caller", fake: FakeDbs) -> None:
    await call("DescribeBackupPlanList", READ)
    [received] = fake.requests
    assert (received.action, received.version, received.params) == ("DescribeBackupPlanList", "2019-03-06", READ)
    assert received.raw_body == b"BackupPlanId=dbsmysqlrds01"
    assert received.headers["x-acs-action"] == "DescribeBackupPlanList"

"""What the client reads, lists and sends when nothing goes wrong."""

import asyncio
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bot.alibaba.credentials import FixedKeys
from bot.alibaba.dbs import DbsClient
from bot.alibaba.lately import Lately
from bot.errors import DbsRefused
from bot.playground.dbs import FakeDbs, faults
from bot.playground.dbs.plans import crowd

LIST = "DescribeBackupPlanList"
ORDERS = {
    "BackupPlanId": "dbsmysqlrds01",
    "BackupPlanName": "orders nightly, ‘neu’ & ~100% *",
    "SourceEndpointInstanceType": "RDS",
    "SourceEndpointRegion": "cn-hangzhou",
    "SourceEndpointInstanceID": "rm-uf6orders01",
    "SourceEndpointUserName": "backup",
    "BackupObjects": '[{"DBName":"orders"},{"DBName":"invoices"}]',
    "BackupPeriod": "Monday,Friday",
    "BackupStartTime": "03:15",
    "EnableBackupLog": "false",
    "BackupRetentionPeriod": "30",
    "BackupStorageType": "own",
}
PASSWORD = {"SourceEndpointPassword": SecretStr("pass word+&=%~*ü")}


async def test_a_plan_is_read_in_the_words_in_which_it_would_be_sent(dbs: DbsClient) -> None:
    reading = await dbs.read("dbsmysqlrds01")
    assert reading.database_type == "MySQL"
    assert reading.backup_method == "logical"
    assert reading.status == "running"
    assert reading.region == "cn-hangzhou"
    assert reading.values["SourceEndpointInstanceType"] == "RDS"
    assert reading.values["BackupPeriod"] == "Monday,Thursday"
    assert reading.values["BackupStorageType"] == "own"


async def test_what_is_configured_arrives_whole_and_is_read_back_the_same(dbs: DbsClient, fake: FakeDbs) -> None:
    request_id = await dbs.configure(ORDERS["BackupPlanId"], ORDERS, PASSWORD, "token-1")
    assert request_id
    [effect] = fake.effects
    sent = {**ORDERS, "BackupStorageType": "", "SourceEndpointPassword": "pass word+&=%~*ü", "ClientToken": "token-1"}
    assert effect.params == sent
    reading = await dbs.read("dbsmysqlrds01")
    assert {name: reading.values[name] for name in ORDERS} == ORDERS


async def test_an_empty_value_is_sent(dbs: DbsClient, fake: FakeDbs) -> None:
    """Your own storage is spelt by an empty BackupStorageType, which must not get lost on the way."""
    await dbs.configure(ORDERS["BackupPlanId"], ORDERS, PASSWORD, "token-1")
    [call] = fake.calls("ConfigureBackupPlan")
    assert "BackupStorageType=" in (call.raw_query or call.raw_body.decode()).split("&")


async def test_parameters_go_into_the_body_unless_told_otherwise(fake: FakeDbs, dbs: DbsClient) -> None:
    await dbs.configure(ORDERS["BackupPlanId"], ORDERS, PASSWORD, "token-1")
    [call] = fake.calls("ConfigureBackupPlan")
    assert bool(call.raw_query) != bool(call.raw_body)
    assert call.headers["accept"] == "application/json"


async def test_every_plan_is_listed_once_however_many_pages_there_are(dbs: DbsClient, fake: FakeDbs) -> None:
    fake.plans.clear()
    fake.plans.update({plan["BackupPlanId"]: plan for plan in crowd(250)})
    plans = await dbs.plans()
    assert [plan.plan_id for plan in plans] == list(fake.plans)
    assert (plans[0].name, plans[0].engine, plans[0].status) == ("shard 00000", "MySQL", "running")
    assert [call.params["PageNum"] for call in fake.calls("DescribeBackupPlanList")] == ["0", "1", "2"]


@pytest.mark.parametrize("items", [None, {}, {"BackupPlanDetail": []}, {"BackupPlanDetail": None}, [], ""], ids=str)
async def test_no_plan_may_be_written_in_many_ways(dbs: DbsClient, fake: FakeDbs, items: object) -> None:
    fake.next("DescribeBackupPlanList", *[faults.lie(Items=items)] * 4)
    assert await dbs.plans() == []
    with pytest.raises(DbsRefused, match="No plan dbsmysqlrds01, or no plans here"):
        await dbs.read("dbsmysqlrds01")


async def test_a_reply_that_shows_a_plan_need_not_call_itself_a_success(dbs: DbsClient, fake: FakeDbs) -> None:
    fake.next("DescribeBackupPlanList", faults.lie(Success=None), faults.lie(Success=False, ErrCode="Broken"))
    assert (await dbs.read("dbsmysqlrds01")).plan_id == "dbsmysqlrds01"
    with pytest.raises(DbsRefused, match="Broken"):
        await dbs.read("dbsmysqlrds01")


@pytest.mark.parametrize("count", [1, 100])
async def test_listing_ends_on_a_page_that_is_not_full(dbs: DbsClient, fake: FakeDbs, count: int) -> None:
    fake.plans.clear()
    fake.plans.update({plan["BackupPlanId"]: plan for plan in crowd(count)})
    assert len(await dbs.plans()) == count
    assert len(fake.calls("DescribeBackupPlanList")) == count // 100 + 1


async def test_the_host_is_named_with_a_port_that_is_not_the_default(dbs: DbsClient, fake: FakeDbs) -> None:
    assert f"http://{dbs.host}" == fake.url


@pytest.mark.parametrize("values", [{**ORDERS, "BackupPlanId": "dbsother00001"}, {"BackupPlanName": "no id"}])
async def test_values_of_another_plan_are_not_sent(dbs: DbsClient, fake: FakeDbs, values: dict[str, str]) -> None:
    with pytest.raises(DbsRefused, match="for another plan"):
        await dbs.configure("dbsmysqlrds01", values, PASSWORD, "token-1")
    with pytest.raises(DbsRefused, match="for another plan"):
        await dbs.configure("dbsmysqlrds01", ORDERS, {"BackupPlanId": SecretStr("dbsother00001")}, "token-1")
    assert fake.requests == []


# Regions


async def test_one_plan_is_asked_for_in_its_region_and_then_without(dbs: DbsClient, fake: FakeDbs) -> None:
    await dbs.read("dbsmysqlrds01")
    fake.change("dbsredisecs01", BackupPlanRegion="cn-shanghai")
    assert (await dbs.read("dbsredisecs01")).region == "cn-shanghai"
    assert (await dbs.read("dbsredisecs01")).region == "cn-shanghai"
    asked = [(call.params["BackupPlanId"], call.params.get("Region")) for call in fake.calls(LIST)]
    elsewhere = ("dbsredisecs01", None)
    assert asked == [("dbsmysqlrds01", "cn-hangzhou"), ("dbsredisecs01", "cn-hangzhou"), elsewhere, elsewhere]


async def test_a_region_that_dbs_does_not_take_is_left_out(dbs: DbsClient, fake: FakeDbs) -> None:
    fake.next(LIST, faults.refuse("InvalidRegionId", "The region is not valid."))
    assert (await dbs.read("dbsmysqlrds01")).plan_id == "dbsmysqlrds01"


async def test_plans_are_listed_without_a_region_and_with_it_if_none_come(dbs: DbsClient, fake: FakeDbs) -> None:
    assert len(await dbs.plans()) == len(fake.plans)
    fake.account.needs_region = True
    assert len(await dbs.plans()) == len(fake.plans)
    assert (await dbs.read("dbsmysqlrds01")).plan_id == "dbsmysqlrds01"
    assert [call.params.get("Region") for call in fake.calls(LIST)] == [None, None, "cn-hangzhou", "cn-hangzhou"]


@pytest.mark.parametrize("shape", ["error", "empty"])
async def test_an_account_without_plans_answers_like_an_unknown_id(dbs: DbsClient, fake: FakeDbs, shape: str) -> None:
    fake.plans.clear()
    fake.account.unknown = shape  # type: ignore[assignment]
    assert await dbs.plans() == []
    with pytest.raises(DbsRefused, match="No plan dbsmysqlrds01, or no plans here") as caught:
        await dbs.read("dbsmysqlrds01")
    assert caught.value.request_id


async def test_a_list_that_is_forbidden_is_no_empty_list(dbs: DbsClient, fake: FakeDbs) -> None:
    fake.next(LIST, faults.forbid())
    with pytest.raises(DbsRefused, match=r"Request\.Forbidden"):
        await dbs.plans()


async def test_other_plans_than_asked_for_advise_to_send_parameters_in_the_query(
    dbs: DbsClient, fake: FakeDbs, request: pytest.FixtureRequest
) -> None:
    """Where parameters in the body are not read, DBS lists whatever there is."""
    fake.account.unknown = "other"
    with pytest.raises(DbsRefused, match="showed other plans") as caught:
        await dbs.read("dbsnobody")
    in_body = "body" in request.node.callspec.id
    assert ("DBS_PARAMETERS=query" in caught.value.advice) is in_body
    assert "Check the plan id" in caught.value.advice


# Secrets in what DBS says of a plan


async def test_a_password_sent_lately_is_removed_from_the_plan_s_message(dbs: DbsClient, fake: FakeDbs) -> None:
    await dbs.configure("dbsmysqlrds01", ORDERS, PASSWORD, "token-1")
    fake.change(
        "dbsmysqlrds01", ErrMessage="Cannot sign in as backup/pass word+&=%~*ü at", OSSBucketRegion="pass word+&=%~*ü"
    )
    reading = await dbs.read("dbsmysqlrds01")
    assert reading.message == "Cannot sign in as backup/[removed] at"
    assert reading.details["OSSBucketRegion"] == "[removed]"


async def test_secrets_at_hand_are_removed_from_the_message_of_their_plan(fake: FakeDbs, keys: FixedKeys) -> None:
    def at_hand(plan_id: str) -> list[str]:
        return ["hunter2 of " + plan_id, ""]

    fake.change("dbsmysqlrds01", ErrMessage="it was hunter2 of dbsmysqlrds01 and no other")
    fake.next(LIST, faults.refuse("InvalidThing", "hunter2 of dbsmysqlrds01"))
    async with DbsClient(fake.url, region="cn-hangzhou", keys=keys, at_hand=at_hand) as dbs:
        with pytest.raises(DbsRefused, match=r"InvalidThing: \[removed\]$"):
            await dbs.read("dbsmysqlrds01")
        assert (await dbs.read("dbsmysqlrds01")).message == "it was [removed] and no other"


async def test_what_was_sent_is_forgotten_by_itself() -> None:
    lately = Lately(seconds=0)
    lately.sent("dbs1", ["one"])
    lately.sent("dbs1", ["two"])
    assert {*lately.of("dbs1")} == {"one", "two"}
    await asyncio.sleep(0.01)
    assert lately.of("dbs1") == ()
    lately.sent("dbs1", ["three"])
    lately.forget()
    assert lately.of("dbs1") == ()


async def test_a_reading_knows_when_it_was(fake: FakeDbs, keys: FixedKeys) -> None:
    noon = datetime(2026, 11, 3, 12, tzinfo=UTC)
    async with DbsClient(fake.url, region="cn-hangzhou", keys=keys, now=lambda: noon) as dbs:
        assert (await dbs.read("dbsmysqlrds01")).read_at == "2026-11-03T12:00:00.000Z"


async def test_a_missing_permission_is_told_with_the_plan_s_region(dbs: DbsClient, fake: FakeDbs) -> None:
    fake.change("dbsmysqlrds01", BackupPlanRegion="cn-shanghai")
    await dbs.read("dbsmysqlrds01")
    fake.next("ConfigureBackupPlan", faults.forbid())
    with pytest.raises(DbsRefused) as caught:
        await dbs.configure("dbsmysqlrds01", ORDERS, PASSWORD, "token-1")
    assert "dbs:ConfigureBackupPlan on acs:dbs:cn-shanghai:*:backupplan/dbsmysqlrds01" in caught.value.advice

"""What the client reads, lists and sends when nothing goes wrong."""

import pytest
from pydantic import SecretStr

from bot.alibaba.dbs import DbsClient
from bot.errors import DbsRefused
from bot.playground.dbs import FakeDbs, faults
from bot.playground.dbs.plans import crowd

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
    fake.next("DescribeBackupPlanList", *[faults.lie(Items=items)] * 2)
    assert await dbs.plans() == []
    with pytest.raises(DbsRefused, match="DBS has no backup plan dbsmysqlrds01"):
        await dbs.read("dbsmysqlrds01")


async def test_a_reply_that_shows_a_plan_need_not_call_itself_a_success(dbs: DbsClient, fake: FakeDbs) -> None:
    fake.next("DescribeBackupPlanList", faults.lie(Success=None), faults.lie(Success=False, ErrCode="Broken"))
    assert (await dbs.read("dbsmysqlrds01")).plan_id == "dbsmysqlrds01"
    with pytest.raises(DbsRefused, match="Broken"):
        await dbs.read("dbsmysqlrds01")


@pytest.mark.parametrize("count", [0, 100])
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

"""Every way in which a call to DBS can fail, and what the bot is told: done, not done, or nobody knows."""

import asyncio
import logging
import socket
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
from pydantic import SecretStr

from bot.alibaba.credentials import FixedKeys, Keys
from bot.alibaba.dbs import DbsClient
from bot.errors import DbsError, DbsRefused, DbsThrottled, DbsUnanswered, DbsUnreachable
from bot.playground.dbs import FakeDbs, Gate, faults
from bot.playground.dbs.faults import Fault

T = TypeVar("T")

CONFIGURE = "ConfigureBackupPlan"
LIST = "DescribeBackupPlanList"
PASSWORD = "marked Pass/word+&=%~*ü\"<'\\"
PLAN = "dbsmysqlrds01"
ORDERS = {
    "BackupPlanId": PLAN,
    "BackupPlanName": "orders",
    "SourceEndpointInstanceType": "RDS",
    "SourceEndpointRegion": "cn-hangzhou",
    "SourceEndpointInstanceID": "rm-uf6orders01",
    "SourceEndpointUserName": "backup",
}


async def configure(dbs: DbsClient) -> str:
    return await dbs.configure(PLAN, ORDERS, {"SourceEndpointPassword": SecretStr(PASSWORD)}, "token-1")


@asynccontextmanager
async def patient(fake: FakeDbs, keys: FixedKeys, timeout: float) -> AsyncIterator[DbsClient]:  # noqa: ASYNC109
    async with DbsClient(fake.url, region="cn-hangzhou", keys=keys, timeout=timeout) as client:
        yield client


FAILURES: list[tuple[Fault, type[DbsError], str, int]] = [
    (faults.refuse("InvalidParameter"), DbsRefused, "InvalidParameter", 0),
    (faults.refuse("MissingParameter"), DbsRefused, "MissingParameter", 0),
    (faults.refuse("SomethingNew", status=404), DbsRefused, "SomethingNew", 0),
    (faults.forbid(), DbsRefused, "Request.Forbidden", 0),
    (faults.token_mismatch(), DbsRefused, "IdempotentParameterMismatch", 0),
    (faults.echo(), DbsRefused, "SignatureDoesNotMatch", 0),
    (faults.success_false("Param.NotFound"), DbsRefused, "Param.NotFound", 0),
    (faults.success_false("InternalErrors.Quota"), DbsRefused, "InternalErrors.Quota", 0),
    (faults.success_false("InvalidUndefinedName"), DbsRefused, "InvalidUndefinedName", 0),
    (faults.success_false("Param.NotFound", "no code: 500 was meant"), DbsRefused, "Param.NotFound", 0),
    (faults.success_false("Param.NotFound", status="never"), DbsRefused, "Param.NotFound", 0),
    (faults.throttle(), DbsThrottled, "Throttling.User", 0),
    (faults.throttle(code="Throttling"), DbsThrottled, "Throttling", 0),
    (faults.success_false("Throttling.Api"), DbsThrottled, "Throttling.Api", 0),
    (faults.success_false("TooManyRequests"), DbsThrottled, "TooManyRequests", 0),
    (faults.success_false("RequestLimitExceeded"), DbsThrottled, "RequestLimitExceeded", 0),
    (faults.success_false("FlowControl", status=429), DbsThrottled, "FlowControl", 0),
    (faults.success_false("", status="429"), DbsThrottled, "Throttling", 0),
    (faults.success_false("Throttling.User", status=503), DbsThrottled, "Throttling.User", 0),
    (faults.success_false("InternalError", status=429, after=True), DbsUnanswered, "InternalError", 1),
    (faults.success_false("InternalServerError", status=500, after=True), DbsUnanswered, "InternalServerError", 1),
    (faults.success_false("SomethingNew", status=500, after=True), DbsUnanswered, "SomethingNew", 1),
    (faults.success_false("Param.NotFound", status="502", after=True), DbsUnanswered, "Param.NotFound", 1),
    (faults.success_false("", status=500, after=True), DbsUnanswered, "HTTP 500", 1),
    (faults.success_false("Param.NotFound", status=500.0, after=True), DbsUnanswered, "Param.NotFound", 1),
    (faults.success_false("Param.NotFound", status="500.0", after=True), DbsUnanswered, "Param.NotFound", 1),
    (faults.success_false("", after=True), DbsUnanswered, "UnexpectedAnswer", 1),
    *(
        (faults.success_false(code, after=True), DbsUnanswered, code, 1)
        for code in (
            "OperationTimeout",
            "IdempotentProcessing",
            "DeadlineExceeded",
            "SystemError",
            "SystemBusy",
            "InternalServerError",
            "ServiceUnavailable",
            "undefined",
            "500",
        )
    ),
    (faults.success_false("DBS.SystemBusy", after=True), DbsUnanswered, "DBS.SystemBusy", 1),
    (faults.success_false("ServiceUnavailable.Region", after=True), DbsUnanswered, "ServiceUnavailable.Region", 1),
    (faults.success_false("Rejected", "code: 503, try later", after=True), DbsUnanswered, "Rejected", 1),
    (faults.refuse("SystemError"), DbsUnanswered, "SystemError", 0),
    (faults.fail(), DbsUnanswered, "ServiceUnavailable", 0),
    (faults.fail(after=True), DbsUnanswered, "ServiceUnavailable", 1),
    (faults.fail(500, "InternalError", after=True), DbsUnanswered, "InternalError", 1),
    (faults.fail(502, "", after=True), DbsUnanswered, "HTTP 502", 1),
    (faults.success_false("InternalError"), DbsUnanswered, "InternalError", 0),
    (faults.refuse("SignatureNonceUsed"), DbsUnanswered, "SignatureNonceUsed", 0),
    (faults.refuse(""), DbsUnanswered, "UnexpectedAnswer", 0),
    (faults.garbage(), DbsUnanswered, "NotJson", 1),
    (faults.garbage(b""), DbsUnanswered, "NotJson", 1),
    (faults.garbage(b'["Success", true]'), DbsUnanswered, "NotJson", 1),
    (faults.garbage(b"\xff\xfe{}"), DbsUnanswered, "NotJson", 1),
    (faults.garbage(b"[" * 100_000), DbsUnanswered, "NotJson", 1),
    (faults.garbage(b"{}"), DbsUnanswered, "UnexpectedAnswer", 1),
    (faults.lie(Success=None), DbsUnanswered, "UnexpectedAnswer", 1),
    (faults.lie(Success="perhaps"), DbsUnanswered, "UnexpectedAnswer", 1),
    (faults.lie(Success="true"), DbsUnanswered, "UnexpectedAnswer", 1),
    (faults.lie(BackupPlanId="dbsanother"), DbsUnanswered, "UnexpectedAnswer", 1),
    (faults.lose_answer(), DbsUnanswered, "RemoteProtocolError", 1),
    (faults.cut(), DbsUnanswered, "RemoteProtocolError", 0),
]


@pytest.mark.parametrize(("fault", "kind", "code", "effects"), FAILURES)
async def test_a_failure_says_whether_it_was_done_and_nothing_that_is_secret(
    dbs: DbsClient,
    fake: FakeDbs,
    caplog: pytest.LogCaptureFixture,
    marks: Callable[[str], list[str]],
    fault: Fault,
    kind: type[DbsError],
    code: str,
    effects: int,
) -> None:
    """It is sent once, whatever comes of it; what is sent again is for the executor to decide."""
    caplog.set_level(logging.DEBUG)
    fake.next(CONFIGURE, fault)
    with pytest.raises(DbsError) as caught:
        await configure(dbs)
    error = caught.value
    assert (type(error), error.code) == (kind, code)
    assert (len(fake.calls(CONFIGURE)), len(fake.effects)) == (1, effects)
    assert error.__context__ is None
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + repr(error.args)
    assert marks(told) == []
    assert marks(caplog.text + repr([vars(record) for record in caplog.records])) == []


async def test_success_beside_an_error_code_is_success(dbs: DbsClient, fake: FakeDbs) -> None:
    fake.next(CONFIGURE, faults.lie(ErrCode="Param.NotFound", ErrMessage="not found", RequestId="R-1"))
    assert await configure(dbs) == "R-1"


async def test_a_reply_that_names_no_plan_is_good_enough(dbs: DbsClient, fake: FakeDbs) -> None:
    fake.next(CONFIGURE, faults.lie(BackupPlanId=None))
    assert await configure(dbs)


async def test_an_echoed_request_is_cleaned_and_cut(
    dbs: DbsClient, fake: FakeDbs, marks: Callable[[str], list[str]]
) -> None:
    fake.next(CONFIGURE, faults.echo())
    with pytest.raises(DbsRefused, match="canonical request is") as caught:
        await configure(dbs)
    assert len(caught.value.message) <= 500
    assert "[removed]" in caught.value.message
    assert marks(caught.value.message) == []
    assert caught.value.request_id


@pytest.mark.parametrize(("milliseconds", "seconds"), [(1500, 1.5), (None, None), (0, None)])
async def test_dbs_says_how_long_to_wait(
    dbs: DbsClient, fake: FakeDbs, milliseconds: int | None, seconds: float | None
) -> None:
    fake.next(CONFIGURE, faults.throttle(milliseconds))
    with pytest.raises(DbsThrottled) as caught:
        await configure(dbs)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("Request.Forbidden", "dbs:ConfigureBackupPlan on acs:dbs:cn-hangzhou:*:backupplan/dbsmysqlrds01"),
        ("Forbidden.RAM", "dbs:ConfigureBackupPlan"),
        ("Forbidden.RiskControl", "risk control"),
        ("NoPermission", "dbs:ConfigureBackupPlan"),
        ("InvalidTimeStamp.Expired", "clock"),
        ("InvalidAccessKeyId.NotFound", "credentials"),
        ("SignatureDoesNotMatch", "credentials"),
        ("InvalidJobId", "Check the plan id"),
        ("InvalidParameterValid", "Check the plan id"),
        ("IdempotentParameterMismatch", "ClientToken"),
        ("MissingParameter", "parameter"),
        ("Param.NotFound", "parameter"),
    ],
)
async def test_a_refusal_says_what_to_do(dbs: DbsClient, fake: FakeDbs, code: str, words: str) -> None:
    fake.next(CONFIGURE, faults.refuse(code))
    with pytest.raises(DbsRefused) as caught:
        await configure(dbs)
    assert words in caught.value.advice


async def test_who_may_not_read_a_plan_is_told_which_permission_is_missing(dbs: DbsClient) -> None:
    with pytest.raises(DbsRefused) as caught:
        await dbs.read("dbsforbidden1")
    assert "dbs:DescribeBackupPlanList on acs:dbs:cn-hangzhou:*:backupplan/dbsforbidden1" in caught.value.advice


@pytest.mark.parametrize("shape", ["error", "empty", "other"])
async def test_an_unknown_plan_is_noticed_however_dbs_says_so(dbs: DbsClient, fake: FakeDbs, shape: str) -> None:
    fake.account.unknown = shape  # type: ignore[assignment]
    with pytest.raises(DbsRefused) as caught:
        await dbs.read("dbsnobody")
    assert caught.value.code == "InvalidParameterValid"
    assert "Check the plan id" in caught.value.advice


@pytest.mark.parametrize("items", [None, {}, [], {"BackupPlanDetail": None}, {"BackupPlanDetail": ["x"]}, "x"])
async def test_a_list_without_plans_may_be_written_in_many_ways(dbs: DbsClient, fake: FakeDbs, items: object) -> None:
    fake.next(LIST, *[faults.lie(Items=items)] * 4)
    assert await dbs.plans() == []
    with pytest.raises(DbsRefused):
        await dbs.read(PLAN)


async def test_a_list_that_does_not_heed_the_page_number_still_ends(dbs: DbsClient, fake: FakeDbs) -> None:
    page = {"BackupPlanDetail": [{"BackupPlanId": f"dbs{n}"} for n in range(100)]}
    fake.next(LIST, *[faults.lie(Items=page)] * 5)
    assert len(await dbs.plans()) == 100
    assert len(fake.calls(LIST)) == 2


async def test_a_throttled_reading_is_tried_again_and_not_for_ever(dbs: DbsClient, fake: FakeDbs) -> None:
    fake.next(LIST, faults.throttle(1), faults.throttle(1))
    assert (await dbs.read(PLAN)).plan_id == PLAN
    fake.next(LIST, *[faults.throttle(1)] * 3)
    with pytest.raises(DbsThrottled):
        await dbs.read(PLAN)
    assert len(fake.calls(LIST)) == 6


async def test_a_reading_is_not_tried_again_beyond_the_deadline(dbs: DbsClient, fake: FakeDbs) -> None:
    fake.next(LIST, faults.throttle(60_000))
    started = time.monotonic()
    with pytest.raises(DbsThrottled):
        await dbs.read(PLAN)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("fault", [faults.fail(), faults.cut(), faults.garbage()])
async def test_other_failed_readings_are_not_tried_again(dbs: DbsClient, fake: FakeDbs, fault: Fault) -> None:
    fake.next(LIST, fault)
    with pytest.raises(DbsUnanswered):
        await dbs.read(PLAN)
    assert len(fake.calls(LIST)) == 1


async def test_an_answer_that_takes_too_long_leaves_the_outcome_open(fake: FakeDbs, keys: FixedKeys) -> None:
    gate = Gate()
    fake.next(CONFIGURE, faults.hold(gate))
    async with patient(fake, keys, 0.3) as dbs:
        with pytest.raises(DbsUnanswered, match=r"no answer within 0\.3 seconds") as caught:
            await configure(dbs)
    assert caught.value.__context__ is None
    assert len(fake.effects) == 1


async def test_credentials_that_take_too_long_mean_that_nothing_was_sent(fake: FakeDbs) -> None:
    class Slow:
        async def use(self, _work: Callable[[Keys], T]) -> T:
            await asyncio.sleep(60)
            raise AssertionError

        def forget(self) -> None: ...

    async with DbsClient(fake.url, region="cn-hangzhou", keys=Slow(), timeout=0.05) as dbs:
        with pytest.raises(DbsUnreachable):
            await configure(dbs)
    assert not fake.requests


async def test_a_closed_port_means_that_nothing_was_sent(keys: FixedKeys) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    async with DbsClient(f"http://127.0.0.1:{port}", region="cn-hangzhou", keys=keys) as dbs:
        with pytest.raises(DbsUnreachable, match=f"127.0.0.1:{port} cannot be reached") as caught:
            await configure(dbs)
    assert caught.value.__context__ is None


async def test_a_server_that_accepts_and_says_nothing_leaves_the_outcome_open(keys: FixedKeys) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with DbsClient(f"http://127.0.0.1:{port}", region="cn-hangzhou", keys=keys) as dbs:
            with pytest.raises(DbsUnanswered, match="broke off"):
                await configure(dbs)


async def test_a_redirect_is_not_followed(keys: FixedKeys, fake: FakeDbs) -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 307 Go\r\nlocation: {fake.url}/\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with DbsClient(f"http://127.0.0.1:{port}", region="cn-hangzhou", keys=keys) as dbs:
            with pytest.raises(DbsUnanswered, match="HTTP 307"):
                await configure(dbs)
    assert not fake.requests


async def test_proxies_are_not_used_for_loopback(
    fake: FakeDbs, keys: FixedKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with patient(fake, keys, 5) as dbs:
        assert (await dbs.read(PLAN)).plan_id == PLAN


class Renewing:
    """Keys whose token is fresh after having been forgotten."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    async def use(self, work: Callable[[Keys], T]) -> T:
        return work(Keys("LTAIplayground", "playground-key-secret", self.tokens[0]))

    def forget(self) -> None:
        self.tokens.pop(0)


@pytest.mark.parametrize("action", ["read", "configure"])
async def test_an_expired_token_is_renewed_once(action: str) -> None:
    """The gateway turned the request away, so that sending it again changes nothing twice."""
    keys = Renewing("old", "new")
    async with FakeDbs() as fake, DbsClient(fake.url, region="cn-hangzhou", keys=keys) as dbs:
        fake.porter.tokens["LTAIplayground"] = "new"
        fake.porter.expired_tokens.add("old")
        await (dbs.read(PLAN) if action == "read" else configure(dbs))
        assert [request.code for request in fake.requests] == ["InvalidSecurityToken.Expired", ""]


async def test_a_token_that_is_still_expired_after_renewal_is_a_refusal() -> None:
    keys = Renewing("old", "old", "never asked for")
    async with FakeDbs() as fake, DbsClient(fake.url, region="cn-hangzhou", keys=keys) as dbs:
        fake.porter.expired_tokens.add("old")
        with pytest.raises(DbsRefused) as caught:
            await configure(dbs)
        assert "credentials" in caught.value.advice
        assert "old" not in caught.value.message
        assert len(fake.requests) == 2


async def test_half_a_character_is_not_sent(dbs: DbsClient, fake: FakeDbs) -> None:
    with pytest.raises(DbsRefused) as caught:
        await dbs.configure(PLAN, ORDERS | {"BackupPlanName": "\ud83d"}, {}, "token-1")
    assert caught.value.code == "InvalidText"
    assert caught.value.__context__ is None
    assert not fake.requests


async def test_cancelling_a_call_is_not_an_answer(dbs: DbsClient, fake: FakeDbs) -> None:
    gate = Gate()
    fake.next(CONFIGURE, faults.hold(gate))
    task = asyncio.create_task(configure(dbs))
    await gate.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_dbs_says_about_a_plan_is_made_harmless(
    dbs: DbsClient, fake: FakeDbs, keys: FixedKeys, marks: Callable[[str], list[str]]
) -> None:
    token = await keys.use(lambda found: found.security_token)
    fake.change(PLAN, ErrMessage=f"precheck\x1b[31m failed\u202e: {token}\n" + "x" * 1000)
    reading = await dbs.read(PLAN)
    assert reading.message.startswith("precheck[31m failed: [removed] xxx")
    assert len(reading.message) == 500
    assert marks(reading.message) == []

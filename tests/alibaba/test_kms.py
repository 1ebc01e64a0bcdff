"""Secrets from KMS."""

from collections.abc import AsyncIterator, Callable

import pytest

from bot.alibaba.credentials import FixedKeys
from bot.alibaba.kms import KmsClient
from bot.errors import SecretMissing, SecretUnreachable
from bot.playground.dbs import FakeDbs, faults
from bot.playground.dbs.faults import Fault

GET = "GetSecretValue"


@pytest.fixture
async def kms(fake: FakeDbs, keys: FixedKeys) -> AsyncIterator[KmsClient]:
    """The client, and a secret to fetch."""
    fake.kms.secrets["prod/orders"] = "pass word+&=%~*ü"
    async with KmsClient(fake.url, region="cn-hangzhou", keys=keys, timeout=0.8) as client:
        yield client


async def test_a_secret_is_fetched_by_its_name(kms: KmsClient) -> None:
    assert (await kms.get("prod/orders")).get_secret_value() == "pass word+&=%~*ü"


async def test_a_secret_that_is_not_there_is_missing(kms: KmsClient) -> None:
    with pytest.raises(SecretMissing, match="KMS has no secret prod/shop"):
        await kms.get("prod/shop")


async def test_a_forbidden_secret_is_missing_and_the_permission_named(kms: KmsClient, fake: FakeDbs) -> None:
    fake.kms.forbidden.add("prod/orders")
    with pytest.raises(SecretMissing, match=r"kms:GetSecretValue on acs:kms:cn-hangzhou:\*:secret/prod/orders"):
        await kms.get("prod/orders")


@pytest.mark.parametrize(("value", "words"), [(b"\x00", "binary"), ("", "empty")])
async def test_a_secret_that_is_no_password_is_missing(
    kms: KmsClient, fake: FakeDbs, value: str | bytes, words: str
) -> None:
    fake.kms.secrets["prod/orders"] = value
    with pytest.raises(SecretMissing, match=words):
        await kms.get("prod/orders")


@pytest.mark.parametrize(
    "fault",
    [
        faults.throttle(5),
        faults.fail(),
        faults.cut(),
        faults.garbage(),
        faults.garbage(b"{}"),
        faults.lie(SecretData=None),
        faults.lie(SecretData=None, Success=True),
        faults.slow(3),
    ],
)
async def test_a_store_that_does_not_answer_is_unreachable(kms: KmsClient, fake: FakeDbs, fault: Fault) -> None:
    fake.next(GET, fault)
    with pytest.raises(SecretUnreachable, match="prod/orders"):
        await kms.get("prod/orders")
    assert len(fake.calls(GET)) == 1


async def test_an_echoed_request_is_cleaned(kms: KmsClient, fake: FakeDbs, marks: Callable[[str], list[str]]) -> None:
    fake.next(GET, faults.echo())
    with pytest.raises(SecretMissing, match="credentials") as caught:
        await kms.get("prod/orders")
    assert marks(repr(caught.value) + repr(caught.value.__context__)) == []
    assert "[removed]" in str(caught.value)

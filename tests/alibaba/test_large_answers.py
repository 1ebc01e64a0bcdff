"""What DBS and KMS answer is taken up to a size, measured as it is once unpacked."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.alibaba.credentials import FixedKeys
from bot.alibaba.dbs import DbsClient
from bot.alibaba.kms import KmsClient
from bot.errors import DbsUnanswered, SecretUnreachable

MANY = b" " * 100 * 2**20
TOO_LARGE = [("gzip", gzip.compress(MANY, 9)), ("deflate", zlib.compress(MANY, 9)), ("identity", MANY[: 10 * 2**20])]


@asynccontextmanager
async def answering(encoding: str, body: bytes) -> AsyncIterator[str]:
    """Answer every request alike."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"content-encoding: {encoding}\r\ncontent-length: {len(body)}\r\nconnection: close"
        try:
            writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(("encoding", "body"), TOO_LARGE, ids=["gzip", "deflate", "plain"])
async def test_an_answer_of_dbs_that_is_too_large_is_none(keys: FixedKeys, encoding: str, body: bytes) -> None:
    async with (
        answering(encoding, body) as url,
        DbsClient(url, region="cn-hangzhou", keys=keys) as dbs,
    ):
        tracemalloc.start()
        with pytest.raises(DbsUnanswered, match=r"TooLarge: .* more than 8 MiB"):
            await dbs.configure("dbs1", {"BackupPlanId": "dbs1"}, {}, "token-1")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 64 * 2**20


@pytest.mark.parametrize(("encoding", "body"), TOO_LARGE, ids=["gzip", "deflate", "plain"])
async def test_a_kms_that_answers_too_much_is_unreachable(keys: FixedKeys, encoding: str, body: bytes) -> None:
    async with answering(encoding, body) as url, KmsClient(url, region="cn-hangzhou", keys=keys) as kms:
        with pytest.raises(SecretUnreachable, match="KMS did not give the secret prod/orders: TooLarge"):
            await kms.get("prod/orders")


@pytest.mark.parametrize(("encoding", "body"), [("gzip", b"no gzip at all"), ("br", b"{}"), ("zstd", b"{}")])
async def test_what_cannot_be_unpacked_is_no_answer(keys: FixedKeys, encoding: str, body: bytes) -> None:
    async with answering(encoding, body) as url, DbsClient(url, region="cn-hangzhou", keys=keys) as dbs:
        with pytest.raises(DbsUnanswered, match="Unreadable"):
            await dbs.plans()


@pytest.mark.parametrize("packed", ["gzip", "deflate", "identity"])
async def test_what_dbs_answers_is_unpacked(keys: FixedKeys, packed: str) -> None:
    said = json.dumps({"Success": True, "RequestId": "R-1", "BackupPlanId": "dbs1"}).encode()
    body = {"gzip": gzip.compress(said), "deflate": zlib.compress(said), "identity": said}[packed]
    async with answering(packed, body) as url, DbsClient(url, region="cn-hangzhou", keys=keys) as dbs:
        assert await dbs.configure("dbs1", {"BackupPlanId": "dbs1"}, {}, "token-1") == "R-1"

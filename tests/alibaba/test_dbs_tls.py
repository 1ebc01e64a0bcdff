"""Https: nothing is sent to a server that cannot show who it is."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from certificates import self_signed

from bot.alibaba.credentials import FixedKeys
from bot.alibaba.dbs import DbsClient
from bot.errors import DbsUnanswered, DbsUnreachable


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key."""
    return self_signed(tmp_path)


@pytest.fixture
def heard() -> list[bytes]:
    """What the server was told."""
    return []


@pytest.fixture
async def url(certificate: Path, heard: list[bytes]) -> AsyncIterator[str]:
    """A server that listens and answers nonsense."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\n?")
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_nothing_is_sent_to_a_server_nobody_vouches_for(url: str, keys: FixedKeys, heard: list[bytes]) -> None:
    async with DbsClient(url, region="cn-hangzhou", keys=keys) as dbs:
        with pytest.raises(DbsUnreachable, match="certificate verify failed"):
            await dbs.read("dbs1")
    assert heard == []


async def test_a_server_with_a_known_certificate_is_spoken_to(
    url: str, keys: FixedKeys, heard: list[bytes], certificate: Path
) -> None:
    known = ssl.create_default_context(cafile=str(certificate))
    async with DbsClient(url, region="cn-hangzhou", keys=keys, verify=known) as dbs:
        with pytest.raises(DbsUnanswered):
            await dbs.read("dbs1")
    assert heard[0].startswith(b"POST / HTTP/1.1\r\nhost: 127.0.0.1:")

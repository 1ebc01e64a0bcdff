"""Calls of Slack's Web API over real loopback HTTP: what comes back may neither lead elsewhere nor fill the memory."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from pydantic import SecretStr

from bot.slack.payload import Answer, Payload
from bot.slack.socket import Sockets
from bot.slack.web import UNANSWERED, SlackFailed, new_client, new_session, slack_call

OK = json.dumps({"ok": True, "padding": "x" * 1000}).encode()


@asynccontextmanager
async def answering(head: str, body: bytes = b"") -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answer every request alike; give the address, and what was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        end = f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        try:
            writer.write(f"HTTP/1.1 {head}\r\n{end}".encode() + body)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", asked


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_of_slack_is_not_followed(session: aiohttp.ClientSession, status: int) -> None:
    async with (
        answering("200 OK\r\ncontent-type: application/json", OK) as (elsewhere, heard),
        answering(f"{status} Go\r\nlocation: {elsewhere}") as (url, asked),
    ):
        with pytest.raises(SlackFailed) as failed, slack_call():
            await new_client("xoxb-1", url, session).chat_postMessage(channel="C1", text="the plan")
    assert (failed.value.code, len(asked), heard) == (UNANSWERED, 1, [])


async def test_a_websocket_does_not_follow_one_either(session: aiohttp.ClientSession) -> None:
    async def dispatch(_payload: Payload) -> Answer:
        raise AssertionError

    async with (
        answering("400 No") as (elsewhere, heard),
        answering(f"307 Go\r\nlocation: {elsewhere}") as (door, knocked),
        answering("200 OK\r\ncontent-type: application/json", json.dumps({"ok": True, "url": door}).encode()) as (
            url,
            _,
        ),
    ):
        sockets = Sockets(dispatch, new_client("xoxb-1", url, session), SecretStr("xapp-1"), first_wait=0.01)
        starting = asyncio.create_task(sockets.start())
        async with asyncio.timeout(5):
            while len(knocked) < 2:  # noqa: ASYNC110 - the server's
                await asyncio.sleep(0.01)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await sockets.close()
    assert heard == []


@pytest.mark.parametrize("packed", [None, "gzip", "deflate"])
async def test_what_slack_answers_is_unpacked(session: aiohttp.ClientSession, packed: str | None) -> None:
    body = {"gzip": gzip.compress(OK), "deflate": zlib.compress(OK), None: OK}[packed]
    encoding = f"\r\ncontent-encoding: {packed}" if packed else ""
    async with answering(f"200 OK\r\ncontent-type: application/json{encoding}", body) as (url, asked):
        with slack_call():
            answer = await new_client("xoxb-1", url, session).auth_test()
    assert answer["padding"] == "x" * 1000
    assert b"gzip" in asked[0].lower()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b" " * 100 * 2**20, 9)),
        ("deflate", zlib.compress(b" " * 100 * 2**20, 9)),
        ("identity", b" " * 10 * 2**20),
        ("gzip", b"no gzip at all"),
        ("br", b"nothing that was asked for"),
    ],
    ids=["gzip", "deflate", "plain", "damaged", "unasked"],
)
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
async def test_an_answer_of_slack_that_is_too_large_is_none(
    session: aiohttp.ClientSession, kind: str, encoding: str, body: bytes
) -> None:
    async with answering(f"200 OK\r\ncontent-type: {kind}\r\ncontent-encoding: {encoding}", body) as (url, _):
        tracemalloc.start()
        with pytest.raises(SlackFailed) as failed, slack_call():
            await new_client("xoxb-1", url, session).auth_test()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert failed.value.code == UNANSWERED
    assert most < 64 * 2**20


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The session that the bot makes."""
    session = new_session()
    yield session
    await session.close()

"""What a stranger with raw sockets can have of the process that serves: little, for a short time, and nobody's turn."""

import asyncio
import hashlib
import hmac
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
COMMAND = b"command=%2Fbackup-plan&text=help&user_id=U1&team_id=T1&channel_id=C1"

PROGRAM = """
import resource, sys
from pydantic import SecretStr
from bot.door import Limits
from bot.log import configure
from bot.serve import run, serve
from bot.slack.edge import Edge
from bot.slack.payload import Answer

resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))

async def dispatch(payload):
    return Answer(200, "done")

async def nothing():
    pass

configure("info", "json", sys.stdout)
edge = Edge(dispatch, SecretStr("SECRET"), lambda: {"status": "ok" + "!" * LOUDER})
run(serve(edge, "127.0.0.1", 0, start=nothing, stop=nothing, limits=Limits(LIMITS)))
"""


class Program:
    """A process that serves the edge."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    async def is_well(self) -> float:
        """Ask for /healthz over a connection of its own, and return how many seconds the answer took."""
        begun = time.monotonic()
        async with httpx.AsyncClient(trust_env=False) as stranger:
            assert (await stranger.get(f"http://127.0.0.1:{self.port}/healthz")).status_code == 200
        return time.monotonic() - begun

    async def slack(self) -> int:
        """Deliver a command as Slack does, and return the answer's status."""
        sent = str(int(time.time()))
        signed = hmac.new(SECRET.encode(), b"v0:%b:%b" % (sent.encode(), COMMAND), hashlib.sha256)
        headers = {"x-slack-request-timestamp": sent, "x-slack-signature": f"v0={signed.hexdigest()}"}
        return (await self.client.post("/slack/events", content=COMMAND, headers=headers)).status_code

    def memory(self) -> float:
        """Return the most that the process ever had, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def descriptors(self) -> int:
        """Return how many it has now."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    async def gives_back(self, number: int) -> None:
        """Wait until it has no more descriptors than so many."""
        async with asyncio.timeout(8):
            while self.descriptors() > number:  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.05)

    @contextmanager
    def dialled(self, number: int = 1, said: bytes = b"") -> Iterator[list[socket.socket]]:
        """Connect so many times, each saying the same and no more."""
        connections = []
        try:
            for _ in range(number):
                connections.append(socket.create_connection(("127.0.0.1", self.port)))
                connections[-1].sendall(said)
            yield connections
        finally:
            for connection in connections:
                connection.close()


@asynccontextmanager
async def served(limits: str = "", descriptors: int = 1024, louder: int = 0) -> AsyncIterator[Program]:
    """Serve in a process of its own, with these limits."""
    source = PROGRAM.replace("DESCRIPTORS", str(descriptors)).replace("SECRET", SECRET).replace("LIMITS", limits)
    source = source.replace("LOUDER", str(louder))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", source, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    assert process.stdout is not None
    port = None
    while port is None:
        port = json.loads(await process.stdout.readline()).get("port")
    reading = asyncio.create_task(process.stdout.read())  # a full pipe would stop the process
    program = Program(process, port)
    try:
        await program.is_well()
        yield program
    finally:
        await program.client.aclose()
        process.kill()
        await process.wait()
        await reading


async def heard(connection: socket.socket, within: float = 8.0) -> bytes:
    """Return what the other side says until it closes, which it has to do within so many seconds."""
    connection.settimeout(0)
    said = b""
    async with asyncio.timeout(within):
        while True:
            try:
                piece = await asyncio.get_running_loop().sock_recv(connection, 65536)
            except ConnectionError:
                return said
            if not piece:
                return said
            said += piece


async def poured(connection: socket.socket, begin: bytes, piece: bytes, times: int) -> None:
    """Send until the other side does not take any more."""
    connection.settimeout(0)
    try:
        await asyncio.get_running_loop().sock_sendall(connection, begin)
        for _ in range(times):
            await asyncio.get_running_loop().sock_sendall(connection, piece)
    except ConnectionError:
        pass


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"GET /healthz HTTP/1.1\r\nhost: bot\r\nx-much: ", b"a" * 65536),
        (b"GET /healthz HTTP/1.1\r\nhost: bot\r\n", b"a:b\r\n" * 13107),
        (b"POST / HTTP/1.1\r\nhost: bot\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"a:b\r\n" * 13107),
        (b"GET /", b"a" * 65536),
        (b"\r\n", b"\r\n" * 32768),
        (b"POST / HTTP/1.1\r\nhost: bot\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-much: ", b"a" * 65536),
        (b"POST / HTTP/1.1\r\nhost: bot\r\ntransfer-encoding: chunked\r\n\r\n1;", b"a" * 65536),
        (b"POST / HTTP/1.1\r\nhost: bot\r\ncontent-length: 99999999\r\n\r\n", b"a" * 65536),
    ],
    ids=[
        "one header",
        "many headers",
        "many trailers",
        "path",
        "line ends",
        "trailer",
        "extension",
        "body after the answer",
    ],
)
async def test_req42_48_megabytes_stall_nobody_and_fill_nothing(begin: bytes, piece: bytes) -> None:
    async with served() as program:
        before = program.memory()
        with program.dialled() as (connection,):
            pouring = asyncio.create_task(poured(connection, begin, piece, 768))
            slowest = 0.0
            while not pouring.done():
                slowest = max(slowest, await program.is_well())
            await heard(connection)
        assert slowest < 0.5
        assert program.memory() - before < 16
        assert await program.slack() == 200


async def test_req42_a_head_of_more_than_32_kib_is_answered_431() -> None:
    async with served() as program:
        with program.dialled() as (connection,):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: bot\r\nx-much: ".ljust(32 * 1024, b"a"))
            assert (await heard(connection)).startswith(b"HTTP/1.1 431 ")
        with program.dialled() as (connection,):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nconnection: close\r\nx-much: " + b"a" * 31_000 + b"\r\n\r\n")
            assert (await heard(connection)).startswith(b"HTTP/1.1 200 ")


async def test_req42_a_head_that_comes_byte_by_byte_is_answered_408() -> None:
    async with served("head_seconds=1") as program:
        with program.dialled() as (connection,):
            dripping = asyncio.create_task(dripped(connection, b"GET /healthz HTTP/1.1\r\nhost: bot\r\nx-much: "))
            assert (await heard(connection)).startswith(b"HTTP/1.1 408 ")
            dripping.cancel()


async def dripped(connection: socket.socket, said: bytes) -> None:
    """Say something a byte at a time, and then more and more."""
    for byte in said + b"a" * 10_000:
        try:
            await asyncio.get_running_loop().sock_sendall(connection, bytes([byte]))
        except ConnectionError:
            return
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"G",
        b"\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: bot\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: bot\r\n\r\nGET /",
        b"POST / HTTP/1.1\r\nhost: bot\r\ncontent-length: 9\r\n\r\na",
        b"POST / HTTP/1.1\r\nhost: bot\r\ntransfer-encoding: chunked\r\n\r\n1",
        b"GET / HTTP/1.1\r\nhost: bot\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\naa",
    ],
    ids=["nothing", "byte", "line end", "head", "second head", "body", "chunk", "upgrade"],
)
async def test_req42_no_half_of_a_conversation_is_held_for_ever(said: bytes) -> None:
    limits = "head_seconds=1, body_seconds=1, answer_seconds=1, closing_seconds=1"
    async with served(limits) as program:
        before = program.descriptors()
        with program.dialled(5, said) as connections:
            await asyncio.gather(*(heard(connection) for connection in connections))
        assert await program.slack() == 200
        assert program.descriptors() <= before + 1


async def test_req42_a_line_end_behind_the_answer_is_not_waited_on() -> None:
    async with served("head_seconds=1") as program:
        with program.dialled(1, b"GET /healthz HTTP/1.1\r\nhost: bot\r\n\r\n") as (connection,):
            assert b"200 OK" in await asyncio.to_thread(connection.recv, 65536)
            connection.sendall(b"\r\n")
            assert (await heard(connection)).startswith(b"HTTP/1.1 408 ")


async def test_req42_who_takes_no_answer_is_let_go() -> None:
    async with served("answer_seconds=1", louder=1_000_000) as program:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # else the kernel takes megabytes for it
            connection.connect(("127.0.0.1", program.port))
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: bot\r\n\r\n" * 8)
            assert connection.recv(5) == b"HTTP/"
            await program.gives_back(program.descriptors() - 1)
        assert await program.slack() == 200


async def test_req42_nobody_queues_requests_without_end() -> None:
    async with served() as program:
        before = program.memory()
        with program.dialled() as (connection,):
            pouring = asyncio.create_task(poured(connection, b"", b"GET / HTTP/1.1\r\n\r\n" * 4000, 500))
            await heard(connection)
            await pouring
        assert program.memory() - before < 16
        assert await program.is_well() < 0.5


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nhost: bot\r\n\r\n"], ids=["silent", "idle"])
async def test_req42_500_connections_keep_nobody_out(said: bytes) -> None:
    async with served(descriptors=256) as program:
        assert await program.slack() == 200
        with program.dialled(500, said):
            assert await program.is_well() < 0.5
            assert await program.slack() == 200
            assert program.descriptors() < 128
        await program.gives_back(20)


async def test_req42_with_64_descriptors_70_half_open_ones_are_too_many() -> None:
    async with served(descriptors=64) as program:
        with program.dialled(70, b"POST /slack/events HTTP/1.1\r\nhost: bot\r\n"):
            assert await program.is_well() < 0.5
            assert await program.slack() == 200
            assert program.descriptors() < 48


async def test_req42_bodies_that_never_end_take_32_mebibytes_in_all() -> None:
    async with served() as program:
        before = program.memory()
        head = f"POST /slack/events HTTP/1.1\r\nhost: bot\r\nx-slack-request-timestamp: {int(time.time())}\r\n"
        head += f"content-length: {1024 * 1024}\r\n\r\n"
        with program.dialled(200) as connections:
            body = b"a" * 1_000_000
            await asyncio.gather(*(poured(one, head.encode(), body, 1) for one in connections))
            assert await program.is_well() < 0.5
            assert await program.slack() == 200
            assert program.memory() - before < 120


async def test_req42_who_was_there_first_goes_first() -> None:
    async with served(descriptors=30) as program:
        with program.dialled(1) as (old,):
            assert await program.slack() == 200  # by now it is taken, before all that follow
            with program.dialled(12):
                assert await heard(old, 10) == b""
                assert await program.slack() == 200


def test_the_limits_fit_what_slack_and_the_edge_do() -> None:
    from bot.door import Limits  # noqa: PLC0415
    from bot.slack.edge import BODY_BYTES, READ_SECONDS  # noqa: PLC0415

    assert Limits().request_bytes > BODY_BYTES + Limits().head_bytes
    assert Limits().body_seconds > READ_SECONDS

"""Load, as a process of its own: sends signed payloads as Slack does, one by one or many at once, and times them."""

import asyncio
import hashlib
import hmac
import socket
import time
from collections.abc import Iterator
from typing import Any

from bench.metered import HEADER
from bench.processes import answer, questions, quiet
from bot.serve import run

Sample = tuple[float, float, float]
"""(when it was sent in seconds since 1970, milliseconds until the answer, milliseconds of CPU until then).

The last is told by servers that are `metered`; it means nothing where many requests are under way at once."""


class Line:
    """One kept connection, on which one request follows the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, request: bytes) -> Sample:
        """Send one request and wait for the whole answer, which has to be a 200."""
        sent, began = time.time(), time.perf_counter()
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        await self._reader.readexactly(int(header(head, b"content-length")))
        took = time.perf_counter() - began
        assert head.startswith(b"HTTP/1.1 200"), head
        return sent, took * 1000, 0.0

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


def signed(body: str, secret: str) -> bytes:
    """Return the request that brings a body, signed now."""
    at, content = str(int(time.time())), body.encode()
    digest = hmac.new(secret.encode(), b"v0:%b:%b" % (at.encode(), content), hashlib.sha256).hexdigest()
    head = [
        "POST /slack/events HTTP/1.1", "Host: 127.0.0.1", "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept-Encoding: gzip,deflate", "Accept: application/json,*/*",
        "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(content)}",
        f"X-Slack-Request-Timestamp: {at}", f"X-Slack-Signature: v0={digest}",
    ]  # fmt: skip
    return "\r\n".join([*head, "", ""]).encode() + content


async def one_by_one(port: int, requests: list[bytes], pid: int, rest: float) -> list[Sample]:
    """Send each when the one before was answered, and when nothing was done about it for `rest` seconds.

    It blocks: nothing else is to be done meanwhile.
    """
    samples = []
    with socket.create_connection(("127.0.0.1", port)) as line:
        for request in requests:
            if rest:
                await quiet(pid, rest)
            sent, began = time.time(), time.perf_counter()
            line.sendall(request)
            said = line.recv(2**16)
            while not whole(said):
                said += line.recv(2**16)
            took = time.perf_counter() - began
            assert said.startswith(b"HTTP/1.1 200"), said
            samples.append((sent, took * 1000, float(header(said, HEADER) or 0)))
    return samples


def whole(said: bytes) -> bool:
    """Tell whether all of an answer has come."""
    body = said.partition(b"\r\n\r\n")[2]
    return len(body) >= int(header(said, b"content-length") or len(said))


def header(said: bytes, name: bytes) -> bytes:
    """Return a header of an answer, nothing where there is none."""
    return said.lower().partition(name + b":")[2].partition(b"\r\n")[0].strip()


async def at_once(lines: list[Line], requests: list[bytes]) -> list[Sample]:
    """Send over every line as long as there is something to send."""
    waiting: Iterator[bytes] = iter(requests)

    async def keep_sending(line: Line) -> list[Sample]:
        return [await line.send(request) for request in waiting]

    return [sample for samples in await asyncio.gather(*map(keep_sending, lines)) for sample in samples]


async def play(question: dict[str, Any]) -> list[Sample]:
    """Do what the question says."""
    port, pid, number = question["port"], question["pid"], question["lines"]
    requests = [signed(body, question["secret"]) for body in question["bodies"]]
    await quiet(pid, question["calm"])
    if number == 1:
        return await one_by_one(port, requests, pid, question["rest"])
    lines = [Line(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(number)]
    try:
        return await at_once(lines, requests)
    finally:
        for line in lines:
            await line.close()


if __name__ == "__main__":
    for question in questions():
        answer(run(play(question)))

"""Load, as a process of its own: sends signed payloads as Slack does, one by one or many at once, and times them."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any

from bench.processes import answer, cpu, questions, quiet

from bot.serve import run

Sample = tuple[float, float, float]
"""(when it was sent in seconds since 1970, milliseconds until the answer, milliseconds of the other's CPU)."""


class Line:
    """One kept connection, on which one request follows the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int) -> None:
        self._reader, self._writer, self._pid = reader, writer, pid

    async def send(self, request: bytes) -> Sample:
        """Send one request and wait for the whole answer, which has to be a 200."""
        sent, used, began = time.time(), cpu(self._pid), time.perf_counter()
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await self._reader.readexactly(int(length))
        took, used = time.perf_counter() - began, cpu(self._pid) - used
        assert head.startswith(b"HTTP/1.1 200"), head
        return sent, took * 1000, used

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


async def one_by_one(line: Line, requests: list[bytes], pid: int, *, rest: bool) -> list[Sample]:
    """Send each when the one before was answered; `rest`: and everything was done that followed from it."""
    samples = []
    for request in requests:
        if rest:
            await quiet(pid)
        samples.append(await line.send(request))
    return samples


async def at_once(lines: list[Line], requests: list[bytes]) -> list[Sample]:
    """Send over every line as long as there is something to send."""
    waiting: Iterator[bytes] = iter(requests)

    async def keep_sending(line: Line) -> list[Sample]:
        return [await line.send(request) for request in waiting]

    return [sample for samples in await asyncio.gather(*map(keep_sending, lines)) for sample in samples]


async def play(question: dict[str, Any]) -> list[Sample]:
    """Do what the question says."""
    port, pid = question["port"], question["pid"]
    requests = [signed(body, question["secret"]) for body in question["bodies"]]
    lines = [Line(*await asyncio.open_connection("127.0.0.1", port), pid) for _ in range(question["lines"])]
    await quiet(pid)
    try:
        if len(lines) > 1:
            return await at_once(lines, requests)
        return await one_by_one(lines[0], requests, pid, rest=question["rest"])
    finally:
        for line in lines:
            await line.close()


if __name__ == "__main__":
    for question in questions():
        answer(run(play(question)))

"""How much a client may have of us before anybody knows who it is: size, time, and how many of them.

uvicorn's protocol does the HTTP; it has no such limits: httptools joins a header of any size piece by piece, and a
connection that sent one byte is never closed. h11 limits the header alone, and takes longer for every request.
"""

import resource
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

log = structlog.get_logger()

MOST_CONNECTIONS = 512
TELL_EVERY = 60.0
"""Seconds between two lines of the log about connections that were cut."""


@dataclass(frozen=True)
class Limits:
    """In bytes and seconds."""

    head_bytes: int = 32 * 1024
    """Request line and headers: Slack's and a proxy's take two or three KiB."""
    headers: int = 128
    """How many: each takes some twenty times the memory of its shortest text. Those behind a body count as well."""
    request_bytes: int = 1024 * 1024 + 128 * 1024
    """A whole request: the largest body that the edge reads, and what headers and chunks add to it."""
    pipelined: int = 8
    """Requests of one connection that are sent before others are answered: Slack and proxies send none."""
    unanswered_bytes: int = 32 * 1024 * 1024
    """Requests that are not answered yet, of all clients together."""
    head_seconds: float = 10.0
    """Until the headers are there: from the connection, later from their first byte."""
    body_seconds: float = 15.0
    """Then until the body is: more than the edge waits for one, as that can say why it does no longer."""
    answer_seconds: float = 30.0
    """Then until the client has taken the answer; the bot itself needs three at most."""
    closing_seconds: float = 5.0
    """For what is still to be sent on a connection that we closed."""


def room(descriptors: int) -> int:
    """Return how many connections a process with so many descriptors can have; as many again may wait outside.

    The rest is for the ledger, DBS and Slack.
    """
    return max(1, min(MOST_CONNECTIONS, descriptors // 3))


class Door:
    """What the connections of one server have in common; uvicorn takes it for the class that makes them."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.most = room(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        """How many connections may be open."""
        self._open: set[Connection] = set()
        self._unanswered = 0
        self._cut = 0
        self._tell_at = 0.0

    def __call__(self, **uvicorns: Any) -> "Connection":
        """Make the protocol of a connection."""
        return Connection(self, **uvicorns)

    def enter(self, newcomer: "Connection") -> None:
        """Let a connection in; where there is no room, another has to go, or itself if all others are busy."""
        self._open.add(newcomer)
        if len(self._open) > self.most:
            others = [one for one in self._open if one is not newcomer and not one.busy]
            self._cut_one(others or [newcomer])

    def leave(self, connection: "Connection") -> None:
        """Forget a connection."""
        self._open.discard(connection)
        connection.forget_bytes()

    def count(self, received: int) -> None:
        """Count bytes that came in, or below zero those that are answered; where there are too many, somebody goes."""
        self._unanswered += received
        while received > 0 and self._unanswered > self.limits.unanswered_bytes:
            if not (holders := [one for one in self._open if one.held and not one.busy]):
                return
            self._cut_one(holders)

    def sweep(self, now: float) -> None:
        """Close what is overdue; `now` is the loop's time."""
        for connection in [one for one in self._open if one.is_overdue(now)]:
            connection.end()
        if self._cut and now >= self._tell_at:
            log.warning("connections_cut", count=self._cut, most=self.most)
            self._cut, self._tell_at = 0, now + TELL_EVERY

    def _cut_one(self, among: list["Connection"]) -> None:
        """Cut who has kept us waiting for longest, whoever that is: then who has just come can still ask."""
        cut = min(among, key=lambda one: one.since)
        self._cut += 1
        cut.transport.abort()
        self.leave(cut)


class Connection(HttpToolsProtocol):
    """One connection, whose every step has to be over at some time.

    uvicorn calls a request `cycle`: the latest one; those in `pipeline` come before it.
    """

    def __init__(self, door: Door, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._door = door
        self._limits = door.limits
        self.held = 0
        """Bytes of requests that are not answered yet."""
        self._size = 0
        """Bytes of the request that is coming in."""
        self._in_head = self._in_request = True
        self._is_idle = False
        self._closed = False
        self._patience(self._limits.head_seconds)

    @property
    def busy(self) -> bool:
        """Whether it is us who has to do something: a whole request is there and not answered."""
        last = self.cycle
        return bool(self.pipeline) or not (last is None or last.response_complete or last.more_body)

    def is_overdue(self, now: float) -> bool:
        """Whether its time is over; what uvicorn closed has some for what is still to be sent."""
        if self.transport.is_closing() and not self._closed:
            self._closed = True
            self._patience(self._limits.closing_seconds)
        return now > self.until

    def end(self) -> None:
        """Close it: its time is over."""
        self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def forget_bytes(self) -> None:
        """Count what it holds no more."""
        self._door.count(-self.held)
        self.held = 0

    def connection_made(self, transport: Any) -> None:
        """Come in."""
        super().connection_made(transport)
        self._door.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Go."""
        super().connection_lost(exc)
        self._door.leave(self)

    def data_received(self, data: bytes) -> None:
        """Read no more at once than a head may have."""
        if self._is_idle:
            # not in on_message_begin: a line end begins no request, but stops uvicorn's clock
            self._is_idle, self._in_head = False, True
            self._patience(self._limits.head_seconds)
        for begin in range(0, len(data), self._limits.head_bytes):
            if self.transport.is_closing():
                return
            piece = data[begin : begin + self._limits.head_bytes]
            self._size += len(piece)
            self.held += len(piece)
            self._door.count(len(piece))
            super().data_received(piece)
            self._check_size()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = self._in_request = True

    def on_headers_complete(self) -> None:
        """The body follows."""
        self._in_head = False
        self._patience(self._limits.body_seconds)
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the parser reads nothing behind it

    def on_message_complete(self) -> None:
        """The request is there; it may be answered already, where it was refused by its headers."""
        super().on_message_complete()
        self._in_request, self._size = False, 0
        if self.busy:
            self._patience(self._limits.answer_seconds)
        else:
            self._rest()

    def on_response_complete(self) -> None:
        """A request is answered; the next one may have begun."""
        super().on_response_complete()
        self.forget_bytes()
        if self.busy:
            self._patience(self._limits.answer_seconds)
        elif not self._in_request:
            self._rest()
        elif self._in_head:
            self._patience(self._limits.head_seconds)

    def send_400_response(self, msg: str) -> None:
        """Close after what uvicorn says of a request that is not HTTP; what it closed already stays so."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _rest(self) -> None:
        """Nothing is under way: uvicorn closes it after a while, unless something came in behind its answer."""
        self._is_idle = True
        self.forget_bytes()
        self._patience(self.timeout_keep_alive + self._limits.closing_seconds)

    def _check_size(self) -> None:
        headers = len(self.headers or ())
        if headers > self._limits.headers or (self._in_head and self._size >= self._limits.head_bytes):
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._size > self._limits.request_bytes or len(self.pipeline) > self._limits.pipelined:
            self.transport.abort()

    def _refuse(self, status: HTTPStatus) -> None:
        """Close it, saying why where a request has begun and nothing else has an answer to it."""
        if not self._in_head or not self._size or self.busy or self.transport.is_closing():
            self.transport.abort()
            return
        log.info("request_refused", status=status.value, reason=status.phrase)
        self.transport.write(STATUS_LINE[status] + b"connection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()

    def _patience(self, seconds: float) -> None:
        self.since = self.loop.time()
        """When the client last did something that counts, in the loop's time."""
        self.until = self.since + seconds
        """When our patience ends."""

"""What can be made to go wrong with a call of the Web API, queued per method; `response_url` counts as a method."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.slack.workspace import Json


@dataclass
class Fault:
    """One thing that goes wrong with one call."""

    slow: float = 0.0
    """Seconds to wait before the call is processed."""
    gate: asyncio.Event | None = None
    """Wait for it before the call is processed."""
    gate_answer: asyncio.Event | None = None
    """Wait for it after the call was processed, before it is answered."""
    error: str = ""
    """Answer with this error code, not processing the call."""
    retry_after: int | None = None
    """Answer 429 with these seconds."""
    status: int | None = None
    """Answer with this HTTP status and a body that is not JSON."""
    cut: bool = False
    """Cut the connection without processing the call."""
    lose_answer: bool = False
    """Process the call, then cut the connection."""


class Faults:
    """The queue; every entry is used once and in order, by the first call of its method that fits `when`."""

    def __init__(self) -> None:
        self._queue: list[tuple[str, Fault, Callable[[Json], bool]]] = []

    def add(self, method: str, fault: Fault, times: int = 1, when: Callable[[Json], bool] | None = None) -> None:
        """Let the next `times` calls of the method, of those whose arguments satisfy `when`, go wrong."""
        self._queue += [(method, fault, when or _always)] * times

    def slow(self, method: str, seconds: float, times: int = 1) -> None:
        """Let calls wait before they are processed."""
        self.add(method, Fault(slow=seconds), times)

    def ratelimit(self, method: str, retry_after: int = 1, times: int = 1) -> None:
        """Answer 429 with Retry-After, in seconds."""
        self.add(method, Fault(retry_after=retry_after), times)

    def error(self, method: str, code: str, times: int = 1) -> None:
        """Answer `ok: false` with this code."""
        self.add(method, Fault(error=code), times)

    def http_5xx(self, method: str, status: int = 503, times: int = 1) -> None:
        """Answer with an HTTP error whose body is HTML."""
        self.add(method, Fault(status=status), times)

    def answer_lost_after_processing(self, method: str, times: int = 1) -> None:
        """Do what was asked, then cut the connection."""
        self.add(method, Fault(lose_answer=True), times)

    def cut(self, method: str, times: int = 1) -> None:
        """Cut the connection, doing nothing."""
        self.add(method, Fault(cut=True), times)

    def gate(self, method: str, event: asyncio.Event, times: int = 1) -> None:
        """Hold calls back until the event is set, then process them."""
        self.add(method, Fault(gate=event), times)

    def gate_answer(self, method: str, event: asyncio.Event, times: int = 1) -> None:
        """Process calls at once and hold their answers back until the event is set."""
        self.add(method, Fault(gate_answer=event), times)

    def next(self, method: str, args: Json) -> Fault:
        """Take the fault meant for this call; an empty one if there is none."""
        for index, (name, fault, when) in enumerate(self._queue):
            if name == method and when(args):
                del self._queue[index]
                return fault
        return Fault()

    @property
    def pending(self) -> int:
        """How many queued faults have not happened yet."""
        return len(self._queue)


def _always(_: Json) -> bool:
    return True

"""Ways in which a call can go wrong, made to order: `FakeDbs.next` queues one for the next call of an action."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.playground.dbs.refusals import Refused


class Gate:
    """Holds a call at a chosen point, so that a test can force who comes first."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    def release(self) -> None:
        """Let the call, and all that come after it, go on."""
        self.opened.set()

    async def pass_through(self) -> None:
        """Say that the call is here and wait until it may go on."""
        self.reached.set()
        await self.opened.wait()


@dataclass(frozen=True)
class Fault:
    """What happens to one call; the defaults change nothing. Made by the functions below."""

    seconds: float = 0.0
    gate: Gate | None = None
    gate_before: bool = False
    before: Refused | None = None
    """Answered instead of doing what was asked."""
    after: Refused | None = None
    """Answered although it was done."""
    cut: Literal["", "before", "after"] = ""
    garbage: bytes | None = None
    echo: bool = False
    """Refuse the signature although it is right, and echo the request."""
    lie: Mapping[str, object] = field(default_factory=dict)
    """Fields of the reply that are replaced."""
    ignore: frozenset[str] = frozenset()
    """Parameters of ConfigureBackupPlan that are accepted and not applied."""
    meanwhile: Mapping[str, object] = field(default_factory=dict)
    """Reply fields of the plan that somebody at the console changes right after the call."""
    statuses: tuple[str, ...] = ()
    """What reads show as the plan's status after this call, one by one; the last one stays."""
    message: str = ""


def slow(seconds: float) -> Fault:
    """Wait before doing anything."""
    return Fault(seconds=seconds)


def hold(gate: Gate, *, before: bool = False) -> Fault:
    """Do what was asked and hold the answer until the gate is released; or hold it before it is done."""
    return Fault(gate=gate, gate_before=before)


def throttle(retry_after_ms: int | None = None, code: str = "Throttling.User") -> Fault:
    """Refuse for now; the header `x-acs-retry-after` says for how long."""
    headers = {} if retry_after_ms is None else {"x-acs-retry-after": str(retry_after_ms)}
    return Fault(before=Refused(code, "Request was denied due to user flow control.", headers=headers))


def fail(status: int = 503, code: str = "ServiceUnavailable", *, after: bool = False) -> Fault:
    """Answer with a 5xx, before or after doing what was asked."""
    refusal = Refused(code, "The request has failed due to a temporary failure of the server.", status=status)
    return Fault(after=refusal) if after else Fault(before=refusal)


def lose_answer(**meanwhile: object) -> Fault:
    """Do what was asked and close the connection without a word; `meanwhile` fields of the plan are changed."""
    return Fault(cut="after", meanwhile=meanwhile)


def cut() -> Fault:
    """Close the connection without doing anything."""
    return Fault(cut="before")


def garbage(body: bytes = b"<html>502 Bad Gateway</html>") -> Fault:
    """Do what was asked and answer 200 with something that is not JSON, as a proxy might."""
    return Fault(garbage=body)


def refuse(code: str, message: str = "Refused on order.", *, status: int = 400) -> Fault:
    """Refuse in the first shape: an HTTP error."""
    return Fault(before=Refused(code, message, status=status))


def success_false(code: str, message: str = "Refused on order.", status: object = 400, *, after: bool = False) -> Fault:
    """Refuse in the second shape: HTTP 200 and `Success: false`, before or after doing what was asked.

    `status` is what the body says HTTP's was.
    """
    refusal = Refused(code, message, status=200, extra={"HttpStatusCode": status})
    return Fault(after=refusal) if after else Fault(before=refusal)


def forbid() -> Fault:
    """Refuse for want of RAM permission."""
    return refuse("Request.Forbidden", "User not authorized to operate on the specified resource.", status=403)


def token_mismatch() -> Fault:
    """Say that the ClientToken was used with other parameters."""
    return refuse("IdempotentParameterMismatch", "The request uses the same client token with other parameters.")


def echo() -> Fault:
    """Refuse a good signature and echo the request, with everything that is secret in it."""
    return Fault(echo=True)


def lie(**fields: object) -> Fault:
    """Do what was asked and replace fields of the reply."""
    return Fault(lie=fields)


def ignore(*parameters: str) -> Fault:
    """Apply all parameters but these, and say nothing about it."""
    return Fault(ignore=frozenset(parameters))


def then(*statuses: str, message: str = "") -> Fault:
    """Apply, and show these statuses to the reads that follow, one by one; the last one stays, with `message`."""
    return Fault(statuses=statuses, message=message)

"""Slack's Web API, with one kind of failure: Slack's own word for it, or `unanswered`."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.bounded import ENCODINGS, Unfit, unpacked
from bot.errors import BotError
from bot.ports import Ready, at_any_time

UNANSWERED = "unanswered"
"""No answer, or none that says what was done: an HTTP 5xx, a cut connection, a time-out, something unreadable."""
RATELIMITED = "ratelimited"
TIMEOUT = 10
"""Seconds for one call in all."""


_READY: ContextVar[Ready] = ContextVar("ready", default=at_any_time)
"""A context's, for slack_sdk hands nothing on to aiohttp."""


class SlackFailed(BotError):
    """A call failed; `code` is Slack's word, `retry_after` in seconds where Slack asks to wait."""

    def __init__(self, code: str, retry_after: float = 0.0) -> None:
        super().__init__(f"Slack answered {code}" if code != UNANSWERED else "Slack did not answer")
        self.code = code
        self.retry_after = retry_after


def new_client(token: str, api_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Return a client on one session, without retries: by default it would post twice when an answer is lost."""
    return AsyncWebClient(token=token, base_url=api_url, session=session, timeout=TIMEOUT, retry_handlers=[])


def new_session() -> aiohttp.ClientSession:
    """Return the session of a client; made inside a running loop, closed by whoever asked for it."""
    connected = aiohttp.TraceConfig()
    connected.on_connection_create_end.append(_ask)
    connected.on_connection_reuseconn.append(_ask)
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        trace_configs=[connected],
        middlewares=[stay],
        response_class=_Answer,
        headers={"Accept-Encoding": ENCODINGS},
        auto_decompress=False,
    )


async def stay(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Take no answer that leads elsewhere: aiohttp would follow it, with the body, and slack_sdk cannot say no."""
    answer = await send(request)
    if 300 <= answer.status < 400:
        answer.close()
        raise aiohttp.ClientPayloadError("a redirect")
    return answer


class _Answer(aiohttp.ClientResponse):
    """An answer that is read no further than it may be long."""

    async def read(self) -> bytes:
        """Return the body, unpacked."""
        if self._body is None:
            try:
                self._body = await unpacked(self.content.iter_any(), self.headers.get("Content-Encoding", ""))
            except Unfit:
                self.close()
                raise aiohttp.ClientPayloadError("unfit") from None
        return await super().read()


@contextmanager
def leaving(ready: Ready) -> Iterator[None]:
    """Have `ready` called when the connection for a call is there: nothing comes between that and the first byte."""
    before = _READY.set(ready)
    try:
        yield
    finally:
        _READY.reset(before)


async def _ask(*_: object) -> None:
    _READY.get()()


@contextmanager
def slack_call() -> Iterator[None]:
    """Turn whatever goes wrong in a call into SlackFailed; its cause is dropped, it could quote a token."""
    try:
        yield
    except SlackApiError as error:
        raise _failed(error) from None
    except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError, ValueError):
        raise SlackFailed(UNANSWERED) from None


def _failed(error: SlackApiError) -> SlackFailed:
    # `response` is not always what slack_sdk documents: where the body cannot be read, it is aiohttp's.
    data = getattr(error.response, "data", None)
    headers = getattr(error.response, "headers", {})
    status = getattr(error.response, "status_code", 500)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or code == RATELIMITED:
        asked = str(headers.get("Retry-After", ""))
        return SlackFailed(RATELIMITED, float(asked) if asked.isdecimal() else 1.0)
    return SlackFailed(code if code and status < 500 else UNANSWERED)

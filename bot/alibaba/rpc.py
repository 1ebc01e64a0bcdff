"""One call of an RPC-style operation: signed, sent once, then a JSON answer or an error that says whether it left."""

import asyncio
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self

import httpx

from bot.alibaba.credentials import Keys, KeySource
from bot.alibaba.endpoint import Endpoint
from bot.alibaba.redact import clean
from bot.alibaba.signature import Position, Signed, sign
from bot.bounded import ENCODINGS, Unfit, unpacked
from bot.errors import DbsError, DbsRefused, DbsUnanswered, DbsUnreachable

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True)
class Reply:
    """What came back: HTTP status, lower-case headers and the JSON object. Printing it shows nothing."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    """What its texts may echo."""

    def text(self, *names: str, limit: int = 500) -> str:
        """Return the first of these fields that is not empty, fit to be seen."""
        return next((clean(str(self.body[name]), self.secrets, limit) for name in names if self.body.get(name)), "")


class Rpc:
    """One service at one endpoint, with its own pool of connections. Close it, or use it as a context."""

    def __init__(
        self,
        endpoint: Endpoint,
        version: str,
        keys: KeySource,
        *,
        timeout: float,
        position: Position = "body",
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self._version = version
        self._keys = keys
        self._position = position
        # Proxies are the network's business, but what is meant for this machine must not leave it.
        trust_env = not endpoint.loopback
        self._http = httpx.AsyncClient(
            base_url=endpoint.url,
            verify=_trusted(trust_env) if verify is True else verify,
            trust_env=trust_env,
            follow_redirects=False,
            headers={"Accept-Encoding": ENCODINGS},
            limits=httpx.Limits(max_connections=10),
            timeout=httpx.Timeout(timeout, connect=min(5.0, timeout)),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def call(
        self,
        action: str,
        params: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
        *,
        deadline: float | None = None,
    ) -> Reply:
        """Send once and return the answer, whatever its status; once more with fresh keys if the token had expired.

        `secrets` are parameters as well, whose values are cleaned out of everything that is said later. Everything,
        the credentials included, has the one deadline, by the loop's clock; without it the timeout starts now.
        Raises DbsUnreachable (never sent) or DbsUnanswered.
        """
        hidden = secrets or {}
        journey = _Journey()
        # Errors are raised outside of the handlers: chained, they would carry the request and with it the password.
        failure: DbsError | None = None
        try:
            async with asyncio.timeout_at(deadline or asyncio.get_running_loop().time() + self.timeout):
                reply = await self._send(action, params, hidden, journey)
                if isinstance(reply, Reply) and _token_expired(reply):
                    self._keys.forget()
                    journey.left = False
                    reply = await self._send(action, params, hidden, journey)
        except TimeoutError:
            failure = journey.failure("Timeout", f"no answer within {self.timeout:g} seconds.")
        if failure is not None:
            raise failure
        if isinstance(reply, DbsError):
            raise reply
        return reply

    async def _send(
        self, action: str, params: Mapping[str, str], hidden: Mapping[str, str], journey: "_Journey"
    ) -> Reply | DbsError:
        def signed_with(keys: Keys) -> tuple[Signed, tuple[str, ...]]:
            everything = {**params, **hidden}
            signed = sign(self.endpoint.host, action, self._version, everything, keys, self._position)
            return signed, (*keys.secrets, *hidden.values())

        try:
            # Signed in the keys' thread: the first time the signer is imported, for as long as a person would notice.
            signed, secrets = await self._keys.use(signed_with)
            response = await self._http.send(self._request(signed, journey), stream=True)
            try:
                body = await unpacked(response.aiter_raw(), response.headers.get("content-encoding", ""))
            finally:
                await response.aclose()
        except UnicodeError:
            return DbsRefused("InvalidText", "A value contains half a character and cannot be sent. Nothing was sent.")
        except _NEVER_SENT as error:
            why = clean(str(error), secrets, 200) or "no connection."
            return DbsUnreachable(type(error).__name__, f"{self.endpoint.host} cannot be reached: {why}")
        except httpx.HTTPError as error:
            return journey.failure(type(error).__name__, f"{self.endpoint.host} broke off before it answered.")
        except Unfit as unfit:
            return DbsUnanswered(unfit.code, f"The answer, HTTP {response.status_code}, {unfit}")
        return _read(response, body, secrets)

    def _request(self, signed: Signed, journey: "_Journey") -> httpx.Request:
        extensions = {"trace": journey.trace}
        return self._http.build_request(
            "POST", signed.target, headers=dict(signed.headers), content=signed.content, extensions=extensions
        )


class _Journey:
    """Remembers whether a request began to leave: the difference between "not done" and "nobody knows"."""

    def __init__(self) -> None:
        self.left = False

    async def trace(self, event: str, _info: object) -> None:
        """Listen to the connection; httpcore names its steps."""
        self.left = self.left or event.endswith("send_request_headers.started")

    def failure(self, code: str, message: str) -> DbsError:
        """Return the error that fits."""
        return DbsUnanswered(code, message) if self.left else DbsUnreachable(code, message)


@cache
def _trusted(trust_env: bool) -> ssl.SSLContext:
    """Return what httpx trusts by itself: DBS and KMS share it, as it takes 28 ms to read."""
    return httpx.create_ssl_context(trust_env=trust_env)


def _read(response: httpx.Response, content: bytes, secrets: Iterable[str]) -> Reply | DbsError:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return DbsUnanswered("NotJson", f"The answer, HTTP {response.status_code}, is not the JSON it should be.")
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, body, tuple(secrets))


def _token_expired(reply: Reply) -> bool:
    code = str(reply.body.get("Code") or reply.body.get("ErrCode") or "")
    return "SecurityToken" in code and "Expired" in code

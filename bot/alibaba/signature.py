"""Requests signed with ACS3-HMAC-SHA256 by Alibaba Cloud's own signer; nothing is signed by hand here."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal
from urllib.parse import quote, urlencode

from bot.alibaba.credentials import Keys, quieten

ALGORITHM = "ACS3-HMAC-SHA256"
Position = Literal["body", "query"]
"""Where parameters go. In the query they end up in every log of URLs on the way: only for gateways that insist."""


@dataclass(frozen=True)
class Signed:
    """A request ready to be sent, byte for byte. Printing it shows nothing."""

    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass
class _ForSigner:
    method: str
    pathname: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


def sign(host: str, action: str, version: str, params: Mapping[str, str], keys: Keys, position: Position) -> Signed:
    """Build the request of one try, with a nonce of its own. Empty values are sent. Raises UnicodeError."""
    signer = _signer()
    query = dict(params) if position == "query" else {}
    content = b"" if position == "query" else signer.to_form(dict(params)).encode()
    payload = signer.hash(content, ALGORITHM).hex()
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-version": version,
        "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-content-sha256": payload,
    }
    if content:
        headers["content-type"] = "application/x-www-form-urlencoded"
    if keys.security_token:
        headers |= {"x-acs-accesskey-id": keys.access_key_id, "x-acs-security-token": keys.security_token}
    request = _ForSigner("POST", "/", query, headers)
    authorization = signer.get_authorization(request, ALGORITHM, payload, keys.access_key_id, keys.access_key_secret)
    # Left out of the signature because a proxy may rewrite it; without it errors may come as XML.
    unsigned = {"accept": "application/json", "authorization": authorization}
    target = f"/?{urlencode(query, quote_via=quote, safe='~')}" if query else "/"
    return Signed(target, headers | unsigned, content)


@cache
def _signer() -> Any:
    from alibabacloud_tea_openapi.utils import Utils  # noqa: PLC0415 - importing it takes a quarter of a second

    quieten()
    return Utils

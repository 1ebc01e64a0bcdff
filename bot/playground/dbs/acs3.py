"""The porter of the fake: ACS3-HMAC-SHA256 checked from the published rules, with none of the bot's own code."""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

from bot.playground.dbs.refusals import Refused

ALGORITHM = "ACS3-HMAC-SHA256"
MAX_AGE = 15 * 60
ALWAYS_SIGNED = {
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
}


@dataclass
class Porter:
    """Who may come in: access keys, security tokens, and the nonces already seen."""

    keys: dict[str, str]
    """Access key id → access key secret."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Access key id → the security token it must come with (STS)."""
    expired_tokens: set[str] = field(default_factory=set)
    now: Callable[[], float] = time.time
    nonces: set[str] = field(default_factory=set)

    def admit(self, method: str, path: str, raw_query: str, headers: Mapping[str, str], body: bytes) -> str:
        """Return the access key id of a request that is in order; raise Refused for every other one."""
        key_id, signed, signature = _authorization(headers.get("authorization", ""))
        self._check_age(headers.get("x-acs-date", ""))
        _check_signed_headers(headers, signed, has_body=bool(body))
        if key_id not in self.keys:
            raise Refused("InvalidAccessKeyId.NotFound", "Specified access key is not found.", status=404)
        self._check_token(key_id, headers)
        payload = hashlib.sha256(body).hexdigest()
        canonical = canonical_request(method, path, raw_query, headers, signed, payload)
        expected = _sign(self.keys[key_id], canonical)
        if not (
            hmac.compare_digest(expected, signature) and hmac.compare_digest(payload, headers["x-acs-content-sha256"])
        ):
            raise mismatch(canonical, body)
        nonce = headers["x-acs-signature-nonce"]
        if nonce in self.nonces:
            raise Refused("SignatureNonceUsed", "Specified signature nonce was used already.")
        self.nonces.add(nonce)
        return key_id

    def _check_age(self, date: str) -> None:
        try:
            sent = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise Refused("InvalidTimeStamp.Format", "Specified time stamp is not well formatted.") from None
        if abs(self.now() - sent.timestamp()) > MAX_AGE:
            raise Refused("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")

    def _check_token(self, key_id: str, headers: Mapping[str, str]) -> None:
        token = headers.get("x-acs-security-token", "")
        if token in self.expired_tokens:
            raise Refused("InvalidSecurityToken.Expired", f"Specified SecurityToken {token} is expired.")
        if token != self.tokens.get(key_id, ""):
            raise Refused("InvalidSecurityToken.MismatchWithAccessKey", f"SecurityToken {token} is not of this key.")
        if token and headers.get("x-acs-accesskey-id") != key_id:
            raise Refused("IncompleteSignature", "x-acs-accesskey-id is missing beside x-acs-security-token.")


def mismatch(canonical: str, body: bytes) -> Refused:
    """Say that the signature is wrong, and echo what was signed, as carelessly as a real service may."""
    text = f"The server's canonical request is: {canonical} and the body was: {body.decode(errors='replace')}"
    return Refused("SignatureDoesNotMatch", f"Specified signature is not matched with our calculation. {text}")


def canonical_request(
    method: str, path: str, raw_query: str, headers: Mapping[str, str], signed: list[str], payload: str
) -> str:
    """Lay the request out as both sides must before signing it."""
    pairs = sorted(parse_qsl(raw_query, keep_blank_values=True, strict_parsing=bool(raw_query)))
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
    lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in signed)
    return "\n".join([method, path, query, lines, ";".join(signed), payload])


def _sign(secret: str, canonical: str) -> str:
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return hmac.new(secret.encode(), f"{ALGORITHM}\n{digest}".encode(), hashlib.sha256).hexdigest()


def _authorization(text: str) -> tuple[str, list[str], str]:
    algorithm, _, rest = text.partition(" ")
    fields = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if algorithm != ALGORITHM or not {"Credential", "SignedHeaders", "Signature"} <= fields.keys():
        raise Refused("IncompleteSignature", f"The Authorization header is not one of {ALGORITHM}.")
    return fields["Credential"], fields["SignedHeaders"].split(";"), fields["Signature"]


def _check_signed_headers(headers: Mapping[str, str], signed: list[str], *, has_body: bool) -> None:
    must = ALWAYS_SIGNED | {name for name in headers if name.startswith("x-acs-")}
    if has_body:
        must.add("content-type")
    missing = sorted(must - set(signed)) + sorted(name for name in must if not headers.get(name))
    if missing or signed != sorted(signed):
        raise Refused("IncompleteSignature", f"Not signed, absent or out of order: {', '.join(missing) or signed}.")

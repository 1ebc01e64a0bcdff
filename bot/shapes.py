"""The shapes a setting may have; each complaint is the rest of a sentence that begins with the variable's name."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

_LEVELS = ("debug", "info", "warning", "error", "critical")


def _word(value: str) -> str:
    if not re.fullmatch(r"[!-~]+", value):
        raise ValueError("must be plain characters without spaces.")
    return value


def _token(prefix: str, kind: str, place: str) -> AfterValidator:
    def check(token: SecretStr) -> SecretStr:
        if not re.fullmatch(rf"{prefix}[!-~]+", token.get_secret_value()):
            raise ValueError(f"must be {kind}, which begins with {prefix} and has no spaces; it is under {place}.")
        return token

    return AfterValidator(check)


def postgres_url(value: str) -> SecretStr:
    """Take the URL of a PostgreSQL database, which may hold a password; it is never repeated."""
    if not re.fullmatch(r"postgres(ql)?://[!-~]+", value):
        raise ValueError("must be postgresql://user:password@host/database, without spaces.")
    # the driver would take the rest of such a password for a host, and name it in its complaint
    if re.match(r"postgres(ql)?://[^?@/]*(/[^?@]*@|@[^?]*@)", value):
        raise ValueError("must have each @ and / of user and password written as %40 and %2F.")
    return SecretStr(value)


def _ledger_address(value: object) -> object:
    if not isinstance(value, str):
        return value
    if re.match(r"postgres(ql)?:", value):
        return postgres_url(value)
    named = re.fullmatch(r"sqlite:///([^?#]*[^?#/])", value)
    if named is None or named[1] == ":memory:":
        raise ValueError(
            "must be sqlite:///relative/file, sqlite:////absolute/file or postgresql://user:password@host/database."
        )
    return Path(named[1])


def _level(value: object) -> object:
    if isinstance(value, str) and value.lower() not in _LEVELS:
        raise ValueError(f"must be one of {', '.join(_LEVELS)}.")
    return value.lower() if isinstance(value, str) else value


def _port(value: object) -> object:
    if isinstance(value, str) and (not re.fullmatch(r"[0-9]{1,5}", value) or int(value) > 65535):
        raise ValueError("must be a whole number from 0 to 65535.")
    return value


def _address(value: str) -> SplitResult:
    """Split a URL, or a bare host, which means https; refuse what would carry secrets in the clear."""
    try:
        parts = urlsplit(value if "://" in value else f"https://{value}")
        well_formed = bool(parts.hostname) and parts.port != 0 and not re.search(r"[^!-~]|[?#\\]", value)
    except ValueError:
        well_formed = False
    if not well_formed or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        raise ValueError("must be an https address or a bare host, without user, query or fragment.")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https://; plain http is for this machine's loopback only.")
    return parts


def is_loopback(host: str) -> bool:
    """Tell whether a host is this very machine: plain http is for nowhere else."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _endpoint(value: str) -> str:
    parts = _address(value)
    if parts.path not in {"", "/"}:
        raise ValueError("must be an address without a path.")
    return f"{parts.scheme}://{parts.netloc}"


def _slack_api(value: str) -> str:
    parts = _address(value)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


_PLACE = "{} of the Slack app's settings"

Word = Annotated[str, AfterValidator(_word)]
BotToken = Annotated[SecretStr, _token("xoxb-", "a bot token", _PLACE.format("OAuth & Permissions"))]
AppToken = Annotated[SecretStr, _token("xapp-", "an app-level token", _PLACE.format("Basic Information"))]
LedgerAddress = Annotated[Path | SecretStr, BeforeValidator(_ledger_address)]
"""A SQLite file, or the URL of a PostgreSQL database, which may hold a password."""
Level = Annotated[str, BeforeValidator(_level)]
Port = Annotated[int, BeforeValidator(_port)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
"""scheme://host[:port]"""
SlackApi = Annotated[str, AfterValidator(_slack_api)]
"""An address that ends in a slash."""

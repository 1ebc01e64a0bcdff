"""Where a service of Alibaba Cloud is: https anywhere, plain http on this machine only."""

import re
from dataclasses import dataclass

import httpx

from bot.errors import ConfigError
from bot.shapes import is_loopback


@dataclass(frozen=True)
class Endpoint:
    """A base address: `url` without a trailing slash, `host` as it stands in the Host header."""

    url: str
    host: str
    loopback: bool

    @classmethod
    def parse(cls, text: str, setting: str) -> "Endpoint":
        """Read a URL, or a bare host that means https. Raises ConfigError naming `setting`.

        Plain http carries passwords in the clear, so it is for this very machine only.
        """
        try:
            url = httpx.URL(text if "://" in text else f"https://{text}")
        except httpx.InvalidURL:
            url = httpx.URL("")
        is_host = re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", url.host) is not None
        if url.scheme not in ("http", "https") or not is_host or url.userinfo or url.query or url.path != "/":
            raise ConfigError([f"{setting} must be a host or an http(s) URL without path: https://dbs.example.com."])
        loopback = is_loopback(url.host)
        if url.scheme == "http" and not loopback:
            raise ConfigError([f"{setting} must be https: plain http is allowed to this machine's loopback only."])
        host = url.netloc.decode("ascii")
        return cls(f"{url.scheme}://{host}", host, loopback)

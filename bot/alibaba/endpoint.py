"""Where Alibaba Cloud is: which host serves a region, and what may stand in a setting that overrides it."""

import ipaddress
from dataclasses import dataclass

import httpx

from bot.errors import ConfigError

_SERVED_BY_HANGZHOU = {
    "cn-shanghai",
    "cn-beijing",
    "cn-shenzhen",
    "cn-qingdao",
    "cn-hongkong",
    "us-east-1",
    "us-west-1",
    "cn-hangzhou-finance",
    "cn-shanghai-finance-1",
    "cn-shenzhen-finance-1",
}
"""Regions without a DBS host of their own; every other one serves itself."""


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
        if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.path != "/":
            raise ConfigError([f"{setting} must be a host or an http(s) URL without path: https://dbs.example.com."])
        loopback = _is_loopback(url.host)
        if url.scheme == "http" and not loopback:
            raise ConfigError([f"{setting} must be https: plain http is allowed to this machine's loopback only."])
        host = url.netloc.decode("ascii")
        return cls(f"{url.scheme}://{host}", host, loopback)


def dbs_host(region: str) -> str:
    """Return the public host through which the plans of a region are configured."""
    return f"dbs-api.{'cn-hangzhou' if region in _SERVED_BY_HANGZHOU else region}.aliyuncs.com"


def kms_host(region: str) -> str:
    """Return the public host of a region's KMS."""
    return f"kms.{region}.aliyuncs.com"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

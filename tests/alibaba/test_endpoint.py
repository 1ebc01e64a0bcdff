"""Where the bot may send what is secret."""

import pytest

from bot.alibaba.credentials import FixedKeys
from bot.alibaba.dbs import DbsClient
from bot.alibaba.endpoint import Endpoint
from bot.alibaba.kms import KmsClient
from bot.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "url", "host"),
    [
        ("dbs-api.cn-hangzhou.aliyuncs.com", "https://dbs-api.cn-hangzhou.aliyuncs.com", None),
        ("https://dbs.example.com:8443", "https://dbs.example.com:8443", "dbs.example.com:8443"),
        ("https://dbs.example.com:443/", "https://dbs.example.com", "dbs.example.com"),
        ("gateway.internal:8443", "https://gateway.internal:8443", "gateway.internal:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://127.8.8.8", "http://127.8.8.8", "127.8.8.8"),
        ("http://localhost:80", "http://localhost", "localhost"),
        ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_an_endpoint_is_a_url_or_a_bare_host_that_means_https(text: str, url: str, host: str | None) -> None:
    endpoint = Endpoint.parse(text, "DBS_ENDPOINT")
    assert (endpoint.url, endpoint.host) == (url, host or text)
    assert endpoint.loopback == url.startswith("http:")


@pytest.mark.parametrize(
    "text",
    [
        "http://dbs.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://0.0.0.0",
        "http://[::ffff:10.0.0.1]",
        "ftp://127.0.0.1",
        "https://user:word@dbs.example.com",
        "https://dbs.example.com/path",
        "https://dbs.example.com?x=1",
        "https://",
        "",
        "https://dbs.example.com:port",
        "a b",
    ],
)
def test_anything_else_is_refused_by_the_name_of_its_setting(text: str, keys: FixedKeys) -> None:
    with pytest.raises(ConfigError) as caught:
        DbsClient(text, region="cn-hangzhou", keys=keys)
    assert caught.value.problems[0].startswith("DBS_ENDPOINT must be ")
    with pytest.raises(ConfigError, match="KMS_ENDPOINT must be "):
        KmsClient(text, region="cn-hangzhou", keys=keys)

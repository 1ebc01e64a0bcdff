"""Where access keys come from, and that they are shown to nobody."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from stores import eventually

from bot.alibaba import credentials
from bot.alibaba.credentials import ChainedKeys, Keys
from bot.errors import DbsUnreachable

ASK = """
import asyncio, logging
logging.basicConfig(level=logging.DEBUG)
from bot.alibaba.credentials import ChainedKeys
keys = asyncio.run(ChainedKeys().use(lambda keys: keys))
print(*keys.secrets, sep="|")
print(keys)
print([name for name in ("credentials", "alibabacloud-tea", "darabonba-core") if logging.getLogger(name).handlers])
"""


@dataclass
class Found:
    access_key_id: str | None = "id"
    access_key_secret: str | None = "secret"
    security_token: str | None = None


def itself(keys: Keys) -> Keys:
    return keys


def token(keys: Keys) -> str:
    return keys.security_token


def run(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Ask the real chain in a process of its own: the library reads the environment once, on import."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ALIBABA_CLOUD_")}
    home = {
        "HOME": str(tmp_path),
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", ASK], env=clean | home | variables, capture_output=True, text=True, check=False
    )


def test_the_official_chain_begins_with_the_environment(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        ALIBABA_CLOUD_ACCESS_KEY_ID="LTAImarked",
        ALIBABA_CLOUD_ACCESS_KEY_SECRET="s3cret",
        ALIBABA_CLOUD_SECURITY_TOKEN="t0ken",
    )
    assert done.stdout.splitlines() == ["LTAImarked|s3cret|t0ken", "Keys()", "[]"]
    assert "s3cret" not in done.stderr


def test_without_credentials_the_sentence_says_what_to_set(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert "NoCredentials" in done.stderr
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" in done.stderr


async def test_the_chain_is_asked_once_at_a_time_and_never_on_the_event_loop() -> None:
    inside: list[int] = []
    most: list[int] = []

    class Client:
        def get_credential(self) -> Found:
            assert threading.current_thread() is not threading.main_thread()
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()
            return Found()

    chain = ChainedKeys(Client)
    assert await asyncio.gather(*(chain.use(itself) for _ in range(5))) == [Keys("id", "secret")] * 5
    assert max(most) == 1


async def test_a_chain_that_hangs_has_one_thread_and_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert credentials.SECONDS <= 10
    monkeypatch.setattr(credentials, "SECONDS", 0.05)
    asked: list[str] = []
    answered = threading.Event()

    class Client:
        def get_credential(self) -> Found:
            asked.append("")
            answered.wait(30)
            return Found()

    chain = ChainedKeys(Client)
    for _ in range(3):
        with pytest.raises(DbsUnreachable, match="credentials did not come within"):
            await chain.use(itself)
    assert len(asked) == 1
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("aside"))
    answered.set()

    async def over() -> bool:
        return "aside" not in str(threading.enumerate())

    await eventually(over)
    assert await chain.use(itself) == Keys("id", "secret")


async def test_the_chain_is_built_anew_after_keys_were_refused() -> None:
    built: list[str] = []

    def build() -> Any:
        built.append(f"token{len(built)}")
        found = Found(security_token=built[-1])
        return type("Client", (), {"get_credential": lambda _: found})()

    chain = ChainedKeys(build)
    assert [await chain.use(token), await chain.use(token)] == ["token0", "token0"]
    chain.forget()
    assert await chain.use(token) == "token1"


@pytest.mark.parametrize(
    "found",
    [Found(None, "s"), Found("i", ""), Found("i", "line\nend"), Found("ü", "s"), Found("i", "s", " "), Found("i ")],
)
async def test_keys_that_cannot_stand_in_a_header_are_none(found: Found) -> None:
    """The HTTP library's error would quote them."""
    chain = ChainedKeys(type("Client", (), {"get_credential": lambda _: found}))
    with pytest.raises(DbsUnreachable) as caught:
        await chain.use(token)
    assert caught.value.code == "NoCredentials"


async def test_what_the_chain_complains_of_goes_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """It quotes the answers of token services."""
    caplog.set_level(logging.DEBUG)

    def build() -> Any:
        raise RuntimeError("httpStatus: 400, body: marked-secret")

    with pytest.raises(DbsUnreachable) as caught:
        await ChainedKeys(build).use(token)
    assert caught.value.__context__ is None
    assert "marked" not in repr(caught.value) + caplog.text

"""References to secrets, and what is behind them."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hanging import hanging
from pydantic import SecretStr
from stores import eventually

from bot import secrets
from bot.alibaba.credentials import FixedKeys, Keys
from bot.errors import SecretMissing, SecretUnreachable
from bot.secrets import SecretStore


class Kms:
    """A store with one secret."""

    async def get(self, name: str) -> SecretStr:
        if name != "prod/orders":
            raise SecretUnreachable(f"no answer for {name}")
        return SecretStr("from kms")


@pytest.fixture
def store() -> SecretStore:
    """What the bot would have."""
    return SecretStore({"ORDERS": "from env", "EMPTY": "", "BROKEN": "a\udcff"}, Kms())


async def test_a_variable_is_taken_as_it_is(store: SecretStore) -> None:
    assert (await store.fetch("env:ORDERS")).get_secret_value() == "from env"


@pytest.mark.parametrize("name", ["NOBODY", "EMPTY", "BROKEN"])
async def test_a_variable_that_is_unset_empty_or_not_text_is_missing(store: SecretStore, name: str) -> None:
    with pytest.raises(SecretMissing, match="its environment variable is not") as caught:
        await store.fetch(f"env:{name}")
    assert name not in str(caught.value), "people know the secret by its own name"


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"plain", "plain"),
        (b"line end\n", "line end"),
        (b"line end\r\n", "line end"),
        (b"two\n\n", "two\n"),
        (b" blanks ", " blanks "),
        ("ü🔒".encode(), "ü🔒"),
    ],
)
async def test_a_file_is_read_without_its_last_line_end(
    store: SecretStore, tmp_path: Path, content: bytes, secret: str
) -> None:
    path = tmp_path / "orders"
    path.write_bytes(content)
    assert (await store.fetch(f"file:{path}")).get_secret_value() == secret


async def test_a_file_is_read_anew_each_time(store: SecretStore, tmp_path: Path) -> None:
    """Mounted secrets rotate."""
    path = tmp_path / "orders"
    path.write_text("old")
    await store.fetch(f"file:{path}")
    path.write_text("new")
    assert (await store.fetch(f"file:{path}")).get_secret_value() == "new"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 70_000])
async def test_a_file_that_holds_no_password_is_missing(store: SecretStore, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "orders"
    path.write_bytes(content)
    with pytest.raises(SecretMissing, match=r"its file is (empty|not UTF-8)") as caught:
        await store.fetch(f"file:{path}")
    assert str(path) not in str(caught.value)
    assert caught.value.__context__ is None


async def test_what_is_no_file_is_missing_and_waits_for_nobody(store: SecretStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "pipe", "a\0b"):
        with pytest.raises(SecretMissing, match="its file is not there"):
            await store.fetch(f"file:{path}")


async def test_a_path_the_system_chokes_on_is_unreachable(store: SecretStore) -> None:
    with pytest.raises(SecretUnreachable, match="cannot be read now: File name too long"):
        await store.fetch(f"file:/{'x' * 5000}")


async def test_files_that_hang_stop_neither_other_secrets_nor_signing(store: SecretStore, tmp_path: Path) -> None:
    """The loop's own pool has one thread here; on a machine with two cores it has six."""
    pool = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(pool)
    fine, hang = tmp_path / "fine", [tmp_path / f"hangs{number}" for number in range(2)]
    fine.write_text("from file")
    with hanging(*hang):
        waiting = [asyncio.create_task(store.fetch(f"file:{path}")) for path in (*hang, hang[0])]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            assert (await store.fetch(f"file:{fine}")).get_secret_value() == "from file"
            assert await FixedKeys(Keys("id", "secret")).use(lambda keys: keys.access_key_id) == "id"
        assert not any(one.done() for one in waiting)
        for one in waiting:
            one.cancel()


async def test_a_file_that_hangs_is_unreachable_after_a_while_and_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert secrets.FILE_SECONDS <= 10
    monkeypatch.setattr(secrets, "FILE_SECONDS", 0.05)
    store, path = SecretStore({}), tmp_path / "orders"
    path.write_text("back again")
    with hanging(path):
        for _ in range(3):
            with pytest.raises(SecretUnreachable, match="its file cannot be read now: whatever keeps it"):
                await store.fetch(f"file:{path}")
        assert len([one for one in threading.enumerate() if str(path) in one.name]) == 1, "what hangs has one thread"

    async def over() -> bool:
        return str(path) not in str(threading.enumerate())

    await eventually(over)
    assert (await store.fetch(f"file:{path}")).get_secret_value() == "back again"


async def test_kms_is_asked_by_name_and_its_errors_are_passed_on(store: SecretStore) -> None:
    assert (await store.fetch("kms:prod/orders")).get_secret_value() == "from kms"
    with pytest.raises(SecretUnreachable):
        await store.fetch("kms:prod/shop")


@pytest.mark.parametrize("ref", ["", "env", "env:", "vault:x", "ORDERS", "ENV:ORDERS", ":x"])
async def test_any_other_reference_is_missing(store: SecretStore, ref: str) -> None:
    with pytest.raises(SecretMissing, match="is not env:NAME, file:PATH or kms:NAME"):
        await store.fetch(ref)


async def test_without_kms_its_references_are_missing() -> None:
    with pytest.raises(SecretMissing):
        await SecretStore({}).fetch("kms:prod/orders")


async def test_a_secret_does_not_print_itself(store: SecretStore) -> None:
    assert "from env" not in f"{await store.fetch('env:ORDERS')!r} {await store.fetch('env:ORDERS')}"

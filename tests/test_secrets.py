"""References to secrets, and what is behind them."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

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
    with pytest.raises(SecretMissing, match=f"The environment variable {name} is not"):
        await store.fetch(f"env:{name}")


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
    with pytest.raises(SecretMissing, match=str(path)) as caught:
        await store.fetch(f"file:{path}")
    assert caught.value.__context__ is None


async def test_what_is_no_file_is_missing_and_waits_for_nobody(store: SecretStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "pipe", "a\0b"):
        with pytest.raises(SecretMissing, match="There is no file"):
            await store.fetch(f"file:{path}")


async def test_a_path_the_system_chokes_on_is_unreachable(store: SecretStore) -> None:
    with pytest.raises(SecretUnreachable, match="cannot be read now: File name too long"):
        await store.fetch(f"file:/{'x' * 5000}")


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

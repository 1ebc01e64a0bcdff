"""Where passwords are kept: an environment variable, a file, or KMS. A value is fetched for a call, never kept here."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from bot.aside import Aside, Hangs
from bot.errors import SecretMissing, SecretUnreachable

_MOST = 64 * 1024
FILE_SECONDS = 10.0
"""How long a file may take: a mounted secret may be on a network that does not answer."""


class Kms(Protocol):
    """The one thing that is needed of KMS."""

    async def get(self, name: str) -> SecretStr:
        """Return the current value of a secret. Raises SecretMissing or SecretUnreachable."""
        ...


class SecretStore:
    """Implements `ports.Secrets` for `env:NAME`, `file:PATH` and `kms:NAME`.

    `environment` is the process's own, handed in by who may read it; without `kms` those references are missing.
    """

    def __init__(self, environment: Mapping[str, str], kms: Kms | None = None) -> None:
        self._environment = environment
        self._kms = kms
        self._files = Aside(FILE_SECONDS)

    async def fetch(self, ref: str) -> SecretStr:
        """Return the value behind a reference. Raises SecretMissing or SecretUnreachable.

        Their texts go on behind a colon, and name neither file nor variable: people know a secret by its own name.
        """
        kind, colon, name = ref.partition(":")
        if colon and name:
            if kind == "env":
                return self._variable(name)
            if kind == "file":
                return await self._file(Path(name))
            if kind == "kms" and self._kms is not None:
                return await self._kms.get(name)
        raise SecretMissing("its reference is not env:NAME, file:PATH or kms:NAME.")

    async def _file(self, path: Path) -> SecretStr:
        try:
            return await self._files.run(str(path), partial(_content, path))
        except Hangs:
            raise SecretUnreachable(
                f"its file cannot be read now: whatever keeps it has not answered for {FILE_SECONDS:g} seconds."
            ) from None

    def at_hand(self, ref: str) -> str:
        """Return a value that costs nothing to look at: that of a variable; "" for every other kind, or for none."""
        kind, _, name = ref.partition(":")
        return self._environment.get(name, "") if kind == "env" else ""

    def _variable(self, name: str) -> SecretStr:
        value = self._environment.get(name, "")
        if not value:
            raise SecretMissing("its environment variable is not set, or empty.")
        # Python reads bytes that are not UTF-8 into half characters, which cannot be sent on.
        if not _is_text(value):
            raise SecretMissing("its environment variable is not UTF-8 text.")
        return SecretStr(value)


def _content(path: Path) -> SecretStr:
    """Read a file; one line end behind the secret is the editor's, not the secret's."""
    try:
        # Only what is_file: reading a pipe or a terminal would wait for ever.
        if not path.is_file():
            raise SecretMissing("its file is not there.")
        with path.open("rb") as file:
            content = file.read(_MOST + 1)
    except PermissionError:
        raise SecretMissing("the bot may not read its file.") from None
    except OSError as error:
        raise SecretUnreachable(f"its file cannot be read now: {error.strerror}.") from None
    value = content.decode(errors="surrogateescape")
    if len(content) > _MOST or not _is_text(value):
        raise SecretMissing(f"its file is not UTF-8 text of at most {_MOST // 1024} KiB.")
    value = value.removesuffix("\r\n").removesuffix("\n")
    if not value:
        raise SecretMissing("its file is empty.")
    return SecretStr(value)


def _is_text(value: str) -> bool:
    """Tell whether it can be encoded, so that bytes which were not UTF-8 are found before they are sent."""
    return value == value.encode(errors="replace").decode()

"""Access keys from the official library's default chain: one consistent snapshot at a time, never on the event loop."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from bot.aside import Aside, Hangs
from bot.errors import DbsUnreachable

T = TypeVar("T")

SECONDS = 10.0
"""How long the chain may take: its parts read files and ask token services."""

_ADVICE = (
    "Alibaba Cloud credentials could not be had: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, "
    "or give the machine a RAM role."
)

_HANGS = (
    f"Alibaba Cloud credentials did not come within {SECONDS:g} seconds: the file or the service that they come from "
    "does not answer."
)


@dataclass(frozen=True)
class Keys:
    """What a request is signed with. Printing it shows nothing."""

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """All parts, none of which anybody may see."""
        return (self.access_key_id, self.access_key_secret, self.security_token)


class KeySource(Protocol):
    """Where keys come from."""

    async def use(self, work: Callable[[Keys], T]) -> T:
        """Call `work` in a thread with keys that are valid now, and return what it returns; it must not wait.

        Raises DbsUnreachable, code `NoCredentials`, where nothing can be sent, and what `work` raises.
        """
        ...

    def forget(self) -> None:
        """Drop what is cached: the keys were refused as expired."""
        ...


class FixedKeys:
    """Keys that never change."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def use(self, work: Callable[[Keys], T]) -> T:
        """Call `work` with them."""
        return await asyncio.to_thread(work, self._keys)

    def forget(self) -> None:
        """Do nothing: there are no others."""


class ChainedKeys:
    """The library's default chain: environment, OIDC role, profile and credentials files, ECS role, credentials URI.

    The library reads the environment when it is imported, which happens at the first use.
    """

    def __init__(self, make_client: Callable[[], Any] | None = None) -> None:
        self._make_client = make_client or _official_client
        self._client: Any = None
        self._built = 0
        self._asking = Aside(SECONDS)

    async def use(self, work: Callable[[Keys], T]) -> T:
        """Ask the chain, once at a time as it locks across its own waiting, then go on in a thread that cannot hang."""
        try:
            keys = await self._asking.run(f"credentials {self._built}", self._ask)
        except Hangs:
            raise DbsUnreachable("NoCredentials", _HANGS) from None
        if keys is None:
            raise DbsUnreachable("NoCredentials", _ADVICE)
        return await asyncio.to_thread(work, keys)

    def forget(self) -> None:
        """Build the chain again next time: its providers cache what they once got."""
        self._client = None
        self._built += 1

    def _ask(self) -> Keys | None:
        # The library's errors quote the answers of token services, so neither they nor their text may go on from here.
        try:
            client = self._client = self._client or self._make_client()
            found = client.get_credential()
        except Exception:  # noqa: BLE001 - the library raises whatever its provider raised
            return None
        keys = Keys(found.access_key_id or "", found.access_key_secret or "", found.security_token or "")
        usable = keys.access_key_id and keys.access_key_secret and all(map(_is_plain, keys.secrets))
        return keys if usable else None


def _is_plain(text: str) -> bool:
    """Tell whether it can stand in a header; if not, the HTTP library's error would quote it."""
    return text.isascii() and (not text or text.isprintable()) and text == text.strip()


def _official_client() -> Any:
    from alibabacloud_credentials.client import Client  # noqa: PLC0415 - slow, and it reads the environment on import

    quieten()
    return Client()


def quieten() -> None:
    """Silence Alibaba Cloud's libraries: they attach handlers of their own, and log what they exchange."""
    for name in ("credentials", "alibabacloud-tea", "darabonba-core"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.CRITICAL)

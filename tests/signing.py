"""The key of ledgers that tests make, and what to do with it."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.core.events import Event
from bot.ledger.key_file import KeyFile, make_key_file
from bot.ledger.keys import Keys

_SECRET = bytes(range(32))
KEYS = Keys(Ed25519PrivateKey.from_private_bytes(_SECRET))
KEY_FILE = KeyFile.model_validate({"private": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="})
"""What a file with the same key says."""


def signed(event: Event, keys: Keys = KEYS) -> Event:
    """Return an event as the ledger records it."""
    return replace(event, signature=keys.sign(event.hash))


def all_signed(history: Iterable[Event]) -> list[Event]:
    """Return a history as the ledger records it."""
    return [signed(event) for event in history]


def key_beside(ledger: Path) -> Path:
    """Put the file with this key where a bot looks for the key of a SQLite ledger."""
    file = ledger.with_name(f"{ledger.name}.key")
    make_key_file(file, KEY_FILE)
    return file

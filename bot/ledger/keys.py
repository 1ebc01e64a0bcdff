"""Signs each event's hash with a key that the database does not hold, and says of an event whether its signature holds.

Without a key nothing holds: who opens a ledger and brings no key can look at it, and relies on nothing in it.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.core.change import Change
from bot.core.events import Event
from bot.errors import ConfigError

KIND = "ed25519:"
REMEMBERED = 4096
"""Signatures that are known to hold, about 2 MB of them; then the next are remembered instead."""

_UNSIGNED = "it is not signed."
_UNKNOWN = "it is signed with a key that is not the ledger's."
_UNFIT = "it is not what was recorded: its signature does not fit."
RETIRED = "it is signed with a key that had been retired."


@dataclass(frozen=True)
class Retired:
    """What a key still vouches for after it was retired."""

    public: str
    until: str
    """When the last event was recorded that it may have signed; "" where there was none."""
    unfinished: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Seq and hash of the last event of each change that was not over then: a list, for whoever has an old key can
    write any time of day into an event."""

    def complaint(self, event: Event) -> str:
        """Return why an event with a fitting signature was not there when the key was retired, "" where it was."""
        seq, digest = self.unfinished.get(event.change_id, (event.seq, event.hash))
        late = event.at > self.until or event.seq > seq
        return RETIRED if late or (event.seq == seq and event.hash != digest) else ""


class Keys:
    """The key that signs, where it is at hand, and all that count."""

    def __init__(
        self, private: Ed25519PrivateKey | None = None, public: Iterable[str] = (), retired: Iterable[Retired] = ()
    ) -> None:
        self._private = private
        self._retired = {key_id(key.public): key for key in retired}
        current = [public_half(private)] if private else []
        self._public = {
            key_id(line): read_public(line)
            for line in (*current, *public, *(key.public for key in self._retired.values()))
        }
        self._prefix = f"{key_id(current[0])}:" if current else ""
        self._known: set[tuple[str, str]] | None = None

    def remembering(self) -> "Keys":
        """Return the same keys, verifying each signature once, and none that they made: histories are read again."""
        same = copy(self)
        same._known = set()  # noqa: SLF001 - it is one of us
        return same

    def sign(self, digest: str) -> str:
        """Return the signature of an event's hash: which key, and what it says of the hash's 64 digits."""
        if self._private is None:
            raise ConfigError(["The ledger is open without its key: nothing can be recorded."])
        signature = self._prefix + base64.b64encode(self._private.sign(digest.encode())).decode()
        self._remember(digest, signature)
        return signature

    def know(self, signature: str) -> bool:
        """Whether it claims to be by one of these keys."""
        return signature.partition(":")[0] in self._public

    def complaint(self, event: Event) -> str:
        """Return what is wrong with an event's signature, "" for nothing; whether its hash fits is the chain's part."""
        if not event.signature:
            return _UNSIGNED
        which = event.signature.partition(":")[0]
        if which not in self._public:
            return _UNKNOWN
        if not self._holds(event.hash, event.signature):
            return _UNFIT
        retired = self._retired.get(which)
        return retired.complaint(event) if retired else ""

    def added_later(self, change: Change) -> int | None:
        """Return the seq of an event that a retired key signed in a change that nobody knew when it was retired.

        What a retired key signed is either a change that was over by then, or one of those it had to leave unfinished.
        """
        if not self._retired or change.told is not None:
            return None
        for event in change.history:
            retired = self._retired.get(event.signature.partition(":")[0])
            if retired is not None and change.id not in retired.unfinished:
                return event.seq
        return None

    def _holds(self, digest: str, signature: str) -> bool:
        if self._known and (digest, signature) in self._known:
            return True
        holds = self._verified(digest, signature)
        if holds:
            self._remember(digest, signature)
        return holds

    def _remember(self, digest: str, signature: str) -> None:
        if self._known is not None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known.add((digest, signature))

    def _verified(self, digest: str, signature: str) -> bool:
        which, _, text = signature.partition(":")
        try:
            self._public[which].verify(base64.b64decode(text, validate=True), digest.encode())
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


NO_KEYS = Keys()
"""For whoever only looks."""


def new_key() -> Ed25519PrivateKey:
    """Make a key."""
    return Ed25519PrivateKey.generate()


def public_half(private: Ed25519PrivateKey) -> str:
    """Return the public half of a key on one line, as `read_public` reads it."""
    return KIND + base64.b64encode(private.public_key().public_bytes_raw()).decode()


def read_public(line: str) -> Ed25519PublicKey:
    """Read a public key from its line. Raises ValueError, saying what it should be."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(line.removeprefix(KIND), validate=True))
    except ValueError as error:
        raise ValueError(f"must be {KIND} and 44 characters, as `ledger key show` prints it.") from error


def key_id(line: str) -> str:
    """Return the name of a public key: what tells it from others in a signature."""
    return hashlib.sha256(line.removeprefix(KIND).encode()).hexdigest()[:16]

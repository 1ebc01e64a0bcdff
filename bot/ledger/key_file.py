"""The file that holds the ledger's key: for its owner alone, made once, and written whole or not at all."""

import base64
import json
import os
import secrets as randomness
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, ValidationError

from bot.errors import ConfigError
from bot.ledger.keys import Keys, Retired, new_key, public_half, read_public

NAME = "LEDGER_KEY_FILE"


def _private(text: SecretStr) -> SecretStr:
    _key(text)
    return text


def _public(line: str) -> str:
    read_public(line)
    return line


def _key(text: SecretStr) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text.get_secret_value(), validate=True))


class RetiredKey(BaseModel):
    """See `bot.ledger.keys.Retired`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    public: Annotated[str, AfterValidator(_public)]
    until: str
    unfinished: dict[str, tuple[int, str]]


class KeyFile(BaseModel):
    """What the file says."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    private: Annotated[SecretStr, AfterValidator(_private)]
    retired: tuple[RetiredKey, ...] = ()
    signing_older: bool = False
    """Whether events from before there was a key are still to be signed: made true with the file, once."""

    @property
    def public(self) -> str:
        """The public half of the key, on one line."""
        return public_half(_key(self.private))

    @property
    def keys(self) -> Keys:
        """The keys, ready for use."""
        return Keys(_key(self.private), retired=[Retired(**one.model_dump()) for one in self.retired])

    def rotated(self, retired: Retired) -> "KeyFile":
        """Return the same with a new key; `retired` says what the present one goes on to vouch for."""
        return KeyFile(private=_written(new_key()), retired=(*self.retired, RetiredKey(**asdict(retired))))

    def text(self) -> str:
        """Return what is written into the file."""
        said = self.model_dump(mode="json", exclude_defaults=True) | {"private": self.private.get_secret_value()}
        return json.dumps(said, indent=2) + "\n"


def fresh(*, signing_older: bool = False) -> KeyFile:
    """Return a file with a new key."""
    return KeyFile(private=_written(new_key()), signing_older=signing_older)


def read_key_file(path: Path) -> KeyFile | None:
    """Read the file, None where there is none. Raises ConfigError where it is not for us alone, or cannot be used."""
    try:
        with path.open("rb") as file:
            _for_us_alone(path, os.fstat(file.fileno()))
            text = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(f"{path} cannot be read ({error.strerror}).") from error
    try:
        return KeyFile.model_validate_json(text)
    except ValidationError as error:
        raise unusable(f"{path} is not a key file of this ledger, or is damaged: restore it.") from error


def existing_key_file(path: Path) -> KeyFile:
    """Read the file. Raises ConfigError where there is none, too."""
    content = read_key_file(path)
    if content is None:
        raise unusable(f"{path} does not exist: name the file with the ledger's key.")
    return content


def make_key_file(path: Path, content: KeyFile) -> bool:
    """Write a file that is not there yet; False where somebody else made one meanwhile."""
    written = _beside(path, content)
    try:
        os.link(written, path)  # unlike a rename it never replaces what is there
    except FileExistsError:
        return False
    except OSError as error:
        raise unusable(f"{path} cannot be made ({error.strerror}).") from error
    finally:
        written.unlink()
    _keep(path.parent)
    return True


def replace_key_file(path: Path, content: KeyFile) -> None:
    """Write the file anew: whoever reads it sees the old one or the new one."""
    real = path.resolve()
    written = _beside(real, content)
    try:
        written.replace(real)
    except OSError as error:
        written.unlink()
        raise unusable(f"{path} cannot be written ({error.strerror}).") from error
    _keep(real.parent)


def unusable(sentence: str) -> ConfigError:
    """Return what to say of the key file."""
    return ConfigError([f"{NAME}: {sentence}"])


def _written(private: Ed25519PrivateKey) -> SecretStr:
    return SecretStr(base64.b64encode(private.private_bytes_raw()).decode())


def _for_us_alone(path: Path, found: os.stat_result) -> None:
    """As PostgreSQL asks of its keys: 0600, or 0640 where it is root's, for a mounted secret is read by its group."""
    allowed = 0o640 if found.st_uid == 0 else 0o600
    if stat.S_IMODE(found.st_mode) & ~allowed & 0o777:
        raise unusable(f"{path} may be read or written by others: chmod 600 it (640 where it belongs to root).")


def _beside(path: Path, content: KeyFile) -> Path:
    """Write a file of another name, for its owner alone from the first moment on, and see it onto the disk."""
    written = path.with_name(f".{path.name}.{randomness.token_hex(8)}")
    try:
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(content.text())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unusable(f"{path} cannot be written ({error.strerror}).") from error
    return written


def _keep(folder: Path) -> None:
    """See a new name onto the disk too: events would be signed with a key that a power cut takes away."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

"""Reads the policy from its file, again and again: what cannot be used never takes the place of what can."""

import hashlib
from pathlib import Path
from typing import Any

from bot.core.policy import Policy, read_policy
from bot.errors import ConfigError

DIGITS = 16
"""Of a digest, where people compare them."""


class PolicyFile:
    """The policy in force, and what is wrong with its file where that says something else by now.

    The file's content is compared, not its date or inode: it is small, and neither a symbolic link that was swapped nor
    two edits within one tick of the file system's clock go unnoticed.
    """

    def __init__(self, path: Path) -> None:
        """Raises ConfigError as `load_policy` does: without a first policy there is nothing to go on with."""
        self._path = path
        self._seen = self._used = _look(path)
        self.policy = _understood(path, self._used)
        """The last one that could be used."""
        self.problems: tuple[str, ...] = ()
        """Complete sentences; none where the file is as the policy in force."""

    @property
    def settling(self) -> bool:
        """Whether the file looks different and has to be looked at once more before that counts."""
        return self._seen != self._used

    @property
    def digest(self) -> str:
        """The first digits of the digest of the policy in force."""
        return self.policy.digest[:DIGITS]

    @property
    def trouble(self) -> str:
        """The first digits of a digest of the problems, "" for none."""
        return hashlib.sha256("\n".join(self.problems).encode()).hexdigest()[:DIGITS] if self.problems else ""

    @property
    def health(self) -> dict[str, Any]:
        """What `/healthz` has to say of the policy: nothing while the file is as the policy in force.

        Anybody may ask: what is wrong names paths, people and secrets, and stands in the log alone.
        """
        return {"policy": "broken"} if self.problems else {}

    def refresh(self) -> bool:
        """Look at the file and return whether policy or problems are others now.

        What looks different counts only when it is seen a second time: somebody may be in the middle of writing, and
        half a policy can be a policy, a laxer one.
        """
        found = _look(self._path)
        settled, self._seen = found == self._seen, found
        if not settled or found == self._used:
            return False
        self._used = found
        before = (self.policy, self.problems)
        try:
            self.policy, self.problems = _understood(self._path, found), ()
        except ConfigError as error:
            self.problems = tuple(error.problems)
        return (self.policy, self.problems) != before


def load_policy(path: Path) -> Policy:
    """Read the policy file. Raises ConfigError with every problem, each naming the file and the key."""
    return _understood(path, _look(path))


def _look(path: Path) -> tuple[str, str]:
    """Return what the file says, and why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8"), ""
    except (OSError, UnicodeDecodeError) as error:
        return "", getattr(error, "strerror", None) or "it is not UTF-8 text"


def _understood(path: Path, found: tuple[str, str]) -> Policy:
    text, unreadable = found
    if unreadable:
        raise ConfigError([f"POLICY_FILE {path} cannot be read: {unreadable}."])
    try:
        return read_policy(text)
    except ConfigError as error:
        raise ConfigError([f"POLICY_FILE {path}: {problem}" for problem in error.problems]) from error

"""Reads the policy from its file."""

from pathlib import Path

from bot.core.policy import Policy, read_policy
from bot.errors import ConfigError


def load_policy(path: Path) -> Policy:
    """Read the policy file. Raises ConfigError with every problem, each naming the file and the key."""
    try:
        return read_policy(path.read_text(encoding="utf-8"))
    except ConfigError as error:
        raise ConfigError([f"POLICY_FILE {path}: {problem}" for problem in error.problems]) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError([f"POLICY_FILE {path} cannot be read: {reason}."]) from error

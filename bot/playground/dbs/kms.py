"""The part of KMS that keeps passwords: GetSecretValue."""

from collections.abc import Mapping
from typing import Any

from bot.playground.dbs.refusals import Refused

VERSION = "2016-01-20"


class FakeKms:
    """Secrets by name. A value of bytes is a binary secret; `forbidden` names those that RAM keeps from the bot."""

    def __init__(self) -> None:
        self.secrets: dict[str, str | bytes] = {}
        self.forbidden: set[str] = set()

    def get_secret_value(self, params: Mapping[str, str]) -> dict[str, Any]:
        """Return the current version of a secret."""
        name = params.get("SecretName", "")
        if not name:
            raise Refused("MissingParameter", "The parameter SecretName is required.")
        if name in self.forbidden:
            raise Refused("Forbidden.NoPermission", "This operation is forbidden by permission system.", status=403)
        if name not in self.secrets or params.get("VersionStage", "ACSCurrent") != "ACSCurrent":
            raise Refused("Forbidden.ResourceNotFound", "Resource not found.", status=404)
        value = self.secrets[name]
        binary = isinstance(value, bytes)
        return {
            "SecretName": name,
            "SecretData": value.hex() if isinstance(value, bytes) else value,
            "SecretDataType": "binary" if binary else "text",
            "VersionId": "v1",
            "VersionStages": {"VersionStage": ["ACSCurrent"]},
        }

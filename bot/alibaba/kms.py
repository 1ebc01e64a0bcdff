"""KMS over HTTP: fetches the current value of a secret."""

import ssl
from typing import Self

from pydantic import SecretStr

from bot.alibaba.answers import failure
from bot.alibaba.credentials import KeySource
from bot.alibaba.endpoint import Endpoint
from bot.alibaba.rpc import Rpc
from bot.errors import DbsError, DbsRefused, DbsUnanswered, SecretMissing, SecretUnreachable

VERSION = "2016-01-20"


class KmsClient:
    """Knows secrets by name. Close it, or use it as a context; `timeout` is in seconds and for a call as a whole."""

    def __init__(
        self,
        endpoint: str,
        *,
        region: str,
        keys: KeySource,
        timeout: float = 20.0,
        verify: ssl.SSLContext | bool = True,
        setting: str = "KMS_ENDPOINT",
    ) -> None:
        """Raise ConfigError, naming `setting`, for an endpoint that cannot be used."""
        # In the query, as in KMS's own SDK: the request names a secret, only the answer holds it.
        where = Endpoint.parse(endpoint, setting)
        self._rpc = Rpc(where, VERSION, keys, timeout=timeout, position="query", verify=verify)
        self._region = region

    async def aclose(self) -> None:
        """Close the connections."""
        await self._rpc.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def get(self, name: str) -> SecretStr:
        """Return the current value of a text secret. Raises SecretMissing or SecretUnreachable."""
        resource = f"acs:kms:{self._region}:*:secret/{name}"
        try:
            reply = await self._rpc.call("GetSecretValue", {"SecretName": name, "VersionStage": "ACSCurrent"})
        except DbsError as failed:
            raise _translated(name, failed) from None
        value = reply.body.get("SecretData")
        if reply.status == 200 and isinstance(value, str):
            if reply.text("SecretDataType") == "binary":
                raise SecretMissing(f"The KMS secret {name} is binary: store the password as text.")
            if not value:
                raise SecretMissing(f"The KMS secret {name} is empty.")
            return SecretStr(value)
        unclear = DbsUnanswered("UnexpectedAnswer", "the answer holds no value.")
        raise _translated(name, failure(reply, "kms:GetSecretValue", resource) or unclear)


def _translated(name: str, error: DbsError) -> SecretMissing | SecretUnreachable:
    """Say it in the words of secrets: refused is for good, everything else may be better later."""
    if not isinstance(error, DbsRefused):
        return SecretUnreachable(f"KMS did not give the secret {name}: {error}")
    if error.code.endswith("ResourceNotFound"):
        return SecretMissing(f"KMS has no secret {name} in this account and region.")
    return SecretMissing(" ".join(filter(None, [f"KMS refuses the secret {name}: {error}", error.advice])))

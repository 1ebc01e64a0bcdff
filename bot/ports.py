"""What the engine and the conversation need of the world: six contracts on one page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr

from bot.core.reading import PlanSummary, Reading, Values


class Clock(Protocol):
    """Time, so that tests can make it pass."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Dbs(Protocol):
    """Alibaba Cloud Database Backup, seen from one host."""

    @property
    def host(self) -> str:
        """The endpoint's host (and port, where it is not the default): with a plan's id it names the plan."""
        ...

    async def read(self, plan_id: str) -> Reading:
        """Read one plan afresh.

        Raises DbsRefused (unknown plan: code `InvalidParameterValid`), DbsThrottled, DbsUnreachable or DbsUnanswered.
        """
        ...

    async def plans(self) -> Sequence[PlanSummary]:
        """List every plan of the account, page by page, each once. Raises as `read` does."""
        ...

    async def configure(self, request: Values, secrets: Mapping[str, SecretStr], client_token: str) -> str:
        """Send ConfigureBackupPlan once and return DBS's RequestId: it said `Success: true`.

        `secrets` maps a parameter's API name to its value; `request` holds all others. Raises DbsRefused,
        DbsThrottled (not executed), DbsUnreachable (never sent) or DbsUnanswered (outcome unknown).
        """
        ...


class Secrets(Protocol):
    """Where passwords are kept."""

    async def fetch(self, ref: str) -> SecretStr:
        """Return the value behind `env:NAME`, `file:PATH` or `kms:NAME`. Raises SecretMissing, SecretUnreachable."""
        ...

"""Looks at the world before a send: everything that can be asked for beforehand first, the plan last of all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from pydantic import SecretStr

from bot.core.change import Change
from bot.core.plan import Plan, PlanProblems
from bot.core.reading import Reading, Values
from bot.core.verdict import Outcome, judge_plan, judge_record, unsendable
from bot.errors import SecretMissing, SecretUnreachable
from bot.ports import Clock, Dbs, Secrets
from bot.rights import Rights

log = structlog.get_logger("bot.last_look")


@dataclass(frozen=True, slots=True)
class Seen:
    """What nothing stood against, and all that the call needs."""

    request: Values
    secrets: Mapping[str, SecretStr] = field(repr=False)
    policy: str
    """Digest of the policy that people, channel and secrets were judged by."""
    read_at: datetime
    """When the plan was asked for: it may have changed at any moment after that."""


class Looking:
    """One process's eyes."""

    def __init__(self, *, dbs: Dbs, secrets: Secrets, rights: Rights, clock: Clock) -> None:
        self._dbs = dbs
        self._secrets = secrets
        self._rights = rights
        self._clock = clock

    async def look(self, change: Change) -> Seen | Outcome:
        """Return what a send needs, or what stands against it.

        What people and channel are is asked before the first send only: what may have been carried out cannot be taken
        back. Raises LookUpFailed, SecretUnreachable and what reading a plan raises.
        """
        policy = self._rights.policy.digest
        if (outcome := judge_record(change, self._dbs.host)) is not None:
            return outcome
        try:
            request = Plan.parse(change.request.facts(), change.request.baseline).request()
        except PlanProblems as error:
            advice = "The rules of the bot changed since it was asked for: ask for it again."
            return unsendable(change, "InvalidRequest", str(error), advice)
        if not change.sent_at:
            if (no_longer := await self._rights.no_longer(change, self._clock.now())) is not None:
                return no_longer
        elif why := self._rights.secrets_changed(change):
            return unsendable(change, "SecretChanged", why, "Look at the policy.")
        try:
            secrets = await self._fetched(change)
        except SecretMissing as error:
            return unsendable(change, "SecretMissing", str(error), "Fix the secret or its reference in the policy.")
        read_at = self._clock.now()
        reading: Reading = await self._dbs.read(change.request.plan_id)
        others = {name: text for name, text in request.items() if name not in secrets}
        return judge_plan(change, reading) or Seen(others, secrets, policy, read_at)

    async def _fetched(self, change: Change) -> dict[str, SecretStr]:
        """Fetch the secrets. Raises SecretMissing or SecretUnreachable, which name one as the policy does."""
        values = {}
        for parameter, use in change.request.secrets.items():
            try:
                values[parameter] = await self._secrets.fetch(use.ref)
            except (SecretMissing, SecretUnreachable) as error:
                # where it is kept is nothing for a channel
                log.warning("secret_not_had", change=change.id, secret=use.name, ref=use.ref, problem=str(error))
                raise type(error)(f"The secret {use.name} cannot be had: {error}") from None
        return values

"""What the policy says about one change: how many people, who, when, who is told; stored with the change it binds."""

from pydantic import BaseModel, ConfigDict


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Matched(_Said):
    """A rule that applies."""

    name: str
    reason: str = ""
    """Why it is there, as its author says."""
    because: str = ""
    """Why it applies: the patterns and risks of the rule that this change meets."""
    left: bool = False
    """Whether it applies by the plan's present name only, and not by the one that the change gives it."""


class Slot(_Said):
    """Places that only certain people can take, each place somebody else."""

    rule: str = ""
    """The rule that wants it; "" for the defaults."""
    who: tuple[str, ...]
    """User ids and user-group ids, as the policy names them."""
    at_least: int
    pool: tuple[str, ...]
    """The user ids behind them, without the requester."""
    escalate_to: tuple[str, ...] = ()
    """Users and groups who may take its places once they were told with the last reminder."""
    stand_ins: tuple[str, ...] = ()
    """The user ids behind those, without the requester."""


class Demand(_Said):
    """What the policy asks for. The first five fields are all that histories older than rules have."""

    approvals: int
    """People besides the requester, at least as many as there are places in `slots`."""
    approvers: tuple[str, ...]
    """User ids and user-group ids, as the policy names them."""
    pool: tuple[str, ...]
    """The user ids behind them at that time, without the requester."""
    policy: str
    """Digest of the policy file that said so."""
    sentence: str
    """The same, as people read it: one line of mrkdwn."""
    rules: tuple[Matched, ...] = ()
    slots: tuple[Slot, ...] = ()
    """Empty only in older histories: see `seats`."""
    windows: tuple[tuple[str, ...], ...] = ()
    """For each rule that has some: it may be carried out when all of these rules have one open."""
    freezes: tuple[str, ...] = ()
    remind_after: tuple[int, ...] = ()
    """Seconds after the request, ascending, all before it expires."""
    escalate_to: tuple[str, ...] = ()
    """Users and groups told with the last reminder."""
    escalate_pool: tuple[str, ...] = ()
    """The user ids that may approve from then on besides `pool`."""
    notify: tuple[str, ...] = ()
    """Channel ids told of the outcome."""
    incident: bool = False
    on_call: tuple[str, ...] = ()
    dm: bool = False
    """Whether approvers get a message of their own."""
    expires_after: int = 0
    """Seconds from the request to the last approval; 0 in older histories, like `execute_within`."""
    execute_within: int = 0
    """Seconds from the last approval, or from the opening of the window after it, to the first send."""
    denied: str = ""
    """Why it may not be asked for at all, as plain text; "" if it may."""

    @property
    def seats(self) -> tuple[Slot, ...]:
        """The slots; in older histories, the one that `approvers` and `approvals` make."""
        return self.slots or (Slot(who=self.approvers, at_least=max(1, self.approvals), pool=self.pool),)

"""What the engine and the conversation need of the world: six contracts on one page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import SecretStr

from bot.core.change import Change
from bot.core.decisions import Decision
from bot.core.draft import Draft
from bot.core.events import Event
from bot.core.people import Channel, Person
from bot.core.reading import PlanSummary, Reading, Values
from bot.core.remembered import LastSet
from bot.core.saying import Kind, Message, Saying

Decide = Callable[[Change | None, datetime], Decision]
"""Pure: sees the change as it is inside the lock and the ledger's time; raises Refusal to write nothing."""


Revise = Callable[[Draft], Draft | None]
"""Pure: sees the draft as it is inside the lock and returns what takes its place, None to leave it as it is."""

Ready = Callable[[], None]
"""Called right before a message leaves; what it raises keeps the message from leaving."""


def at_any_time() -> None:
    """Let a message leave whenever it comes to that."""


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

    async def configure(
        self, plan_id: str, request: Values, secrets: Mapping[str, SecretStr], client_token: str
    ) -> str:
        """Send ConfigureBackupPlan for one plan once and return DBS's RequestId: it said `Success: true`.

        `secrets` maps a parameter's API name to its value; `request` holds all others, the plan's id among them:
        where that is not `plan_id`, nothing is sent and DbsRefused (PlanMismatch) is raised. Raises DbsRefused,
        DbsThrottled (not executed), DbsUnreachable (never sent) or DbsUnanswered (outcome unknown).
        """
        ...


class Secrets(Protocol):
    """Where passwords are kept."""

    async def fetch(self, ref: str) -> SecretStr:
        """Return the value behind `env:NAME`, `file:PATH` or `kms:NAME`. Raises SecretMissing, SecretUnreachable."""
        ...


class Ledger(Protocol):
    """The history of every change, append-only, and the drafts of forms still open.

    Every method raises LedgerBusy when the store is locked, full or read-only (nothing is written then), and the ones
    that read a history raise LedgerAltered when its hashes do not follow from each other: the change is set aside then,
    its plan is free, and it falls due ever more rarely.
    """

    async def record(self, change_id: str, decide: Decide) -> Change:
        """In one transaction: lock the change, fold its history, ask `decide`, append, renew the projection.

        Raises what `decide` raises; PlanTaken when a request meets another open change of the same plan, and
        AlreadyRequested when its view was submitted before.
        """
        ...

    async def change(self, change_id: str) -> Change | None:
        """Return a change with its history, None if there is no such change."""
        ...

    async def open_change(self, host: str, plan_id: str) -> str | None:
        """Return the id of the plan's open change; one that only the projection calls open, or altered, is none."""
        ...

    async def renew_all(self) -> None:
        """Renew what the projection says of every change about which something is left to do, by its history."""
        ...

    async def last_applied(self, host: str, plan_id: str) -> LastSet:
        """Return what the bot last applied to this plan, and what later changes may have overtaken of it.

        Nothing of a record that was altered is relied on: then nothing was set, for all that is known.
        """
        ...

    async def take_due(self, hold: timedelta, limit: int = 50) -> Sequence[str]:
        """Take the changes whose `due_at` has come, so that for `hold` nobody else does. Oldest first."""
        ...

    async def hold(self, change_id: str, hold: timedelta) -> None:
        """Keep a change from falling due before `hold` is over: whoever calls this is at work on it.

        A hold only grows, whoever asks, and lasts an hour at most.
        """
        ...

    async def drawn(self, change_id: str, seq: int, *, over: int, again: timedelta | None = None) -> None:
        """Remember that the card was drawn as of `seq`, where it had been drawn as of `over` (`Change.drawn_seq`).

        Where somebody else drew it in between, nobody knows which drawing landed last: it becomes 0, so that the
        sweep draws it again. While the change waits for people, its card falls due for a look every `due.LOOK`.
        `again`: an earlier drawing may still land over this one, so it does not count, and the next is due after that.
        """
        ...

    async def card_waits(self, change_id: str, pause: timedelta, *, tried: bool = False) -> None:
        """Leave the card alone for `pause`, a day at most, or until the next event that shows on it.

        `tried`: Slack refused it once more, so that the next pause is longer.
        """
        ...

    async def keep_draft(self, draft: Draft) -> None:
        """Store or replace the draft of a view; drafts older than an hour go."""
        ...

    async def revise_draft(self, view_id: str, revise: Revise) -> Draft | None:
        """In one transaction: lock a draft, ask `revise`, store what it returns, and return that.

        None where nothing was stored: there is no such draft, or `revise` left it as it is.
        """
        ...

    async def draft(self, view_id: str) -> Draft | None:
        """Return the draft of a view, None when there is none or it is older than an hour."""
        ...

    async def team(self, team_id: str) -> str:
        """Return the workspace this ledger belongs to, which is `team_id` if it had none."""
        ...

    async def noted(self, topic: str, now: str) -> str | None:
        """Note how something stands now and return how it stood before, "" for the first note of this topic.

        None where that was noted already: of several processes that see the same, one gets the answer.
        """
        ...

    async def events(self, change_id: str | None = None) -> Iterable[Event]:
        """Return every event, or those of one change, in order, unchecked, all at once."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the store."""
        ...


class People(Protocol):
    """Who is who in Slack. Answers may be up to 60 s old unless `fresh`; raises LookUpFailed where there is none."""

    async def person(self, user_id: str, *, fresh: bool = False) -> Person:
        """Return one user; of an id that Slack does not know, one who is not `is_known`."""
        ...

    async def members(self, group_id: str, *, fresh: bool = False) -> frozenset[str]:
        """Return the user ids in a user group (`S…`). Raises NoSuchGroup where Slack answers that there is none."""
        ...

    async def channel(self, channel_id: str, *, fresh: bool = True) -> Channel:
        """Return one conversation, read afresh unless said otherwise."""
        ...


class Messenger(Protocol):
    """What is said in Slack about a change.

    Raises MessageGone when Slack refuses a message for good, CardDeleted when that is because the card is no more,
    ChannelLost when nothing may be written any more where the change is decided,
    MessageThrottled when Slack asks to wait, MessageUnanswered when nobody knows whether it was posted.
    """

    async def announce(self, change: Change, ready: Ready = at_any_time) -> Message:
        """Post the card."""
        ...

    async def redraw(self, change: Change) -> None:
        """Bring the card up to date."""
        ...

    async def reply(self, change: Change, saying: Saying, ready: Ready = at_any_time) -> Message:
        """Say something in the card's thread."""
        ...

    async def write_to_requester(self, change: Change, saying: Saying) -> Message:
        """Say it to the requester alone, where the thread is gone."""
        ...

    async def call(self, change: Change, text: str, *, to: str = "", broadcast: bool = False) -> None:
        """Say something (mrkdwn of our own) in the thread, or `to` a person or channel with a link to the card.

        `broadcast` shows a reply in the channel as well.
        """
        ...

    async def is_there(self, change: Change) -> bool:
        """Whether the card is still where it was posted."""
        ...

    async def find(self, change: Change, kind: Kind) -> Message | None:
        """Look for an earlier message of ours about this change."""
        ...

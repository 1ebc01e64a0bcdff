"""The world around the engine, in memory: every port but the ledger, which is the real one, and a clock that is told.

Nobody waits here: to sleep is to let the time pass. What happens meanwhile, and what goes wrong, is said beforehand.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self, cast

from pydantic import SecretStr
from signing import KEYS

from bot.calling import Calling
from bot.cards import Cards
from bot.core import decisions
from bot.core.change import Change
from bot.core.events import Demand, Event, Requested, SecretUse, change_digest, stamp
from bot.core.people import Channel, Person
from bot.core.plan import normalise, parameters
from bot.core.policy import Policy, read_policy
from bot.core.reading import PlanSummary, Reading, Values
from bot.core.saying import Kind, Message, Saying
from bot.engine import Engine
from bot.errors import CardDeleted, ChannelLost, MessageGone, MessageUnanswered, NoSuchGroup, SecretMissing
from bot.execution import Execution
from bot.ledger.sqlite import SqliteLedger
from bot.ports import Ready, at_any_time
from bot.posting import Posting
from bot.rights import Rights
from bot.telling import Telling

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
GRACE = timedelta(seconds=15)
LEASE = timedelta(seconds=60)
CALL_TIME = timedelta(seconds=20)
EXECUTE_WITHIN = timedelta(minutes=30)
TEAM, REQUESTER, ANA, BEN = "T0", "U0RITA", "U0ANA", "U0BEN"
PASSWORD = "correct-horse"
REF = "env:ORDERS"
PLAN = {
    "BackupPlanId": "dbs1", "BackupPlanName": "orders", "SourceEndpointInstanceType": "RDS",
    "SourceEndpointRegion": "cn-hangzhou", "SourceEndpointInstanceID": "rm-1", "SourceEndpointUserName": "backup",
    "BackupRetentionPeriod": "730",
}  # fmt: skip
PROPOSED = {**PLAN, "BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db"}
POLICY = """
[defaults]
approvals = 2
approvers = ["S0DBA"]

[secrets.orders-db]
ref = "env:ORDERS"
plans = ["dbs*"]
sources = ["instance:rm-1"]
"""

Meanwhile = Callable[[], Awaitable[object]]


class ToldClock:
    """It is the time it was told; who sleeps makes it later. `meanwhile` happens in the sleeps to come, one in each."""

    def __init__(self) -> None:
        self.time = NOON
        self.slept: list[float] = []
        self.meanwhile: deque[Meanwhile] = deque()

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.meanwhile:
            await self.meanwhile.popleft()()
        self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def pass_by(self, time: timedelta) -> None:
        self.time += time


@dataclass(frozen=True)
class Fault:
    """What happens to one call, in this order."""

    meanwhile: Meanwhile | None = None
    error: BaseException | None = None
    """Raised instead of doing what was asked, or after it was done if `done`."""
    done: bool = False


class Faulty:
    """What goes wrong with the next calls of each method."""

    def __init__(self) -> None:
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def next(self, method: str, *faults: Fault | Exception) -> None:
        self.faults[method].extend(one if isinstance(one, Fault) else Fault(error=one) for one in faults)

    async def before(self, method: str) -> Fault:
        """Let a call begin; what is returned is for its end."""
        fault = self.faults[method].popleft() if self.faults[method] else Fault()
        if fault.meanwhile is not None:
            await fault.meanwhile()
        if fault.error is not None and not fault.done:
            raise fault.error
        return fault

    @staticmethod
    def after(fault: Fault) -> None:
        if fault.error is not None:
            raise fault.error


@dataclass(frozen=True)
class Call:
    """One ConfigureBackupPlan."""

    at: datetime
    request: Values
    passwords: Mapping[str, str]
    token: str


class MemoryDbs(Faulty):
    """One plan, under any id. `statuses` are what the next reads show, one by one; the last one stays."""

    def __init__(self, clock: ToldClock) -> None:
        super().__init__()
        self.host = "dbs.test"
        self.plan = Reading(PLAN, "MySQL", "logical", "running")
        self.statuses: deque[tuple[str, str]] = deque()
        self.calls: list[Call] = []
        self.effects = 0
        self.read_at: list[datetime] = []
        self._clock = clock
        self._tokens: set[str] = set()

    def change(self, **values: str) -> None:
        """Change the plan as somebody at the console would."""
        self.plan = replace(self.plan, values={**self.plan.values, **values})

    async def read(self, plan_id: str) -> Reading:
        assert plan_id.startswith("dbs")
        self.read_at.append(self._clock.now())
        fault = await self.before("read")
        if self.statuses:
            status, message = self.statuses[0] if len(self.statuses) == 1 else self.statuses.popleft()
            self.plan = replace(self.plan, status=status, message=message)
        self.after(fault)
        return replace(self.plan, values={**self.plan.values, "BackupPlanId": plan_id})

    async def plans(self) -> Sequence[PlanSummary]:
        return []

    async def configure(
        self, plan_id: str, request: Values, secrets: Mapping[str, SecretStr], client_token: str
    ) -> str:
        assert plan_id == request["BackupPlanId"]
        passwords = {name: value.get_secret_value() for name, value in secrets.items()}
        self.calls.append(Call(self._clock.now(), dict(request), passwords, client_token))
        fault = await self.before("configure")
        if client_token not in self._tokens:
            self._tokens.add(client_token)
            self.effects += 1
            readable = {parameter.name for parameter in parameters() if parameter.readable}
            self.change(**normalise({name: text for name, text in request.items() if name in readable}))
        self.after(fault)
        return f"R{len(self.calls)}"


class MemorySecrets(Faulty):
    """One password."""

    def __init__(self) -> None:
        super().__init__()
        self.values = {REF: PASSWORD}
        self.fetched: list[str] = []

    async def fetch(self, ref: str) -> SecretStr:
        self.fetched.append(ref)
        await self.before("fetch")
        if ref not in self.values:
            raise SecretMissing(f"There is no secret {ref}.")
        return SecretStr(self.values[ref])


class MemoryPeople(Faulty):
    """A requester and two approvers, who are in one group; `fresh` are the questions that a cache must not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.people = {user_id: Person(user_id, TEAM) for user_id in (REQUESTER, ANA, BEN)}
        self.groups = {"S0DBA": frozenset({REQUESTER, ANA, BEN})}
        self.channels: dict[str, Channel] = {}
        """Those that are not as usual."""
        self.asked: list[str] = []
        self.fresh: list[str] = []

    async def person(self, user_id: str, *, fresh: bool = False) -> Person:
        await self._ask(user_id, fresh=fresh)
        if user_id not in self.people:
            return Person(user_id, "", is_known=False)
        return self.people[user_id]

    async def members(self, group_id: str, *, fresh: bool = False) -> frozenset[str]:
        await self._ask(group_id, fresh=fresh)
        if group_id not in self.groups:
            raise NoSuchGroup(group_id)
        return self.groups[group_id]

    async def channel(self, channel_id: str, *, fresh: bool = True) -> Channel:
        await self._ask(channel_id, fresh=fresh)
        return self.channels.get(channel_id, Channel(channel_id, bot_is_member=True))

    async def _ask(self, who: str, *, fresh: bool) -> None:
        (self.fresh if fresh else self.asked).append(who)
        await self.before(who)


@dataclass(frozen=True)
class Post:
    """One message about a change, as it was when it was posted."""

    kind: Kind
    where: str
    """channel, thread or dm."""
    message: Message
    change: Change
    saying: Saying | None = None


@dataclass
class MemoryMessenger(Faulty):
    """A channel with a thread, and direct messages; faults are queued by method."""

    posts: list[Post] = field(default_factory=list)
    drawn: list[Change] = field(default_factory=list)
    """What the card showed, one redrawing after another."""
    looked: list[Kind] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    """channel, card, thread or dm."""
    lost: str = ""
    """Why nothing may be written in channel and thread any more."""
    calls: list[tuple[str, str, bool]] = field(default_factory=list)
    """(text, to, broadcast) of each call on people."""

    def __post_init__(self) -> None:
        super().__init__()

    def said(self, kind: Kind, where: str = "thread") -> list[Post]:
        return [post for post in self.posts if post.kind == kind and post.where == where]

    @property
    def card(self) -> Change | None:
        """What the card shows."""
        return self.drawn[-1] if self.drawn else None

    async def announce(self, change: Change, ready: Ready = at_any_time) -> Message:
        ready()
        message = await self._post("announce", change, "card", "channel")
        self.drawn.append(change)
        return message

    async def redraw(self, change: Change) -> None:
        fault = await self.before("redraw")
        self._stay_inside()
        if "card" in self.gone:
            raise CardDeleted("no card")
        if "channel" in self.gone:
            raise MessageGone("no channel")
        self.drawn.append(change)
        self.after(fault)

    async def reply(self, change: Change, saying: Saying, ready: Ready = at_any_time) -> Message:
        ready()
        if change.card is None:
            raise MessageGone("no card")
        return await self._post("reply", change, saying.kind, "thread", saying)

    async def write_to_requester(self, change: Change, saying: Saying) -> Message:
        return await self._post("dm", change, saying.kind, "dm", saying)

    async def call(self, change: Change, text: str, *, to: str = "", broadcast: bool = False) -> None:
        fault = await self.before("call")
        assert to or change.card is not None
        if not to:
            self._stay_inside()
        self.calls.append((text, to, broadcast))
        self.after(fault)

    async def is_there(self, change: Change) -> bool:
        await self.before("is_there")
        self._stay_inside()
        assert change.card is not None
        return not self.gone & {"card", "channel"}

    def _stay_inside(self) -> None:
        if self.lost:
            raise ChannelLost(self.lost)

    async def find(self, change: Change, kind: Kind) -> Message | None:
        self.looked.append(kind)
        await self.before("find")
        where = "channel" if kind == "card" else "thread"
        found = [post.message for post in self.said(kind, where) if post.change.id == change.id]
        return found[0] if found and where not in self.gone else None

    async def _post(self, method: str, change: Change, kind: Kind, where: str, saying: Saying | None = None) -> Message:
        fault = await self.before(method)
        if where != "dm":
            self._stay_inside()
        if where in self.gone:
            raise MessageGone(f"no {where}")
        message = Message("D1" if where == "dm" else "C1", f"{len(self.posts) + 1}.0")
        self.posts.append(Post(kind, where, message, change, saying))
        self.after(fault)
        return message


def lost_answer() -> Fault:
    """Post, and let nobody know."""
    return Fault(error=MessageUnanswered("lost"), done=True)


class World:
    """One ledger file with everything around it; `process` starts one more process on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ToldClock()
        self.dbs = MemoryDbs(self.clock)
        self.secrets = MemorySecrets()
        self.people = MemoryPeople()
        self.slack = MemoryMessenger()
        self.processes: list[Process] = []
        self.ledger = self._open()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self.processes:
            await process.engine.finish(1.0)
            await process.ledger.close()
        await self.ledger.close()

    def process(self, policy: str = POLICY) -> "Process":
        self.processes.append(Process(self, self._open(), read_policy(policy), f"process {len(self.processes)}"))
        return self.processes[-1]

    def _open(self) -> SqliteLedger:
        return SqliteLedger(self.folder / "ledger.db", self.clock, GRACE, KEYS)

    async def asked(self, change_id: str = "c1", **otherwise: object) -> Change:
        """Record a request; every field may be said otherwise."""
        request = wish(change_id, **otherwise)
        return await self.ledger.record(change_id, partial(decisions.request, by=REQUESTER, data=request))

    async def announced(self, change_id: str = "c1", **otherwise: object) -> Change:
        """Record a request whose card is posted and drawn."""
        change = await self.asked(change_id, **otherwise)
        message = await self.slack.announce(change)
        announce = partial(decisions.announce, channel=message.channel, ts=message.ts)
        change = await self.ledger.record(change_id, announce)
        await self.ledger.drawn(change_id, change.seen_seq, over=0)
        return change

    async def approved(self, change_id: str = "c1", **otherwise: object) -> Change:
        """Record a request with all the approvals it needs."""
        await self.announced(change_id, **otherwise)
        await self.approve(ANA, change_id)
        return await self.approve(BEN, change_id)

    async def approve(self, by: str, change_id: str = "c1") -> Change:
        digest = (await self.now(change_id)).request.digest
        decide = partial(decisions.approve, by=by, digest=digest, objection=None)
        return await self.ledger.record(change_id, decide)

    async def deny(self, by: str = ANA, change_id: str = "c1") -> Change:
        return await self.ledger.record(change_id, partial(decisions.deny, by=by, objection=None, reason="No."))

    async def withdraw(self, change_id: str = "c1") -> Change:
        return await self.ledger.record(change_id, partial(decisions.withdraw, by=REQUESTER))

    async def now(self, change_id: str = "c1") -> Change:
        """Return the change as it is."""
        change = await self.ledger.change(change_id)
        assert change is not None
        return change

    async def kinds(self, change_id: str = "c1") -> list[str]:
        """Return the types of what happened, in order."""
        return [event.type for event in await self.events(change_id)]

    async def events(self, change_id: str = "c1", kind: str = "") -> list[Event]:
        return [event for event in await self.ledger.events(change_id) if kind in {"", event.type}]

    async def is_due(self, change_id: str = "c1") -> bool:
        """Whether the sweep of any process would take the change up now."""
        return change_id in await self.ledger.take_due(timedelta())


class Process:
    """One process of the bot: what it shares with others is the ledger's file and the world."""

    def __init__(self, world: World, ledger: SqliteLedger, policy: Policy, owner: str) -> None:
        self.ledger = ledger
        self.owner = owner
        self.policy = policy
        """In force here; it may change at any time."""
        self.rights = Rights(lambda: self.policy, world.people, TEAM)
        self.waited: list[str] = []
        posting = Posting(ledger=ledger, messenger=world.slack, clock=world.clock)
        speaking: dict[str, Any] = {
            "ledger": ledger, "dbs": world.dbs, "messenger": world.slack, "posting": posting, "clock": world.clock,
            "grace": GRACE,
        }  # fmt: skip
        self.cards, self.telling = Cards(**speaking), Telling(**speaking)
        self.execution = Execution(
            ledger=ledger, dbs=world.dbs, secrets=world.secrets, rights=self.rights, clock=world.clock, owner=owner,
            lease=LEASE, call_time=CALL_TIME,
        )  # fmt: skip
        calling = Calling(ledger=ledger, messenger=world.slack, people=world.people, clock=world.clock)
        self.engine = Engine(
            ledger=ledger, execution=self.execution, cards=self.cards, telling=self.telling, calling=calling,
            clock=world.clock, sweep_interval=timedelta(seconds=5), grace=GRACE,
        )  # fmt: skip

    async def execute(self, change_id: str = "c1") -> Change:
        """Carry a change out, and return it as it ended or is left to others."""
        return await self.execution.run(change_id, lambda _, again: self.waited.append(again.after))

    async def go_on(self, change: Change) -> None:
        """Advance a change as the process does that recorded its last event just now."""
        await self.engine.advance(change.id, wrote=change.seq)

    async def sweep(self) -> None:
        """Sweep, and wait for what that started."""
        await asyncio.gather(*await self.engine.sweep())


def wish(change_id: str = "c1", **otherwise: object) -> Requested:
    """Make a request whose digest fits."""
    fields: dict[str, object] = {
        "plan_id": "dbs1", "plan_name": "orders", "host": "dbs.test", "region": "cn-hangzhou", "status": "running",
        "proposed": PROPOSED, "baseline": {**PLAN, "DatabaseType": "MySQL", "BackupMethod": "logical"}, "known": {},
        "secrets": {"SourceEndpointPassword": SecretUse(name="orders-db", ref=REF)},
        "demand": Demand(approvals=2, approvers=("S0DBA",), pool=(ANA, BEN), policy="p", sentence="Two of S0DBA."),
        "reason": "Disk is full", "channel": "C1", "view_id": f"view of {change_id}",
        "expires_at": stamp(NOON + timedelta(hours=4)), "execute_within": int(EXECUTE_WITHIN.total_seconds()),
        "digest": "",
    }  # fmt: skip
    plan = {"BackupPlanId": str(otherwise.get("plan_id", "dbs1"))}
    for name in ("proposed", "baseline"):
        fields[name] = {**dict(cast("Values", fields[name])), **plan}
    request = Requested.model_validate(fields | otherwise)
    if request.digest:
        return request
    digest = change_digest(request.proposed, request.secrets, request.host, request.baseline)
    return request.model_copy(update={"digest": digest})

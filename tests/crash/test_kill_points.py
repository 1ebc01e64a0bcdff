"""The real process, killed at each point between two records of a change: after a restart it is as if nothing happened.

Points where the process waits for somebody (Slack, DBS) are held by the fakes, five changes in one process. Between
two records with nothing to wait for, a trigger in the ledger's file keeps the process in the middle of its next write.
"""

import asyncio
import json
import sqlite3
import time
from asyncio import Event as Bell
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from commands import run_bot

from bot.core.events import moment
from bot.playground.acts import ENDED, buttons, cards, fill, open_form, replies, said
from bot.playground.dbs.faults import Gate, hold
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.slack.faults import Fault
from bot.playground.slack.form import Ack
from bot.playground.slack.person import Person
from bot.playground.stage import Stage

pytestmark = pytest.mark.usefixtures("forked")

LEASE, SWEEP = 6, 1
SETTINGS = {"EXECUTION_LEASE": "6s", "DBS_TIMEOUT": "5s", "SWEEP_INTERVAL": "1s", "TELL_GRACE": "1s"}
MARGIN = 15.0
"""Seconds for starting a process, and for a busy machine."""
PATIENCE = 30.0
"""Seconds to wait for what must happen."""
WISH = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db", "AutoStartBackup": "true",
        "BackupStrategyType": "simple"}  # fmt: skip
FOR_EVER = " join ".join(f"sqlite_master as t{n}" for n in range(16))
"""A table of so many rows that nobody counts them in a life."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """One event of the ledger, read by somebody else than the bot."""

    type: str
    at: float
    data: Json


class Scene:
    """One change on its way to the point at which the process dies; each has a plan of its own."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage = stage
        self.requester = stage.rita
        self.plan_id = "dbs" + name.replace("_", "")
        stage.dbs.plans[self.plan_id] = mysql_on_rds(self.plan_id, BackupPlanName=self.plan_id)

    @property
    def history(self) -> list[Record]:
        """What the ledger says about this change."""
        rows = self._read("select type, at, data from events where change_id = ? order by seq", self.id)
        return [Record(kind, moment(at).timestamp(), json.loads(data)) for kind, at, data in rows]

    @property
    def cards(self) -> list[Json]:
        """Every card that shows this plan."""
        return [card for card in cards(self.stage.slack) if self.plan_id in json.dumps(card["blocks"])]

    async def until(self, *kinds: str) -> None:
        """Wait until the history ends with one of these events."""
        await self.stage.slack.wait_for(lambda: self.history and self.history[-1].type in kinds, PATIENCE)

    async def review(self) -> None:
        """The requester fills the form in, as far as the review."""
        await open_form(self.requester, self.plan_id)
        await fill(self.requester, WISH)
        await self.requester.submit()
        await self.requester.wait_for_view(lambda view: view["callback_id"] == "review")
        await self.requester.type("reason", "Disk is full")

    async def request(self) -> None:
        """The requester asks; returns once that is acknowledged."""
        await self.review()
        assert (await self.requester.submit()).action == "clear"

    async def ask(self, *approvers: Person) -> None:
        """The requester asks, the card is written down, and these people approve."""
        await self.request()
        await self.until("announced")
        for person in approvers:
            await self.approve(person)

    async def approve(self, person: Person) -> None:
        """Somebody approves; returns once that is acknowledged."""
        click = await person.click(self.cards[0], "approve")
        assert click.ack is not None
        assert click.ack.ok

    async def approve_both(self) -> None:
        """The two who have to."""
        await self.approve(self.stage.ana)
        await self.approve(self.stage.ben)

    def slack_holds(self, method: str, kind: str, state: str, *, answer: bool = False) -> Bell:
        """Have Slack not take (or take, and not answer) this call about this change; the bell rings when it comes."""
        rung = Bell()

        def is_ours(args: Json) -> bool:
            payload = (args.get("metadata") or {}).get("event_payload") or {}
            ours = payload.get("kind") == kind and payload.get("state") == state and payload["change_id"] == self.id
            if ours:
                rung.set()
            return ours

        never = Bell()
        fault = Fault(gate_answer=never) if answer else Fault(gate=never)
        self.stage.slack.faults.add(method, fault, when=is_ours)
        return rung

    @property
    def id(self) -> str:
        """The change's id."""
        return "".join(row[0] for row in self._read("select change_id from changes where plan_id = ?", self.plan_id))

    def dbs_holds(self, action: str, *, before: bool = False) -> Gate:
        """Have DBS do what the next call asks (or not yet) and keep its answer back."""
        gate = Gate()
        self.stage.dbs.next(action, hold(gate, before=before), plan_id=self.plan_id)
        return gate

    def write_never_ends(self, kind: str) -> None:
        """Keep whoever writes this event of this change from ever finishing it."""
        plan = "new.data ->> 'plan_id', (select plan_id from changes where change_id = new.change_id)"
        self._write(
            f"create trigger never_ends before insert on events when new.type = '{kind}' "  # noqa: S608 - ours
            f"and '{self.plan_id}' in ({plan}) begin select count(*) from {FOR_EVER}; end"
        )

    async def in_the_middle(self) -> None:
        """Wait until somebody holds the ledger's lock and does not let go."""
        locked_since = time.monotonic()
        while time.monotonic() < locked_since + 0.2:
            try:
                self._write("begin immediate", wait=0)
                locked_since = time.monotonic()
            except sqlite3.OperationalError:
                pass
            await asyncio.sleep(0.01)

    def writes_end_again(self) -> None:
        """Let writing be as it was."""
        self._write("drop trigger if exists never_ends")

    def _read(self, query: str, value: str) -> list[tuple[str, ...]]:
        ledger = sqlite3.connect(f"file:{self.stage.ledger_file}?mode=ro", uri=True)
        try:
            return ledger.execute(query, (value,)).fetchall()
        finally:
            ledger.close()

    def _write(self, statement: str, *, wait: float = PATIENCE) -> None:
        """Wait so many seconds until nobody else is writing, then write."""
        ledger = sqlite3.connect(self.stage.ledger_file, timeout=wait, isolation_level=None)
        try:
            ledger.execute(statement)
        finally:
            ledger.close()


Play = AsyncIterator[None]
"""A scene in three acts: up to where everybody is ready; up to the point where the process dies; what follows."""


async def asked_and_no_card(scene: Scene) -> Play:
    reached = scene.slack_holds("chat.postMessage", "card", "pending")
    await scene.request()
    await reached.wait()
    yield
    yield
    await scene.until("announced")
    await scene.approve_both()


async def card_posted(scene: Scene) -> Play:
    scene.slack_holds("chat.postMessage", "card", "pending", answer=True)
    await scene.request()
    await scene.stage.slack.wait_for(lambda: scene.cards)
    yield
    yield
    await scene.until("announced")
    await scene.approve_both()


async def announced(scene: Scene) -> Play:
    await scene.ask()
    yield
    yield
    await scene.approve_both()


async def first_approved(scene: Scene) -> Play:
    reached = scene.slack_holds("chat.update", "card", "pending")
    await scene.ask(scene.stage.ana)
    await reached.wait()
    yield
    yield
    await scene.approve(scene.stage.ben)


async def started(scene: Scene) -> Play:
    await scene.ask(scene.stage.ana)
    yield
    gate = scene.dbs_holds("DescribeBackupPlanList", before=True)
    await scene.approve(scene.stage.ben)
    await gate.reached.wait()
    yield


async def sent_and_never_arrived(scene: Scene) -> Play:
    await scene.ask(scene.stage.ana)
    yield
    gate = scene.dbs_holds("ConfigureBackupPlan", before=True)
    await scene.approve(scene.stage.ben)
    await gate.reached.wait()
    yield


async def sent_and_done_after_death(scene: Scene) -> Play:
    await scene.ask(scene.stage.ana)
    yield
    gate = scene.dbs_holds("ConfigureBackupPlan", before=True)
    await scene.approve(scene.stage.ben)
    await gate.reached.wait()
    yield
    gate.release()


async def dbs_applied_it(scene: Scene) -> Play:
    await scene.ask(scene.stage.ana)
    yield
    gate = scene.dbs_holds("ConfigureBackupPlan")
    await scene.approve(scene.stage.ben)
    await gate.reached.wait()
    yield


async def applied_and_not_read_back(scene: Scene) -> Play:
    await scene.ask(scene.stage.ana)
    yield
    sending = scene.dbs_holds("ConfigureBackupPlan")
    await scene.approve(scene.stage.ben)
    await sending.reached.wait()
    reading = scene.dbs_holds("DescribeBackupPlanList", before=True)
    sending.release()
    await reading.reached.wait()
    yield


async def applied_and_not_told(scene: Scene) -> Play:
    reached = scene.slack_holds("chat.postMessage", "outcome", "applied")
    await scene.ask(scene.stage.ana, scene.stage.ben)
    await reached.wait()
    yield
    yield


async def outcome_posted(scene: Scene) -> Play:
    scene.slack_holds("chat.postMessage", "outcome", "applied", answer=True)
    await scene.ask(scene.stage.ana, scene.stage.ben)
    await scene.stage.slack.wait_for(lambda: replies(scene.stage.slack, scene.cards[0]))
    yield
    yield


async def told_and_not_redrawn(scene: Scene) -> Play:
    reached = scene.slack_holds("chat.update", "card", "applied")
    await scene.ask(scene.stage.ana, scene.stage.ben)
    await reached.wait()
    yield
    yield


async def denied(scene: Scene) -> Play:
    reached = scene.slack_holds("chat.postMessage", "outcome", "denied")
    await scene.ask(scene.stage.ana)
    ben = scene.stage.ben
    await ben.click(scene.cards[0], "deny")
    await ben.wait_for_view(lambda view: view["callback_id"] == "deny")
    await ben.type("reason", "Not now")
    assert (await ben.submit()).action == "close"
    await reached.wait()
    yield
    yield


async def withdrawn(scene: Scene) -> Play:
    reached = scene.slack_holds("chat.postMessage", "outcome", "withdrawn")
    await scene.ask(scene.stage.ana)
    assert (await scene.stage.rita.click(scene.cards[0], "withdraw")).ack
    await reached.wait()
    yield
    yield


async def form_submitted(scene: Scene) -> Play:
    scene.requester = scene.stage.olga  # whose screen nobody else needs
    await scene.review()
    yield
    yield
    assert (await scene.requester.submit()).action == "clear"
    await scene.until("announced")
    await scene.approve_both()


async def writing_requested(scene: Scene) -> Play:
    scene.requester = scene.stage.olga
    await scene.review()
    yield
    scene.write_never_ends("requested")
    submitting: asyncio.Task[Ack] = asyncio.create_task(scene.requester.submit())
    await scene.in_the_middle()
    yield
    assert not (await submitting).ok
    assert (await scene.requester.submit()).action == "clear"
    await scene.until("announced")
    await scene.approve_both()


async def writing_announced(scene: Scene) -> Play:
    await scene.review()
    yield
    scene.write_never_ends("announced")
    assert (await scene.requester.submit()).action == "clear"
    await scene.in_the_middle()
    yield
    await scene.until("announced")
    await scene.approve_both()


async def writing_approved(scene: Scene) -> Play:
    await scene.ask(scene.stage.ana)
    yield
    scene.write_never_ends("approved")
    clicking = asyncio.create_task(scene.stage.ben.click(scene.cards[0], "approve"))
    await scene.in_the_middle()
    yield
    ack = (await clicking).ack
    assert ack is not None
    assert not ack.ok
    await scene.approve(scene.stage.ben)


def writing(kind: str) -> Callable[[Scene], Play]:
    """Die while this event of an execution is being written."""

    async def play(scene: Scene) -> Play:
        await scene.ask(scene.stage.ana)
        yield
        scene.write_never_ends(kind)
        await scene.approve(scene.stage.ben)
        await scene.in_the_middle()
        yield

    return play


@dataclass(frozen=True)
class Point:
    """Where the process dies, and what is on record there."""

    play: Callable[[Scene], Play]
    last: str
    """The last event in the ledger at that moment."""
    effects: int = 0
    """How often DBS has changed the plan by then."""
    outcome: str = "applied"
    standby: bool = False
    """Whether another process is there all the time, instead of one that is started after the death."""


POINTS = {
    "asked_and_no_card": Point(asked_and_no_card, "requested"),
    "card_posted": Point(card_posted, "requested"),
    "announced": Point(announced, "announced"),
    "first_approved": Point(first_approved, "approved"),
    "form_submitted": Point(form_submitted, ""),
    "applied_and_not_told": Point(applied_and_not_told, "applied", 1),
    "outcome_posted": Point(outcome_posted, "applied", 1),
    "told_and_not_redrawn": Point(told_and_not_redrawn, "told", 1),
    "denied": Point(denied, "denied", outcome="denied"),
    "withdrawn": Point(withdrawn, "withdrawn", outcome="withdrawn"),
    "started": Point(started, "started"),
    "sent_and_never_arrived": Point(sent_and_never_arrived, "sent"),
    "sent_and_done_after_death": Point(sent_and_done_after_death, "sent"),
    "dbs_applied_it": Point(dbs_applied_it, "sent", 1),
    "applied_and_not_read_back": Point(applied_and_not_read_back, "applied", 1),
    "dbs_applied_it_beside_a_replica": Point(dbs_applied_it, "sent", 1, standby=True),
    "writing_sent": Point(writing("sent"), "started"),
    "writing_applied": Point(writing("applied"), "sent", 1),
    "writing_started": Point(writing("started"), "approved"),
    "writing_told": Point(writing("told"), "applied", 1),
    "writing_approved": Point(writing_approved, "approved"),
    "writing_announced": Point(writing_announced, "requested"),
    "writing_requested": Point(writing_requested, ""),
}
STANDBY = [name for name, point in POINTS.items() if point.standby]
WRITING = [name for name in POINTS if name.startswith("writing_")]
"""Points at which nothing else can be written, so that each takes a death of its own."""
TOGETHER = [name for name in POINTS if name not in {*STANDBY, *WRITING}]
AT_ONCE = 5
"""So many of them before each death: the bot waits ten seconds for Slack, and the last must be ready by then."""


@dataclass
class Aftermath:
    """One change, when the process died and in the end."""

    died_at: float
    then: list[Record]
    effects_then: int
    history: list[Record] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    """Every ClientToken that is on record or was sent."""
    effects: list[str] = field(default_factory=list)
    """The ClientToken of each time that DBS changed the plan."""
    cards: list[Json] = field(default_factory=list)
    outcomes: list[Json] = field(default_factory=list)
    problems: str = ""
    """What `ledger verify --slack`, Slack and the logs have to say against it."""


async def perform(folder: Path, deaths: Sequence[Sequence[str]], *, standby: bool = False) -> dict[str, Aftermath]:
    """Bring one change to each point of a death in one process and kill it, death by death; then let all of them end.

    With `standby` another process is there all the time; without, the next is started after each death.
    """
    found: dict[str, Aftermath] = {}
    async with Stage(folder) as stage:
        stage.settings |= SETTINGS
        if standby:
            await stage.start_bot()
        bot = await stage.start_bot()
        scenes = {name: Scene(stage, name) for names in deaths for name in names}
        plays = {name: POINTS[name].play(scene) for name, scene in scenes.items()}
        for names in deaths:
            for name in names:
                await anext(plays[name])
            await asyncio.gather(*(anext(plays[name]) for name in names))
            await bot.kill()
            for name in names:
                found[name] = Aftermath(time.time(), scenes[name].history, effects_on(scenes[name]))
                scenes[name].writes_end_again()
            if standby:
                stage.slack.point_at(stage.bots[0].events_url)
            else:
                bot = await stage.start_bot()
        await asyncio.gather(*(anext(play, None) for play in plays.values()))
        for name, scene in scenes.items():
            await settle(scene, found[name])
        problems = await problems_of(stage)
    for aftermath in found.values():
        aftermath.problems = problems
    return found


async def settle(scene: Scene, found: Aftermath) -> None:
    """Wait until the change has ended, and take down what is there then, even if it does not."""
    slack, dbs = scene.stage.slack, scene.stage.dbs
    with suppress(TimeoutError):
        await scene.until("told")
        ended = scene.history[-2].type
        await slack.wait_for(lambda: all(said(card)["state"] == ended for card in scene.cards), PATIENCE)
    found.history, found.cards = scene.history, scene.cards
    sent = [call.params for call in dbs.calls("ConfigureBackupPlan") if call.params["BackupPlanId"] == scene.plan_id]
    recorded = [one.data["client_token"] for one in found.history if one.type == "started"]
    found.tokens = {*recorded, *(params["ClientToken"] for params in sent)}
    found.effects = [effect.token for effect in dbs.effects if effect.plan_id == scene.plan_id]
    found.outcomes = [reply for card in found.cards for reply in replies(slack, card)]


async def problems_of(stage: Stage) -> str:
    """Return everything that should not be: broken chains, broken rules of Slack's, tracebacks."""
    code, out, err = await run_bot("ledger", "verify", "--slack", environment=stage.environment(0))
    found = [*stage.slack.violations, *(bot.log for bot in stage.bots if "Traceback" in bot.log)]
    return "\n".join([out + err, *found]) if code or found else ""


def effects_on(scene: Scene) -> int:
    return sum(effect.plan_id == scene.plan_id for effect in scene.stage.dbs.effects)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Aftermath]:
    """Kill processes at every point: each with five changes in flight, or with one that has to be alone."""
    one, two, three = (tmp_path_factory.mktemp(name) for name in ("together", "writing", "beside"))

    async def all_of_them() -> dict[str, Aftermath]:
        async with asyncio.TaskGroup() as group:
            groups = [TOGETHER[n : n + AT_ONCE] for n in range(0, len(TOGETHER), AT_ONCE)]
            together = group.create_task(perform(one, groups))
            writing = group.create_task(perform(two, [[name] for name in WRITING]))
            beside = group.create_task(perform(three, [STANDBY], standby=True))
        return together.result() | writing.result() | beside.result()

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("name", POINTS)
def test_req22_req25_req26_a_process_killed_at_any_point_leaves_one_outcome_one_token_and_one_effect(
    killed: dict[str, Aftermath], name: str
) -> None:
    point, found = POINTS[name], killed[name]
    kinds = [one.type for one in found.history]
    assert [one.type for one in found.then][-1:] == [point.last][: len(point.last)]
    assert found.effects_then == point.effects
    assert [kind for kind in kinds if kind in ENDED] == [point.outcome]
    assert kinds.count("told") == 1
    assert kinds[: len(found.then)] == [one.type for one in found.then]
    executed = point.outcome == "applied"
    assert len(found.tokens) == executed
    assert found.effects == sorted(found.tokens)
    assert len(found.cards) == 1
    assert buttons(found.cards[0]) == []
    assert [said(outcome)["state"] for outcome in found.outcomes] == [point.outcome]
    assert found.problems == ""


@pytest.mark.parametrize("name", [name for name in [*TOGETHER, *STANDBY] if POINTS[name].last in {"started", "sent"}])
def test_req26_what_a_killed_executor_left_is_ended_within_its_lease_and_one_sweep(
    killed: dict[str, Aftermath], name: str
) -> None:
    found = killed[name]
    ended = next(one.at for one in found.history if one.type in ENDED)
    taken = next(one.at for one in found.then if one.type == "started")
    assert ended - taken < LEASE + SWEEP + MARGIN

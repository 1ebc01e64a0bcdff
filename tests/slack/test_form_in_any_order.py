"""Choices, redrawings and submissions with any state, in any order and at once, of three plans in two processes.

What is sent was read, judged by its own rules, bound to its secret, checked for an open change, and shown; or nothing
is sent.
"""

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from doubles import ANA, REQUESTER, MemoryDbs, Process, World
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.asked import reading_of
from bot.core.change import Change, State
from bot.core.diff import diff
from bot.core.policy import secret_problem
from bot.core.reading import Reading
from bot.errors import Refusal
from bot.playground.slack.elements import holders, initial
from bot.slack.configure import Configure
from bot.slack.place import Place
from bot.slack.plan_list import PlanList
from bot.slack.request import Requests
from bot.slack.rows import bulleted
from bot.slack.text import View
from bot.slack.whisper import Whisper
from bot.tasks import Tasks

POLICY = """
[defaults]
approvals = 1
approvers = ["S0DBA"]

[[rules]]
name = "hold"
plans = ["dbsb"]
deny = true
reason = "Nobody touches it."

[secrets.a]
ref = "env:A"
plans = ["dbsa"]
sources = ["instance:rm-a"]

[secrets.b]
ref = "env:B"
plans = ["dbsb"]
sources = ["instance:rm-b"]

[secrets.c]
ref = "env:C"
plans = ["dbsc"]
sources = ["instance:rm-c"]
"""
FREE, DENIED, TAKEN = "dbsa", "dbsb", "dbsc"
"""A plan that may be changed, one that a rule keeps, one with an open change; each with a secret of its own."""
PLANS = (FREE, DENIED, TAKEN)
FORM = "V1"


class Plans(MemoryDbs):
    """Three plans, which take a moment to be read."""

    def of(self, plan_id: str) -> Reading:
        letter = plan_id[-1]
        values = {
            "BackupPlanId": plan_id, "BackupPlanName": f"name {letter}", "SourceEndpointInstanceType": "RDS",
            "SourceEndpointRegion": "cn-hangzhou", "SourceEndpointInstanceID": f"rm-{letter}",
            "SourceEndpointUserName": letter, "BackupRetentionPeriod": "730",
        }  # fmt: skip
        return Reading(values, "MySQL", "logical", "running")

    async def read(self, plan_id: str) -> Reading:
        for _ in range(5):
            await asyncio.sleep(0)
        return self.of(plan_id)


@dataclass
class Screen:
    """What Slack was given to show: every drawing of the form, and every review, with what came of asking for it."""

    drawn: list[View] = field(default_factory=list)
    reviews: list[View] = field(default_factory=list)
    hash: int = 0

    async def views_open(self, *, view: View, **_: object) -> dict[str, Any]:
        self.draw(view)
        return {"view": {"id": FORM}}

    async def views_update(self, *, view: View, **_: object) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.draw(view)
        return {}

    async def chat_getPermalink(self, **_: object) -> dict[str, Any]:  # noqa: N802 - the client's own name
        return {"permalink": "https://slack.test/card"}

    def draw(self, view: View) -> None:
        self.hash += 1
        self.drawn.append({**view, "hash": str(self.hash)})


@dataclass(frozen=True)
class Step:
    """One thing that comes; `which` view, 0 for the newest; `state` is typed over what the view holds."""

    kind: str
    which: int
    process: int
    plan: str
    state: Mapping[str, str]


STATES = st.fixed_dictionaries(
    {},
    optional={
        "BackupRetentionPeriod": st.sampled_from(["7", "30", "700", ""]),
        "BackupPlanName": st.sampled_from(["name a", "name b", "renamed"]),
        "SourceEndpointInstanceID": st.sampled_from(["rm-a", "rm-b", "rm-c"]),
        "BackupStrategyType": st.sampled_from(["simple", "manual"]),
    },
)
CHOICES = st.sampled_from([{}, {}, {}, {}, {"BackupPlanId": FREE}, {"BackupPlanId": DENIED}, {"BackupPlanId": TAKEN}])
SECRETS = st.sampled_from(["", "", "", "a", "b", "c"])
"""Whose secret is chosen, "" for the right one."""
STEPS = st.builds(
    lambda kind, which, process, plan, state, choice, secret: Step(
        kind, which, process, plan, {**state, **choice, "SourceEndpointPassword": secret}
    ),
    st.sampled_from(["choose", "redraw", "submit", "submit", "submit", "ask", "ask", "ask", "open", "end"]),
    st.sampled_from([0, 0, 0, 1, 2, 5]),
    st.integers(0, 1),
    st.sampled_from(PLANS),
    STATES,
    CHOICES,
    SECRETS,
)  # fmt: skip
AT_ONCE = st.lists(STEPS, min_size=1, max_size=3)
"""Steps that come together."""


class Desk:
    """One person at a form that two processes serve."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dbs = Plans(world.clock)
        world.dbs = self.dbs
        world.secrets.values = {"env:A": "pa", "env:B": "pb", "env:C": "pc"}
        self.screen = Screen()
        self.tasks = Tasks()
        self.processes = [world.process(POLICY), world.process(POLICY)]
        self.served = [self._serve(process) for process in self.processes]
        self.came: Counter[str] = Counter()

    def _serve(self, process: Process) -> tuple[Configure, Requests]:
        client = cast("AsyncWebClient", self.screen)
        configure = Configure(
            client=client, ledger=process.ledger, dbs=self.dbs, rights=process.rights,
            plans=PlanList(self.dbs, self.tasks), whisper=cast("Whisper", None), tasks=self.tasks,
        )  # fmt: skip
        requests = Requests(
            client=client, ledger=process.ledger, dbs=self.dbs, rights=process.rights, configure=configure,
            engine=process.engine, clock=self.world.clock,
        )  # fmt: skip
        return configure, requests

    async def begin(self) -> None:
        """Have one plan taken, and the form open on another."""
        baseline = {**self.dbs.of(TAKEN).baseline}
        await self.world.asked("taken", plan_id=TAKEN, proposed=self.dbs.of(TAKEN).values, baseline=baseline)
        await self.take(Step("open", 0, 0, FREE, {}))

    async def take(self, step: Step) -> None:
        configure, requests = self.served[step.process]
        match step.kind:
            case "open":
                await configure.open({"trigger_id": "T"}, REQUESTER, Place("C1"), step.plan)
            case "choose":
                await configure.pick(self.body(step), step.plan)
            case "redraw":
                await configure.redraw(self.body(step))
            case "submit":
                await self.submit(configure, requests, step)
            case "ask" if self.screen.reviews:
                await self.ask(requests, step)
            case "end":
                await self.end()

    async def submit(self, configure: Configure, requests: Requests, step: Step) -> None:
        answer: Any = await configure.submit(self.body(step))
        if not isinstance(answer, dict):
            answer = await requests.review(answer)
        self.came[answer["response_action"]] += 1
        if answer["response_action"] == "update":
            self.screen.draw(answer["view"])
        if answer["response_action"] == "push":
            self.screen.reviews.append({**answer["view"], "id": f"R{len(self.screen.reviews)}"})

    async def ask(self, requests: Requests, step: Step) -> None:
        reviews = self.screen.reviews
        shown = reviews[max(0, len(reviews) - 1 - step.which)]
        held = {"reason": {"reason": {"value": "because"}}, "channel": {"channel": {"selected_conversation": "C1"}}}
        before = {event.change_id for event in await self.world.ledger.events()}
        body = {"view": {**shown, "root_view_id": FORM, "state": {"values": held}}, "user": {"id": REQUESTER}}
        answer = await requests.submit(body)
        self.came[f"asked, {answer['response_action']}"] += 1
        if answer["response_action"] == "clear":
            await self.judge(shown, before)

    async def judge(self, shown: View, before: set[str]) -> None:
        """Hold what was asked for against what was shown, and what is sent against both."""
        by_view = [
            change
            for change in [await self.world.now(event.change_id) for event in await self.world.ledger.events()]
            if change.request.view_id == shown["id"]
        ]
        change = by_view[0]
        request = change.request
        assert request.plan_id == request.proposed["BackupPlanId"] == request.baseline["BackupPlanId"]
        assert request.plan_id != DENIED, "its own rule keeps it"
        assert change.id in before or request.plan_id != TAKEN or (await self.world.now("taken")).state in CLOSED
        assert reading_of(request).values == self.dbs.of(request.plan_id).values, "it was read"
        rows = diff(reading_of(request), request.proposed, request.known, request.known_since).rows
        assert bulleted(rows) in shown["blocks"], "what is asked for was shown"
        assert f"({request.plan_id})" in str(shown["blocks"])
        policy, read = self.processes[0].rights.policy, reading_of(request).values
        for use in request.secrets.values():
            assert secret_problem(policy, use.name, request.plan_id, request.proposed, read, request.known) == ""
        await self.carry_out(change)

    async def carry_out(self, change: Change) -> None:
        with contextlib.suppress(Refusal):  # the same review asked for twice at once: it is approved already
            await self.world.approve(ANA, change.id)
        done = await self.processes[0].execute(change.id)
        if done.state is State.APPLIED:
            self.came["sent"] += 1
            assert done.attempt is not None
            (call,) = [one for one in self.dbs.calls if one.token == done.attempt.client_token]
            assert {**call.request, "SourceEndpointPassword": done.request.secrets["SourceEndpointPassword"].name} == {
                **done.request.proposed
            }
            assert call.passwords == {"SourceEndpointPassword": f"p{done.request.plan_id[-1]}"}

    async def end(self) -> None:
        """Let the plan that is taken be free."""
        with contextlib.suppress(Refusal):  # it is denied already
            await self.world.deny(ANA, "taken")

    def body(self, step: Step) -> dict[str, Any]:
        """What comes from one of the form's views, the newest or an older one, with something typed over it."""
        drawn = self.screen.drawn
        view = drawn[max(0, len(drawn) - 1 - step.which)]
        values: dict[str, dict[str, Any]] = {}
        for block, element in holders(view["blocks"]):
            if (start := initial(element)) is not None:
                values[block["block_id"]] = {element["action_id"]: start}
        held = [one for block, one in values.items() if block.startswith("BackupPlanId")]
        shown = (held[0]["BackupPlanId"].get("selected_option") or {}).get("value", FREE) if held else FREE
        state = {**step.state, "SourceEndpointPassword": step.state.get("SourceEndpointPassword") or shown[-1]}
        blocks = {one.partition("~")[0]: one for one in values}
        for name, text in state.items():
            typed = {"selected_option": {"value": text}} if name in CHOSEN else {"value": text or None}
            values[blocks.get(name, name)] = {name: typed}
        return {
            "view": {**view, "id": FORM, "root_view_id": FORM, "state": {"values": values}},
            "user": {"id": REQUESTER}, "trigger_id": "T",
        }  # fmt: skip


CHOSEN = {"BackupPlanId", "BackupStrategyType", "SourceEndpointPassword"}
CLOSED = {State.DENIED}


async def play(rounds: list[list[Step]], seen: Counter[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with World(Path(folder)) as world:
            desk = Desk(world)
            await desk.begin()
            for at_once in rounds:
                steps: list[Coroutine[Any, Any, None]] = [desk.take(step) for step in at_once]
                await asyncio.gather(*steps)
            await desk.tasks.finish(5.0)
            seen.update(desk.came)


def step(kind: str, plan: str = FREE, which: int = 0, **state: str) -> list[Step]:
    """One step by itself."""
    return [Step(kind, which, 0, plan, {"SourceEndpointPassword": "", **state})]


PLAINLY = [step("redraw"), step("submit", BackupRetentionPeriod="30"), step("ask")]
REFUSED = [step("submit"), step("submit", SourceEndpointPassword="b"), step("submit"), step("ask", which=1)]
OUTDATED = [step("choose", DENIED), step("submit", which=1), step("submit"), step("ask")]


def test_what_is_sent_was_read_judged_and_shown_or_nothing_is_sent() -> None:
    seen: Counter[str] = Counter()

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @example(PLAINLY)
    @example(REFUSED)
    @example(OUTDATED)
    @given(st.lists(AT_ONCE, min_size=3, max_size=12))
    def in_any_order(rounds: list[list[Step]]) -> None:
        asyncio.run(play(rounds, seen))

    in_any_order()
    assert min(seen[what] for what in ("sent", "push", "errors", "update", "asked, clear", "asked, errors")) > 0, seen

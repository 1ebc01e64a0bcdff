"""Whatever a plan holds and whatever people type, Slack takes the form, the review and the card that show it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alibaba.reading import read_plan
from bot.core.change import Change, begin
from bot.core.diff import diff
from bot.core.draft import Draft
from bot.core.events import Demand, Requested, SecretUse, chained, stamp
from bot.core.parameters import Parameter
from bot.core.plan import parameters
from bot.core.policy import Policy
from bot.core.reading import PlanSummary, Reading
from bot.core.text import Kind
from bot.playground.dbs.plans import Plan, catalogue
from bot.playground.slack.elements import holders, initial
from bot.playground.slack.schema import (
    RENDERED_LIMIT,
    VIEW_BYTES,
    message_problems,
    option_problems,
    rendered_length,
    table_problems,
    view_problems,
)
from bot.slack.card import card_blocks, card_text
from bot.slack.filled import form_problems, merged, prefilled, proposed, proposed_again
from bot.slack.form import form_view, message_view, picker_view, reading_view
from bot.slack.inputs import typed_values
from bot.slack.review import deny_view, review_view
from bot.slack.suggestions import suggestions
from bot.slack.text import alert

BY_ITSELF = {"SourceEndpointIP", "SourceEndpointPort"}
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
POLICY = Policy.model_validate(
    {
        "defaults": {"approvers": ["S0DBA"], "channels": ["C0OPS"]},
        "secrets": {"orders-db": {"ref": "env:X", "plans": ["dbs*"], "sources": ["instance:rm-1"]}},
    }
)
DEMAND = Demand(approvals=2, approvers=("S0DBA",), pool=("U1", "U2"), policy="", sentence="2 of <!subteam^S0DBA>.")
HOSTILE = (
    "", " ", "0", "-1", "99999999999999999999", "30.0", "true", "own", "<!channel>", "<@U0ANA> `x` *y*", "a\nb", "\x00",
    "\u202egnp.exe", "\u202e" * 400, "x" * 75, "x" * 76, "x" * 3000, "x" * 3001, "[" * 200, "manual", "25:61", "14:22Z",
    "Monday,Funday", '[{"DBName":"' + "y" * 4000 + '"}]',
    "[" + ",".join(f'{{"DBName":"d{n}"}}' for n in range(1500)) + "]",
)  # fmt: skip
TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=40)


def details() -> st.SearchStrategy[Plan]:
    """A plan as DBS reports it, some of its fields being anything at all."""
    fields = sorted({name for plan in catalogue() for name in plan} - {"BackupPlanId"})
    number: st.SearchStrategy[object] = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
    odd = st.dictionaries(st.sampled_from(fields), TEXTS | number | st.just([]), max_size=8)
    return st.builds(lambda plan, changed: plan | changed, st.sampled_from(catalogue()), odd)


def typed() -> st.SearchStrategy[dict[str, str]]:
    """What somebody may have typed or chosen."""
    return st.dictionaries(st.sampled_from([one.name for one in parameters()]), TEXTS | st.sampled_from(WORDS))


WORDS = sorted({word for one in parameters() for word in one.choices})
UNREADABLE = [one.name for one in parameters() if not one.readable]
KNOWN = st.dictionaries(st.sampled_from(UNREADABLE), TEXTS | st.sampled_from(WORDS), max_size=4)


def untouched(view: Mapping[str, Any]) -> dict[str, Any]:
    """The view as it comes back when nothing was typed into it."""
    state: dict[str, dict[str, Any]] = {}
    for block, element in holders(view["blocks"]):
        if (start := initial(element)) is not None:
            state[block["block_id"]] = {element["action_id"]: start}
    return {**view, "state": {"values": state}}


def holds(view: dict[str, Any]) -> None:
    """Slack would take this view."""
    assert view_problems(view, "modal") == []
    assert len(json.dumps(view).encode()) < VIEW_BYTES


def changed(reading: Reading, values: dict[str, str], known: dict[str, str], reason: str) -> Change:
    """A change that was just asked for."""
    requested = Requested(
        plan_id=reading.plan_id, plan_name=reading.values.get("BackupPlanName", ""), host="dbs.test",
        region=reading.region, status=reading.status, proposed=values, baseline=reading.baseline, known=known,
        secrets={"SourceEndpointPassword": SecretUse(name="orders-db", ref="env:X")}, demand=DEMAND, reason=reason,
        channel="C0OPS", view_id="V1", expires_at=stamp(NOON + timedelta(hours=4)), execute_within=1800,
        digest="d" * 64,
    )  # fmt: skip
    return begin(chained("", "1m867dvmbbjq2xq", 1, "U0RITA", stamp(NOON), requested))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(details(), typed(), KNOWN, st.sampled_from(["", "Asia/Shanghai", "Mars/Base"]), TEXTS, st.booleans())
def test_slack_takes_every_form_review_and_card(
    detail: Plan, values: dict[str, str], known: dict[str, str], tz: str, reason: str, bare: bool
) -> None:
    reading = read_plan(detail, str(detail.get("ErrMessage") or ""))
    filled = prefilled(reading.values, known) | values
    draft = Draft("V1", "U0RITA", "C0OPS", reading, known, filled, renewal=1, typed=None if bare else values)
    view = form_view(draft, [] if bare else ["orders-db", "s" * 75], tz, "" if bare else "Change c1 is open.")
    holds(view)
    draft = Draft("V1", "U0RITA", "C0OPS", reading, known, merged(draft, untouched(view)), renewal=1)
    holds(form_view(draft, ["orders-db"], tz))
    form_problems(draft)
    sent = proposed(draft)
    assert set(proposed_again(sent, reading.values)) >= set(sent) - {"BackupPlanId"}
    shown = diff(reading, sent, known)
    holds(review_view("V1", "plan", shown, POLICY, DEMAND, [alert("error", reason or "x")], "" if bare else "C0OPS"))
    change = changed(reading, sent, known, reason[:1000] or "because")
    for simple in (False, True):
        blocks = card_blocks(change, simple=simple)
        assert message_problems({"blocks": blocks, "text": card_text(change)}) == []
        assert table_problems(blocks) == []
        assert rendered_length(blocks) <= RENDERED_LIMIT
        assert len(blocks) <= 50


@given(TEXTS)
def test_slack_takes_what_is_said_in_a_modal_whatever_text_is_in_it(text: str) -> None:
    holds(reading_view(text))
    holds(picker_view(alert("error", text or "x"), text, 3))
    holds(message_view(text or "x"))
    holds(deny_view("c1", text or "x"))


class OnePlan:
    """A list of plans with one in it."""

    loaded, trouble = True, ""

    def __init__(self, plan: PlanSummary) -> None:
        self.plan = plan

    def matching(self, _text: str, _limit: int) -> list[PlanSummary]:
        """Return it."""
        return [self.plan]


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_slack_takes_every_suggestion(plan_id: str, name: str, engine: str, status: str) -> None:
    options = suggestions(OnePlan(PlanSummary(plan_id or "x", name, engine, status)), "")  # type: ignore[arg-type]
    assert option_problems({"options": options}) == []


@pytest.mark.parametrize("detail", catalogue(), ids=lambda plan: str(plan["BackupPlanId"]))
def test_a_form_submitted_as_it_came_proposes_what_is_there_but_for_what_dbs_finds_itself(detail: Plan) -> None:
    reading = read_plan(detail)
    draft = Draft("V1", "U0RITA", "C0OPS", reading, {}, prefilled(reading.values, {}))
    view = untouched(form_view(draft, ["orders-db"]))
    draft = Draft("V1", "U0RITA", "C0OPS", reading, {}, merged(draft, view))
    by_itself = BY_ITSELF if detail.get("SourceEndpointInstanceType") in {"rds", "dds"} else set()
    by_itself = by_itself | ({"OSSBucketName"} if detail.get("BackupStorageType") == "system" else set())
    assert proposed(draft) == {name: text for name, text in reading.values.items() if name not in by_itself}


@pytest.mark.parametrize("one", parameters(), ids=lambda one: one.name)
def test_what_an_input_shows_comes_back_as_it_was(one: Parameter) -> None:
    sample = {
        Kind.NUMBER: "7", Kind.TIME: "03:30", Kind.CHOICES: "Monday,Friday", Kind.ID64: "23313123312",
        Kind.PLAN: "dbs1", Kind.SECRET: "orders-db", Kind.MULTILINE: "shop\n!shop.audit",
    }.get(one.kind) or (one.choices or ("orders",))[-1]  # fmt: skip
    facts = {"DatabaseType": "MySQL", "BackupMethod": "physical"}
    reading = Reading({"BackupPlanId": "dbs1"}, facts["DatabaseType"], facts["BackupMethod"], "running")
    values = {"BackupPlanId": "dbs1", one.name: sample}
    if one.name != "BackupStrategyType":
        values["BackupStrategyType"] = "simple"
    draft = Draft("V1", "U0RITA", "", reading, {}, values)
    view = untouched(form_view(draft, ["orders-db"]))
    assert typed_values(view)[one.name] == sample
    assert merged(draft, view).get(one.name) == (None if one.kind is Kind.PLAN else sample), "the plan is the reading's"

"""The list behind the choice of a plan: read once for all, in the background, and what is said while there is none."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.core.reading import PlanSummary
from bot.errors import DbsUnreachable
from bot.slack import plan_list
from bot.slack.plan_list import PlanList
from bot.slack.suggestions import NO_PLAN, suggestions
from bot.tasks import Tasks

PLANS = [
    PlanSummary("dbs2", "Orders nightly", "MySQL", "running"),
    PlanSummary("dbs1", "orders archive", "Redis", "pause"),
    PlanSummary("x" * 76, "orders, an id that no option holds", "MySQL", "running"),
]


class ListingDbs:
    """DBS, as far as listing plans goes: each listing waits for `listed`."""

    def __init__(self) -> None:
        self.listings = 0
        self.listed = asyncio.Event()
        self.trouble: Exception | None = None

    async def plans(self) -> Sequence[PlanSummary]:
        """List them."""
        self.listings += 1
        await self.listed.wait()
        if self.trouble is not None:
            raise self.trouble
        return PLANS


def said(plans: PlanList, text: str) -> list[str]:
    """What is offered for a text, by value, or the sentence that says why there is nothing."""
    options = suggestions(plans, text)
    return [one["text"]["text"] if one["value"] == NO_PLAN else one["value"] for one in options]


async def test_the_list_is_read_once_however_many_wait_for_it() -> None:
    dbs, tasks = ListingDbs(), Tasks()
    plans = PlanList(dbs, tasks)  # type: ignore[arg-type]
    for _ in range(50):
        assert said(plans, "orders") == ["The plans are being listed: type again in a moment"]
        await asyncio.sleep(0)
    dbs.listed.set()
    await tasks.finish(1)
    assert said(plans, "") == ["dbs2", "dbs1"]
    assert dbs.listings == 1


async def test_every_word_typed_must_be_in_id_name_engine_or_status_in_any_case() -> None:
    dbs, tasks = ListingDbs(), Tasks()
    dbs.listed.set()
    plans = PlanList(dbs, tasks)  # type: ignore[arg-type]
    plans.refresh_soon()
    await tasks.finish(1)
    assert said(plans, "ORDERS redis") == ["dbs1"]
    assert said(plans, " running  night ") == ["dbs2"]
    assert said(plans, "dbs1") == ["dbs1"]
    assert said(plans, "redis running") == ["No plan matches. A new one? Type /backup-plan configure and its id"]


async def test_a_list_that_could_not_be_read_says_so_and_is_tried_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    dbs, tasks = ListingDbs(), Tasks()
    dbs.listed.set()
    dbs.trouble = DbsUnreachable("ConnectError", "no route")
    plans = PlanList(dbs, tasks)  # type: ignore[arg-type]
    plans.refresh_soon()
    await tasks.finish(1)
    assert said(plans, "orders") == ["DBS did not list the plans: type the command with the id"]
    assert dbs.listings == 1, "it is not tried with every letter"
    monkeypatch.setattr(plan_list, "AGAIN", 0.0)
    other = PlanList(dbs, tasks)  # type: ignore[arg-type]
    other.refresh_soon()
    await tasks.finish(1)
    dbs.trouble = None
    other.refresh_soon()
    await tasks.finish(1)
    assert said(other, "orders") == ["dbs2", "dbs1"]
    assert plan_list.AGE == 600

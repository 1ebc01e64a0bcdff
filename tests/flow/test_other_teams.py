"""What another workspace sends counts for nothing, whatever signed it: one bot serves one workspace."""

import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.playground.acts import ask
from bot.playground.dbs.plans import redis_on_ecs
from bot.playground.stage import Stage

OpenStage = Callable[..., Awaitable[Stage]]
History = Callable[[Stage, dict[str, Any]], list[tuple[str, str, dict[str, Any]]]]

FOREIGN: list[dict[str, Any]] = [
    {"team": {"id": "T0OTHER", "domain": "other"}},
    {"team": None, "user": {"id": "U0ANA", "team_id": "T0OTHER"}, "is_enterprise_install": True},
    {"team": None, "user": {"id": "U0ANA"}, "enterprise": {"id": "E0OTHER"}, "is_enterprise_install": True},
]


@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "sockets"])
async def test_another_workspaces_payloads_are_refused_at_the_door(
    open_stage: OpenStage, history: History, socket_mode: bool
) -> None:
    stage = await open_stage(socket_mode=socket_mode)
    plan = redis_on_ecs("dbsother01")
    stage.dbs.plans["dbsother01"] = plan
    await stage.start_bot()
    slack = stage.slack
    slack.courier.ack_seconds = 1.0
    card = await ask(slack, stage.rita, "dbsother01", {"BackupRetentionPeriod": "30"})
    await stage.gus.click(card, "approve")
    clicked = slack.deliveries[-1].payload
    before = history(stage, card)
    for foreign in FOREIGN:
        forged = {**copy.deepcopy(clicked), "user": {"id": "U0ANA", "team_id": slack.team_id}, **foreign}
        delivery = await slack.deliver("interactive", forged)
        assert (delivery.status, delivery.problem) == ((None, "timeout") if socket_mode else (403, ""))
    command = next(one.payload for one in slack.deliveries if one.kind == "slash_commands")
    delivery = await slack.deliver("slash_commands", {**command, "text": "help", "team_id": "T0OTHER"})
    assert (delivery.status, delivery.problem) == ((None, "timeout") if socket_mode else (403, ""))
    assert history(stage, card) == before
    ours = {**copy.deepcopy(clicked), "team": None, "user": {"id": "U0ANA", "team_id": slack.team_id}}
    assert (await slack.deliver("interactive", ours)).ok
    assert [kind for kind, _, _ in history(stage, card)][len(before) :] == ["approved"]

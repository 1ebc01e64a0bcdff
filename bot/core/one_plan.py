"""One identity: a change has one plan, however many of its parts name it."""

from bot.core.events import Requested

PLAN_ID = "BackupPlanId"


def is_of_one_plan(request: Requested) -> bool:
    """Whether the plan that was read and the one that would be changed are the one that the change is recorded for."""
    return request.plan_id == request.proposed.get(PLAN_ID) == request.baseline.get(PLAN_ID)

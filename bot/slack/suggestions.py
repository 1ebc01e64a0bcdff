"""The typeahead's answers: plans that match what was typed, or one line that says why there are none."""

from bot.slack.inputs import LONGEST_VALUE, MOST_OPTIONS, option
from bot.slack.plan_list import PlanList
from bot.slack.text import Block

NO_PLAN = "-"
"""The value of a line that is no plan."""


def suggestions(plans: PlanList, text: str) -> list[Block]:
    """Return the options for what was typed, best readable first, at most a hundred."""
    found = plans.matching(text, MOST_OPTIONS)
    if found:
        lines = ((f"{plan.plan_id} · {plan.name} · {plan.engine} · {plan.status}", plan.plan_id) for plan in found)
        return [option(line, plan_id) for line, plan_id in lines if len(plan_id) <= LONGEST_VALUE]
    if plans.loaded:
        said = "No plan matches. A new one? Type /backup-plan configure and its id"
    elif plans.trouble:
        said = "DBS did not list the plans: type the command with the id"
    else:
        said = "The plans are being listed: type again in a moment"
    return [option(said, NO_PLAN)]

"""What goes wrong in one run, decided by its seed before it begins: the same seed makes the same plan of trouble."""

import random
from dataclasses import dataclass

from bot.playground.dbs import faults as dbs
from bot.playground.slack.faults import Fault as SlackFault

SLACK = {
    "Slack answers 429": SlackFault(retry_after=1),
    "Slack answers 503": SlackFault(status=503),
    "Slack loses an answer": SlackFault(lose_answer=True),
    "Slack cuts a call": SlackFault(cut=True),
}
"""Faults of the calls that post and redraw messages."""
DBS = {
    "DBS throttles": dbs.throttle(300),
    "DBS fails": dbs.fail(),
    "DBS fails after doing it": dbs.fail(after=True),
    "DBS loses an answer": dbs.lose_answer(),
    "DBS cuts a call": dbs.cut(),
    "DBS is slow": dbs.slow(1.5),
}
"""Faults of ConfigureBackupPlan and of reading a plan."""
PROCESSES = {"process killed": 3, "process paused": 2}
"""What happens to processes, how often: each in its part of the time, so that now and then somebody is there."""
POSTING = ("chat.postMessage", "chat.update")
CALLING = ("ConfigureBackupPlan", "DescribeBackupPlanList")


@dataclass(frozen=True)
class Trouble:
    """One thing that goes wrong."""

    at: float
    """Seconds after people begin to click."""
    what: str
    where: str = ""
    """The method or action whose next call it is, where it is one."""
    process: int = 0
    """Which of the processes, where it is one."""
    seconds: float = 0.0
    """How long it lasts, where it does."""


def plan_trouble(
    seed: int, processes: int, store_faults: tuple[str, ...], *, window: float, lease: float
) -> list[Trouble]:
    """Return everything that will begin to go wrong within `window` seconds, in the order of its time.

    Pauses last longer than `lease` seconds.
    """
    dice = random.Random(f"trouble {seed}")  # noqa: S311 - replayed
    plan = [
        Trouble(
            window * (number + dice.random()) / times,
            what,
            process=dice.randrange(processes),
            seconds=lease + dice.uniform(0.5, 2),
        )
        for what, times in PROCESSES.items()
        for number in range(times)
    ]
    plan += [Trouble(dice.uniform(0.5, window), what, seconds=dice.uniform(0.5, 3)) for what in store_faults]
    plan += [
        Trouble(dice.uniform(0.0, window), what, where)
        for kinds, places, times in ((SLACK, POSTING, 4), (DBS, CALLING, 3))
        for what in kinds
        for where in places
        for _ in range(times)
        if (what, where) != ("DBS fails after doing it", "DescribeBackupPlanList")
    ]
    return sorted(plan, key=lambda one: one.at)

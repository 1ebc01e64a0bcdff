"""What a newcomer may let go wrong with a press of a button: DBS misbehaves, or people do."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.dbs import faults
from bot.playground.page.setting import Setting
from bot.playground.stage import CHANNEL

CONFIGURE = "ConfigureBackupPlan"
MOST_DAYS = 1825

Happening = Callable[[Setting, str], str]
"""Upset a plan, by its id, or what is around it, and say what was done."""


@dataclass(frozen=True)
class Upset:
    """One button."""

    name: str
    label: str
    says: str
    """What it is good for, in a sentence."""
    happen: Happening


def _queued(said: str, *wrong: faults.Fault) -> Happening:
    def queue(setting: Setting, plan_id: str) -> str:
        setting.dbs.next(CONFIGURE, *wrong, plan_id=plan_id)
        return said.format(plan=plan_id)

    return queue


def _move(setting: Setting, plan_id: str) -> str:
    days = int(setting.dbs.plans[plan_id].get("BackupRetentionPeriod", 0))
    moved = days + 30 if days + 30 <= MOST_DAYS else 30
    setting.dbs.change(plan_id, BackupRetentionPeriod=moved)
    return f"Somebody at the console set the retention of {plan_id} from {days} to {moved} days."


def _lock(setting: Setting, plan_id: str) -> str:
    locked = setting.dbs.plans[plan_id]["BackupPlanStatus"] == "locked"
    setting.dbs.change(plan_id, BackupPlanStatus="running" if locked else "locked")
    return f"{plan_id} is {'running again' if locked else 'locked'}."


def _share(setting: Setting, _: str) -> str:
    ops = setting.slack.channel(CHANNEL)
    ops.ext_shared = not ops.ext_shared
    if ops.ext_shared:
        ops.members.add(setting.mila.id)
        return "Acme is in #ops now: act as Mila and press Approve on a card."
    ops.members.discard(setting.mila.id)
    return "Acme is no longer in #ops."


PRECHECK = "Precheck failed: the account backup has no SELECT on mysql.proc."
UPSETS = (
    Upset(
        "stale", "Change the plan",
        "Somebody changes the plan at the DBS console. Press it while a change waits for approval, and it goes stale.",
        _move,
    ),
    Upset(
        "stuck", "Get stuck",
        "DBS's answer is lost, and somebody changes the plan at that moment: nobody can tell whether it was applied.",
        _queued(
            "The next change of {plan} will get stuck: its answer is lost, and somebody sets the start time to 03:33.",
            faults.lose_answer(BackupStartTime="03:33"),
        ),
    ),
    Upset(
        "silent", "Silent after processing",
        "DBS applies the change and closes the connection without a word; the bot asks again with the same token.",
        _queued("DBS will apply the next change of {plan} and say nothing.", faults.lose_answer()),
    ),
    Upset(
        "slow", "Slow", "DBS takes six seconds for the next change.",
        _queued("The next change of {plan} takes six seconds.", faults.slow(6)),
    ),
    Upset(
        "throttled", "Throttled", "DBS asks twice to come back after two seconds.",
        _queued("DBS will turn the next change of {plan} away twice.", faults.throttle(2000), faults.throttle(2000)),
    ),
    Upset(
        "failing", "Failing", "DBS answers 503 twice; then it works.",
        _queued("DBS will answer 503 twice to the next change of {plan}.", faults.fail(), faults.fail()),
    ),
    Upset(
        "refused", "Refuse", "RAM does not let the bot change the plan: the thread says which permission to grant.",
        _queued("DBS will refuse the next change of {plan}.", faults.forbid()),
    ),
    Upset(
        "ignored", "Ignore a value", "DBS accepts the change and does not apply the retention: the read-back notices.",
        _queued("DBS will ignore the retention in the next change of {plan}.", faults.ignore("BackupRetentionPeriod")),
    ),
    Upset(
        "precheck", "Fail the precheck", "DBS accepts the change, and the plan's precheck fails.",
        _queued("The precheck of {plan} will fail after its next change.", faults.then("init", message=PRECHECK)),
    ),
    Upset(
        "locked", "Lock or unlock", "The plan's subscription ends, or is renewed: no form opens for a locked plan.",
        _lock,
    ),
    Upset(
        "shared", "Invite Acme, or not",
        "Another company shares #ops: its people see the cards and can press Approve, which does not count.",
        _share,
    ),
)  # fmt: skip


class Upsets:
    """The buttons, and what was queued with them."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._dbs = setting.dbs
        self._named = {upset.name: upset for upset in UPSETS}
        self._labels: list[tuple[faults.Fault, str]] = []
        self.said: list[str] = []
        """What was done so far, a sentence each."""

    def happen(self, name: str, plan_id: str) -> str:
        """Press a button for a plan and return what that did. Raises KeyError for a button or plan there is not."""
        upset = self._named[name]
        self._dbs.plans[plan_id]  # an unknown plan would only be noticed when it is too late
        before = [fault for _, _, fault in self._dbs.queued]
        self.said.append(upset.happen(self._setting, plan_id))
        new = [fault for _, _, fault in self._dbs.queued][len(before) :]
        self._labels += [(fault, upset.label) for fault in new]
        return self.said[-1]

    def forget(self) -> str:
        """Let nothing more go wrong."""
        self._dbs.forget()
        self.said.append("Nothing more will go wrong.")
        return self.said[-1]

    @property
    def queued(self) -> list[str]:
        """What is still to come, a line each."""
        lines = []
        for _, plan_id, fault in self._dbs.queued:
            label = next((label for known, label in self._labels if known is fault), "Something")
            lines.append(f"{label}: the next change of {plan_id or 'any plan'}")
        return lines

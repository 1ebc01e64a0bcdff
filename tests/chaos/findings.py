"""What must be true of every change once the trouble is over, asked of the ledger, of Slack and of DBS."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bot.core.events import moment
from bot.playground.acts import ENDED, buttons, cards, kind, said
from bot.playground.stage import Stage
from chaos.crowd import Clicked, Crowd
from chaos.stores import Row

NEEDED = 2


@dataclass(frozen=True)
class Record:
    """One event of a change."""

    type: str
    actor: str
    at: float
    """Seconds since 1970."""
    data: Mapping[str, Any]


History = list[Record]


def histories(rows: Iterable[Row]) -> dict[str, History]:
    """Return the history of every change: plan id → events, oldest first; each plan has one change."""
    found: dict[str, History] = defaultdict(list)
    for change_id, kind_of, actor, at, data in rows:
        found[change_id].append(Record(kind_of, actor, moment(at).timestamp(), json.loads(data)))
    return {str(history[0].data["plan_id"]): history for history in found.values()}


def is_over(history: History) -> bool:
    """Whether a change has its outcome and people were told."""
    return {record.type for record in history} >= {"told"}


def ends(history: History) -> list[Record]:
    """Return the outcomes of a change: one, if all is well."""
    return [record for record in history if record.type in ENDED]


@dataclass(frozen=True)
class Count:
    """What came out of the changes of one run; each is 0 where all is well, but `effects`."""

    effects: int
    duplicates: int
    """Effects, outcome messages and cards beyond the first of a change, and second tokens."""
    losses: int
    """Outcomes, messages and acknowledged approvals that are missing."""


def examine(stage: Stage, crowd: Crowd, found: Mapping[str, History]) -> tuple[list[str], Count]:
    """Return a sentence for everything that is not as it must be, and the count."""
    wrong: list[str] = []
    duplicates = losses = 0
    answered = {f"{stage.slack.world.url}{call.raw.split()[1]}" for call in stage.slack.journal.called("response_url")}
    for plan in crowd.plans:
        history = found.get(plan, [])
        missing, extra, odd = _examine(stage, crowd, plan, history)
        silent = [click for click in crowd.clicks if click.plan_id == plan and click.answer_url not in answered]
        missing += lost_approvals(history, silent)
        duplicates, losses = duplicates + len(extra), losses + len(missing)
        wrong += [f"{plan}: {sentence}" for sentence in (*missing, *extra, *odd)]
    return wrong, Count(len(stage.dbs.effects), duplicates, losses)


def _examine(stage: Stage, crowd: Crowd, plan: str, history: History) -> tuple[list[str], list[str], list[str]]:
    """Return what is missing, what is there more than once, and what is otherwise wrong about one change."""
    channel = crowd.channels[plan]
    sent = [one for one in stage.dbs.calls("ConfigureBackupPlan") if one.params.get("BackupPlanId") == plan]
    effects = [one for one in stage.dbs.effects if one.plan_id == plan]
    tokens = {one.params["ClientToken"] for one in sent} | {
        record.data["client_token"] for record in history if record.type == "started"
    }
    change_id = said(crowd.cards[plan])["change_id"]
    shown = [card for card in cards(stage.slack, channel) if said(card)["change_id"] == change_id]
    log = stage.slack.channel(channel).messages + stage.slack.channel(channel).thread(crowd.cards[plan]["ts"])
    told = {one["ts"]: one for one in log if kind(one) == "outcome" and said(one)["change_id"] == change_id}
    outcomes = ends(history)
    approved = [record.actor for record in history if record.type == "approved"]
    ended = outcomes[0].type if outcomes else "open"

    missing = [
        f"there is no {what}"
        for what, there in (("outcome", outcomes), ("outcome message", told), ("card", shown))
        if not there
    ]
    if ended == "applied" and not effects:
        missing.append("it is said to be applied, and DBS did nothing")
    extra = [
        f"there are {len(there)} {what}: {there if what == 'outcomes' else ''}"
        for what, there in (
            ("outcomes", [record.type for record in outcomes]),
            ("outcome messages", told),
            ("cards", shown),
            ("effects", effects),
            ("client tokens", tokens),
        )
        if len(there) > 1
    ]
    odd = []
    if len(set(approved)) != NEEDED or len(approved) != NEEDED or history[0].actor in approved:
        odd.append(f"it was approved by {approved}, asked for by {history[0].actor}")
    if effects and ended not in {"applied", "stuck"}:
        odd.append(f"it is {ended}, and DBS did it")
    if ended not in {"applied", "stuck"}:
        odd.append(f"it ended as {ended}: {outcomes and outcomes[0].data}")
    if shown and (said(shown[0])["state"] != ended or buttons(shown[0])):
        odd.append(f"it is {ended}, and its card shows {said(shown[0])['state']} with {buttons(shown[0])}")
    return missing, extra, odd


def lost_approvals(history: History, clicks: Sequence[Clicked]) -> list[str]:
    """Return a sentence for every approval that is lost: acknowledged before the change had enough, and not recorded.

    `clicks` are those on it that nobody was told anything about.
    """
    approved = {record.actor: record.at for record in history if record.type == "approved"}
    enough = sorted(approved.values())[NEEDED - 1] if len(approved) >= NEEDED else float("inf")
    early = {click.by for click in clicks if click.acked and click.answered < enough}
    return [f"the approval of {person} was acknowledged and is not recorded" for person in sorted(early - {*approved})]


def recoveries(found: Iterable[History], ended: Sequence[float]) -> list[float]:
    """Return the seconds from the end of a process (`ended`, seconds since 1970) to the outcome of what it carried out.

    It carried a change out that somebody else had to go on with: another owner's attempt follows on its own.
    """
    seconds = []
    for history in found:
        attempts = [record for record in history if record.type == "started"]
        for before, after in pairwise(attempts):
            ends_between = [at for at in ended if before.at <= at <= after.at]
            if before.data["owner"] != after.data["owner"] and ends_between:
                seconds.append(ends(history)[0].at - ends_between[-1])
    return seconds

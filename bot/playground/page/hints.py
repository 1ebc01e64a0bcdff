"""What the page tells somebody who has never seen the bot to do next, from what there is to be seen right now."""

from typing import Any

from bot.core.change import Change, State
from bot.playground.page.history import History
from bot.playground.page.setting import FIRST_PLAN, Setting
from bot.playground.slack.person import Person
from bot.playground.stage import CHANNEL

Json = dict[str, Any]
COMMAND = f"/backup-plan configure {FIRST_PLAN}"
APPROVERS = ("U0ANA", "U0BEN")
REQUESTER = "U0RITA"

ENDINGS = {
    State.APPLIED: "Applied: DBS received the change once, and the bot read the plan back. The thread says so.",
    State.REFUSED: "DBS refused the change: the thread says why and what to do.",
    State.STALE: "Stale: the plan is not what the approvers saw, nothing was sent. The thread says what moved.",
    State.STUCK: "Stuck: nobody can tell whether it was applied. The thread says what to check: try *Read again*.",
    State.DENIED: "Denied: nothing was sent, and the thread says why.",
    State.WITHDRAWN: "Withdrawn: nothing was sent.",
    State.EXPIRED: "Expired: nothing was sent.",
}


def hint(setting: Setting, history: History, person: Person, *, is_up: bool) -> Json:
    """Return `text`, and `steps`: buttons that take the page to where the next thing is to be done."""
    if not is_up:
        return _say("The bot is not running. Start one with the environment that the terminal shows.")
    if person.view is not None:
        return _in_modal(person.view, person.errors)
    change = history.changes[-1] if history.changes else None
    if change is None or change.card is None:
        return _begin(person)
    if not change.open:
        return _ended(change)
    if change.state is State.PENDING:
        return _pending(setting, change, person)
    return _say("Two people approved, so the bot carries it out: watch the requests under *Behind the scenes*.")


def _begin(person: Person) -> Json:
    if person.id == REQUESTER:
        type_it = {"label": "Type it for me", "type": COMMAND, "channel": CHANNEL}
        return _say(f"Type `{COMMAND}` in the box at the bottom of #ops and press Enter.", type_it)
    return _say("Switch to Rita: she asks for a change of a backup plan.", _act_as("Rita", REQUESTER))


def _in_modal(view: Json, errors: dict[str, str]) -> Json:
    names = {block.get("block_id", "").partition("~")[0] for block in view["blocks"] if block["type"] == "input"}
    if errors:
        return _say("The bot says at each input what is wrong. Mend it and press the button again.")
    match view["callback_id"]:
        case "review":
            return _say("Read what would change, give a reason, and press *Ask for approval*.")
        case "deny":
            return _say("Say why, and press *Deny*.")
    if not names:
        return _say("The bot is reading the plan from DBS …")
    if "BackupPlanName" not in names:
        return _say("Choose the plan to change: type a part of its id, name or engine.")
    secret = "choose a *Database password* (the name of a secret), " if "SourceEndpointPassword" in names else ""
    return _say(f"Scroll down, {secret}set *Backup retention* to 400 days, say, and press *Review*.")


def _pending(setting: Setting, change: Change, person: Person) -> Json:
    voted = {vote.by for vote in change.votes}
    waiting = [one for one in APPROVERS if one not in voted and one != change.requester]
    names = [setting.slack.people[one].member.real_name.partition(" ")[0] for one in waiting]
    name = names[0] if names else "somebody else"
    switch = [_act_as(name, waiting[0])] if waiting else []
    # a card that is a reply would be looked for in vain among the messages of the channel
    look = [_open_thread(change)] if change.request.thread else []
    if person.id in waiting:
        upset = "Or change the plan behind the bot's back first, under *Behind the scenes*." if voted else ""
        return _say(f"Read the card and press *Approve*, or *Deny*. {upset}".strip(), *look)
    if person.id == change.requester:
        return _say(
            f"You asked, so you cannot approve. Switch to {name}, or open {name} in a second tab.", *switch, *look
        )
    if person.id in voted:
        return _say(f"You approved: {change.missing} more to go. Switch to {name}.", *switch, *look)
    return _say(f"Press *Approve*: the bot says privately why you may not. Then switch to {name}.", *switch, *look)


def _ended(change: Change) -> Json:
    another = {"label": "Ask for another", "as": REQUESTER, "type": COMMAND, "channel": CHANNEL}
    more = "Next, let something go wrong: choose it under *Behind the scenes*, then ask for another change."
    return _say(f"{ENDINGS[change.state]} {more}", _open_thread(change), another)


def _open_thread(change: Change) -> Json:
    return {"label": "Open the thread", "thread": change.thread, "channel": change.request.channel}


def _act_as(name: str, user_id: str) -> Json:
    return {"label": f"Act as {name}", "as": user_id}


def _say(text: str, *steps: Json) -> Json:
    return {"text": text, "steps": list(steps)}

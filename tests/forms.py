"""How tests read and fill the form and its review: what a view holds, and the way to it."""

from typing import Any

from bot.playground.acts import cards, fill, inputs
from bot.playground.slack.person import Person
from bot.playground.slack.server import FakeSlack, plain_text
from bot.playground.stage import CHANNEL

View = dict[str, Any]


def shows(view: View, plan_id: str) -> bool:
    """Whether a view is the form of a plan, and not of another in which this one was just chosen."""
    found = inputs(view)
    return "BackupPlanName" in found and found["BackupPlanId"]["initial_option"]["value"] == plan_id


def values(view: View) -> dict[str, str]:
    """What the inputs of a view hold, by API name, "" for nothing."""
    found = {}
    for block, actions in view["state"]["values"].items():
        state = next(iter(actions.values()))
        option, several = state.get("selected_option"), state.get("selected_options")
        found[block.partition("~")[0]] = (
            option["value"] if option else ",".join(one["value"] for one in several) if several else
            state.get("value") or state.get("selected_time") or ""
        )  # fmt: skip
    return found


async def review(person: Person, plan_id: str, values: dict[str, str], channel: str = CHANNEL) -> View:
    """Fill the form and submit it, and return the review."""
    before = person.view or {"id": ""}
    await person.command(f"/backup-plan configure {plan_id}", channel=channel)
    await person.wait_for_view(lambda view: "BackupPlanName" in inputs(view) and view["id"] != before["id"])
    await fill(person, values)
    if (await person.submit()).action == "update":  # a choice asks for other inputs, which were on their way
        await person.submit()
    return await person.wait_for_view(lambda view: view["callback_id"] == "review")


def alerts(view: View) -> list[str]:
    """What a view warns of: what is too long for an alert is a section with a sign."""
    return [block["text"]["text"] for block in view["blocks"] if is_alert(block)]


def is_alert(block: dict[str, Any]) -> bool:
    """Whether a block warns."""
    said = str((block.get("text") or {}).get("text", ""))
    return block["type"] == "alert" or (block["type"] == "section" and said.startswith(("⚠ ", "⛔ ")))


async def card_of(slack: FakeSlack, plan_id: str) -> dict[str, Any]:
    """Wait for the newest card about a plan."""
    found = await slack.wait_for(lambda: [card for card in cards(slack) if f"({plan_id})" in plain_text(card)])
    return found[-1]

"""What people on the stage do again and again: ask for a change, find its card, wait for its outcome."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from bot.playground.slack.person import Person
from bot.playground.slack.server import FakeSlack
from bot.playground.stage import CHANNEL

Message = dict[str, Any]
SECONDS = 10.0

ENDED = frozenset({"applied", "refused", "stale", "stuck", "denied", "withdrawn", "expired"})
"""States of a change about which nothing is left to decide, each with the event of the same name."""
CHOSEN = frozenset({"static_select", "multi_static_select", "radio_buttons"})


async def open_form(person: Person, plan_id: str, channel: str = CHANNEL) -> dict[str, Any]:
    """Type the command and wait for the form of the plan."""
    await person.command(f"/backup-plan configure {plan_id}", channel=channel)
    return await person.wait_for_view(lambda view: "BackupPlanName" in inputs(view), SECONDS)


async def listed(person: Person, typed: str = "", seconds: float = SECONDS) -> list[dict[str, Any]]:
    """Type into the choice of a plan until the list behind it has been read, and return what is offered."""
    async with asyncio.timeout(seconds):
        while True:
            found = await person.suggest("BackupPlanId", typed)
            if found and found[0]["value"] != "-":
                return found
            await asyncio.sleep(0.05)


async def fill(person: Person, values: Mapping[str, str]) -> None:
    """Put values into the open form: API name → text, comma-joined where several are chosen, "" to clear."""
    for name, value in values.items():
        kind = inputs(person.view or {})[name]["type"]
        if not value:
            await person.clear(name)
        elif kind in CHOSEN:
            await person.choose(name, value.split(",") if kind == "multi_static_select" else value)
        elif kind == "timepicker":
            await person.set_time(name, value)
        else:
            await person.type(name, value)


async def ask(
    slack: FakeSlack,
    person: Person,
    plan_id: str,
    values: Mapping[str, str],
    reason: str = "Disk is full",
    channel: str = CHANNEL,
    seconds: float = SECONDS,
) -> Message:
    """Ask for a change all the way to its card, and return the card."""
    seen = {card["ts"] for card in cards(slack, channel)}
    await open_form(person, plan_id, channel)
    await fill(person, values)
    await person.submit()
    await person.wait_for_view(lambda view: view["callback_id"] == "review", SECONDS)
    await person.type("reason", reason)
    await person.submit()
    return await new_card(slack, channel, seen, seconds)


async def new_card(
    slack: FakeSlack, channel: str = CHANNEL, seen: Collection[str] = (), seconds: float = SECONDS
) -> Message:
    """Wait for a card that was not there before: its ts is none of `seen`."""
    found = await slack.wait_for(lambda: [card for card in cards(slack, channel) if card["ts"] not in seen], seconds)
    return found[0]


def cards(slack: FakeSlack, channel: str = CHANNEL) -> list[Message]:
    """Return the cards in a channel, oldest first, as they are now."""
    return [message for message in slack.channel(channel).messages if kind(message) == "card"]


def card_now(slack: FakeSlack, card: Message, channel: str = CHANNEL) -> Message:
    """Return a card as it is now."""
    return next(one for one in cards(slack, channel) if one["ts"] == card["ts"])


def replies(slack: FakeSlack, card: Message, what: str = "outcome", channel: str = CHANNEL) -> list[Message]:
    """Return the notes or outcomes in a card's thread."""
    return [message for message in slack.channel(channel).thread(card["ts"]) if kind(message) == what]


async def outcome(slack: FakeSlack, card: Message, channel: str = CHANNEL, seconds: float = SECONDS) -> Message:
    """Wait for the outcome in a card's thread."""
    return (await slack.wait_for(lambda: replies(slack, card, "outcome", channel), seconds))[0]


async def settled(slack: FakeSlack, card: Message, channel: str = CHANNEL, seconds: float = SECONDS) -> Message:
    """Wait until a card shows an ended change, and return it: it has no buttons then."""

    def look() -> Message | None:
        now = card_now(slack, card, channel)
        return now if said(now)["state"] in ENDED else None

    found = await slack.wait_for(look, seconds)
    assert found is not None  # noqa: S101 - wait_for returns what is true
    return found


async def deny(person: Person, card: Message, reason: str = "Not tonight") -> None:
    """Deny a change all the way."""
    await person.click(card, "deny")
    await person.wait_for_view(lambda view: view["callback_id"] == "deny", SECONDS)
    await person.type("reason", reason)
    await person.submit()


async def whispered(slack: FakeSlack, person: Person, count: int = 1) -> str:
    """Wait for somebody's so many-th private answer, and return its text."""
    await slack.wait_for(lambda: len(person.ephemerals) >= count, SECONDS)
    return str(person.ephemerals[count - 1]["text"])


def buttons(message: Message) -> list[str]:
    """Return the action ids of a message's buttons."""
    rows = [block["elements"] for block in message.get("blocks", []) if block["type"] == "actions"]
    return [element["action_id"] for row in rows for element in row]


def kind(message: Message) -> str:
    """Return what a message about a change is: card, note or outcome; "" for any other."""
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    return str(payload.get("kind", ""))


def said(message: Message) -> Mapping[str, Any]:
    """Return the metadata of a message about a change."""
    payload: Mapping[str, Any] = message["metadata"]["event_payload"]
    return payload


def inputs(view: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a view's inputs: API name → element."""
    found = (block for block in view.get("blocks", []) if block["type"] == "input")
    return {block["block_id"].partition("~")[0]: block["element"] for block in found}

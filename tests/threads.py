"""How tests ask for a change at a message, and find what is said in its thread."""

from typing import Any

from forms import View, shows

from bot.playground.acts import fill, inputs, kind, listed, replies, said
from bot.playground.slack.person import Person
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

SHORTER = {"BackupRetentionPeriod": "30"}
Message = dict[str, Any]


async def form(person: Person, message: Message, plan_id: str, values: dict[str, str] = SHORTER) -> View:
    """Choose the shortcut, choose the plan, fill its form and submit it; return the review."""
    before = (person.view or {"id": ""})["id"]
    assert (await person.shortcut(message, "configure")).ok
    await person.wait_for_view(lambda view: view["id"] != before and list(inputs(view)) == ["BackupPlanId"])
    await listed(person, plan_id)
    await person.choose("BackupPlanId", plan_id)
    await person.wait_for_view(lambda view: shows(view, plan_id), 10)
    await fill(person, values)
    await person.submit()
    return await person.wait_for_view(lambda view: view["callback_id"] == "review")


async def ask_at(stage: Stage, message: Message, plan_id: str, person: Person | None = None) -> Message:
    """Ask for a change at a message all the way to its card in that thread, and return the card."""
    person = person or stage.rita
    await form(person, message, plan_id)
    await person.type("reason", "Disk is full")
    assert (await person.submit()).action == "clear"
    return await card_under(stage, message, plan_id)


async def card_under(stage: Stage, message: Message, plan_id: str) -> Message:
    """Wait for the card about a plan in the thread of a message, and return it."""
    found = await stage.slack.wait_for(
        lambda: [card for card in replies(stage.slack, root(message), "card") if f"({plan_id})" in plain_text(card)]
    )
    return found[-1]


def root(message: Message) -> Message:
    """The first message of the thread that a message is in."""
    return {"ts": message.get("thread_ts") or message["ts"]}


async def outcome_under(stage: Stage, message: Message, card: Message) -> Message:
    """Wait for the outcome of a card's change in the thread of a message."""
    change_id = said(card)["change_id"]

    def look() -> list[Message]:
        return [one for one in replies(stage.slack, root(message)) if said(one)["change_id"] == change_id]

    return (await stage.slack.wait_for(look))[0]


async def approve(stage: Stage, card: Message) -> None:
    """Have both approvers approve."""
    await stage.ana.click(card, "approve")
    await stage.ben.click(card, "approve")


def links(message: Message) -> list[tuple[str, str]]:
    """The links in a message's rich text: (text, address)."""
    rich = [block for block in message["blocks"] if block["type"] == "rich_text"]
    parts = [part for block in rich for section in block["elements"] for part in section["elements"]]
    return [(part["text"], part["url"]) for part in parts if part["type"] == "link"]


def address(message: Message, channel: str = CHANNEL) -> str:
    """Where a message is, as Slack links to it."""
    link = f"https://playground.slack.com/archives/{channel}/p{message['ts'].replace('.', '')}"
    parent = message.get("thread_ts", message["ts"])
    return link if parent == message["ts"] else f"{link}?thread_ts={parent}&cid={channel}"


def top_level(stage: Stage, channel: str = CHANNEL) -> list[Message]:
    """What the bot said in a channel outside threads."""
    return [message for message in stage.slack.channel(channel).messages if kind(message)]

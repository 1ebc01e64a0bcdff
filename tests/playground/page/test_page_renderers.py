"""Whatever the bot can send, the page can draw: a type without a drawing fails here, before anybody sees a hole."""

import ast
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import bot.playground.page
import bot.slack
from bot.playground.acts import ask, deny, open_form, outcome
from bot.playground.page.setting import Setting
from bot.playground.slack.elements import STATE_KEYS

SLACK = Path(bot.slack.__file__).parent
STATIC = files(bot.playground.page).joinpath("static")
SURFACES = {"modal", "home"}
REGISTRIES = {
    "blocks.js": ["BLOCKS"],
    "elements.js": ["ELEMENTS"],
    "text.js": ["TEXTS"],
    "richtext.js": ["RICH_PARTS", "RICH_ELEMENTS"],
}
PLAN = "dbsmysqlrds01"


def drawn() -> set[str]:
    """Return every type that has a drawing, by the registries as they are written."""
    found: set[str] = set()
    for file, names in REGISTRIES.items():
        text = STATIC.joinpath(file).read_text("utf-8")
        for name in names:
            registry = re.search(rf"export const {name} = {{\n(.*?)\n}};", text, re.DOTALL)
            assert registry is not None, name
            found |= set(re.findall(r"^  (\w+)(?=[,:])", registry[1], re.MULTILINE))
    return found


def written() -> set[str]:
    """Return every constant that stands as a `type` in what the bot writes for Slack."""
    found: set[str] = set()
    for path in SLACK.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "type" and isinstance(value, ast.Constant):
                        found.add(str(value.value))
    return {one for one in found if "." not in one} - SURFACES  # with a dot they are messages of ASGI


def types(value: Any) -> Iterator[str]:
    """Return every type in a view or message."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value["type"]
        for inner in value.values():
            yield from types(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from types(inner)


def test_every_type_that_the_bot_writes_has_a_drawing() -> None:
    assert written() - drawn() == set()


def test_the_types_are_found_where_they_are_written() -> None:
    assert {"header", "table", "container", "external_select", "timepicker", "rich_text_quote", "alert"} <= written()


def test_every_element_that_holds_something_is_known_to_the_page_if_the_bot_writes_it() -> None:
    assert (written() & set(STATE_KEYS)) <= drawn()


async def test_nothing_that_the_bot_really_sent_is_without_a_drawing(tmp_path: Path) -> None:
    """With every plan's form, a review, a denial, an outcome of each kind that the fakes can bring about at once."""
    async with Setting(tmp_path) as setting:
        await setting.start_bot()
        for plan, fields in setting.dbs.plans.items():
            if fields["BackupPlanStatus"] != "locked" and plan not in setting.dbs.account.forbidden:
                await open_form(setting.rita, plan)
                await setting.rita.close_view()
        values = {"BackupRetentionPeriod": "400", "SourceEndpointPassword": "orders-db"}
        denied = await ask(setting.slack, setting.rita, PLAN, values)
        await deny(setting.ana, denied)
        await outcome(setting.slack, denied)
        for changed in (False, True):
            card = await ask(setting.slack, setting.rita, PLAN, values)
            if changed:
                setting.dbs.change(PLAN, BackupRetentionPeriod=99)
            await setting.ana.click(card, "approve")
            await setting.ben.click(card, "approve")
            await outcome(setting.slack, card)
        sent = [call.args for call in setting.slack.calls] + [
            json.loads(delivery.answer) for delivery in setting.slack.deliveries if delivery.answer.startswith("{")
        ]
    found = {one for args in sent for key in ("view", "blocks") for one in types(args.get(key))} - SURFACES
    assert found - drawn() == set()
    assert {"table", "container", "rich_text_list", "button"} <= found
    assert found <= written()

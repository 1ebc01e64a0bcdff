"""Block Kit elements as a client holds them: what each starts with, what state it sends, what it lets people enter."""

import re
import secrets
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.playground.slack.workspace import Json

STATE_KEYS = {
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "timepicker": "selected_time",
    "datepicker": "selected_date",
    "datetimepicker": "selected_date_time",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "users_select": "selected_user",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "multi_users_select": "selected_users",
}
"""Where each stateful element keeps its value in `state.values`; elements that are absent (buttons) have no state."""

_BLOCKS = frozenset(
    {"actions", "alert", "card", "carousel", "container", "context", "divider", "header", "image", "input"}
    | {"markdown", "rich_text", "section", "table", "video"}
)

TYPED = frozenset(kind for kind, key in STATE_KEYS.items() if key == "value")


def holders(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield every (block, interactive element), those inside containers too."""
    for block in blocks:
        if block["type"] == "container":
            yield from holders(block["child_blocks"])
        found = [block.get("element"), block.get("accessory"), *block.get("elements", [])]
        for element in found:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def is_several(element: Json) -> bool:
    """Say whether the element's value is a list."""
    return STATE_KEYS.get(element["type"], "").endswith("s")


def offered(element: Json) -> list[Json]:
    """Return the options an element lists itself, groups flattened."""
    groups = element.get("option_groups", [])
    return [*element.get("options", []), *(option for group in groups for option in group["options"])]


def entry(element: Json, value: Any) -> Json:
    """Return the element's state with this value, as `state.values` shows it."""
    return {"type": element["type"], STATE_KEYS[element["type"]]: value}


def initial(element: Json) -> Json | None:
    """Return the state an element starts with; None for one that has none."""
    key = STATE_KEYS.get(element["type"])
    if key is None:
        return None
    given = element.get("initial_" + key.removeprefix("selected_"))
    return entry(element, given if given is not None else [] if is_several(element) else None)


def is_blank(state: Json) -> bool:
    """Say whether a required input with this state would keep a view from being submitted."""
    return state[STATE_KEYS[state["type"]]] in (None, "", [])


def objection(element: Json, state: Json) -> str:
    """Say why a client would not take this value, or nothing; blank is judged elsewhere."""
    value = state[STATE_KEYS[element["type"]]]
    if value in (None, "", []):
        return ""
    if element["type"] == "number_input":
        return _number_objection(element, str(value))
    if element["type"] == "plain_text_input":
        return _text_objection(element, value)
    if is_several(element) and len(value) > element.get("max_selected_items", len(value)):
        return f"has {len(value)} choices, {element['max_selected_items']} are allowed"
    return ""


def _text_objection(element: Json, text: str) -> str:
    longest, shortest = element.get("max_length", 3000), element.get("min_length", 0)
    if len(text) > longest:
        return f"is {len(text)} characters long, {longest} are allowed"
    if len(text) < shortest:
        return f"is {len(text)} characters long, {shortest} are needed"
    return "has one line only" if "\n" in text and not element.get("multiline") else ""


def _number_objection(element: Json, text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return f"is not a number: {text!r}"
    if not number.is_finite():
        return f"is not a number: {text!r}"
    if not element["is_decimal_allowed"] and not re.fullmatch(r"-?[0-9]+", text):
        return f"must be a whole number, not {text}"
    if "min_value" in element and number < Decimal(element["min_value"]):
        return f"must be at least {element['min_value']}, not {text}"
    if "max_value" in element and number > Decimal(element["max_value"]):
        return f"must be at most {element['max_value']}, not {text}"
    return ""


def with_ids(content: Any) -> Any:
    """Return a copy of a view or of blocks with the ids and defaults Slack adds where the bot gave none."""
    if isinstance(content, list):
        return [with_ids(one) for one in content]
    if not isinstance(content, dict):
        return content
    full = {key: with_ids(value) if key != "event_payload" else value for key, value in content.items()}
    kind = full.get("type")
    if kind == "plain_text":
        full.setdefault("emoji", True)
    elif kind == "mrkdwn":
        full.setdefault("verbatim", False)
    elif kind in STATE_KEYS or kind in {"button", "overflow"}:
        full.setdefault("action_id", secrets.token_urlsafe(4))
    elif kind in _BLOCKS:
        full.setdefault("block_id", secrets.token_urlsafe(4))
    return full

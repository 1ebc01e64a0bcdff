"""What a person reads of a message or a view, as lines of text."""

import re
from collections.abc import Iterator
from typing import Any

from bot.playground.slack.workspace import Json

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(?:https?://|mailto:)[^|>]*\|([^>]*)>")


def plain_text(shown: Json) -> str:
    """Return every text a person can see: a message's blocks, or its text if it has none; a view's inputs as well."""
    lines = [] if "title" not in shown else [shown["title"]["text"]] if shown["title"] else []
    blocks = shown.get("blocks")
    if not blocks:
        return "\n".join([*lines, _text(shown.get("text", ""))])
    values = shown.get("state", {}).get("values", {})
    for block in blocks:
        lines += _block(block, values)
    for name in ("submit", "close"):
        if shown.get(name):
            lines.append(f"[{shown[name]['text']}]")
    return "\n".join(line for line in lines if line)


def _block(block: Json, values: Json) -> Iterator[str]:
    match block["type"]:
        case "table" | "data_table":
            yield block.get("caption", "")
            for row in block["rows"]:
                yield " | ".join(_cell(cell) for cell in row)
        case "container":
            yield _cell(block["title"]) if "title" in block else _cell(block.get("rich_text_title", {}))
            yield _cell(block.get("subtitle", {}))
            for inner in block["child_blocks"]:
                yield from _block(inner, values)
        case "input":
            yield f"{block['label']['text']}: {_held(block, values)}"
            yield _cell(block.get("hint", {}))
        case "actions":
            yield " ".join(_element(element) for element in block["elements"])
        case "context":
            yield " ".join(_cell(element) for element in block["elements"])
        case "section":
            yield _cell(block.get("text", {}))
            yield from (_cell(field) for field in block.get("fields", []))
            yield _element(block["accessory"]) if "accessory" in block else ""
        case "rich_text":
            yield _cell(block)
        case "divider":
            yield "———"
        case _:
            yield " ".join(_cell(block[key]) for key in ("title", "subtitle", "body", "text") if key in block)


def _cell(value: Any) -> str:
    """Return the text of a text object, a table cell or a rich text, whatever it is nested in."""
    if isinstance(value, str):
        return _text(value)
    kind = value.get("type")
    if "elements" in value:
        between = "\n" if kind in {"rich_text", "rich_text_list"} else ""
        return between.join(_cell(inner) for inner in value["elements"])
    match kind:
        case "mrkdwn" | "markdown":
            return _text(value["text"])
        case "user":
            shown = f"@{value['user_id']}"
        case "link":
            shown = value.get("text", value["url"])
        case "date":
            shown = value.get("fallback", value["timestamp"])
        case "emoji":
            shown = f":{value['name']}:"
        case _:
            shown = value.get("text", value.get("alt_text", ""))
    return str(shown)


def _element(element: Json) -> str:
    if "text" in element:
        return f"[{element['text']['text']}]"
    return f"<{element.get('placeholder', {}).get('text', element['type'])}>"


def _held(block: Json, values: Json) -> str:
    state = values.get(block.get("block_id", ""), {}).get(block["element"].get("action_id", ""), {})
    value = next((held for key, held in state.items() if key != "type"), None)
    several = value if isinstance(value, list) else [value]
    return ", ".join(one["text"]["text"] if isinstance(one, dict) else str(one) for one in several if one is not None)


def _text(mrkdwn: str) -> str:
    shown = _LINK.sub(r"\1", _DATE.sub(r"\1", mrkdwn))
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

"""Whether Slack would take a view, a message or a list of options: the schema first, then what a schema cannot say."""

import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import fastjsonschema

from bot.playground.slack.elements import holders, initial, objection, offered
from bot.playground.slack.workspace import Json

RENDERED_LIMIT = 13_200
"""Characters of all texts of a message; beyond it Slack answers msg_blocks_too_long (measured, not documented)."""
VIEW_BYTES = 250_000
TABLE_CHARACTERS = 10_000
ALERT_CHARACTERS = 200
"""Of an alert's text: no schema says so, but Slack may refuse or cut a longer one."""


def view_problems(view: Any, kind: str) -> list[str]:
    """Return what Slack would refuse in a view of this kind (modal or home), as sentences."""
    if not isinstance(view, dict):
        return ["the view is not an object"]
    if view.get("type") != kind:
        return [f"the view's type must be {kind}"]
    wrong = _schema_problems("KnownModal" if kind == "modal" else "KnownHome", view)
    return wrong or [*_block_problems(view["blocks"]), *_focus_problems(view["blocks"])]


def message_problems(message: Json) -> list[str]:
    """Return what Slack would refuse in a message with these blocks, text and metadata."""
    wrong = _schema_problems("KnownMessage", message)
    if wrong or not message.get("blocks"):
        return wrong
    blocks = message["blocks"]
    wrong = _block_problems(blocks)
    if any(block["type"] == "input" for block in blocks) and not any(block["type"] == "actions" for block in blocks):
        wrong.append("a message with inputs needs a button to send them")
    return wrong


def table_problems(blocks: list[Json]) -> list[str]:
    """Return what Slack would refuse about the tables in a message, which it calls invalid_attachments."""
    tables = [block for block in _flat(blocks) if block["type"] in {"table", "data_table"}]
    too_long = [table for table in tables if rendered_length([table]) > TABLE_CHARACTERS]
    return [
        *(["a message has one table at most"] if len(tables) > 1 else []),
        *(f"a table holds {TABLE_CHARACTERS} characters at most" for _ in too_long),
    ]


def option_problems(answer: Any) -> list[str]:
    """Return what is wrong with an answer to a block_suggestion."""
    if not isinstance(answer, dict) or not ({"options", "option_groups"} & set(answer)):
        return ["an answer to a suggestion needs `options` or `option_groups`"]
    if not offered(answer):
        return []
    select = {"type": "static_select", "action_id": "suggestion", **answer}
    block = {"type": "actions", "elements": [select]}
    return _schema_problems("KnownMessage", {"blocks": [block]}) or _block_problems([block])


def rendered_length(blocks: list[Json]) -> int:
    """Count the characters of every text in the blocks."""
    return sum(len(text) for text in _texts(blocks))


@functools.cache
def validator() -> Callable[[Any], Any]:
    """Compile the schema, once: half a second, in which nobody may wait for an answer."""
    schema = json.loads(files(__package__).joinpath("block-kit.schema.json").read_text("utf-8"))
    # one for all three, because they have nearly everything in common
    kinds = {
        definition: {"$ref": f"#/definitions/{definition}"}
        for definition in ("KnownModal", "KnownHome", "KnownMessage")
    }
    compiled: Callable[[Any], Any] = fastjsonschema.compile(
        {**schema, "properties": kinds, "additionalProperties": False}
    )
    return compiled


def _schema_problems(definition: str, value: Json) -> list[str]:
    try:
        validator()({definition: value})
    except fastjsonschema.JsonSchemaException as wrong:
        return [str(wrong).replace(f"data.{definition}", "data", 1)]
    return []


def _flat(blocks: list[Json]) -> Iterator[Json]:
    for block in blocks:
        yield block
        yield from _flat(block.get("child_blocks", []))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "text" and isinstance(inner, str):
                yield inner
            else:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _block_problems(blocks: list[Json]) -> list[str]:
    flat = list(_flat(blocks))
    wrong = [f"block_id {name!r} is used twice" for name in _repeated(block.get("block_id") for block in flat)]
    for block in flat:
        if block["type"] == "section" and not ("text" in block or block.get("fields")):
            wrong.append("a section needs text or fields")
        if block["type"] in {"actions", "context"} and not block["elements"]:
            wrong.append(f"a block of type {block['type']} needs an element")
        if block["type"] == "alert" and len(block["text"]["text"]) > ALERT_CHARACTERS:
            wrong.append(f"an alert holds {ALERT_CHARACTERS} characters at most")
        elements = [element for owner, element in holders([block]) if owner is block]
        twice = _repeated(element["action_id"] for element in elements)
        wrong += [f"action_id {name!r} is used twice in block {block.get('block_id')!r}" for name in twice]
        for element in elements:
            wrong += [f"{element['action_id']}: {sentence}" for sentence in _element_problems(element)]
    return wrong


def _element_problems(element: Json) -> list[str]:
    wrong = []
    if element["type"] in {"static_select", "multi_static_select"} and ("options" in element) == (
        "option_groups" in element
    ):
        wrong.append("needs either options or option_groups")
    options = offered(element)
    if any("value" not in option for option in options):
        wrong.append("every option needs a value")
    if "url" in element and element["type"] == "button" and not element["url"].startswith(("http://", "https://")):
        wrong.append("a button's url must be a URL")
    state = initial(element)
    if state is None:
        return wrong
    chosen = state.get("selected_options") or [state.get("selected_option")]
    if not element["type"].endswith("external_select"):
        wrong += [
            f"initial option {option.get('value')!r} is not among the options"
            for option in chosen
            if option and option not in options
        ]
    sentence = objection(element, state)
    if sentence:
        wrong.append(f"its initial value {sentence}")
    return wrong


def _focus_problems(blocks: list[Json]) -> list[str]:
    focused = [element for _, element in holders(blocks) if element.get("focus_on_load")]
    return ["only one element may have focus_on_load"] if len(focused) > 1 else []


def _repeated(names: Any) -> list[str]:
    return [name for name, count in Counter(names).items() if name is not None and count > 1]

"""Views and messages for the tests of the fake, as short as Slack takes them."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value.upper()), "value": value}


def text_input(name: str, **more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": name, **more.pop("element", {})}
    return {"type": "input", "block_id": name, "label": plain(name), "element": element, **more}


def with_element(name: str, element: Json, **more: Any) -> Json:
    return {
        "type": "input",
        "block_id": name,
        "label": plain(name),
        "element": {"action_id": name.partition("~")[0], **element},
        **more,
    }


def select(name: str, *values: str, **more: Any) -> Json:
    return with_element(name, {"type": "static_select", "options": [option(one) for one in values]}, **more)


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def buttons(*names: str, **more: Any) -> Json:
    elements = [
        {"type": "button", "action_id": name, "text": plain(name.title()), "value": f"v-{name}", **more} for name in names
    ]
    return {"type": "actions", "block_id": "decide", "elements": elements}


def modal(*blocks: Json, **more: Any) -> Json:
    view = {"type": "modal", "callback_id": "form", "title": plain("A form"), "blocks": list(blocks), **more}
    if any(block["type"] == "input" for block in blocks):
        view.setdefault("submit", plain("Send"))
    return view

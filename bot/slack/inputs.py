"""One parameter, one input: the model's kind of value chooses the widget, and back from its state to text."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.as_read import can_be_sent
from bot.core.parameters import Parameter
from bot.core.text import Kind, printable
from bot.slack.text import Block, inert, plain

LEAVE = "leave"
"""The option that leaves an unknown switch to DBS: then it is not sent."""
LONGEST = 3000
"""Characters that a text input holds."""
LONGEST_VALUE = 75
"""Characters of an option's value."""
MOST_OPTIONS = 100


def block_id(name: str, renewal: int) -> str:
    """Return the id of a parameter's input; a new one makes Slack forget what was typed."""
    return f"{name}~{renewal}" if renewal else name


def name_of(block_id: str) -> str:
    """Return the parameter's API name behind an input's id."""
    return block_id.partition("~")[0]


def option(text: str, value: str) -> Block:
    """Return one choice."""
    return {"text": plain(text, 75), "value": value}


def input_block(parameter: Parameter, element: Block, *, renewal: int, required: bool, hint: str) -> Block:
    """Return the input of a parameter."""
    unit = f" ({parameter.unit})" if parameter.unit else ""
    return {
        "type": "input",
        "block_id": block_id(parameter.name, renewal),
        "label": plain(f"{parameter.label}{unit}"),
        "element": {**element, "action_id": parameter.name},
        "hint": plain(hint, 2000),
        "optional": not required,
        "dispatch_action": parameter.steers or parameter.kind is Kind.PLAN,
    }


def plan_picker(initial: Block | None = None) -> Block:
    """Return the typeahead over the account's plans."""
    picker: Block = {"type": "external_select", "min_query_length": 0, "placeholder": plain("Type an id or a name")}
    return picker if initial is None else {**picker, "initial_option": initial}


def element(parameter: Parameter, value: str, *, unknown: bool, secrets: Sequence[str]) -> Block:
    """Return the widget for a value ("" for none); `unknown`: nobody knows what it is now.

    A value that the widget cannot hold is left out: Slack would refuse the whole view.
    """
    value = value if can_hold(parameter, value) else ""
    match parameter.kind:
        case Kind.PLAN:
            return plan_picker(option(value, value) if value else None)
        case Kind.NUMBER:
            bounds = {"min_value": parameter.minimum, "max_value": parameter.maximum}
            limits = {name: str(bound) for name, bound in bounds.items() if bound is not None}
            return _with(value, "initial_value", {"type": "number_input", "is_decimal_allowed": False, **limits})
        case Kind.CHOICE:
            return _select([option(parameter.words(word), word) for word in parameter.choices], value)
        case Kind.SECRET:
            return _select([option(name, name) for name in secrets[:MOST_OPTIONS]], value)
        case Kind.CHOICES:
            options = [option(word, word) for word in parameter.choices]
            chosen = [one for one in options if one["value"] in value.split(",")]
            select: Block = {"type": "multi_static_select", "options": options}
            return {**select, "initial_options": chosen} if chosen else select
        case Kind.ON_OFF:
            options = [option(parameter.words(word), word) for word in parameter.choices]
            if unknown:
                options.append(option("leave to DBS", LEAVE))
            return _chosen({"type": "radio_buttons", "options": options}, value or (LEAVE if unknown else ""))
        case Kind.TIME:
            return _with(value, "initial_time", {"type": "timepicker", "timezone": "UTC"})
        case Kind.MULTILINE:
            return _with(value, "initial_value", {"type": "plain_text_input", "multiline": True, "max_length": LONGEST})
        case Kind.TEXT | Kind.ID64:
            return _with(value, "initial_value", {"type": "plain_text_input", "max_length": LONGEST})


def _with(value: str, key: str, widget: Block) -> Block:
    return {**widget, key: value} if value else widget


def _select(options: list[Block], value: str) -> Block:
    return _chosen({"type": "static_select", "options": options}, value)


def _chosen(widget: Block, value: str) -> Block:
    initial = next((one for one in widget["options"] if one["value"] == value), None)
    return widget if initial is None else {**widget, "initial_option": initial}


def shown_inputs(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs of a view: API name → block id."""
    return {
        name_of(block["block_id"]): block["block_id"] for block in view.get("blocks", []) if block["type"] == "input"
    }


def typed_values(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what a view's inputs hold: API name → text, "" where nothing is typed or chosen."""
    state = (view.get("state") or {}).get("values", {})
    return {name_of(block): _text(next(iter(actions.values()))) for block, actions in state.items() if actions}


def _text(state: Mapping[str, Any]) -> str:
    if chosen := state.get("selected_options"):
        return ",".join(one["value"] for one in chosen)
    if chosen := state.get("selected_option"):
        return "" if chosen["value"] == LEAVE else str(chosen["value"])
    single = state.get("value") or state.get("selected_time") or state.get("selected_conversation")
    return str(single or "").replace("\r\n", "\n")


def can_hold(parameter: Parameter, value: str) -> bool:
    """Whether a parameter's input can show a value; a choice that is offered no longer is left to its select."""
    match parameter.kind:
        case Kind.NUMBER | Kind.TIME:
            return _is_read(parameter, value) and parameter.normalise(value) == value
        case Kind.MULTILINE:
            return len(value) <= LONGEST and printable(value.replace("\n", "").replace("\t", ""))
        case Kind.TEXT | Kind.ID64:
            return len(value) <= LONGEST and printable(value)
        case Kind.PLAN:
            return len(value) <= LONGEST_VALUE
        case Kind.CHOICE | Kind.ON_OFF:
            return value in parameter.choices
        case Kind.CHOICES:
            return set(value.split(",")) <= set(parameter.choices)
        case Kind.SECRET:
            return True


def is_uneditable(parameter: Parameter, value: str) -> bool:
    """Whether a value is good to be sent but not to be edited: too long for an input, or with hidden characters."""
    if parameter.kind not in {Kind.TEXT, Kind.MULTILINE} or not value or not can_be_sent(value):
        return False
    return not can_hold(parameter, value) or inert(value) != value


def _is_read(parameter: Parameter, value: str) -> bool:
    try:
        parameter.form.parse(value)
    except ValueError:
        return False
    return True

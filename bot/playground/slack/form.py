"""What a person can do in the modal on top of their screen: only what the view they were sent allows."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.playground.slack import answers, payloads
from bot.playground.slack.delivery import Courier
from bot.playground.slack.elements import (
    STATE_KEYS,
    TYPED,
    entry,
    holders,
    is_blank,
    is_several,
    objection,
    offered,
)
from bot.playground.slack.errors import ClientBlocked
from bot.playground.slack.journal import Delivery
from bot.playground.slack.modals import View
from bot.playground.slack.workspace import Json, Member
from bot.playground.slack.world import World

_KINDS = {"channels": "public", "groups": "private", "im": "im"}


@dataclass(frozen=True)
class Ack:
    """What came back after a person did something."""

    delivery: Delivery
    text: str = ""
    """The private reply that an acknowledged command brought at once."""
    action: str = ""
    """After a submission: errors, update, push, clear, close or trouble."""

    @property
    def ok(self) -> bool:
        """Whether the bot acknowledged within Slack's 3 seconds."""
        return self.delivery.ok

    @property
    def status(self) -> int | None:
        """HTTP status, None if nothing came."""
        return self.delivery.status

    @property
    def duration(self) -> float:
        """Seconds until the acknowledgement."""
        return self.delivery.duration


class Form:
    """The modal in front of one person; inputs are named by block_id (its `~n` may be left out) or action_id."""

    def __init__(self, world: World, courier: Courier, member: Member) -> None:
        self._world = world
        self._courier = courier
        self.member = member

    async def type(self, name: str, value: str, *, enter: bool = False) -> Ack | None:
        """Type into a text or number input and press Enter, if told to. Returns an Ack if the bot hears of it."""
        view, block, element = self._input(name)
        if element["type"] not in TYPED:
            raise ClientBlocked(f"{name} is no text input but a {element['type']}")
        heard = element.get("dispatch_action_config", {}).get("trigger_actions_on", ["on_enter_pressed"])
        tells = "on_character_entered" in heard or (enter and "on_enter_pressed" in heard)
        return await self._enter(view, block, element, value or None, tells=tells)

    async def choose(self, name: str, value: str | Iterable[str], *, accept: bool = True) -> Ack | None:
        """Choose options by their values; for checkboxes and multi-selects the whole new selection."""
        view, block, element = self._input(name)
        kind = element["type"]
        chosen: Any
        if kind in {"external_select", "multi_external_select"}:
            options = view.offered.get((block["block_id"], element["action_id"]), [])
        else:
            options = offered(element)
        if kind in TYPED or kind.endswith("picker"):
            raise ClientBlocked(f"{name} offers no choice: it is a {kind}")
        if "conversations" in kind or "channels" in kind or "users" in kind:
            options = [{"value": one, "text": {"text": one}} for one in self._visible(element)]
        values = [value] if isinstance(value, str) else list(value)
        found = [_option(name, options, one) for one in values]
        if "option" not in STATE_KEYS[kind]:
            found = [one["value"] for one in found]
        if not is_several(element) and len(found) != 1:
            raise ClientBlocked(f"{name} takes exactly one choice")
        chosen = found if is_several(element) else found[0]
        return await self._enter(view, block, element, chosen, tells=True, accept=accept)

    async def suggest(self, name: str, typed: str = "") -> list[Json]:
        """Type into an external select and return the options the bot offers."""
        view, block, element = self._input(name)
        if len(typed) < element.get("min_query_length", 3):
            raise ClientBlocked(f"{name} asks the bot only from {element.get('min_query_length', 3)} characters on")
        asked = payloads.suggestion(self._world, self.member, view, block, element, typed)
        delivery = await self._courier.deliver("interactive", asked)
        options = answers.suggestion(self._world, self.member.id, delivery)
        view.offered[block["block_id"], element["action_id"]] = options
        return options

    async def pick(self, name: str, value: str, typed: str | None = None) -> Ack | None:
        """Pick an option of an external select, typing `typed` (else the value itself) to have it offered."""
        view, block, element = self._input(name)
        options = view.offered.get((block["block_id"], element["action_id"]), [])
        if typed is not None or not any(option["value"] == value for option in options):
            await self.suggest(name, value if typed is None else typed)
        return await self.choose(name, value)

    async def set_time(self, name: str, value: str) -> Ack | None:
        """Set a timepicker, `HH:mm`."""
        view, block, element = self._input(name)
        if element["type"] != "timepicker" or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
            raise ClientBlocked(f"{name} ({element['type']}) cannot be set to {value!r}")
        return await self._enter(view, block, element, value, tells=True)

    async def clear(self, name: str) -> Ack | None:
        """Empty an input; a single choice that is required can be changed but not taken back."""
        view, block, element = self._input(name)
        if STATE_KEYS[element["type"]] == "selected_option" and not block.get("optional"):
            raise ClientBlocked(f"{name} is required: it can be changed, not cleared")
        nothing: list[Json] | None = [] if is_several(element) else None
        return await self._enter(view, block, element, nothing, tells=element["type"] not in TYPED)

    async def submit(self) -> Ack:
        """Press the modal's submit button. Raises ClientBlocked where the client would mark an input instead."""
        view = self._view()
        if not view.content.get("submit"):
            raise ClientBlocked("the view has no submit button")
        wrong: dict[str, str] = {}
        for block, element in holders(view.content["blocks"]):
            state = view.state.get(block["block_id"], {}).get(element["action_id"])
            if block["type"] != "input" or state is None:
                continue
            if is_blank(state) and not block.get("optional"):
                wrong[block["block_id"]] = "is required"
            elif sentence := objection(element, state):
                wrong[block["block_id"]] = sentence
        if wrong:
            raise ClientBlocked("; ".join(f"{name} {sentence}" for name, sentence in wrong.items()), wrong)
        view.errors = {}
        delivery = await self._courier.deliver("interactive", payloads.submission(self._world, self.member, view))
        return Ack(delivery, action=answers.submission(self._world, view, delivery))

    async def close_view(self, *, everything: bool = False) -> None:
        """Leave the view on top (Cancel, or back to the one below), or close the whole stack."""
        view = self._view()
        everything = everything or bool(view.content.get("clear_on_close"))
        gone = self._world.modals.clear(self.member.id) if everything else [view]
        self._world.modals.close(view)
        self._world.workspace.changed()
        for one in gone:
            if one.content.get("notify_on_close"):
                told = payloads.closed(self._world, self.member, one, is_cleared=everything)
                await self._courier.deliver("interactive", told)

    def _view(self) -> View:
        view = self._world.modals.top(self.member.id)
        if view is None:
            raise ClientBlocked(f"{self.member.name} has no view open")
        return view

    def _input(self, name: str) -> tuple[View, Json, Json]:
        view = self._view()
        inputs = [(block, one) for block, one in holders(view.content["blocks"]) if one["type"] in STATE_KEYS]
        for fits in (_is_action, _is_block):
            found = [pair for pair in inputs if fits(pair, name)]
            if len(found) == 1:
                return view, *found[0]
        names = ", ".join(block["block_id"] for block, _ in inputs)
        raise ClientBlocked(f"there is no single input {name!r} in the view; it has: {names or 'none'}")

    async def _enter(
        self, view: View, block: Json, element: Json, value: Any, *, tells: bool, accept: bool = True
    ) -> Ack | None:
        state = entry(element, value)
        sentence = objection(element, state)
        if sentence:
            raise ClientBlocked(f"{block['block_id']} {sentence}", {block["block_id"]: sentence})
        if "confirm" in element and not accept:
            return None
        view.state[block["block_id"]][element["action_id"]] = state
        if not tells or (block["type"] == "input" and not block.get("dispatch_action")):
            return None
        return await self._act(view, payloads.action(self._world, block, element, state))

    async def _act(self, view: View, action: Json) -> Ack:
        told = payloads.view_actions(self._world, self.member, view, [action])
        delivery = await self._courier.deliver("interactive", told)
        if not delivery.ok:
            self._world.notice(self.member.id, answers.TROUBLE)
        return Ack(delivery)

    def _visible(self, element: Json) -> list[str]:
        if "users" in element["type"]:
            return [one.id for one in self._world.workspace.members.values() if not one.deleted]
        wanted = element.get("filter", {})
        return [
            one.id
            for one in self._world.workspace.channels.values()
            if self.member.id in one.members
            and _KINDS[one.kind] in wanted.get("include", _KINDS.values())
            and not (wanted.get("exclude_external_shared_channels") and one.ext_shared)
            and not one.archived
        ]


def _is_action(pair: tuple[Json, Json], name: str) -> bool:
    return bool(pair[1]["action_id"] == name)


def _is_block(pair: tuple[Json, Json], name: str) -> bool:
    block_id = str(pair[0]["block_id"])
    return name in {block_id, block_id.partition("~")[0]}


def _option(name: str, options: list[Json], value: str) -> Json:
    for option in options:
        if value in (option["value"], option["text"]["text"]):
            return option
    raise ClientBlocked(f"{name} does not offer {value!r}, only {[option['value'] for option in options]}")

"""One person at their Slack client: commands, clicks, shortcuts, and what they see."""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.slack import answers, payloads
from bot.playground.slack.elements import holders
from bot.playground.slack.errors import ClientBlocked
from bot.playground.slack.form import Ack, Form
from bot.playground.slack.modals import View
from bot.playground.slack.workspace import Channel, Json


@dataclass(frozen=True)
class Click:
    """What a click led to."""

    confirm: Json | None
    """The confirmation dialog that appeared first, as the bot sent it."""
    ack: Ack | None
    """None if the person turned back at the dialog."""


class Person(Form):
    """Somebody in (or, with another team id, beside) the workspace. `member` holds what users.info says of them."""

    @property
    def id(self) -> str:
        """The user id."""
        return self.member.id

    @property
    def name(self) -> str:
        """The user name."""
        return self.member.name

    @property
    def view(self) -> Json | None:
        """The view on top of their screen, as a copy with its state; None if no modal is open."""
        view = self._world.modals.top(self.id)
        return copy.deepcopy(self._world.view_json(view)) if view else None

    @property
    def errors(self) -> dict[str, str]:
        """The sentences under the inputs of the top view, by block_id."""
        view = self._world.modals.top(self.id)
        return dict(view.errors) if view else {}

    @property
    def home(self) -> Json | None:
        """The bot's home tab as they see it."""
        view = self._world.modals.homes.get(self.id)
        return copy.deepcopy(self._world.view_json(view)) if view else None

    @property
    def ephemerals(self) -> list[Json]:
        """Private replies, oldest first, copied."""
        return copy.deepcopy(self._world.ephemerals.get(self.id, []))

    @property
    def notices(self) -> list[str]:
        """What the client told them when something failed, oldest first."""
        return list(self._world.notices.get(self.id, []))

    @property
    def dms(self) -> list[Json]:
        """Messages in their direct messages with the bot, oldest first, copied."""
        return copy.deepcopy(self._world.workspace.dm(self.id).log)

    async def command(self, line: str, channel: str = "") -> Ack:
        """Type a slash command, whole, in a channel (else in the direct messages with the bot)."""
        place = self._place(channel)
        if "commands" not in self._world.app.scopes:
            raise ClientBlocked(f"{line.partition(' ')[0]} is not a valid command")
        if place.archived:
            raise ClientBlocked(f"{place.id} is archived")
        told = payloads.command(self._world, self.member, place, line)
        delivery = await self._courier.deliver("slash_commands", told)
        return Ack(delivery, text=answers.command(self._world, self.id, place, delivery))

    async def click(
        self, target: Json | None, action_id: str, *, accept: bool = True, stale: bool = False, option: str = ""
    ) -> Click:
        """Press a button (or choose `option` in a menu) of a message or view.

        A message is looked up anew unless `stale`: then the copy given is clicked, as in a client that was not told
        of the change. `accept=False` turns back at the confirmation dialog.
        """
        if target is None:
            raise ClientBlocked(f"{self.name} has nothing to click on")
        if target.get("id", "").startswith("V"):
            return await self._click_view(target["id"], action_id, accept=accept)
        place, message = self._message(target, stale=stale)
        block, element = _button(message.get("blocks", []), action_id)
        confirm = element.get("confirm")
        if confirm and not accept:
            return Click(confirm, None)
        entry = {"selected_option": _choice(element, option)} if option else {}
        action = payloads.action(self._world, block, element, entry)
        told = payloads.message_actions(self._world, self.member, place, message, [action])
        delivery = await self._courier.deliver("interactive", told)
        if not delivery.ok:
            self._world.notice(self.id, answers.failure(delivery))
        return Click(confirm, Ack(delivery))

    async def shortcut(self, message: Json, callback_id: str) -> Ack:
        """Choose a message shortcut from the menu of a message."""
        place, live = self._message(message, stale=False)
        told = payloads.shortcut(self._world, self.member, place, live, callback_id)
        delivery = await self._courier.deliver("interactive", told)
        if not delivery.ok:
            self._world.notice(self.id, answers.failure(delivery))
        return Ack(delivery)

    async def open_home(self) -> Ack:
        """Open the bot's home tab."""
        place = self._world.workspace.dm(self.id)
        content = {"type": "app_home_opened", "tab": "home", "channel": place.id}
        return Ack(await self._courier.deliver("events_api", payloads.event(self._world, self.member, content)))

    def create_channel(self, name: str, *, private: bool = False) -> Channel:
        """Make a channel, as every member may, and invite the bot to it."""
        workspace = self._world.workspace
        if any(channel.name == name for channel in workspace.channels.values()):
            raise ClientBlocked(f"name_taken: there is a channel {name} already")
        made = Channel(f"C1MADE{len(workspace.channels)}", name, {self.id}, private=private, creator=self.id)
        workspace.channels[made.id] = made
        workspace.changed()
        return made

    async def say(self, text: str, channel: str, thread_ts: str = "") -> Json:
        """Write a message into a channel or a thread; the bot is not told."""
        message = {"type": "message", "user": self.id, "team": self.member.team_id, "text": text}
        return copy.deepcopy(self._world.workspace.post(self._place(channel), message, thread_ts))

    async def wait_for_view(self, fits: Callable[[Json], bool] = bool, seconds: float = 5.0) -> Json:
        """Wait until the top view satisfies `fits` and return a copy. Raises TimeoutError."""
        try:
            async with asyncio.timeout(seconds):
                while (view := self.view) is None or not fits(view):
                    await self._world.workspace.next_change()
        except TimeoutError as late:
            shown = self.view and (self.view["callback_id"], self.view["title"])
            raise TimeoutError(f"{self.name} still sees {shown}; notices: {self.notices}") from late
        return view

    async def _click_view(self, view_id: str, action_id: str, *, accept: bool) -> Click:
        view = self._world.modals.top(self.id)
        if view is None or view.id != view_id:
            view = self._own_home(view_id)
        block, element = _button(view.content["blocks"], action_id)
        confirm = element.get("confirm")
        if confirm and not accept:
            return Click(confirm, None)
        return Click(confirm, await self._act(view, payloads.action(self._world, block, element, {})))

    def _own_home(self, view_id: str) -> View:
        view = self._world.modals.homes.get(self.id)
        if view is None or view.id != view_id:
            raise ClientBlocked(f"{self.name} does not see the view {view_id}")
        return view

    def _message(self, copy_of: Json, *, stale: bool) -> tuple[Channel, Json]:
        private = self._world.ephemerals.get(self.id, [])
        live = next((one for one in private if one["ts"] == copy_of["ts"]), None)
        if live is not None:
            return self._world.workspace.channels[live["channel"]], live
        found = self._world.workspace.message(copy_of["ts"])
        if found is None:
            raise ClientBlocked("the message is gone")
        place, message = found
        if self.id not in place.members:
            raise ClientBlocked(f"{self.name} is not in {place.id}")
        return place, copy_of if stale else message

    def _place(self, channel_id: str) -> Channel:
        if not channel_id:
            return self._world.workspace.dm(self.id)
        place = self._world.workspace.channels.get(channel_id)
        if place is None or self.id not in place.members:
            raise ClientBlocked(f"{self.name} is not in {channel_id}")
        return place


def _button(blocks: list[Json], action_id: str) -> tuple[Json, Json]:
    found = [(block, one) for block, one in holders(blocks) if one["action_id"] == action_id]
    if not found:
        there = [one["action_id"] for _, one in holders(blocks)]
        raise ClientBlocked(f"there is nothing to click named {action_id!r}, only {there}")
    return found[0]


def _choice(element: Json, value: str) -> Json:
    options: list[Json] = element.get("options", [])
    found = next((one for one in options if one.get("value") == value), None)
    if found is None:
        raise ClientBlocked(f"{element['action_id']} does not offer {value!r}")
    return found

"""The views people have open: a stack of at most three modals each, a home tab, and the state they typed into them."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.playground.slack.elements import holders, initial, with_ids
from bot.playground.slack.errors import SlackError
from bot.playground.slack.workspace import Json

STACK = 3


@dataclass
class View:
    """One view on somebody's screen."""

    id: str
    owner: str
    """The user id of the person who sees it."""
    content: Json
    """What the bot sent, with the ids Slack adds."""
    hash: str
    previous: "View | None" = None
    state: dict[str, dict[str, Json]] = field(default_factory=dict)
    """block_id → action_id → value, as the person has it on the screen."""
    offered: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    """What suggestions brought last, for each external select."""
    errors: dict[str, str] = field(default_factory=dict)
    """block_id → the sentence shown under it."""
    channel: str = ""
    """Where the person was when it opened, if anywhere."""

    @property
    def root(self) -> "View":
        """The bottom of its stack."""
        return self.previous.root if self.previous else self


class Modals:
    """Who sees which views."""

    def __init__(self, mint_ts: Callable[[], str]) -> None:
        """`mint_ts` makes a new, ever later timestamp: a view's hash begins with one."""
        self._mint_ts = mint_ts
        self._stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def top(self, user_id: str) -> View | None:
        """Return the view the person sees, if any is open."""
        stack = self._stacks.get(user_id)
        return stack[-1] if stack else None

    def stack(self, user_id: str) -> list[View]:
        """Return the person's open views, bottom first."""
        return self._stacks.setdefault(user_id, [])

    def find(self, view_id: str = "", external_id: str = "") -> View | None:
        """Return an open modal or a published home by either id."""
        for view in self._open():
            if view.id == view_id or (external_id and view.content.get("external_id") == external_id):
                return view
        return None

    def open(self, user_id: str, content: Json, channel: str = "") -> View:
        """Show a modal, in place of whatever modals the person had open."""
        view = self._made(user_id, content, None)
        view.channel = channel
        self._stacks[user_id] = [view]
        return view

    def push(self, user_id: str, content: Json) -> View:
        """Show a modal on top of the person's stack. Raises SlackError push_limit_reached."""
        stack = self.stack(user_id)
        if len(stack) >= STACK:
            raise SlackError("push_limit_reached")
        view = self._made(user_id, content, stack[-1] if stack else None)
        stack.append(view)
        return view

    def publish(self, user_id: str, content: Json) -> View:
        """Show or replace the person's home tab."""
        if user_id in self.homes:
            return self.update(self.homes[user_id], content)
        self.homes[user_id] = self._made(user_id, content, None)
        return self.homes[user_id]

    def update(self, view: View, content: Json) -> View:
        """Replace a view's content; inputs whose block_id and action_id stay keep what they hold, whatever is new."""
        kept = view.state
        view.content, view.hash, view.errors = with_ids(content), self._hash(), {}
        view.state = _starting_state(view.content["blocks"])
        for block_id, entries in view.state.items():
            for action_id, fresh in entries.items():
                held = kept.get(block_id, {}).get(action_id)
                if held is not None and held["type"] == fresh["type"]:
                    entries[action_id] = held
        return view

    def close(self, view: View) -> None:
        """Take one modal off its owner's screen."""
        stack = self.stack(view.owner)
        if view in stack:
            stack.remove(view)

    def clear(self, user_id: str) -> list[View]:
        """Close every modal of a person and return them, top first."""
        return self._stacks.pop(user_id, [])[::-1]

    def _open(self) -> Iterator[View]:
        for stack in self._stacks.values():
            yield from stack
        yield from self.homes.values()

    def _made(self, user_id: str, content: Json, previous: View | None) -> View:
        content = with_ids(content)
        view = View(f"V{secrets.token_hex(5).upper()}", user_id, content, self._hash(), previous)
        view.state = _starting_state(content["blocks"])
        return view

    def _hash(self) -> str:
        return f"{self._mint_ts()}.{secrets.token_hex(4)}"


def _starting_state(blocks: list[Json]) -> dict[str, dict[str, Json]]:
    state: dict[str, dict[str, Json]] = {}
    for block, element in holders(blocks):
        start = initial(element)
        if start is not None:
            state.setdefault(block["block_id"], {})[element["action_id"]] = start
    return state

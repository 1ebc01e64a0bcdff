"""A Slack workspace on loopback, with one app installed: what the tests drive and a newcomer clicks."""

import asyncio
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self, TypeVar

from bot.playground.slack.delivery import Courier
from bot.playground.slack.errors import ClientBlocked
from bot.playground.slack.faults import Faults
from bot.playground.slack.journal import Call, Delivery, Journal
from bot.playground.slack.limits import RateLimits
from bot.playground.slack.modals import Modals
from bot.playground.slack.person import Person
from bot.playground.slack.plain_text import plain_text
from bot.playground.slack.schema import validator
from bot.playground.slack.site import Site
from bot.playground.slack.socket_mode import SocketMode
from bot.playground.slack.tickets import Tickets
from bot.playground.slack.workspace import Channel, Group, Json, Member, Workspace
from bot.playground.slack.world import SCOPES, App, World

__all__ = ["SCOPES", "ClientBlocked", "FakeSlack", "plain_text"]

Found = TypeVar("Found")
ADMIN = "U0ADMIN"
"""Who made the channels that are there from the beginning."""
_GLANCE = 0.02
"""Seconds after which those who wait look even though nothing changed here: what they look at may be elsewhere."""


class FakeSlack:
    """One workspace, one installed app, real HTTP and websockets; `async with` starts and stops it."""

    def __init__(
        self,
        *,
        team_id: str = "T0PLAY",
        scopes: Iterable[str] = SCOPES,
        scopes_header: bool = True,
        rate_multiplier: float | None = None,
        page_size: int | None = None,
        clock: Callable[[], float] = time.time,
        ack_seconds: float = 3.0,
        trigger_seconds: float = 3.0,
    ) -> None:
        """Describe the workspace; nothing listens yet.

        `rate_multiplier` None means no rate limits, 1 Slack's own, 10 ten times as many calls. `page_size` caps the
        pages of history. `clock` gives seconds since 1970 and dates messages, triggers, limits and signatures.
        """
        workspace = Workspace(team_id, clock)
        app = App(scopes=tuple(scopes), scopes_header=scopes_header)
        workspace.members[app.bot_user] = Member(app.bot_user, app.name, team_id, bot=True)
        self.world = World(
            app,
            clock,
            workspace,
            Modals(workspace.mint_ts),
            Tickets(clock, trigger_seconds),
            RateLimits(rate_multiplier),
            page_size=page_size,
        )
        self.sockets = SocketMode(self.world)
        self.courier = Courier(self.world, self.sockets, ack_seconds)
        self.people: dict[str, Person] = {}
        self._site = Site(self.world, self.sockets)

    async def start(self, port: int = 0) -> None:
        """Listen on loopback, at this port or any free one."""
        validator()  # compiled before anybody waits for an answer
        self.world.url = await self._site.start(port)

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        await self.sockets.close()
        await self.courier.close()
        await self._site.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """What SLACK_API_URL must be."""
        return f"{self.world.url}/api/"

    @property
    def team_id(self) -> str:
        """The workspace's id."""
        return self.world.workspace.team_id

    @property
    def bot_token(self) -> str:
        """What SLACK_BOT_TOKEN must be; `bot_id`, `bot_user`, `app_token` and `signing_secret` likewise."""
        return self.world.app.bot_token

    @property
    def app_token(self) -> str:
        """What SLACK_APP_TOKEN must be for Socket Mode."""
        return self.world.app.app_token

    @property
    def signing_secret(self) -> str:
        """What SLACK_SIGNING_SECRET must be."""
        return self.world.app.signing_secret

    @property
    def bot_id(self) -> str:
        """The bot id its messages carry."""
        return self.world.app.bot_id

    @property
    def bot_user(self) -> str:
        """The bot's user id."""
        return self.world.app.bot_user

    @property
    def faults(self) -> Faults:
        """What shall go wrong with the next calls."""
        return self.world.faults

    @property
    def journal(self) -> Journal:
        """Everything that went over the wire."""
        return self.world.journal

    @property
    def calls(self) -> list[Call]:
        """The bot's calls, oldest first."""
        return self.world.journal.calls

    @property
    def deliveries(self) -> list[Delivery]:
        """What was brought to the bot, oldest first."""
        return self.world.journal.deliveries

    @property
    def violations(self) -> list[str]:
        """What the bot sent that Slack would not take."""
        return self.world.journal.violations

    @property
    def traffic(self) -> str:
        """All text exchanged with the bot."""
        return self.world.journal.traffic

    def point_at(self, *request_urls: str) -> None:
        """Deliver to this URL (`…/slack/events`), or to several in turn, while no websocket is open."""
        self.courier.request_urls = list(request_urls)

    def add_person(
        self,
        name: str,
        *,
        id: str = "",  # noqa: A002 the word Slack uses
        team_id: str = "",
        tz: str = "Europe/London",
        full_name: str = "",
        **flags: bool,
    ) -> Person:
        """Add somebody; another `team_id` makes them an outsider.

        Flags are restricted, ultra_restricted, bot, deleted, stranger.
        """
        user_id = id or f"U0{name.upper()}"
        member = Member(user_id, name, team_id or self.team_id, tz=tz, full_name=full_name, **flags)
        self.world.workspace.members[user_id] = member
        self.people[user_id] = Person(self.world, self.courier, member)
        return self.people[user_id]

    def add_group(self, id: str, members: Iterable[Person | str]) -> Group:  # noqa: A002 the word Slack uses
        """Add a user group."""
        group = Group(id, [one if isinstance(one, str) else one.id for one in members])
        self.world.workspace.groups[id] = group
        return group

    def add_channel(
        self,
        id: str,  # noqa: A002 the word Slack uses
        name: str = "",
        members: Iterable[Person | str] | None = None,
        *,
        bot_is_member: bool = True,
        archived: bool = False,
        ext_shared: bool = False,
        pending_ext_shared: bool = False,
        private: bool = False,
        creator: str = ADMIN,
    ) -> Channel:
        """Add a channel with these members: everybody there is so far, if not given."""
        everybody = self.people if members is None else members
        inside = {one if isinstance(one, str) else one.id for one in everybody}
        channel = Channel(
            id, name or id.lower(), inside, bot_is_member, archived, ext_shared, pending_ext_shared, private,
            creator=creator,
        )  # fmt: skip
        self.world.workspace.channels[id] = channel
        return channel

    def channel(self, channel_id: str) -> Channel:
        """Return a channel: its `messages`, its `thread(ts)`, and the flags to change."""
        return self.world.workspace.channels[channel_id]

    def delete_message(self, ts: str) -> None:
        """Delete a message, as an administrator may."""
        found = self.world.workspace.message(ts)
        if found is not None:
            found[0].log.remove(found[1])
            self.world.workspace.changed()

    def post_as_other_bot(self, channel_id: str, text: str, *, thread_ts: str = "", **more: object) -> Json:
        """Post a message of another app, with whatever `metadata` or `blocks` it likes."""
        message: Json = {"type": "message", "subtype": "bot_message", "bot_id": "B0OTHER", "text": text, **more}
        return self.world.workspace.post(self.channel(channel_id), message, thread_ts)

    async def deliver(self, kind: str, payload: Json) -> Delivery:
        """Bring any payload to the bot as Slack would; kind is slash_commands, interactive or events_api."""
        return await self.courier.deliver(kind, payload)

    async def redeliver(
        self, delivery: Delivery | None = None, *, times: int = 1, together: bool = False
    ) -> list[Delivery]:
        """Bring a payload (the last one, if not given) to the bot again, freshly signed, one by one or all at once."""
        again = delivery or self.deliveries[-1]
        if together:
            return list(await asyncio.gather(*(self.courier.repeat(again) for _ in range(times))))
        return [await self.courier.repeat(again) for _ in range(times)]

    async def deliver_raw(self, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Post anything to the bot's request URL, signed unless headers are given; return status and body."""
        signed = self.courier.sign(body, str(int(self.world.clock()))) if headers is None else headers
        return await self.courier.post(body, signed)

    async def wait_for(self, look: Callable[[], Found], seconds: float = 5.0) -> Found:
        """Return what `look()` returns once it is true; it is asked anew on every change. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not (found := look()):
                await self.world.workspace.next_change(_GLANCE)
        return found

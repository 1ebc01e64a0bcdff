"""People, user groups, channels and messages of one workspace, and the clock that orders them.

It enforces nothing and knows no HTTP: what may be done is said in the Web API's methods and in `person`.
"""

import asyncio
import contextlib
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]


@dataclass
class Member:
    """Somebody (or some bot) as users.info describes them; every flag may be changed while the workspace runs."""

    id: str
    name: str
    team_id: str
    restricted: bool = False
    ultra_restricted: bool = False
    bot: bool = False
    deleted: bool = False
    stranger: bool = False
    tz: str = "Europe/London"
    full_name: str = ""

    @property
    def real_name(self) -> str:
        """What stands beside their messages."""
        return self.full_name or self.name.title()

    def as_json(self, now: float) -> Json:
        """Return the `user` object of users.info. Deactivated people lack the flags of a member, as in Slack."""
        zone = ZoneInfo(self.tz)
        offset = datetime.fromtimestamp(now, zone).utcoffset()
        user: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "profile": {"real_name": self.real_name, "display_name": self.name, "team": self.team_id},
            "is_bot": self.bot,
            "is_app_user": False,
            "updated": int(now),
        }
        if self.stranger:
            user["is_stranger"] = True
        if not self.deleted:
            user |= {
                "real_name": self.real_name,
                "tz": self.tz,
                "tz_label": self.tz,
                "tz_offset": int(offset.total_seconds()) if offset else 0,
                "is_admin": False,
                "is_owner": False,
                "is_primary_owner": False,
                "is_restricted": self.restricted,
                "is_ultra_restricted": self.ultra_restricted,
            }
        return user


@dataclass
class Group:
    """A user group; `members` are user ids."""

    id: str
    members: list[str]
    disabled: bool = False


@dataclass
class Channel:
    """A channel, a private channel, or (with `dm_of`) the bot's direct messages with one person."""

    id: str
    name: str
    members: set[str]
    bot_is_member: bool = True
    archived: bool = False
    ext_shared: bool = False
    pending_ext_shared: bool = False
    private: bool = False
    dm_of: str = ""
    creator: str = ""
    """The user id of who made it; "" where Slack does not say."""
    log: list[Json] = field(default_factory=list)
    """Every message, oldest first, replies included; live, not a copy."""

    @property
    def messages(self) -> list[Json]:
        """Copies of what the channel shows, oldest first; a kept copy is what an idle client shows.

        Of replies it shows only those that were sent to the channel as well.
        """
        return [
            copy.deepcopy(one)
            for one in self.log
            if one.get("thread_ts", one["ts"]) == one["ts"] or one.get("subtype") == "thread_broadcast"
        ]

    def thread(self, ts: str) -> list[Json]:
        """Return copies of the replies under the message `ts`, oldest first."""
        return [copy.deepcopy(one) for one in self.log if one.get("thread_ts") == ts and one["ts"] != ts]

    def find(self, ts: str) -> Json | None:
        """Return the live message with this ts."""
        return next((one for one in self.log if one["ts"] == ts), None)

    @property
    def kind(self) -> str:
        """How scopes name it: channels, groups or im."""
        return "im" if self.dm_of else "groups" if self.private else "channels"

    def as_json(self, team_id: str) -> Json:
        """Return the `channel` object of conversations.info."""
        if self.dm_of:
            return {"id": self.id, "is_im": True, "user": self.dm_of, "is_archived": False, "context_team_id": team_id}
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            **({"creator": self.creator} if self.creator else {}),
            "is_channel": not self.private,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.private,
            "is_archived": self.archived,
            "is_member": self.bot_is_member,
            "is_general": False,
            "is_org_shared": False,
            "is_shared": self.ext_shared,
            "is_ext_shared": self.ext_shared,
            "is_pending_ext_shared": self.pending_ext_shared,
            "context_team_id": team_id,
            "num_members": len(self.members),
        }


class Workspace:
    """Everything a workspace holds; whoever changes it calls `changed` so that those who wait look again."""

    def __init__(self, team_id: str, clock: Callable[[], float]) -> None:
        """`clock` gives the time in seconds since 1970."""
        self.team_id = team_id
        self.clock = clock
        self.members: dict[str, Member] = {}
        self.groups: dict[str, Group] = {}
        self.channels: dict[str, Channel] = {}
        self._last_ts = 0
        self._pulse = asyncio.Event()

    def mint_ts(self) -> str:
        """Return a message ts that was never used before, later than every other."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def dm(self, user_id: str) -> Channel:
        """Return the bot's direct messages with a person, opened if they were not yet."""
        found = next((one for one in self.channels.values() if one.dm_of == user_id), None)
        if found is None:
            found = Channel(f"D{user_id[1:]}", "directmessage", {user_id}, dm_of=user_id)
            self.channels[found.id] = found
        return found

    def post(self, channel: Channel, message: Json, thread_ts: str = "") -> Json:
        """Put a message (its ts is made here) into a channel or under another message, and return it, live."""
        message = {**message, "ts": self.mint_ts()}
        parent = channel.find(thread_ts) if thread_ts else None
        if parent is not None:
            message |= {"thread_ts": thread_ts, "parent_user_id": parent.get("user", "")}
            parent |= {"thread_ts": thread_ts, **_replied(channel.thread(thread_ts), message)}
        channel.log.append(message)
        self.changed()
        return message

    def message(self, ts: str) -> tuple[Channel, Json] | None:
        """Find a message by its ts, which no two messages of a workspace share here."""
        for channel in self.channels.values():
            found = channel.find(ts)
            if found is not None:
                return channel, found
        return None

    def changed(self) -> None:
        """Wake everybody who waits in `next_change`."""
        pulse, self._pulse = self._pulse, asyncio.Event()
        pulse.set()

    async def next_change(self, seconds: float | None = None) -> None:
        """Wait until something changes, for so many seconds at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._pulse.wait(), seconds)


def _replied(before: list[Json], reply: Json) -> Json:
    """Return what a message says of the replies under it; of those who wrote them it names five."""
    writers = list(dict.fromkeys(one.get("user") or one.get("bot_id", "") for one in [*before, reply]))
    return {
        "reply_count": len(before) + 1,
        "reply_users": writers[:5],
        "reply_users_count": len(writers),
        "latest_reply": reply["ts"],
    }

"""Who is who, asked of Slack: cached for a minute, each question asked once however many wait for it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.people import Channel, Person
from bot.errors import LookUpFailed, NoSuchGroup
from bot.slack.web import SlackFailed, slack_call

T = TypeVar("T")

AGE = 60.0
"""Seconds for which an answer is good; Slack allows 20 questions about groups a minute."""
ENTRIES = 10_000
NOBODY = frozenset({"user_not_found", "users_not_found", "user_not_visible"})
NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found"})
"""Slack's words for an id that it does not know: an answer, which is as good for a minute as any other."""


class SlackPeople:
    """ports.People over users.info, usergroups.users.list and conversations.info."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._answers: dict[str, tuple[float, Any]] = {}
        self._asking: dict[str, asyncio.Task[Any]] = {}

    async def person(self, user_id: str, *, fresh: bool = False) -> Person:
        """Return one user, `is_known` or not."""

        async def ask() -> Person:
            shown = await _unless(NOBODY, self._client.users_info(user=user_id))
            return _person(shown["user"]) if shown is not None else Person(user_id, "", is_known=False)

        return await self._answer(f"user {user_id}", ask, fresh=fresh)

    async def members(self, group_id: str, *, fresh: bool = False) -> frozenset[str]:
        """Return the user ids in a user group. Raises NoSuchGroup."""

        async def ask() -> frozenset[str] | None:
            shown = await _unless(NO_GROUP, self._client.usergroups_users_list(usergroup=group_id))
            return frozenset(shown["users"]) if shown is not None else None

        members = await self._answer(f"group {group_id}", ask, fresh=fresh)
        if members is None:
            raise NoSuchGroup(group_id)
        return members

    async def channel(self, channel_id: str, *, fresh: bool = True) -> Channel:
        """Return one conversation; one that the bot cannot see is one it is not a member of."""

        async def ask() -> Channel:
            return channel_of((await self._client.conversations_info(channel=channel_id))["channel"])

        try:
            return await self._answer(f"channel {channel_id}", ask, fresh=fresh)
        except LookUpFailed as failed:
            if isinstance(failed.__cause__, SlackFailed) and failed.__cause__.code == "channel_not_found":
                return Channel(channel_id, is_known=False)
            raise

    async def _answer(self, key: str, ask: Callable[[], Awaitable[T]], *, fresh: bool) -> T:
        now = asyncio.get_running_loop().time()
        if not fresh and key in self._answers and now - self._answers[key][0] < AGE:
            return cast("T", self._answers[key][1])  # the key says what was asked
        if fresh or key not in self._asking:
            # A fresh answer must not come from a question that was put before.
            task = self._asking[key] = asyncio.create_task(self._put(key, ask))
            task.add_done_callback(_seen)
        # Who waits may give up; the question goes on, for the others and for the cache.
        return await asyncio.shield(self._asking[key])

    async def _put(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            try:
                with slack_call():
                    answer = await ask()
            except (SlackFailed, KeyError, TypeError) as failed:
                raise LookUpFailed(f"Slack was asked about {key}: {failed}") from failed
        finally:
            if self._asking.get(key) is asyncio.current_task():
                del self._asking[key]
        if len(self._answers) >= ENTRIES:
            self._answers.clear()
        self._answers[key] = (asyncio.get_running_loop().time(), answer)
        return answer


async def _unless(codes: frozenset[str], call: Awaitable[T]) -> T | None:
    """Return what Slack answers, None where it is one of these words."""
    try:
        with slack_call():
            return await call
    except SlackFailed as failed:
        if failed.code in codes:
            return None
        raise


def _seen(task: asyncio.Task[Any]) -> None:
    """Look at the failure of a question that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


def _person(user: Mapping[str, Any]) -> Person:
    return Person(
        id=user["id"],
        team_id=user.get("team_id", ""),
        name=(user.get("profile") or {}).get("display_name") or user.get("real_name") or user.get("name", ""),
        tz=user.get("tz") or "",
        is_deleted=bool(user.get("deleted")),
        is_bot=bool(user.get("is_bot")),
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_stranger=bool(user.get("is_stranger")),
    )


def channel_of(channel: Mapping[str, Any]) -> Channel:
    """Return a conversation as Slack shows it."""
    return Channel(
        id=channel["id"],
        name=channel.get("name") or "",
        # a private channel is shown to its members only, so that not every answer says so once more
        bot_is_member=bool(channel.get("is_member", channel.get("is_private"))),
        is_archived=bool(channel.get("is_archived")),
        is_shared_outside=bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared")),
        is_direct=bool(channel.get("is_im") or channel.get("is_mpim")),
        creator=channel.get("creator") or "",
    )

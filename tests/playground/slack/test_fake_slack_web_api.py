"""What the fake's Web API refuses, and with which words, through the real client library."""

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.server import SCOPES, FakeSlack


async def error(call: Any) -> str:
    """Await a call that must fail and return Slack's word for it."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def test_auth_test_names_the_workspace_and_the_scopes(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["team_id"], answer["bot_id"], answer["user_id"]) == ("T0PLAY", "B0BOT", "U0BOT")
    assert answer.headers["x-oauth-scopes"] == ",".join(SCOPES)


async def test_the_scopes_header_can_be_missing(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.world.app.scopes_header = False
    assert "x-oauth-scopes" not in (await client.auth_test()).headers


async def test_a_wrong_token_is_refused(slack: FakeSlack) -> None:
    assert await error(AsyncWebClient("xoxb-wrong", base_url=slack.url).auth_test()) == "invalid_auth"
    assert await error(AsyncWebClient(base_url=slack.url).auth_test()) == "not_authed"


async def test_a_method_needs_its_scope(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.world.app.scopes = ("commands",)
    calls = [
        client.chat_postMessage(channel="C0OPS", text="hello"),
        client.users_info(user="U0ALICE"),
        client.conversations_info(channel="C0OPS"),
        client.conversations_history(channel="C0OPS"),
        client.conversations_open(users="U0ALICE"),
        client.usergroups_users_list(usergroup="S0DBA"),
    ]
    assert [await error(call) for call in calls] == ["missing_scope"] * len(calls)


async def test_history_of_direct_messages_needs_a_scope_of_its_own(slack: FakeSlack, client: AsyncWebClient) -> None:
    """The bot may write to people; reading it back would need im:history, which it does not ask for."""
    posted = await client.chat_postMessage(channel="U0ALICE", text="hello")
    assert str(posted["channel"]).startswith("D")
    assert await error(client.conversations_history(channel=str(posted["channel"]))) == "missing_scope"
    assert [one["text"] for one in slack.people["U0ALICE"].dms] == ["hello"]


async def test_an_unknown_method_is_a_violation(slack: FakeSlack, client: AsyncWebClient) -> None:
    assert await error(client.api_call("chat.postEphemeral", json={"channel": "C0OPS"})) == "unknown_method"
    assert slack.violations == ["chat.postEphemeral: there is no such method"]


async def test_arguments_may_come_as_a_form(slack: FakeSlack) -> None:
    """Slack takes JSON bodies, forms with JSON inside, and query strings."""
    blocks = [{"type": "divider"}]
    form = {"channel": "C0OPS", "text": "hello", "blocks": json.dumps(blocks), "token": slack.bot_token}
    async with aiohttp.ClientSession() as session, session.post(slack.url + "chat.postMessage", data=form) as answer:
        assert (await answer.json())["ok"]
    assert slack.channel("C0OPS").messages[0]["blocks"][0]["type"] == "divider"
    assert "token" not in slack.calls[0].args


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"archived": True}, "is_archived"),
        ({"bot_is_member": False}, "not_in_channel"),
        ({"bot_is_member": False, "private": True}, "channel_not_found"),
    ],
)
async def test_the_bot_posts_only_where_it_is(
    slack: FakeSlack, client: AsyncWebClient, change: dict[str, bool], word: str
) -> None:
    for name, value in change.items():
        setattr(slack.channel("C0OPS"), name, value)
    assert await error(client.chat_postMessage(channel="C0OPS", text="hello")) == word


async def test_a_reply_is_shown_in_the_channel_only_if_it_is_broadcast(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel="C0OPS", text="card"))["ts"]
    await client.chat_postMessage(channel="C0OPS", text="in the thread", thread_ts=ts)
    await client.chat_postMessage(channel="C0OPS", text="in both", thread_ts=ts, reply_broadcast=True)
    assert [one["text"] for one in slack.channel("C0OPS").messages] == ["card", "in both"]
    assert [one["text"] for one in slack.channel("C0OPS").thread(ts)] == ["in the thread", "in both"]


async def test_places_and_people_that_do_not_exist(client: AsyncWebClient) -> None:
    gone = "1.000001"
    assert await error(client.chat_postMessage(channel="C0NONE", text="hello")) == "channel_not_found"
    assert await error(client.chat_postMessage(channel="C0OPS", text="x", thread_ts=gone)) == "thread_not_found"
    assert await error(client.chat_update(channel="C0OPS", ts=gone, text="x")) == "message_not_found"
    assert await error(client.chat_getPermalink(channel="C0OPS", message_ts=gone)) == "message_not_found"
    assert await error(client.conversations_replies(channel="C0OPS", ts=gone)) == "thread_not_found"
    assert await error(client.users_info(user="U0NONE")) == "user_not_found"
    assert await error(client.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"
    assert await error(client.conversations_open(users="U0NONE")) == "user_not_found"


async def test_only_its_own_messages_are_updated(slack: FakeSlack, client: AsyncWebClient) -> None:
    other = slack.post_as_other_bot("C0OPS", "mine")
    assert await error(client.chat_update(channel="C0OPS", ts=other["ts"], text="yours")) == "cant_update_message"


async def test_an_update_with_text_alone_takes_the_blocks_away(
    slack: FakeSlack, client: AsyncWebClient, kit: Any
) -> None:
    """Metadata is kept unless it is given anew."""
    metadata = {"event_type": "change", "event_payload": {"seq": 1}}
    posted = await client.chat_postMessage(channel="C0OPS", text="a", blocks=[kit.section("block")], metadata=metadata)
    await client.chat_update(channel="C0OPS", ts=str(posted["ts"]), text="b")
    (message,) = slack.channel("C0OPS").messages
    assert (message["text"], "blocks" in message, message["metadata"]) == ("b", False, metadata)


async def test_a_message_too_long_for_an_update(slack: FakeSlack, client: AsyncWebClient) -> None:
    """chat.update counts bytes: 4000 of them."""
    posted = await client.chat_postMessage(channel="C0OPS", text="a")
    assert await error(client.chat_update(channel="C0OPS", ts=str(posted["ts"]), text="é" * 2001)) == "msg_too_long"
    assert slack.violations


async def test_threads_and_permalinks(slack: FakeSlack, client: AsyncWebClient) -> None:
    card = await client.chat_postMessage(channel="C0OPS", text="card")
    reply = await client.chat_postMessage(channel="C0OPS", text="reply", thread_ts=str(card["ts"]))
    assert [one["text"] for one in slack.channel("C0OPS").messages] == ["card"]
    assert [one["text"] for one in slack.channel("C0OPS").thread(str(card["ts"]))] == ["reply"]
    link = await client.chat_getPermalink(channel="C0OPS", message_ts=str(reply["ts"]))
    assert f"thread_ts={card['ts']}" in str(link["permalink"])
    again = client.chat_postMessage(channel="C0OPS", text="nested", thread_ts=str(reply["ts"]))
    assert await error(again) == "thread_not_found"


async def test_pages_may_be_smaller_than_asked_for(slack: FakeSlack, client: AsyncWebClient) -> None:
    """History runs from new to old, replies from old to new with the first message always there; cursors lead on."""
    slack.world.page_size = 2
    card = await client.chat_postMessage(channel="C0OPS", text="0")
    for number in range(1, 4):
        await client.chat_postMessage(channel="C0OPS", text=str(number))
        await client.chat_postMessage(channel="C0OPS", text=f"r{number}", thread_ts=str(card["ts"]))

    async def read(method: Any, **args: Any) -> list[str]:
        texts, cursor = [], None
        while True:
            page = await method(channel="C0OPS", limit=100, cursor=cursor, **args)
            texts += [one["text"] for one in page["messages"]]
            cursor = page.get("response_metadata", {}).get("next_cursor")
            if not cursor:
                return texts

    assert await read(client.conversations_history) == ["3", "2", "1", "0"]
    assert await read(client.conversations_history, oldest=card["ts"]) == ["3", "2", "1"]
    assert await read(client.conversations_replies, ts=card["ts"]) == ["0", "r1", "r2", "r3"]
    assert await error(client.conversations_history(channel="C0OPS", cursor="nonsense")) == "invalid_cursor"


async def test_metadata_is_read_only_when_asked_for(slack: FakeSlack, client: AsyncWebClient) -> None:
    metadata = {"event_type": "change", "event_payload": {"seq": 1}}
    await client.chat_postMessage(channel="C0OPS", text="a", metadata=metadata)
    slack.post_as_other_bot("C0OPS", "forged", metadata=metadata)
    plain = await client.conversations_history(channel="C0OPS")
    full = await client.conversations_history(channel="C0OPS", include_all_metadata=True)
    assert ["metadata" in one for one in plain["messages"]] == [False, False]
    assert [(one["bot_id"], one["metadata"]) for one in full["messages"]] == [
        ("B0OTHER", metadata),
        ("B0BOT", metadata),
    ]


async def test_people_are_described_with_their_flags(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.add_person("gus", id="U0GUS", ultra_restricted=True)
    slack.add_person("olga", id="U0OLGA", team_id="T0ELSE", stranger=True)
    slack.people["U0BOB"].member.deleted = True
    gus, olga, bob, alice = [
        (await client.users_info(user=user))["user"] for user in ("U0GUS", "U0OLGA", "U0BOB", "U0ALICE")
    ]
    assert gus["is_ultra_restricted"]
    assert (olga["is_stranger"], olga["team_id"]) == (True, "T0ELSE")
    assert (bob["deleted"], "is_restricted" in bob) == (True, False)
    assert (alice["tz"], alice["tz_offset"]) == ("Asia/Shanghai", 8 * 3600)


async def test_groups_list_their_members(slack: FakeSlack, client: AsyncWebClient) -> None:
    group = slack.add_group("S0DBA", ["U0ALICE"])
    group.members.append("U0BOB")
    assert (await client.usergroups_users_list(usergroup="S0DBA"))["users"] == ["U0ALICE", "U0BOB"]


async def test_channels_say_whether_they_are_shared(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.add_channel("C0SHARED", ext_shared=True)
    slack.add_channel("C0SOON", pending_ext_shared=True, bot_is_member=False)
    shared = (await client.conversations_info(channel="C0SHARED"))["channel"]
    soon = (await client.conversations_info(channel="C0SOON"))["channel"]
    assert (shared["is_ext_shared"], shared["is_member"]) == (True, True)
    assert (soon["is_pending_ext_shared"], soon["is_member"]) == (True, False)

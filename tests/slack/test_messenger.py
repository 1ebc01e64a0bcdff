"""Posting, redrawing and finding messages, against the fake Slack: what its errors mean, and whose messages count."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.change import Change
from bot.core.events import Requested, moment
from bot.core.people import Channel
from bot.core.policy import channel_lost, read_policy
from bot.core.saying import Message, Saying
from bot.errors import CardDeleted, ChannelLost, MessageGone, MessageThrottled, MessageUnanswered, MessengerError
from bot.playground.slack.faults import Fault
from bot.playground.slack.plain_text import plain_text
from bot.playground.slack.server import FakeSlack
from bot.playground.stage import POLICY
from bot.slack.messenger import SlackMessenger

ChangeIn = Callable[..., Change]
OUTCOME = Saying("outcome")
GONE_CODES = ["message_not_found", "thread_not_found", "channel_not_found", "not_in_channel", "is_archived"]


@pytest.fixture
def messenger(slack: FakeSlack, client: AsyncWebClient) -> SlackMessenger:
    def lost(channel: Channel) -> str:
        return channel_lost(read_policy(POLICY), channel)

    return SlackMessenger(client, slack.bot_id, lost)


async def test_a_card_is_posted_with_its_metadata_and_redrawn_with_newer(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn
) -> None:
    posted = await messenger.announce(change_in("pending"))
    (card,) = slack.channel("C0OPS").messages
    assert posted == Message("C0OPS", card["ts"])
    assert card["metadata"]["event_payload"]["state"] == "pending"
    ended = change_in("denied", card=(posted.channel, posted.ts))
    await messenger.redraw(ended)
    (card,) = slack.channel("C0OPS").messages
    assert card["metadata"]["event_payload"] == {
        "change_id": "c1", "kind": "card", "state": "denied", "seq": ended.seq, "head": ended.head,
    }  # fmt: skip
    assert "Denied" in plain_text(card)


async def test_replies_go_into_the_cards_thread_and_dms_say_which_plan(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn
) -> None:
    card = await messenger.announce(change_in("pending"))
    change = change_in("denied", card=(card.channel, card.ts))
    said = await messenger.reply(change, OUTCOME)
    (reply,) = slack.channel("C0OPS").thread(card.ts)
    assert (reply["ts"], reply["metadata"]["event_payload"]["kind"]) == (said.ts, "outcome")
    alone = await messenger.write_to_requester(change, OUTCOME)
    (dm,) = slack.people["U0RITA"].dms
    assert (dm["ts"], alone.channel) == (alone.ts, "D0RITA")
    assert plain_text(dm).startswith("Plan orders (dbs1)")


@pytest.mark.parametrize("call", ["announce", "reply"])
async def test_what_is_not_ready_any_more_when_the_connection_is_there_does_not_leave(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn, call: str
) -> None:
    asked: list[int] = []

    def ready() -> None:
        asked.append(len(slack.journal.called("conversations.info")))
        raise MessageUnanswered("held up")

    change = change_in("denied", card=("C0OPS", "1.0"))
    with pytest.raises(MessageUnanswered, match="held up"):
        await (messenger.announce(change, ready) if call == "announce" else messenger.reply(change, OUTCOME, ready))
    assert asked == [1]  # after the last look at the channel
    assert slack.journal.called("chat.postMessage") == []


@pytest.mark.parametrize(
    "code",
    [
        "message_not_found", "thread_not_found", "channel_not_found", "not_in_channel", "is_archived", "msg_too_long",
        "restricted_action", "restricted_action_thread_locked", "cannot_reply_to_message", "ekm_access_denied",
        "no_permission", "account_inactive", "user_is_restricted", "message_limit_exceeded", "no_idea_what",
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", ["announce", "redraw", "reply", "dm"])
async def test_req20_any_refusal_is_final_for_its_place(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn, code: str, call: str
) -> None:
    slack.faults.error("chat.update" if call == "redraw" else "chat.postMessage", code)
    with pytest.raises(MessageGone):
        await do(messenger, call, change_in("denied"))


async def test_only_a_card_that_is_no_more_is_deleted(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn
) -> None:
    """Anything else may pass: the bot may be invited again, the channel opened."""
    card = await messenger.announce(change_in("pending"))
    change = change_in("denied", card=(card.channel, card.ts))
    for code in ("is_archived", "not_in_channel", "channel_not_found", "cant_update_message"):
        slack.faults.error("chat.update", code)
        with pytest.raises(MessageGone) as gone:
            await messenger.redraw(change)
        assert not isinstance(gone.value, CardDeleted)
    slack.delete_message(card.ts)
    with pytest.raises(CardDeleted):
        await messenger.redraw(change)


@pytest.mark.parametrize("threaded", [False, True])
async def test_a_card_is_seen_until_it_is_deleted(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn, requested: Callable[..., Requested],
    threaded: bool,
) -> None:  # fmt: skip
    said = await slack.people["U0RITA"].say("Shorten retention?", "C0OPS")
    request = requested(thread=said["ts"]) if threaded else requested()
    card = await messenger.announce(change_in("pending", request))
    await slack.people["U0RITA"].say("Please.", "C0OPS", thread_ts=said["ts"])
    change = change_in("pending", request, card=(card.channel, card.ts))
    assert await messenger.is_there(change)
    slack.delete_message(card.ts)
    assert not await messenger.is_there(change)
    slack.channel("C0OPS").bot_is_member = False
    with pytest.raises(MessageGone):
        await messenger.is_there(change)


async def test_a_dm_that_was_not_even_addressed_was_not_written(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn
) -> None:
    slack.faults.http_5xx("conversations.open")
    with pytest.raises(MessageThrottled):
        await messenger.write_to_requester(change_in("denied"), OUTCOME)


@pytest.mark.parametrize("shared", ["ext_shared", "pending_ext_shared"])
async def test_req36_in_a_channel_that_was_shared_outside_meanwhile_nothing_more_is_posted(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn, shared: str
) -> None:
    card = await messenger.announce(change_in("pending"))
    setattr(slack.channel("C0OPS"), shared, True)
    change = change_in("denied", card=(card.channel, card.ts))
    for call in ("announce", "reply", "redraw"):
        with pytest.raises(ChannelLost, match="shared with another organisation"):
            await do(messenger, call, change)
    (shown,) = slack.channel("C0OPS").messages
    assert "Denied" not in plain_text(shown), "not even over what is there"
    assert (await messenger.write_to_requester(change, OUTCOME)).channel == "D0RITA"


async def test_where_the_policy_allows_no_changes_any_more_nothing_more_is_written(
    slack: FakeSlack, client: AsyncWebClient, change_in: ChangeIn
) -> None:
    policy = [read_policy(POLICY)]
    messenger = SlackMessenger(client, slack.bot_id, lambda channel: channel_lost(policy[0], channel))
    card = await messenger.announce(change_in("pending"))
    change = change_in("denied", card=(card.channel, card.ts))
    policy[0] = read_policy(POLICY.replace("[defaults]", '[defaults]\nchannels = ["C0ELSE"]'))
    for call in ("announce", "reply", "redraw"):
        with pytest.raises(ChannelLost, match="no longer allows"):
            await do(messenger, call, change)
    await messenger.call(change, "Done.", to="C0OPS")
    assert [one["text"][:5] for one in slack.channel("C0OPS").messages][1:] == ["Done."], "a rule's notice may go there"


@pytest.mark.parametrize(("error", "kind"), [("channel_not_found", MessageGone), ("internal_error", MessageUnanswered)])
async def test_req36_a_channel_of_which_nothing_is_known_is_not_written_to(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn, error: str, kind: type[MessengerError]
) -> None:
    slack.faults.error("conversations.info", error)
    with pytest.raises(kind):
        await messenger.announce(change_in("pending"))
    assert slack.channel("C0OPS").messages == []


async def test_req19_a_message_is_found_although_slacks_clock_is_behind_ours(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn
) -> None:
    card = await messenger.announce(change_in("pending"))
    change = change_in("pending")
    (posted,) = slack.channel("C0OPS").log
    posted["ts"] = f"{(moment(change.requested_at) - timedelta(minutes=4)).timestamp():.6f}"
    assert await messenger.find(change, "card") == Message(card.channel, posted["ts"])


@pytest.mark.parametrize(
    "fault",
    [
        Fault(error="internal_error"),
        Fault(error="fatal_error"),
        Fault(error="service_unavailable"),
        Fault(status=503),
        Fault(cut=True),
        Fault(lose_answer=True),
    ],
    ids=lambda fault: fault.error or ("503" if fault.status else "cut" if fault.cut else "lost"),
)
@pytest.mark.parametrize("call", ["announce", "redraw", "reply", "dm"])
async def test_req19_whatever_else_happens_nobody_knows_whether_it_was_posted(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn, fault: Fault, call: str
) -> None:
    card = await messenger.announce(change_in("pending"))
    slack.faults.add("chat.update" if call == "redraw" else "chat.postMessage", fault)
    with pytest.raises(MessageUnanswered):
        await do(messenger, call, change_in("denied", card=(card.channel, card.ts)))


@pytest.mark.parametrize("call", ["announce", "redraw", "reply", "dm"])
async def test_req19_slack_says_how_long_to_wait(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn, call: str
) -> None:
    slack.faults.ratelimit("chat.update" if call == "redraw" else "chat.postMessage", 7)
    with pytest.raises(MessageThrottled) as throttled:
        await do(messenger, call, change_in("denied"))
    assert throttled.value.retry_after == 7


async def do(messenger: SlackMessenger, call: str, change: Change) -> None:
    match call:
        case "announce":
            await messenger.announce(change)
        case "redraw":
            await messenger.redraw(change)
        case "reply":
            await messenger.reply(change, OUTCOME)
        case _:
            await messenger.write_to_requester(change, OUTCOME)


async def test_req20_a_requester_who_cannot_be_written_to_is_gone_too(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn
) -> None:
    slack.people["U0RITA"].member.deleted = True
    with pytest.raises(MessageGone):
        await messenger.write_to_requester(change_in("denied"), OUTCOME)
    slack.people["U0RITA"].member.deleted = False
    slack.faults.ratelimit("conversations.open", 3)
    with pytest.raises(MessageThrottled):
        await messenger.write_to_requester(change_in("denied"), OUTCOME)


async def test_a_change_without_a_card_has_no_thread(messenger: SlackMessenger, change_in: ChangeIn) -> None:
    change = change_in("denied")
    with pytest.raises(MessageGone):
        await messenger.reply(without_card(change), OUTCOME)
    with pytest.raises(MessageGone):
        await messenger.call(without_card(change), "Please look.")
    await messenger.redraw(without_card(change))


async def test_calls_go_to_the_thread_the_channel_too_or_to_somebody_with_a_link(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn
) -> None:
    card = await messenger.announce(change_in("pending"))
    change = change_in("pending", card=(card.channel, card.ts))
    await messenger.call(change, "Thread.")
    await messenger.call(change, "Both.", broadcast=True)
    await messenger.call(change, "Alone.", to="U0RITA")
    await messenger.call(without_card(change), "No card.", to="C0OPS")
    said = [one["text"] for one in slack.channel("C0OPS").messages[1:]]
    assert said == ["Both.", "No card."]
    assert [one["text"] for one in slack.channel("C0OPS").thread(card.ts)] == ["Thread.", "Both."]
    (alone,) = slack.world.workspace.dm("U0RITA").messages
    assert alone["text"].startswith("Alone. <https://")
    assert alone["metadata"]["event_payload"]["kind"] == "note"


@pytest.mark.parametrize("kind", ["card", "outcome"])
async def test_req19_only_our_own_message_about_this_change_is_found(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn, kind: Any
) -> None:
    """However many messages there are, and whatever metadata other apps put on theirs."""
    slack.world.page_size = 2
    card = await messenger.announce(change_in("pending"))
    change = change_in("denied", card=(card.channel, card.ts))
    payload = {"change_id": "c1", "kind": kind, "state": "denied", "seq": 3, "head": change.head}
    thread = card.ts if kind == "outcome" else ""
    for metadata in (
        {"event_type": "backup_plan_change", "event_payload": payload},
        {"event_type": "backup_plan_change", "event_payload": {}},
        {"event_type": "other", "event_payload": payload},
    ):
        slack.post_as_other_bot("C0OPS", "Hello", thread_ts=thread, metadata=metadata)
    if kind == "outcome":
        assert await messenger.find(change, kind) is None
        await messenger.reply(change, Saying("note", text="Not that one."))
        assert await messenger.find(change, kind) is None
        said = await messenger.reply(change, OUTCOME)
        assert await messenger.find(change, kind) == said
    else:
        assert await messenger.find(change, kind) == card
        slack.delete_message(card.ts)
        assert await messenger.find(change, kind) is None


async def test_in_somebody_s_thread_card_and_replies_go_there_and_are_found_there(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn, requested: Callable[..., Requested]
) -> None:
    """However much is said there, and not where two changes share the thread."""
    slack.world.page_size = 2
    message = await slack.people["U0RITA"].say("Shorten retention?", "C0OPS")
    request = requested(thread=message["ts"])
    pending = change_in("pending", request)
    assert await messenger.find(pending, "card") is None
    card = await messenger.announce(pending)
    assert [one["ts"] for one in slack.channel("C0OPS").thread(message["ts"])] == [card.ts]
    for _ in range(3):
        await slack.people["U0RITA"].say("What now?", "C0OPS", thread_ts=message["ts"])
    assert await messenger.find(pending, "card") == card
    change = change_in("denied", request, card=(card.channel, card.ts))
    assert await messenger.find(change, "outcome") is None
    said = await messenger.reply(change, OUTCOME)
    assert slack.channel("C0OPS").thread(message["ts"])[-1]["ts"] == said.ts
    assert await messenger.find(change, "outcome") == said
    assert await messenger.find(replace(change, id="c2"), "outcome") is None
    slack.delete_message(message["ts"])
    assert await messenger.find(change, "outcome") is None
    with pytest.raises(MessageGone):
        await messenger.reply(change, OUTCOME)


async def test_in_a_place_that_is_gone_nothing_is_found_and_a_failed_search_is_said(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn
) -> None:
    change = change_in("denied", card=("C0OPS", "1.0"))
    assert await messenger.find(change, "outcome") is None, "there is no such thread"
    assert await messenger.find(without_card(change), "outcome") is None
    slack.channel("C0OPS").bot_is_member = False
    assert await messenger.find(change, "card") is None
    slack.faults.ratelimit("conversations.history", 5)
    with pytest.raises(MessageThrottled):
        await messenger.find(change, "card")
    slack.faults.cut("conversations.replies", times=2)  # aiohttp repeats what only reads
    with pytest.raises(MessageUnanswered):
        await messenger.find(change, "outcome")


def without_card(change: Change) -> Change:
    return replace(change, card=None)


@pytest.mark.parametrize("code", ["invalid_blocks", "invalid_attachments"])
async def test_blocks_that_slack_does_not_take_are_drawn_plainer_from_then_on(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn, code: str
) -> None:
    slack.faults.error("chat.postMessage", code)
    card = await messenger.announce(change_in("pending"))
    (shown,) = slack.channel("C0OPS").messages
    assert not {"table", "container"} & {block["type"] for block in shown["blocks"]}
    assert "Backup retention: 730 days → 30 days" in plain_text(shown)
    await messenger.redraw(change_in("approved", card=(card.channel, card.ts)))
    assert [call.error for call in slack.journal.called("chat.update")] == [""]
    assert not {"table"} & {block["type"] for block in slack.channel("C0OPS").messages[0]["blocks"]}


async def test_an_internal_error_may_be_about_the_blocks_but_is_looked_into_first(
    messenger: SlackMessenger, slack: FakeSlack, change_in: ChangeIn
) -> None:
    slack.faults.error("chat.postMessage", "internal_error")
    with pytest.raises(MessageUnanswered):
        await messenger.announce(change_in("pending"))
    assert slack.channel("C0OPS").messages == []
    await messenger.announce(change_in("pending"))
    (shown,) = slack.channel("C0OPS").messages
    assert "table" not in {block["type"] for block in shown["blocks"]}

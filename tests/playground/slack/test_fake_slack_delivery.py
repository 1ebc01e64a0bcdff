"""Deliveries and answers: signatures, the three seconds, clicks, private replies, repeats, faults and rate limits."""

import asyncio
import copy
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.playground.slack.person import Person
from bot.playground.slack.server import ClientBlocked, FakeSlack


@pytest.fixture
async def card(slack: FakeSlack, client: AsyncWebClient, kit: Any) -> dict[str, Any]:
    """A message with a plain button and one that asks for confirmation."""
    confirm = {"title": kit.plain("Sure?"), "text": kit.plain("It will be sent."), "confirm": kit.plain("Yes")}
    blocks = [
        kit.section("Decide"),
        {**kit.buttons("deny"), "block_id": "one"},
        kit.buttons("approve", confirm=confirm),
    ]
    await client.chat_postMessage(channel="C0OPS", text="card", blocks=blocks)
    return slack.channel("C0OPS").messages[0]


@pytest.fixture
def clicks(bolt: AsyncApp) -> list[dict[str, Any]]:
    """What the bot heard of clicks on approve."""
    heard: list[dict[str, Any]] = []

    @bolt.action("approve")
    async def approve(ack: Any, body: Any) -> None:
        heard.append(body)
        await ack()

    return heard


async def test_a_confirmation_must_be_accepted(alice: Person, card: dict[str, Any], clicks: list[Any]) -> None:
    turned_back = await alice.click(card, "approve", accept=False)
    assert turned_back.confirm is not None
    assert (turned_back.confirm["text"]["text"], turned_back.ack, clicks) == ("It will be sent.", None, [])
    click = await alice.click(card, "approve")
    assert click.ack is not None
    assert click.ack.ok
    assert clicks[0]["actions"][0]["value"] == "v-approve"


async def test_a_stale_copy_can_be_clicked(
    client: AsyncWebClient, alice: Person, card: dict[str, Any], clicks: list[Any], kit: Any
) -> None:
    """A client that was not told of the change still has the button; a client that was has not."""
    await client.chat_update(channel="C0OPS", ts=card["ts"], text="done", blocks=[kit.section("Done")])
    with pytest.raises(ClientBlocked, match="nothing to click named 'approve'"):
        await alice.click(card, "approve")
    await alice.click(card, "approve", stale=True)
    assert len(clicks) == 1


async def test_only_members_of_the_channel_click(
    slack: FakeSlack, card: dict[str, Any], clicks: list[dict[str, Any]]
) -> None:
    """An outsider in a shared channel can, and the payload shows their own team."""
    olga = slack.add_person("olga", id="U0OLGA", team_id="T0ELSE", stranger=True)
    with pytest.raises(ClientBlocked, match="olga is not in C0OPS"):
        await olga.click(card, "approve")
    slack.channel("C0OPS").members.add("U0OLGA")
    await olga.click(card, "approve")
    assert (clicks[0]["user"]["team_id"], clicks[0]["team"]["id"]) == ("T0ELSE", "T0PLAY")


async def test_a_bot_that_takes_too_long_fails_for_the_person(
    slack: FakeSlack, bolt: AsyncApp, alice: Person, card: dict[str, Any]
) -> None:
    slack.courier.ack_seconds = 0.05

    @bolt.command("/backup-plan")
    @bolt.action("deny")
    async def slow(ack: Any) -> None:
        await asyncio.sleep(0.3)
        await ack()

    ack = await alice.command("/backup-plan", channel="C0OPS")
    await alice.click(card, "deny")
    assert (ack.ok, ack.status) == (False, None)
    assert alice.notices == [
        '/backup-plan failed with the error "operation_timeout"',
        "Operation timed out. Apps need to respond within 3 seconds.",
    ]


async def test_a_bot_that_does_not_listen_fails_for_the_person(
    slack: FakeSlack, bolt: AsyncApp, alice: Person, card: dict[str, Any]
) -> None:
    """Bolt answers 404 to what no listener takes."""
    bolt.logger.disabled = True
    await alice.click(card, "deny")
    slack.point_at("http://127.0.0.1:9/slack/events")
    await alice.command("/backup-plan", channel="C0OPS")
    assert alice.notices == [
        "This app responded with Status Code 404.",
        '/backup-plan failed with the error "dispatch_failed"',
    ]


async def test_a_payload_can_be_brought_again(
    slack: FakeSlack, alice: Person, card: dict[str, Any], clicks: list[Any]
) -> None:
    """The payload is the same, trigger and all; the signature is fresh."""
    await alice.click(card, "approve")
    again = await slack.redeliver(times=2)
    again += await slack.redeliver(slack.deliveries[0], times=3, together=True)
    assert [one.status for one in again] == [200] * 5
    assert [body == clicks[0] for body in clicks] == [True] * 6


async def test_the_signature_is_right_unless_headers_are_given(
    slack: FakeSlack, bolt: AsyncApp, clicks: list[Any], alice: Person, card: dict[str, Any]
) -> None:
    await alice.click(card, "approve")
    body = slack.deliveries[0].body.encode()
    bolt.logger.disabled = True
    assert (await slack.deliver_raw(body))[0] == 200
    assert (await slack.deliver_raw(body, {"Content-Type": "text/plain"}))[0] == 401
    assert len(clicks) == 2


async def test_a_shortcut_brings_the_message(bolt: AsyncApp, alice: Person) -> None:
    heard = []

    @bolt.shortcut("why")
    async def why(ack: Any, body: Any) -> None:
        await ack()
        heard.append((body["message"]["text"], body["channel"]["id"], body["message_ts"]))

    said = await alice.say("What now?", "C0OPS")
    assert (await alice.shortcut(said, "why")).ok
    assert heard == [("What now?", "C0OPS", said["ts"])]


async def test_a_response_url_answers_five_times(
    slack: FakeSlack, alice: Person, card: dict[str, Any], clicks: list[dict[str, Any]]
) -> None:
    """Privately, or in place of what was clicked."""
    await alice.click(card, "approve")
    url = clicks[0]["response_url"]
    respond = AsyncWebhookClient(url)
    assert (await respond.send(text="Private")).body == "ok"
    await respond.send(text="Everybody", response_type="in_channel")
    await respond.send(text="Redrawn", replace_original=True)
    assert [one["text"] for one in alice.ephemerals] == ["Private"]
    assert [one["text"] for one in slack.channel("C0OPS").messages] == ["Redrawn", "Everybody"]
    await respond.send(delete_original=True)
    assert [one["text"] for one in slack.channel("C0OPS").messages] == ["Everybody"]
    wrong = await respond.send(blocks=[{"type": "section"}])
    assert (wrong.status_code, len(slack.violations)) == (400, 1)
    used = await respond.send(text="Too much")
    assert (used.status_code, "used_url" in used.body) == (404, True)


async def test_a_response_url_lasts_half_an_hour(kit: Any) -> None:
    now = 1000.0
    async with FakeSlack(clock=lambda: now) as slack:
        slack.add_person("alice")
        slack.add_channel("C0OPS")
        url = f"{slack.world.url}/response/{slack.world.tickets.response('U0ALICE', 'C0OPS')}"
        now += 1801
        late = await AsyncWebhookClient(url).send(text="Late", blocks=[kit.section("Late")])
        assert (late.status_code, "expired_url" in late.body) == (404, True)


async def test_a_private_reply_can_be_clicked_and_replaced(
    slack: FakeSlack, bolt: AsyncApp, alice: Person, bob: Person, kit: Any
) -> None:
    @bolt.command("/backup-plan")
    async def command(ack: Any) -> None:
        await ack(text="Choose", blocks=[kit.buttons("again")])

    @bolt.action("again")
    async def again(ack: Any, body: Any, respond: Any) -> None:
        await ack()
        assert body["container"]["is_ephemeral"]
        assert "message" not in body
        await respond(text="Chosen", replace_original=True)

    ack = await alice.command("/backup-plan", channel="C0OPS")
    assert ack.text == "Choose"
    reply = alice.ephemerals[0]
    with pytest.raises(ClientBlocked, match="gone"):
        await bob.click(reply, "again")
    await alice.click(reply, "again")
    assert [(one["text"], "blocks" in one) for one in alice.ephemerals] == [("Chosen", False)]
    assert slack.channel("C0OPS").messages == []


async def test_faults_happen_once_and_in_order(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.faults.error("auth.test", "fatal_error")
    slack.faults.ratelimit("auth.test", 7)
    slack.faults.http_5xx("auth.test")
    with pytest.raises(SlackApiError, match="fatal_error"):
        await client.auth_test()
    with pytest.raises(SlackApiError, match="ratelimited") as limited:
        await client.auth_test()
    assert limited.value.response.headers["Retry-After"] == "7"
    with pytest.raises(SlackApiError) as broken:
        await client.auth_test()
    assert broken.value.response.status_code == 503
    assert (await client.auth_test())["ok"]
    assert slack.faults.pending == 0


async def test_an_answer_can_be_lost_after_the_message_was_posted(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.faults.answer_lost_after_processing("chat.postMessage")
    slack.faults.cut("chat.postMessage")
    for text in ("posted", "never"):
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel="C0OPS", text=text)
    assert [one["text"] for one in slack.channel("C0OPS").messages] == ["posted"]


async def test_a_gate_holds_a_call_back(slack: FakeSlack, client: AsyncWebClient) -> None:
    gate, answer_gate = asyncio.Event(), asyncio.Event()
    slack.faults.gate("chat.postMessage", gate)
    slack.faults.gate_answer("chat.postMessage", answer_gate)
    held = asyncio.create_task(client.chat_postMessage(channel="C0OPS", text="held"))
    await slack.wait_for(lambda: slack.journal.called("chat.postMessage"))
    assert slack.channel("C0OPS").messages == []
    gate.set()
    await held
    unanswered = asyncio.create_task(client.chat_postMessage(channel="C0OPS", text="done"))
    await slack.wait_for(lambda: len(slack.channel("C0OPS").messages) == 2)
    assert not unanswered.done()
    answer_gate.set()
    await unanswered


async def test_rate_limits_are_slacks_own_or_a_multiple(client: AsyncWebClient) -> None:
    """chat.postMessage is counted for each channel."""
    now = 1000.0
    async with FakeSlack(rate_multiplier=2, clock=lambda: now) as slack:
        client.base_url = slack.url
        for channel in ("C0ONE", "C0TWO"):
            slack.add_channel(channel)
            await client.chat_postMessage(channel=channel, text="1")
            await client.chat_postMessage(channel=channel, text="2")
            with pytest.raises(SlackApiError, match="ratelimited") as limited:
                await client.chat_postMessage(channel=channel, text="3")
            assert limited.value.response.headers["Retry-After"] == "1"
        now += 1
        await client.chat_postMessage(channel="C0ONE", text="4")


async def test_traffic_shows_everything_that_crossed(
    slack: FakeSlack, client: AsyncWebClient, alice: Person, card: dict[str, Any], clicks: list[Any]
) -> None:
    """Words in calls, in answers and in deliveries can be found as they were written; tokens are not shown."""
    await client.chat_postMessage(channel="C0OPS", text="pässword: 100%")
    await alice.say("not for the bot", "C0OPS")
    await alice.click(card, "approve")
    await client.users_info(user="U0ALICE")
    assert clicks
    for seen in ("pässword: 100%", "v-approve", "Asia/Shanghai"):
        assert seen in slack.traffic
    for hidden in ("not for the bot", slack.bot_token):
        assert hidden not in slack.traffic


async def test_fifty_people_can_click_at_once(
    slack: FakeSlack, card: dict[str, Any], clicks: list[dict[str, Any]]
) -> None:
    people = [slack.add_person(f"p{number}", id=f"U1{number:03}") for number in range(50)]
    slack.channel("C0OPS").members.update(person.id for person in people)
    copies = [copy.deepcopy(card) for _ in people]
    await asyncio.gather(*(person.click(one, "approve") for person, one in zip(people, copies, strict=True)))
    assert len(clicks) == 50
    assert {body["user"]["id"] for body in clicks} == {person.id for person in people}

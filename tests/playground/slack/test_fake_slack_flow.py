"""One conversation from the command to the click, against a real Bolt app over HTTP and Socket Mode."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.person import Person
from bot.playground.slack.server import FakeSlack, plain_text


def listen(app: AsyncApp, kit: Any) -> dict[str, Any]:
    """Register a small bot: a command opens a form, the form becomes a card, a button ends it."""
    heard: dict[str, Any] = {}

    @app.command("/backup-plan")
    async def command(ack: Any, body: Any, client: AsyncWebClient) -> None:
        await ack()
        heard["command"] = body
        opened = await client.views_open(trigger_id=body["trigger_id"], view=kit.modal(kit.section("Loading")))
        view = opened["view"]
        form = kit.modal(kit.text_input("Name"), kit.select("Kind", "rds", "ecs", dispatch_action=True))
        await client.views_update(view_id=view["id"], hash=view["hash"], view=form)

    @app.action("Kind")
    async def kind(ack: Any, body: Any) -> None:
        await ack()
        heard["action"] = body

    @app.view("form")
    async def submitted(ack: Any, body: Any, client: AsyncWebClient) -> None:
        heard["submission"] = body
        if body["view"]["state"]["values"]["Name"]["Name"]["value"] == "bad":
            await ack(response_action="errors", errors={"Name": "Choose another name."})
            return
        await ack()
        await client.chat_postMessage(
            channel="C0OPS",
            text="card",
            blocks=[kit.section("Please decide"), kit.buttons("approve")],
            metadata={"event_type": "backup_plan_change", "event_payload": {"state": "pending"}},
        )

    @app.action("approve")
    async def approve(ack: Any, body: Any, client: AsyncWebClient, respond: Any) -> None:
        await ack()
        heard["click"] = body
        await client.chat_update(
            channel=body["channel"]["id"], ts=body["message"]["ts"], text="done", blocks=[kit.section("Approved")]
        )
        await respond("Thank you.")

    return heard


async def act(slack: FakeSlack, alice: Person, bob: Person) -> None:
    """Walk through the conversation, one mistake included."""
    ack = await alice.command("/backup-plan configure dbs123", channel="C0OPS")
    assert (ack.ok, ack.text) == (True, "")
    await alice.wait_for_view(lambda view: bool(view["submit"]))
    await alice.choose("Kind", "ecs")
    await alice.type("Name", "bad")
    assert (await alice.submit()).action == "errors"
    assert alice.errors == {"Name": "Choose another name."}
    await alice.type("Name", "good")
    assert (await alice.submit()).action == "close"
    assert alice.view is None
    (card,) = slack.channel("C0OPS").messages
    assert plain_text(card) == "Please decide\n[Approve]"
    await bob.click(card, "approve")
    (card,) = slack.channel("C0OPS").messages
    assert plain_text(card) == "Approved"
    assert card["metadata"]["event_payload"] == {"state": "pending"}
    assert [one["text"] for one in bob.ephemerals] == ["Thank you."]
    assert (slack.violations, alice.notices, bob.notices) == ([], [], [])


async def test_a_conversation_over_http(slack: FakeSlack, bolt: AsyncApp, alice: Person, bob: Person, kit: Any) -> None:
    """A command opens a form, a submission posts a card, a click redraws it, and Slack objects to nothing."""
    heard = listen(bolt, kit)
    await act(slack, alice, bob)
    assert heard["command"]["channel_id"] == "C0OPS"
    assert heard["command"]["text"] == "configure dbs123"
    assert heard["action"]["actions"][0]["selected_option"]["value"] == "ecs"
    assert heard["submission"]["view"]["state"]["values"]["Kind"]["Kind"]["selected_option"]["value"] == "ecs"
    assert heard["click"]["user"] == {"id": "U0BOB", "username": "bob", "name": "bob", "team_id": "T0PLAY"}
    assert heard["click"]["container"]["message_ts"] == heard["click"]["message"]["ts"]
    assert heard["click"]["actions"][0]["value"] == "v-approve"
    assert {one.via for one in slack.deliveries} == {"http"}


async def test_the_same_conversation_over_socket_mode(
    slack: FakeSlack, two_sockets: AsyncApp, alice: Person, bob: Person, kit: Any
) -> None:
    """What people do and see does not depend on how payloads travel."""
    listen(two_sockets, kit)
    await act(slack, alice, bob)
    assert {one.via for one in slack.deliveries} == {"socket"}

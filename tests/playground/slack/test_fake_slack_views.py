"""Modals as people hold them: triggers, hashes, the stack, sticky state, and what a client does not let them do."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.person import Person
from bot.playground.slack.server import ClientBlocked, FakeSlack

Open = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def show(slack: FakeSlack, client: AsyncWebClient) -> Open:
    """Return a function that opens a modal for alice and returns the view."""

    async def opened(view: dict[str, Any]) -> dict[str, Any]:
        trigger = slack.world.tickets.trigger("U0ALICE", "command", "C0OPS")
        answer = await client.views_open(trigger_id=trigger, view=view)
        return dict(answer["view"])

    return opened


def values(person: Person) -> dict[str, Any]:
    """Return block_id → state of what the person has on the screen."""
    assert person.view is not None
    found = person.view["state"]["values"]
    return {block: next(iter(entries.values())) for block, entries in found.items()}


async def word(call: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def test_a_trigger_works_once(slack: FakeSlack, client: AsyncWebClient, kit: Any) -> None:
    view = kit.modal(kit.section("hello"))
    trigger = slack.world.tickets.trigger("U0ALICE", "command")
    await client.views_open(trigger_id=trigger, view=view)
    assert await word(client.views_open(trigger_id=trigger, view=view)) == "exchanged_trigger_id"
    assert await word(client.views_open(trigger_id="made.up", view=view)) == "invalid_trigger_id"


async def test_a_trigger_expires_after_three_seconds(client: AsyncWebClient, kit: Any) -> None:
    now = 1000.0
    async with FakeSlack(clock=lambda: now) as slack:
        client.base_url = slack.url
        early, late = (slack.world.tickets.trigger("U0ALICE", "command") for _ in range(2))
        now += 2.9
        await client.views_open(trigger_id=early, view=kit.modal(kit.section("hello")))
        now += 0.2
        assert await word(client.views_open(trigger_id=late, view=kit.modal(kit.section("x")))) == "expired_trigger_id"


async def test_an_update_needs_the_current_hash_and_an_open_view(
    client: AsyncWebClient, alice: Person, kit: Any, show: Open
) -> None:
    first = await show(kit.modal(kit.section("one")))
    two, three = kit.modal(kit.section("two")), kit.modal(kit.section("three"))
    await client.views_update(view_id=first["id"], hash=first["hash"], view=two)
    stale = client.views_update(view_id=first["id"], hash=first["hash"], view=three)
    assert await word(stale) == "hash_conflict"
    await client.views_update(view_id=first["id"], view=three)
    await alice.close_view()
    assert await word(client.views_update(view_id=first["id"], view=three)) == "not_found"


async def test_state_sticks_to_block_and_action_id(client: AsyncWebClient, alice: Person, kit: Any, show: Open) -> None:
    """What an input holds survives an update, new initial values or not; a renewed block_id starts afresh."""
    initial = {"element": {"initial_value": "old"}}
    view = await show(kit.modal(kit.text_input("Name", **initial), kit.text_input("Host", **initial)))
    await alice.type("Host", "typed")
    fresh = {"type": "plain_text_input", "initial_value": "new"}
    redrawn = kit.modal(*(kit.with_element(name, fresh) for name in ("Name", "Host", "Host~2")))
    await client.views_update(view_id=view["id"], view=redrawn)
    shown = {name: state["value"] for name, state in values(alice).items()}
    assert shown == {"Name": "old", "Host": "typed", "Host~2": "new"}


async def test_each_kind_of_element_has_its_own_state(alice: Person, kit: Any, show: Open) -> None:
    """Every element shows in state.values, empty or not, in the shape of its kind."""
    options = {"options": [kit.option("a"), kit.option("b")]}
    kinds: dict[str, dict[str, Any]] = {
        "number_input": {"is_decimal_allowed": False},
        "static_select": options,
        "multi_static_select": options,
        "radio_buttons": options,
        "checkboxes": options,
        "timepicker": {},
        "conversations_select": {"initial_conversation": "C0OPS"},
        "external_select": {},
    }
    await show(kit.modal(*(kit.with_element(kind, {"type": kind, **more}) for kind, more in kinds.items())))
    assert values(alice) == {
        "number_input": {"type": "number_input", "value": None},
        "static_select": {"type": "static_select", "selected_option": None},
        "multi_static_select": {"type": "multi_static_select", "selected_options": []},
        "radio_buttons": {"type": "radio_buttons", "selected_option": None},
        "checkboxes": {"type": "checkboxes", "selected_options": []},
        "timepicker": {"type": "timepicker", "selected_time": None},
        "conversations_select": {"type": "conversations_select", "selected_conversation": "C0OPS"},
        "external_select": {"type": "external_select", "selected_option": None},
    }
    await alice.choose("multi_static_select", ["b", "a"])
    await alice.choose("radio_buttons", "b")
    await alice.set_time("timepicker", "14:22")
    held = values(alice)
    assert [one["value"] for one in held["multi_static_select"]["selected_options"]] == ["b", "a"]
    assert held["radio_buttons"]["selected_option"]["text"] == {"type": "plain_text", "text": "B", "emoji": True}
    assert held["timepicker"]["selected_time"] == "14:22"
    await alice.clear("timepicker")
    assert values(alice)["timepicker"]["selected_time"] is None


async def test_people_enter_only_what_the_input_takes(slack: FakeSlack, alice: Person, kit: Any, show: Open) -> None:
    number = {"type": "number_input", "is_decimal_allowed": False, "min_value": "0", "max_value": "1825"}
    slack.add_channel("C0ALIEN", ext_shared=True)
    slack.add_channel("C0THEIRS", members=["U0BOB"])
    pick = {"type": "conversations_select", "filter": {"exclude_external_shared_channels": True}}
    await show(
        kit.modal(
            kit.with_element("Days", number),
            kit.text_input("Note", element={"max_length": 3}),
            kit.select("Kind", "rds"),
            kit.with_element("channel", pick),
        )
    )
    for wrong in ("ten", "7.5", "1826", "-1", "NaN"):
        with pytest.raises(ClientBlocked, match="Days"):
            await alice.type("Days", wrong)
    with pytest.raises(ClientBlocked, match="4 characters"):
        await alice.type("Note", "four")
    with pytest.raises(ClientBlocked, match="one line"):
        await alice.type("Note", "a\nb")
    for channel in ("C0ALIEN", "C0THEIRS"):
        with pytest.raises(ClientBlocked, match="does not offer"):
            await alice.choose("channel", channel)
    with pytest.raises(ClientBlocked, match="does not offer 'ecs'"):
        await alice.choose("Kind", "ecs")
    with pytest.raises(ClientBlocked, match="it has: Days, Note, Kind, channel"):
        await alice.type("Password", "secret")
    with pytest.raises(ClientBlocked, match="required"):
        await alice.clear("Kind")
    assert slack.deliveries == []


async def test_a_required_input_keeps_the_view_from_being_sent(
    slack: FakeSlack, alice: Person, kit: Any, show: Open
) -> None:
    await show(kit.modal(kit.text_input("Name"), kit.text_input("Note", optional=True)))
    with pytest.raises(ClientBlocked, match=r"^Name is required$"):
        await alice.submit()
    await show(kit.modal(kit.section("nothing to send")))
    with pytest.raises(ClientBlocked, match="no submit button"):
        await alice.submit()
    assert slack.deliveries == []


@pytest.mark.parametrize(
    ("config", "enter", "told"),
    [
        (None, False, 0),
        (None, True, 1),
        ({"trigger_actions_on": ["on_character_entered"]}, False, 1),
        ({"trigger_actions_on": ["on_character_entered"]}, True, 1),
    ],
)
async def test_typing_is_told_as_the_input_asks(
    slack: FakeSlack, bolt: AsyncApp, alice: Person, kit: Any, show: Open, config: Any, enter: bool, told: int
) -> None:
    """A dispatching text input tells the bot on Enter, or on every change, as its configuration says."""

    @bolt.action("Name")
    async def name(ack: Any) -> None:
        await ack()

    element = {"dispatch_action_config": config} if config else {}
    await show(kit.modal(kit.text_input("Name", dispatch_action=True, element=element)))
    await alice.type("Name", "x", enter=enter)
    assert [one.payload["actions"][0]["value"] for one in slack.deliveries] == ["x"] * told


async def test_an_input_that_does_not_dispatch_tells_nothing(
    slack: FakeSlack, alice: Person, kit: Any, show: Open
) -> None:
    await show(kit.modal(kit.select("Kind", "rds", "ecs")))
    assert await alice.choose("Kind", "ecs") is None
    assert slack.deliveries == []


async def test_suggestions_offer_what_can_be_picked(bolt: AsyncApp, alice: Person, kit: Any, show: Open) -> None:
    heard = []

    @bolt.options("Plan")
    async def options(ack: Any, payload: Any) -> None:
        heard.append((payload["block_id"], payload["value"], payload["view"]["callback_id"]))
        await ack(options=[kit.option(one) for one in ("dbs1", "dbs12") if payload["value"] in one])

    await show(kit.modal(kit.with_element("Plan~2", {"type": "external_select", "min_query_length": 0})))
    assert [one["value"] for one in await alice.suggest("Plan")] == ["dbs1", "dbs12"]
    await alice.pick("Plan", "dbs12")
    assert values(alice)["Plan~2"]["selected_option"]["value"] == "dbs12"
    with pytest.raises(ClientBlocked, match="does not offer 'other'"):
        await alice.pick("Plan", "other")
    assert heard == [("Plan~2", "", "form"), ("Plan~2", "other", "form")]
    await show(kit.modal(kit.with_element("Plan", {"type": "external_select"})))
    with pytest.raises(ClientBlocked, match="from 3 characters on"):
        await alice.suggest("Plan", "db")


async def test_too_many_suggestions_are_a_violation(
    slack: FakeSlack, bolt: AsyncApp, alice: Person, kit: Any, show: Open
) -> None:
    """A hundred options at most; the person sees none of them otherwise."""

    @bolt.options("Plan")
    async def options(ack: Any) -> None:
        await ack(options=[kit.option(str(number)) for number in range(101)])

    await show(kit.modal(kit.with_element("Plan", {"type": "external_select", "min_query_length": 0})))
    assert await alice.suggest("Plan") == []
    assert alice.notices == ["Trouble loading the options"]
    assert len(slack.violations) == 1


@pytest.mark.parametrize(
    ("answer", "action", "left", "violations"),
    [
        ({}, "close", ["bottom"], 0),
        ({"response_action": "clear"}, "clear", [], 0),
        ({"response_action": "errors", "errors": {"Name": "No."}}, "errors", ["bottom", "form"], 0),
        ({"response_action": "errors", "errors": {"Nome": "No."}}, "trouble", ["bottom", "form"], 1),
        ({"response_action": "errors", "errors": {"note": "No."}}, "trouble", ["bottom", "form"], 1),
        ({"response_action": "explode"}, "trouble", ["bottom", "form"], 1),
        ({"response_action": "update", "view": "new"}, "update", ["bottom", "new"], 0),
        ({"response_action": "update", "view": {}}, "trouble", ["bottom", "form"], 1),
        ({"response_action": "push", "view": "new"}, "push", ["bottom", "form", "new"], 0),
    ],
)
async def test_a_submission_is_answered_by_a_response_action(
    slack: FakeSlack,
    bolt: AsyncApp,
    client: AsyncWebClient,
    alice: Person,
    kit: Any,
    show: Open,
    answer: dict[str, Any],
    action: str,
    left: list[str],
    violations: int,
) -> None:
    """Errors name inputs of that very view or the person sees a generic failure."""
    new = kit.modal(kit.section("new"), callback_id="new")

    @bolt.view("form")
    async def submitted(ack: Any) -> None:
        await ack({**answer, **({"view": new} if answer.get("view") == "new" else {})})

    await show(kit.modal(kit.section("bottom"), callback_id="bottom"))
    trigger = slack.world.tickets.trigger("U0ALICE", "block_actions", in_modal=True)
    form = kit.modal(kit.text_input("Name"), {**kit.section("a note"), "block_id": "note"})
    await client.views_push(trigger_id=trigger, view=form)
    await alice.type("Name", "x")
    assert (await alice.submit()).action == action
    assert [view.content["callback_id"] for view in slack.world.modals.stack("U0ALICE")] == left
    assert len(slack.violations) == violations
    assert alice.errors == (answer["errors"] if action == "errors" else {})
    assert alice.notices == (["We had some trouble connecting. Try again?"] if action == "trouble" else [])


async def test_a_fourth_view_does_not_fit(slack: FakeSlack, client: AsyncWebClient, kit: Any, show: Open) -> None:
    view = kit.modal(kit.section("x"))

    async def push() -> None:
        trigger = slack.world.tickets.trigger("U0ALICE", "block_actions", in_modal=True)
        await client.views_push(trigger_id=trigger, view=view)

    await show(view)
    await push()
    await push()
    assert await word(push()) == "push_limit_reached"


async def test_opening_a_view_after_a_submission_is_a_violation(
    slack: FakeSlack, client: AsyncWebClient, kit: Any
) -> None:
    trigger = slack.world.tickets.trigger("U0ALICE", "view_submission", in_modal=True)
    await client.views_open(trigger_id=trigger, view=kit.modal(kit.section("x")))
    assert slack.violations == ["views.open: a view_submission is answered with a response_action instead"]


async def test_closing_tells_the_bot_if_it_asked(
    slack: FakeSlack, bolt: AsyncApp, alice: Person, kit: Any, show: Open
) -> None:
    @bolt.view_closed("form")
    async def closed(ack: Any) -> None:
        await ack()

    await show(kit.modal(kit.section("x"), notify_on_close=True))
    await alice.close_view()
    await show(kit.modal(kit.section("x")))
    await alice.close_view()
    assert alice.view is None
    assert [(one.payload["type"], one.status) for one in slack.deliveries] == [("view_closed", 200)]


async def test_a_home_tab_is_published_and_opened(
    slack: FakeSlack, bolt: AsyncApp, client: AsyncWebClient, alice: Person, kit: Any
) -> None:
    @bolt.event("app_home_opened")
    async def opened(event: Any) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [kit.buttons("refresh")]})

    @bolt.action("refresh")
    async def refresh(ack: Any) -> None:
        await ack()

    await alice.open_home()
    assert alice.home is not None
    assert alice.home["type"] == "home"
    click = await alice.click(alice.home, "refresh")
    assert click.ack is not None
    assert click.ack.ok
    wrong = client.views_publish(user_id="U0ALICE", view=kit.modal(kit.section("x")))
    assert await word(wrong) == "invalid_arguments"
    assert len(slack.violations) == 1

"""Which views, messages and options the fake refuses, as Slack does; and what a person reads of those it takes."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.schema import option_problems, view_problems
from bot.playground.slack.server import FakeSlack, plain_text


def table(*rows: list[str]) -> dict[str, Any]:
    return {
        "type": "table",
        "column_settings": [{"is_wrapped": True}],
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
    }


def broken_views(kit: Any) -> dict[str, tuple[dict[str, Any], str]]:
    """Return views with one thing wrong each, and a word of what is said about it."""
    text = kit.section("hello")
    twice = {**kit.section("x"), "block_id": "same"}
    name = kit.text_input("Name")
    chosen = {"type": "static_select", "options": [kit.option("a")], "initial_option": kit.option("b")}
    number = {"type": "number_input", "is_decimal_allowed": False, "max_value": "5", "initial_value": "6"}
    no_value = {"type": "static_select", "options": [{"text": kit.plain("A")}]}
    focus = {"element": {"focus_on_load": True}}
    return {
        "a long title": (kit.modal(text, title=kit.plain("t" * 25)), "24"),
        "inputs without submit": ({**kit.modal(text), "blocks": [name]}, "submit"),
        "too much metadata": (kit.modal(text, private_metadata="m" * 3001), "3000"),
        "too many blocks": (kit.modal(*[text] * 101), "100"),
        "no blocks": (kit.modal(), "1 items"),
        "a table": (kit.modal(table(["a"])), "blocks[0]"),
        "a container": (kit.modal({"type": "container", "child_blocks": [text]}), "blocks[0]"),
        "an unknown key": (kit.modal({**text, "colour": "red"}), "colour"),
        "empty text": (kit.modal(kit.section("")), "1 characters"),
        "a section with nothing": (kit.modal({"type": "section"}), "text or fields"),
        "no elements": (kit.modal({"type": "actions", "elements": []}), "needs an element"),
        "a block_id twice": (kit.modal(twice, twice), "used twice"),
        "an action_id twice": (kit.modal(kit.buttons("go", "go")), "used twice"),
        "an initial option not offered": (kit.modal(kit.with_element("Kind", chosen)), "'b' is not among"),
        "an initial number out of bounds": (kit.modal(kit.with_element("Days", number)), "at most 5"),
        "an option without value": (kit.modal(kit.with_element("Kind", no_value)), "needs a value"),
        "a select without options": (kit.modal(kit.with_element("Kind", {"type": "static_select"})), "either options"),
        "a long option": (kit.modal(kit.select("Kind", "v" * 76)), "75"),
        "too many options": (kit.modal(kit.select("Kind", *map(str, range(101)))), "100"),
        "two with focus": (kit.modal(kit.text_input("a", **focus), kit.text_input("b", **focus)), "focus_on_load"),
    }


async def test_broken_views_are_refused(kit: Any) -> None:
    """Each names what is wrong."""
    for title, (view, said) in broken_views(kit).items():
        problems = view_problems(view, "modal")
        assert len(problems) == 1, title
        assert said in problems[0], title


async def test_good_views_are_taken(kit: Any) -> None:
    option = kit.option("b")
    picks = {"type": "multi_static_select", "options": [kit.option("a"), option], "initial_options": [option]}
    view = kit.modal(
        kit.section("hello"),
        {"type": "alert", "text": kit.plain("Careful"), "level": "warning"},
        kit.with_element("Days~3", picks, optional=True, dispatch_action=True, hint=kit.plain("UTC")),
        kit.with_element("channel", {"type": "conversations_select", "initial_conversation": "C0OPS"}),
        kit.buttons("one", "two"),
        private_metadata="m" * 3000,
    )
    assert view_problems(view, "modal") == []


async def test_a_refused_view_is_answered_and_recorded(slack: FakeSlack, client: AsyncWebClient, kit: Any) -> None:
    """Nothing is shown, the trigger stays good, and the answer says what is wrong."""
    trigger = slack.world.tickets.trigger("U0ALICE", "command")
    with pytest.raises(SlackApiError) as refused:
        await client.views_open(trigger_id=trigger, view=kit.modal(kit.section("")))
    assert refused.value.response["error"] == "invalid_arguments"
    assert "text" in refused.value.response["response_metadata"]["messages"][0]
    assert len(slack.violations) == 1
    big = kit.modal(*[kit.section("ü" * 3000) for _ in range(50)])
    with pytest.raises(SlackApiError, match="view_too_large"):
        await client.views_open(trigger_id=trigger, view=big)
    await client.views_open(trigger_id=trigger, view=kit.modal(kit.section("good")))


async def test_broken_messages_are_refused(slack: FakeSlack, client: AsyncWebClient, kit: Any) -> None:
    """Each with Slack's own word, and nothing is posted."""
    text, long_cell = kit.section("x"), table(["c" * 10_001])
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("no_text", {}),
        ("invalid_blocks", {"blocks": [text] * 51}),
        ("invalid_blocks", {"blocks": [kit.section("x" * 3001)]}),
        ("invalid_blocks", {"blocks": [table([""])]}),
        ("invalid_blocks", {"blocks": [{"type": "alert", "text": kit.plain("x")}]}),
        ("invalid_blocks", {"blocks": [kit.text_input("Name")]}),
        ("invalid_attachments", {"blocks": [table(["a"]), table(["b"])]}),
        ("invalid_attachments", {"blocks": [long_cell]}),
        ("msg_blocks_too_long", {"blocks": [kit.section("x" * 2700)] * 5}),
        ("invalid_metadata_format", {"metadata": {"event_type": "x"}, "text": "x"}),
        ("metadata_too_large", {"metadata": {"event_type": "x", "event_payload": {"a": "x" * 16_000}}, "text": "x"}),
    ]
    for code, content in wrong:
        with pytest.raises(SlackApiError) as refused:
            await client.api_call("chat.postMessage", json={"channel": "C0OPS", **content})
        assert refused.value.response["error"] == code
    assert slack.channel("C0OPS").messages == []
    assert len(slack.violations) == len(wrong)


async def test_options_are_checked(kit: Any) -> None:
    assert option_problems({"options": [kit.option("a")]}) == []
    assert option_problems({"options": []}) == []
    assert option_problems({"option_groups": [{"label": kit.plain("g"), "options": [kit.option("a")]}]}) == []
    assert option_problems("hello")
    assert option_problems({"options": [kit.option("v" * 76)]})


async def test_a_message_reads_as_people_see_it(kit: Any) -> None:
    """Tables, folded containers, rich text, dates and buttons are all there, entities as the signs they stand for."""
    rich = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [{"type": "text", "text": "by "}, {"type": "user", "user_id": "U1"}],
            },
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "<raw>"}]},
        ],
    }
    folded = {"type": "container", "title": kit.plain("2 unchanged"), "child_blocks": [table(["Host", "h1"])]}
    fields = {"type": "section", "fields": [kit.plain("Plan"), {"type": "mrkdwn", "text": "a &lt;b&gt; &amp; c"}]}
    date = kit.section("expires <!date^1700000000^{time}|22:13 UTC> <https://example.org|there>")
    message = {
        "text": "only for notifications",
        "blocks": [
            {"type": "header", "text": kit.plain("Change")},
            fields,
            table(["Parameter", "Now"], ["Days", "730"]),
            folded,
            rich,
            date,
            {"type": "context", "elements": [kit.plain("digest"), kit.plain("abc")]},
            kit.buttons("approve", "deny"),
        ],
    }
    assert plain_text(message).split("\n") == [
        "Change",
        "Plan",
        "a <b> & c",
        "Parameter | Now",
        "Days | 730",
        "2 unchanged",
        "Host | h1",
        "by @U1",
        "<raw>",
        "expires 22:13 UTC there",
        "digest abc",
        "[Approve] [Deny]",
    ]
    assert plain_text({"text": "bare"}) == "bare"


async def test_a_view_reads_with_what_its_inputs_hold(slack: FakeSlack, client: AsyncWebClient, kit: Any) -> None:
    trigger = slack.world.tickets.trigger("U0ALICE", "command")
    view = kit.modal(kit.text_input("Name", element={"initial_value": "orders"}), kit.select("Kind", "rds", "ecs"))
    await client.views_open(trigger_id=trigger, view=view)
    alice = slack.people["U0ALICE"]
    await alice.choose("Kind", "ecs")
    assert alice.view is not None
    assert plain_text(alice.view) == "A form\nName: orders\nKind: ECS\n[Send]"

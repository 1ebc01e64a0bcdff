"""That the page behaves as Slack's client does: who sees what, what is inert, what is completed, what is stacked."""

import pytest
from browser.desk import PLAN, REASON, Desk, OpenDesk
from playwright.async_api import Page, expect

from bot.playground.page import sight
from bot.playground.page.setting import COMMANDS, Setting
from bot.playground.stage import CHANNEL

HOSTILE = "<img src=x onerror=\"document.title='broken'\"> <!channel> <@U0ANA> <https://example.com|here>"
FORMS = (
    "dbsmysqlrds01", "dbsmysqlecs01", "dbspgexpress1", "dbsredisecs01", "dbsmongodds01", "dbsmssqlagent",
    "dbsoracleecs1", "dbswait000001",
)  # fmt: skip


async def test_the_typeahead_finds_a_plan_by_any_part_of_it_and_says_why_one_cannot_be_changed(desk: Desk) -> None:
    await desk.command("/backup-plan configure")
    await desk.pick_plan("somebody", "dbsforbidden1")
    await expect(desk.modal).to_contain_text("Request.Forbidden")
    await desk.shot("a-forbidden-plan")
    await desk.input("BackupPlanId").get_by_role("combobox").fill("mysql running")
    await expect(desk.options.filter(has_text="dbsmysqlecs01")).to_be_visible()
    await desk.shot("the-list")
    await desk.pick_plan("redis", "dbsredisecs01")
    await expect(desk.input("BackupPlanName").locator("input")).to_have_value("session cache")


async def test_the_form_of_every_plan_is_drawn_whole(desk: Desk) -> None:
    for plan in FORMS:
        await desk.open_form(plan)
        await expect(desk.tab.locator(".unrendered")).to_have_count(0)
        await desk.press("Cancel")
        await expect(desk.modal).to_have_count(0)


async def test_a_refusal_of_the_client_is_at_the_input_and_goes_when_it_is_mended(desk: Desk) -> None:
    await desk.open_form()
    await desk.choose("SourceEndpointPassword", "orders-db")
    await desk.type("BackupRetentionPeriod", "4000")
    await desk.press("Review")
    retention = desk.input("BackupRetentionPeriod")
    await expect(retention.get_by_role("alert")).to_contain_text("must be at most 1825")
    await retention.locator("input").fill("400")
    await expect(retention.get_by_role("alert")).to_be_hidden()
    await desk.press("Review")
    await expect(desk.modal.get_by_role("heading", name="Review the change")).to_be_visible()


async def test_modals_are_stacked_and_the_one_below_keeps_what_was_typed(desk: Desk) -> None:
    await desk.open_form()
    await desk.choose("SourceEndpointPassword", "orders-db")
    await desk.type("BackupRetentionPeriod", "365")
    await desk.press("Review")
    await expect(desk.modal).to_have_attribute("data-callback", "review")
    await desk.modal.locator(".modal-foot").get_by_role("button", name="Back").click()
    await expect(desk.modal).to_have_attribute("data-callback", "configure")
    await expect(desk.input("BackupRetentionPeriod").locator("input")).to_have_value("365")
    await desk.modal.locator(".modal-head").get_by_role("button", name="Close").click()
    await expect(desk.modal).to_have_count(0)


async def test_what_people_write_is_text_and_nothing_else(desk: Desk, open_desk: OpenDesk) -> None:
    await desk.channel.get_by_role("textbox").fill(HOSTILE)
    await desk.tab.keyboard.press("Enter")
    await expect(desk.channel.locator(".message").last).to_contain_text(HOSTILE)
    await desk.open_form("dbsredisecs01")
    await desk.type("BackupPlanName", HOSTILE)
    await desk.press("Review")
    await desk.type("reason", HOSTILE)
    await desk.shot("hostile")
    await desk.press("Ask for approval")
    await expect(desk.channel.locator(".message").last.locator("blockquote")).to_have_text(HOSTILE)
    ana = await open_desk("U0ANA")
    await expect(ana.channel.locator("img[src=x], a[href*='example.com']")).to_have_count(0)
    assert "broken" not in await ana.tab.title()


async def test_everybody_sees_only_the_channels_they_are_in(desk: Desk) -> None:
    places = desk.tab.locator("#sidebar .place-name")
    await expect(places).to_have_text(["ops", "general", "dba", "acme-support", "backup-plan-bot"])
    await desk.act_as("U0GUS")
    await expect(places).to_have_text(["ops", "general", "backup-plan-bot"])
    await desk.act_as("U0MILA")
    await expect(places).to_have_text(["acme-support"])
    await desk.channel.get_by_role("textbox").fill("/ba")
    await expect(desk.channel.get_by_text(COMMANDS[0]["usage_hint"])).to_have_count(0)
    await desk.shot("another-company")


async def test_somebody_of_another_company_may_press_approve_and_it_does_not_count(desk: Desk) -> None:
    await desk.ask()
    await desk.behind.get_by_role("button", name="Invite Acme, or not").click()
    await desk.act_as("U0MILA")
    await desk.tab.locator("#sidebar .place", has_text="ops").click()
    await desk.approve()
    await expect(desk.channel.locator(".private")).to_contain_text("Only members of this workspace can do that")
    await expect(desk.channel.get_by_text("Waiting for 2 more.")).to_be_visible()
    await desk.shot("an-outsider")


async def test_a_private_answer_is_for_one_person_and_what_is_new_is_counted(
    desk: Desk, open_desk: OpenDesk, setting: Setting
) -> None:
    olga = await open_desk("U0OLGA")
    await desk.command("/backup-plan help")
    await expect(desk.channel.locator(".private")).to_contain_text("Only visible to you")
    await setting.olga.say("Anybody here?", "C0DBA")
    dba = desk.tab.locator("#sidebar .place", has_text="dba")
    await expect(dba.locator(".count")).to_have_text("1")
    await dba.click()
    await expect(desk.channel).to_contain_text("Anybody here?")
    await expect(dba.locator(".count")).to_have_count(0)
    await expect(olga.channel.locator(".private")).to_have_count(0)


async def test_a_message_has_the_shortcuts_of_the_app_in_its_menu(
    setting: Setting, open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight, "SHORTCUTS", [{"name": "Copy this change", "callback_id": "copy_change"}])
    desk = await open_desk()
    await desk.channel.locator(".message").last.hover()
    await desk.channel.locator(".message").last.get_by_role("button", name="More actions").click()
    await desk.shot("the-menu")
    await desk.tab.get_by_role("menuitem", name="Copy this change").click()
    await setting.slack.wait_for(lambda: setting.slack.deliveries)
    assert setting.slack.deliveries[-1].payload["type"] == "message_action"
    assert setting.slack.deliveries[-1].payload["callback_id"] == "copy_change"


async def test_a_change_that_was_asked_for_in_the_menu_of_a_message_is_decided_in_its_thread(
    desk: Desk, setting: Setting
) -> None:
    asked = desk.channel.locator(".message", has_text="81 %")
    await asked.hover()
    await asked.get_by_role("button", name="More actions").click()
    await desk.tab.get_by_role("menuitem", name="Configure backup plan").click()
    await desk.pick_plan("redis", "dbsredisecs01")
    await desk.type("BackupRetentionPeriod", "400")
    await desk.press("Review")
    await desk.type("reason", REASON)
    await desk.press("Ask for approval")
    for who in ("U0ANA", "U0BEN"):
        await expect(desk.hint.get_by_role("button", name="Open the thread")).to_be_visible()
        await desk.act_as(who)
        await desk.hint.get_by_role("button", name="Open the thread").click()
        await desk.thread.get_by_role("button", name="Approve").click()
        await desk.question.get_by_role("button", name="Approve").click()
    await expect(desk.thread).to_contain_text("Applied.")
    await desk.shot("decided-in-a-thread")
    assert [effect.plan_id for effect in setting.dbs.effects] == ["dbsredisecs01"]


async def test_the_app_has_a_home_tab_only_if_the_bot_published_one(desk: Desk, setting: Setting) -> None:
    await desk.tab.locator("#sidebar .place", has_text="backup-plan-bot").click()
    await expect(desk.channel.get_by_role("tab")).to_have_count(0)
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "Your changes"}}]
    setting.slack.world.modals.publish(setting.rita.id, {"type": "home", "blocks": blocks})
    setting.slack.world.workspace.changed()
    await desk.channel.get_by_role("tab", name="Home").click()
    await expect(desk.channel.get_by_role("heading", name="Your changes")).to_be_visible()
    await desk.shot("a-home")


async def test_a_link_to_a_card_leads_there_and_not_out(desk: Desk) -> None:
    await desk.ask()
    await desk.open_form()
    await desk.modal.get_by_role("button", name="See its card").click()
    await desk.press("Cancel")
    await expect(desk.channel.locator(".message").last).to_contain_text("Waiting for 2 more.")


async def test_the_page_follows_the_light_and_its_own_switch(open_desk: OpenDesk) -> None:
    desk = await open_desk(scheme="dark")
    await expect(desk.channel).to_have_css("background-color", "rgb(26, 29, 33)")
    switch = desk.tab.get_by_role("button", name="Light or dark")
    await switch.click()
    await expect(desk.channel).to_have_css("background-color", "rgb(255, 255, 255)")
    await desk.tab.reload()
    await expect(desk.channel).to_have_css("background-color", "rgb(255, 255, 255)")


async def test_the_page_can_be_read_on_a_phone(open_desk: OpenDesk) -> None:
    desk = await open_desk(width=390, height=844)
    await expect(desk.behind).to_be_hidden()
    await desk.ask()
    await fits(desk.tab)
    await desk.shot("the-card")
    await desk.approve_as("U0ANA", "U0BEN")
    await desk.open_thread()
    await fits(desk.tab)
    await desk.shot("the-thread")
    await desk.thread.get_by_role("button", name="Close thread").click()
    await desk.channel.get_by_role("button", name="Show channels").click()
    await expect(desk.tab.locator("#sidebar")).to_be_in_viewport()
    await desk.shot("the-channels")
    await desk.tab.locator("#sidebar .place", has_text="general").click()
    await expect(desk.channel.get_by_role("heading", name="general")).to_be_visible()
    await desk.tab.get_by_role("button", name="Behind the scenes").click()
    await desk.shot("behind-the-scenes")
    await fits(desk.tab)


async def fits(tab: Page) -> None:
    """Nothing is wider than the screen."""
    wide = "node => [node.scrollWidth, node.clientWidth]"
    for place in ("html", "#channel .messages", "#playbar"):
        found, room = await tab.locator(place).first.evaluate(wide)
        assert found <= room, place


async def test_two_tabs_of_one_person_show_the_same(desk: Desk, open_desk: OpenDesk) -> None:
    other = await open_desk()
    await desk.open_form(PLAN)
    await expect(other.modal).to_be_visible()
    await other.press("Cancel")
    await expect(desk.modal).to_have_count(0)


async def test_a_reply_in_a_thread_is_seen_by_others(desk: Desk, open_desk: OpenDesk, setting: Setting) -> None:
    ts = setting.slack.channel(CHANNEL).messages[-1]["ts"]
    ana = await open_desk("U0ANA")
    await desk.channel.locator(".message").last.hover()
    await desk.channel.locator(".message").last.get_by_role("button", name="Reply in thread").click()
    await desk.thread.get_by_role("textbox").fill("I *agree*.")
    await desk.tab.keyboard.press("Enter")
    await expect(desk.thread.locator(".message").last.locator("b")).to_have_text("agree")
    await ana.open_thread()
    await expect(ana.thread).to_contain_text("I agree.")
    assert [one["text"] for one in setting.slack.channel(CHANNEL).thread(ts)] == ["I *agree*."]

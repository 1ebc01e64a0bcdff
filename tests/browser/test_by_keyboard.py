"""Everything with the keyboard alone."""

from browser.desk import PLAN, REASON, Desk, OpenDesk
from playwright.async_api import expect

from bot.playground.page.setting import Setting


async def test_a_plan_is_changed_without_a_mouse(desk: Desk, setting: Setting) -> None:
    keys = desk.tab.keyboard
    await fill_the_form(desk)
    await expect(desk.modal).to_have_attribute("data-callback", "review")
    await expect(desk.input("reason").locator("textarea")).to_be_focused()
    await keys.type(REASON)
    await keys.press("Control+Enter")
    await expect(desk.channel.get_by_text("Waiting for 2 more.")).to_be_visible()
    await expect(desk.channel.get_by_role("textbox")).to_be_focused()

    await go_to_approve(desk, "U0ANA")
    await keys.press("Escape")
    await expect(desk.question).to_have_count(0)
    await expect(desk.channel.get_by_role("button", name="Approve")).to_be_focused()
    await keys.press("Enter")
    await keys.press("Enter")
    await expect(desk.channel.get_by_text("1 of 2")).to_be_visible()
    await go_to_approve(desk, "U0BEN")
    await keys.press("Enter")

    await expect(desk.channel.locator(".replies")).to_be_visible()
    await desk.reach(desk.channel.locator(".replies"))
    await keys.press("Enter")
    await expect(desk.thread).to_contain_text("Applied.")
    await desk.shot("the-outcome")
    await keys.press("Escape")
    await expect(desk.thread).to_be_hidden()
    assert len(setting.dbs.effects) == 1


async def fill_the_form(desk: Desk) -> None:
    """With every kind of input: a select, several choices, a number, a radio button."""
    keys = desk.tab.keyboard
    await expect(desk.channel.get_by_role("textbox")).to_be_focused()
    await keys.type(f"/backup-plan configure {PLAN}")
    await keys.press("Enter")
    await expect(desk.input("BackupPlanId").get_by_role("combobox")).to_be_focused()
    await desk.reach(desk.input("SourceEndpointPassword").get_by_role("combobox"))
    await keys.press("ArrowDown")
    await expect(desk.options).to_have_text(["orders-db"])
    await keys.press("Enter")
    await expect(desk.input("SourceEndpointPassword").get_by_role("combobox")).to_have_value("orders-db")
    await desk.reach(desk.input("BackupPeriod").get_by_role("combobox"))
    await keys.type("sun")
    await expect(desk.options).to_have_count(1)
    await keys.press("Enter")
    await keys.press("Escape")
    await expect(desk.input("BackupPeriod").locator(".chip")).to_have_count(3)
    await desk.reach(desk.input("BackupRetentionPeriod").locator("input"))
    await keys.press("Control+A")
    await keys.type("400")
    await desk.reach(desk.input("AutoStartBackup").get_by_label("leave to DBS"))
    await keys.press("ArrowUp")
    await keys.press("ArrowUp")
    await expect(desk.input("AutoStartBackup").get_by_label("on", exact=True)).to_be_checked()
    await desk.reach(desk.input("BackupRetentionPeriod").locator("input"), "Shift+Tab")
    await keys.press("Enter")


async def go_to_approve(desk: Desk, who: str) -> None:
    """Become somebody, go to the card, and press Approve: the question appears."""
    keys = desk.tab.keyboard
    await desk.reach(desk.tab.locator("#playbar"), "F6")
    await desk.reach(desk.tab.locator(f"[data-as={who}]"))
    await keys.press("Enter")
    await expect(desk.tab.locator(f".actor.me [data-as={who}]")).to_be_focused()
    await desk.reach(desk.channel, "F6")
    await desk.reach(desk.channel.get_by_role("button", name="Approve"))
    await keys.press("Enter")
    await expect(desk.question.get_by_role("button", name="Approve")).to_be_focused()


async def test_the_keyboard_stays_in_a_modal_and_escape_leaves_the_innermost_first(desk: Desk) -> None:
    keys = desk.tab.keyboard
    await desk.open_form()
    close = desk.modal.locator(".modal-head").get_by_role("button", name="Close")
    submit = desk.modal.get_by_role("button", name="Review")
    await submit.focus()
    await keys.press("Tab")
    await expect(close).to_be_focused()
    await keys.press("Shift+Tab")
    await expect(submit).to_be_focused()

    source = desk.input("SourceEndpointInstanceType").get_by_role("combobox")
    await source.focus()
    await keys.press("Enter")
    await expect(source).to_have_attribute("aria-expanded", "true")
    await keys.press("Escape")
    await expect(source).to_have_attribute("aria-expanded", "false")
    await expect(desk.modal).to_be_visible()
    await keys.press("Escape")
    await expect(desk.modal).to_have_count(0)
    await expect(desk.channel.get_by_role("textbox")).to_be_focused()


async def test_what_is_being_typed_survives_a_redrawing_of_the_form(desk: Desk) -> None:
    await desk.open_form()
    await desk.choose("BackupStrategyType", "manual")
    name = desk.input("BackupPlanName").locator("input")
    await name.fill("")
    await name.press_sequentially("orders, kept for a shorter while", delay=15)
    await expect(desk.input("BackupPeriod")).to_have_count(0)
    await expect(name).to_have_value("orders, kept for a shorter while")
    await expect(name).to_be_focused()


async def test_the_keyboard_stays_where_it_is_when_a_card_is_drawn_anew(open_desk: OpenDesk) -> None:
    ben, ana = await open_desk("U0BEN"), await open_desk()
    await ana.ask()
    await ana.act_as("U0ANA")
    approve = ben.channel.get_by_role("button", name="Approve").last
    await approve.focus()
    await ana.approve()
    await expect(ben.channel.locator(".message").last.get_by_text("1 of 2")).to_be_visible()
    await expect(approve).to_be_focused()


async def test_inputs_and_messages_say_to_a_screen_reader_what_they_are(desk: Desk) -> None:
    await desk.open_form()
    retention = desk.modal.get_by_label("Backup retention (days)")
    await expect(retention).to_have_accessible_description("How long a backup is kept. Documented default: 730 days.")
    await expect(desk.modal).to_have_accessible_name("Configure backup plan")
    await expect(desk.modal.get_by_role("radiogroup", name="Log backup")).to_be_visible()
    await desk.press("Cancel")
    await expect(desk.channel.get_by_role("log")).to_contain_text("400 days are enough")

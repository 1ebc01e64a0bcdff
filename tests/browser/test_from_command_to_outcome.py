"""The bot's main job as people see it in a browser."""

from browser.desk import PLAN, REASON, Desk, OpenDesk
from playwright.async_api import expect

from bot.playground.page.setting import COMMANDS, Setting
from bot.playground.stage import PASSWORD


async def test_a_newcomer_who_follows_only_the_hints_gets_a_plan_changed_with_two_approvals(
    desk: Desk, setting: Setting
) -> None:
    await expect(desk.hint).to_contain_text(f"Type /backup-plan configure {PLAN}")
    await desk.shot("the-first-look")
    await desk.hint.get_by_role("button", name="Type it for me").click()
    await desk.tab.keyboard.press("Enter")
    await expect(desk.hint).to_contain_text("choose a Database password")
    await desk.choose("SourceEndpointPassword", "orders-db")
    await desk.type("BackupRetentionPeriod", "400")
    await desk.press("Review")
    await expect(desk.hint).to_contain_text("give a reason, and press Ask for approval")
    await desk.type("reason", "Two years are too long.")
    await desk.press("Ask for approval")
    await desk.hint.get_by_role("button", name="Act as Ana").click()
    await expect(desk.hint).to_contain_text("press Approve")
    await desk.approve()
    await desk.hint.get_by_role("button", name="Act as Ben").click()
    await desk.approve()
    await expect(desk.hint).to_contain_text("Applied")
    await desk.hint.get_by_role("button", name="Open the thread").click()
    await expect(desk.thread).to_contain_text("DBS accepted the change")
    await desk.shot("the-outcome")
    assert setting.dbs.plans[PLAN]["BackupRetentionPeriod"] == 400


async def test_a_change_goes_from_command_to_outcome_between_several_people_in_their_own_tabs(
    desk: Desk, open_desk: OpenDesk, setting: Setting
) -> None:
    ana, ben, gus = (
        await open_desk("U0ANA", height=1040),
        await open_desk("U0BEN", scheme="dark"),
        await open_desk("U0GUS"),
    )
    await complete_the_command(desk)
    await fill_the_form(desk)
    await review(desk)
    for other in (desk, ana, ben, gus):
        await expect(other.channel.get_by_text("Waiting for 2 more.")).to_be_visible()
    await refuse(gus)
    await expect(ana.channel.locator(".private")).to_have_count(0)

    await ana.shot("the-card")
    await ana.channel.get_by_text("unchanged").click()
    await ana.approve()
    await expect(ben.channel.get_by_text("1 of 2: @Ana Weber")).to_be_visible()
    await expect(ana.channel.get_by_text("Infrequent access after: 180 days")).to_be_visible()
    await ben.approve()
    for other in (desk, ana, ben, gus):
        await expect(other.channel.get_by_role("button", name="1 reply")).to_be_visible()
        await expect(other.channel.get_by_role("button", name="Approve")).to_have_count(0)
    await desk.open_thread()
    await expect(desk.thread).to_contain_text("Read back: all 16 values that DBS shows are as sent.")
    await desk.shot("the-outcome")
    await ben.open_thread()
    await ben.shot("the-outcome-in-the-dark")
    await look_behind_the_scenes(desk)
    assert len(setting.dbs.effects) == 1


async def complete_the_command(desk: Desk) -> None:
    box = desk.channel.get_by_role("textbox")
    await box.press_sequentially("/ba")
    await expect(desk.channel.get_by_text(COMMANDS[0]["usage_hint"])).to_be_visible()
    await desk.shot("the-command")
    await desk.tab.keyboard.press("Tab")
    await expect(box).to_have_value("/backup-plan ")
    await desk.open_form()
    await desk.shot("the-form")


async def fill_the_form(desk: Desk) -> None:
    """With a mistake that the bot names at the input, and choices that change which inputs there are."""
    await desk.choose("SourceEndpointPassword", "orders-db")
    await desk.type("BackupRetentionPeriod", "400")
    await desk.type("CrossRoleName", "backup-reader")
    await desk.press("Review")
    error = "Source account is required together with RAM role."
    await expect(desk.input("CrossAliyunId").get_by_role("alert")).to_have_text(error)
    await expect(desk.input("CrossAliyunId").locator("input")).to_be_focused()
    await desk.shot("an-inline-error")
    await desk.type("CrossRoleName", "")

    await expect(desk.input("BackupPeriod")).to_be_visible()
    await desk.choose("BackupStrategyType", "manual")
    await expect(desk.input("BackupPeriod")).to_have_count(0)
    await expect(desk.input("BackupRetentionPeriod").locator("input")).to_have_value("400")
    await desk.shot("the-form-redrawn")
    await desk.choose("BackupStrategyType", "simple")
    await expect(desk.input("BackupPeriod")).to_be_visible()
    await desk.choose("BackupPeriod", "Sunday")
    await desk.tab.keyboard.press("Escape")
    await desk.input("AutoStartBackup").get_by_label("on", exact=True).check()
    await desk.input("BackupStartTime").locator("input").fill("18:30")
    await desk.press("Review")


async def review(desk: Desk) -> None:
    """With a reason that is missing and a channel that cannot be."""
    await expect(desk.modal.get_by_text("Backup retention: 730 days → 400 days")).to_be_visible()
    await expect(desk.input("channel").get_by_role("combobox")).to_have_value("# ops")
    await desk.shot("the-review")
    await desk.press("Ask for approval")
    await expect(desk.input("reason").get_by_role("alert")).to_contain_text("required")
    await desk.type("reason", REASON)
    await desk.choose("channel", "# general")
    await desk.press("Ask for approval")
    await expect(desk.input("channel").get_by_role("alert")).to_contain_text("The bot is not in this channel")
    await desk.shot("a-channel-that-cannot-be")
    await desk.choose("channel", "# ops")
    await desk.press("Ask for approval")


async def refuse(gus: Desk) -> None:
    """A guest may press Approve, and is told privately that it does not count."""
    await gus.channel.get_by_role("button", name="Approve").click()
    await expect(gus.question).to_contain_text("730 days → 400 days")
    await gus.shot("the-confirmation")
    await gus.question.get_by_role("button", name="Approve").click()
    await expect(gus.channel.locator(".private")).to_contain_text("Guests cannot do that")
    await gus.shot("a-refused-click")


async def look_behind_the_scenes(desk: Desk) -> None:
    """What DBS received, without the password; the ledger; the payloads."""
    sent = desk.behind.locator('[data-action="ConfigureBackupPlan"]')
    await sent.click()
    await expect(sent).to_contain_text("••••••••")
    assert PASSWORD not in await desk.tab.content()
    await desk.shot("what-dbs-received")
    await desk.behind.get_by_role("tab", name="Ledger").click()
    await expect(desk.behind).to_contain_text("every hash follows from the one before")
    await expect(desk.behind.locator(".events b")).to_have_text(
        ["requested", "announced", "barred", "approved", "approved", "started", "sent", "applied", "told"]
    )
    await desk.shot("the-ledger")
    await desk.behind.get_by_role("tab", name="Payloads").click()
    await desk.behind.locator("details", has_text="block_actions approve").first.click()
    await expect(desk.behind.get_by_text('"action_id": "approve"')).to_be_visible()
    await desk.shot("the-payloads")

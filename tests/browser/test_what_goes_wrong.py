"""What a newcomer lets go wrong with a button, and how it then looks."""

import pytest
from browser.desk import PLAN, Desk
from playwright.async_api import expect

from bot.playground.page.setting import Setting


async def upset(desk: Desk, label: str) -> None:
    await desk.behind.get_by_role("button", name=label, exact=True).click()


async def test_a_plan_that_was_changed_behind_the_bots_back_makes_the_change_stale(
    desk: Desk, setting: Setting
) -> None:
    await desk.ask()
    await desk.approve_as("U0ANA")
    await upset(desk, "Change the plan")
    await expect(desk.behind).to_contain_text(f"set the retention of {PLAN} from 730 to 760 days")
    await desk.act_as("U0BEN")
    await desk.approve()
    await desk.open_thread()
    await expect(desk.thread).to_contain_text("Stale.")
    await expect(desk.thread.get_by_role("row", name="Backup retention 730 days 760 days")).to_be_visible()
    await desk.shot("stale")
    assert setting.dbs.effects == []

    await desk.act_as("U0RITA")
    await desk.open_thread()
    await desk.thread.get_by_role("button", name="New request").click()
    await expect(desk.input("BackupRetentionPeriod").locator("input")).to_have_value("400")
    await desk.shot("asked-again")


async def test_an_answer_that_got_lost_while_somebody_changed_the_plan_makes_the_change_stuck(desk: Desk) -> None:
    await desk.ask()
    await upset(desk, "Get stuck")
    await expect(desk.behind.get_by_text("Still to come")).to_be_visible()
    await desk.approve_as("U0ANA", "U0BEN")
    await expect(desk.hint).to_contain_text("Stuck")
    await desk.open_thread()
    await expect(desk.thread).to_contain_text("whether the change was applied is not known")
    await desk.thread.get_by_role("button", name="Read again").click()
    await expect(desk.thread).to_contain_text("It is neither as before nor as proposed")
    await desk.shot("stuck")

    await desk.act_as("U0GUS")
    await desk.open_thread()
    await desk.thread.get_by_role("button", name="Read again").click()
    await expect(desk.thread.locator(".private")).to_contain_text("Only visible to you")
    await expect(desk.channel.locator(".private")).to_have_count(0)


@pytest.mark.parametrize(
    ("label", "said", "sends"),
    [
        ("Throttled", "Applied.", 3),
        ("Silent after processing", "Applied.", 2),
        ("Failing", "Applied.", 3),
        ("Slow", "Applied.", 1),
        ("Refuse", "Refused.", 1),
        ("Ignore a value", "1 of 16 values do not read back as sent.", 1),
        ("Fail the precheck", "Precheck failed", 1),
    ],
)
async def test_what_dbs_does_on_order_ends_as_it_should(
    desk: Desk, setting: Setting, label: str, said: str, sends: int
) -> None:
    await desk.ask()
    await upset(desk, label)
    await desk.approve_as("U0ANA", "U0BEN")
    await expect(desk.hint.get_by_role("button", name="Open the thread")).to_be_visible(timeout=20_000)
    await desk.hint.get_by_role("button", name="Open the thread").click()
    await expect(desk.thread).to_contain_text(said)
    await desk.shot(label.replace(" ", "-").lower())
    assert len(setting.dbs.calls("ConfigureBackupPlan")) == sends


async def test_what_was_queued_can_be_taken_back(desk: Desk, setting: Setting) -> None:
    await upset(desk, "Throttled")
    await upset(desk, "Never mind")
    await expect(desk.behind.get_by_text("Still to come")).to_have_count(0)
    assert setting.dbs.queued == []


async def test_a_locked_plan_opens_no_form(desk: Desk) -> None:
    await upset(desk, "Lock or unlock")
    await expect(desk.behind.locator(".fact", has_text="BackupPlanStatus")).to_contain_text("locked")
    await desk.command(f"/backup-plan configure {PLAN}")
    await expect(desk.modal.locator(".alert.error")).to_contain_text(f"{PLAN} is locked")
    await desk.shot("locked")


async def test_a_denial_gives_its_reason_in_the_thread(desk: Desk, setting: Setting) -> None:
    await desk.ask()
    await desk.act_as("U0ANA")
    await desk.channel.get_by_role("button", name="Deny").click()
    await desk.press("Deny")
    await expect(desk.input("reason").get_by_role("alert")).to_contain_text("required")
    await desk.type("reason", "Not before the audit.")
    await desk.shot("a-reason")
    await desk.press("Deny")
    await desk.open_thread()
    await expect(desk.thread).to_contain_text("Not before the audit.")
    await desk.shot("denied")
    assert setting.dbs.effects == []


async def test_a_bot_that_is_gone_is_told_of_as_slack_tells_of_it(desk: Desk, setting: Setting) -> None:
    await setting.bots[0].kill()
    await desk.command("/backup-plan help")
    await expect(desk.tab.locator(".toast")).to_have_text('/backup-plan failed with the error "dispatch_failed"')
    await expect(desk.hint).to_contain_text("The bot is not running.")

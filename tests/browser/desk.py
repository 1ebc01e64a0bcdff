"""One tab of a browser, and what somebody does in it: with mouse and keyboard, and by what there is to be read."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Locator, Page, expect

PLAN = "dbsmysqlrds01"
REASON = "Finance has to restore 400 days back, not two years."
SECONDS = 10.0
MOST_TABS = 80


class Desk:
    """A tab that acts as one person at a time."""

    def __init__(self, tab: Page, shots: Path) -> None:
        self.tab = tab
        self.problems: list[str] = []
        """What the console said, and scripts that failed."""
        self._shots = shots
        tab.set_default_timeout(SECONDS * 1000)
        tab.on("console", lambda said: self.problems.append(f"{said.type}: {said.text}"))
        tab.on("pageerror", lambda error: self.problems.append(str(error)))
        tab.on("requestfailed", lambda request: self._failed(request.url))

    def _failed(self, url: str) -> None:
        if "/sight" not in url:  # the stream is cut off whenever the person changes
            self.problems.append(f"not loaded: {url}")

    @property
    def channel(self) -> Locator:
        """The pane in the middle."""
        return self.tab.locator("#channel")

    @property
    def thread(self) -> Locator:
        """The pane with one thread."""
        return self.tab.locator("#thread")

    @property
    def modal(self) -> Locator:
        """The modal on top."""
        return self.tab.locator("#layer .modal")

    @property
    def question(self) -> Locator:
        """The confirmation dialog."""
        return self.tab.get_by_role("alertdialog")

    @property
    def behind(self) -> Locator:
        """The pane behind the scenes."""
        return self.tab.locator("#behind")

    @property
    def hint(self) -> Locator:
        """What to do next."""
        return self.tab.locator(".next")

    @property
    def options(self) -> Locator:
        """What the select that is unfolded offers."""
        return self.tab.locator(".combo-list").get_by_role("option")

    async def open(self, url: str) -> None:
        """Go to the page and wait for what there is to be seen."""
        await self.tab.goto(url)
        await expect(self.tab.locator(".actor.me")).to_be_visible()

    async def shot(self, name: str) -> None:
        """Keep a picture of what is to be seen."""
        number = len(list(self._shots.iterdir())) + 1
        await self.tab.screenshot(path=self._shots / f"{number:02}-{name}.png")

    async def act_as(self, who: str) -> None:
        """Become somebody else."""
        await self.tab.locator(f"[data-as={who}]").click()
        await expect(self.tab.locator(f".actor.me [data-as={who}]")).to_be_visible()

    async def command(self, text: str) -> None:
        """Type a command and press Enter."""
        await self.channel.get_by_role("textbox").fill(text)
        await self.tab.keyboard.press("Enter")

    async def open_form(self, plan: str = PLAN) -> None:
        """Have the form of a plan opened."""
        await self.command(f"/backup-plan configure {plan}")
        await expect(self.input("BackupPlanName")).to_be_visible()

    def input(self, name: str) -> Locator:
        """Return the block of an input, by its parameter's API name."""
        return self.modal.locator(f'[data-block="{name}"], [data-block^="{name}~"]')

    async def type(self, name: str, text: str) -> None:
        """Type into an input."""
        await self.input(name).locator("input, textarea").fill(text)

    async def choose(self, name: str, option: str) -> None:
        """Choose an option by what it says."""
        await self.input(name).get_by_role("combobox").click()
        await self.options.filter(has_text=re.compile(f"^{re.escape(option)}$")).click()

    async def pick_plan(self, typed: str, plan: str) -> None:
        """Find a plan in the list by typing; again, while the bot says that it is still reading the list."""
        wanted = self.options.filter(has_text=plan)
        for _ in range(MOST_TABS):
            await self.input("BackupPlanId").get_by_role("combobox").fill(typed)
            await expect(self.options.filter(has_text=re.compile("dbs|being listed"))).not_to_have_count(0)
            if await wanted.count():
                break
            await self.input("BackupPlanId").get_by_role("combobox").fill("")
        await wanted.click()

    async def press(self, button: str) -> None:
        """Press a button of the modal."""
        await self.modal.get_by_role("button", name=button, exact=True).click()

    async def ask(self, days: int = 400, plan: str = PLAN) -> None:
        """Ask for a change of a retention, all the way to its card."""
        await self.open_form(plan)
        password = self.input("SourceEndpointPassword").get_by_role("combobox")
        if await password.count() and not await password.input_value():
            await self.choose("SourceEndpointPassword", "orders-db")
        await self.type("BackupRetentionPeriod", str(days))
        await self.press("Review")
        await self.type("reason", REASON)
        await self.press("Ask for approval")
        await expect(self.channel.get_by_text("Waiting for 2 more.")).to_be_visible()

    async def approve(self) -> None:
        """Press Approve on the newest card, and confirm."""
        await self.channel.get_by_role("button", name="Approve").last.click()
        await self.question.get_by_role("button", name="Approve").click()

    async def approve_as(self, *people: str) -> None:
        """Approve as one after the other."""
        for number, who in enumerate(people, 1):
            await self.act_as(who)
            await self.approve()
            await expect(self.channel.locator(".message").last.get_by_text(f"{number} of 2")).to_be_visible()

    async def open_thread(self) -> None:
        """Open the thread of the newest card that has one."""
        await self.channel.locator(".replies").last.click()
        await expect(self.thread).to_be_visible()

    async def reach(self, target: Locator, key: str = "Tab") -> None:
        """Press Tab until something has the keyboard. Fails if it cannot be reached."""
        for _ in range(MOST_TABS):
            if await target.evaluate("node => node === document.activeElement"):
                return
            await self.tab.keyboard.press(key)
        raise AssertionError(f"{target} is not reached by {key}")


OpenDesk = Callable[..., Awaitable[Desk]]
"""Opens a tab: user id, and `width`, `height` and `scheme` where they matter."""

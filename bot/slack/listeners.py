"""What Slack delivers, and who answers it: few listeners, for Bolt compares each payload with every one of them."""

import re
from dataclasses import dataclass
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.errors import LedgerError, Refusal
from bot.rights import Rights
from bot.slack.configure import Configure
from bot.slack.decide import Decisions, not_recorded
from bot.slack.filled import PLAN
from bot.slack.form import CALLBACK as FORM
from bot.slack.inputs import shown_inputs
from bot.slack.place import of_command, of_message
from bot.slack.plan_list import PlanList
from bot.slack.policy_command import PolicyCommand
from bot.slack.request import Requests
from bot.slack.review import CALLBACK as REVIEW
from bot.slack.review import DENY
from bot.slack.suggestions import suggestions
from bot.slack.text import listed
from bot.slack.typed_command import read_command
from bot.tasks import Tasks

COMMAND = "/backup-plan"
SHORTCUT = "configure"
"""The callback_id of "Configure backup plan" in the menu of every message."""
HELP = f"""\
*{COMMAND} configure* – choose a backup plan and ask for a change of it
*{COMMAND} configure &lt;plan id&gt;* – the same for a plan whose id you know
*{COMMAND} configure &lt;plan id&gt; BackupRetentionPeriod=30 BackupPeriod=Monday,Friday* – the same with values \
already set; one with blanks goes between quotes
*{COMMAND} policy &lt;plan id&gt;* – who has to approve a change of that plan, how many, when, and why
*{COMMAND} help* – this text

In a thread, where Slack takes no commands: *Configure backup plan* in the menu of a message. The card goes into that \
thread.

A change is sent to DBS only after other people approved exactly what the card in the channel shows. \
The thread of the card says what came of it."""

NOT_OPENED = f"`{COMMAND} configure` did not open a form:"


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """Everything that people can do."""

    rights: Rights
    configure: Configure
    requests: Requests
    decide: Decisions
    plans: PlanList
    policy: PolicyCommand
    tasks: Tasks

    def register(self, app: AsyncApp) -> None:
        """Have Bolt deliver to these."""
        anything = re.compile(".*")
        app.command(COMMAND)(self.command)
        app.message_shortcut(SHORTCUT)(self.shortcut)
        app.action(anything)(self.action)
        app.options(anything)(self.options)
        app.view(anything)(self.submission)

    async def command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Answer `/backup-plan …`."""
        word, *rest = body.get("text", "").split(maxsplit=1) or [""]
        match word.lower():  # telephones begin with a capital
            case "configure":
                await ack(self._configure_command(body, "".join(rest)))
            case "policy":
                await ack(await self.policy.answer(body, "".join(rest)))
            case "" | "help":
                await ack(HELP)
            case _:
                await ack(f"That is not something {COMMAND} can do.\n\n{HELP}")

    def _configure_command(self, body: dict[str, Any], line: str) -> str:
        """Have the form opened, or return what is wrong with the line."""
        typed = read_command(line, self.rights.policy.secrets_for)
        if typed.problems:
            return listed(NOT_OPENED, typed.problems, HELP)
        place = of_command(body)
        self.tasks.start(self.configure.open(body, body["user_id"], place, typed.plan_id, typed=typed.values or None))
        return ""

    async def shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Answer "Configure backup plan" in the menu of a message: threads know no commands."""
        self.tasks.start(self.configure.open(body, body["user"]["id"], of_message(body)))
        await ack()

    async def action(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Answer a click on a card or in its thread, or a choice in a form."""
        clicked = body["actions"][0]
        value = clicked.get("value") or ""
        match clicked["action_id"]:
            case "approve":
                await self.decide.approve(body, value)
            case "withdraw":
                await self.decide.withdraw(body, value)
            case "deny":
                self.tasks.start(self.decide.ask_why(body, value))
            case "new_request":
                self.tasks.start(self.decide.ask_again(body, value))
            case "read_again":
                self.tasks.start(self.decide.read_again(body, value))
            case _ if not body.get("view"):
                self.decide.outdated(body)
            case name if name == PLAN:
                chosen = (clicked.get("selected_option") or {}).get("value", "")
                self.tasks.start(self.configure.pick(body, chosen))
            case _ if body["view"]["callback_id"] == REVIEW:
                self.tasks.start(self.requests.choose_channel(body))
            case _:
                self.tasks.start(self.configure.redraw(body))
        await ack()

    async def options(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Answer the typeahead, for those who may see plans."""
        try:
            await self.rights.may_see(body["user"]["id"])
        except Refusal:
            await ack(options=[])
            return
        await ack(options=suggestions(self.plans, body["value"]))

    async def submission(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Answer the submission of a form, a review or a denial."""
        answers = {FORM: self._form, REVIEW: self.requests.submit, DENY: self.decide.deny}
        answer = answers.get(body["view"]["callback_id"])
        said = await answer(body) if answer else None
        await (ack(**said) if said else ack())

    async def _form(self, body: dict[str, Any]) -> dict[str, Any] | None:
        try:
            submitted = await self.configure.submit(body)
            return submitted if isinstance(submitted, dict) else await self.requests.review(submitted)
        except LedgerError as error:
            first = next(iter(shown_inputs(body["view"]).values()), PLAN)
            return {"response_action": "errors", "errors": {first: not_recorded(error)}}

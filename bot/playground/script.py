"""`demo --script`: one change from command to outcome, played by three people and a guest with the real bot process.

Each step is printed as people would see it and compared with what should have happened; the first difference ends it.
"""

import asyncio
import signal
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, create_subprocess_exec
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from bot.playground.acts import buttons, card_now, fill, new_card, open_form, outcome, settled
from bot.playground.expected import CHANGES, MASK, MENDED, MISTAKES, PLAN, REASON, SECRET, SENT, TYPED, VERIFIED
from bot.playground.printing import Printer, printer
from bot.playground.sketch import Line, Sketch, Table
from bot.playground.slack.person import Person
from bot.playground.slack.server import ClientBlocked, plain_text
from bot.playground.stage import CHANNEL, PASSWORD, Bot, Stage


class Differed(Exception):
    """Something is not as it should be; the text says what."""


class Play:
    """One performance; the methods are its steps, in the order of `STEPS`."""

    def __init__(self, stage: Stage, bot: Bot, paper: Printer) -> None:
        self.stage, self.bot, self.paper = stage, bot, paper
        self.slack = stage.slack
        people = {person.id: f"@{person.name}" for person in self.slack.people.values()}
        self.sketch = Sketch({**people, "S0DBA": "@dba", CHANNEL: "#ops"})
        self.card: dict[str, Any] = {}

    async def open_the_form(self) -> None:
        """Rita types the command and sees the plan as it is."""
        rita = self.stage.rita
        self.paper.act("rita in #ops", f"/backup-plan configure {PLAN}")
        view = await open_form(rita, PLAN)
        self.paper.shown("a form opens for rita", self.sketch.view(view, TYPED))
        expect("Engine MySQL · method logical · status running" in plain_text(view), "the form does not name the plan")

    async def make_mistakes(self) -> None:
        """Rita fills the form, and what is wrong is said where it is wrong, all of it together."""
        rita = self.stage.rita
        self.paper.act("rita", "fills it, and presses Review")
        await fill(rita, TYPED)
        answer = await rita.submit()
        self.paper.shown("the form stays open for rita", self.sketch.view(rita.view or {}, TYPED, rita.errors))
        expect(answer.action == "errors", f"the form answered {answer.action}, not errors")
        expect_same(rita.errors, MISTAKES, "under the form's inputs")

    async def review(self) -> None:
        """Rita mends it and reads what she is about to ask for."""
        rita = self.stage.rita
        self.paper.act("rita", "gives each database a line of its own, empties RAM role, and presses Review again")
        await fill(rita, MENDED)
        answer = await rita.submit()
        expect(answer.action == "push", f"the form answered {answer.action}: {rita.errors}")
        await rita.type("reason", REASON)
        view = await rita.wait_for_view(lambda view: view["callback_id"] == "review")
        self.paper.shown("the review, with the reason rita gives", self.sketch.view(view, ["reason", "channel"]))
        for said in ("Backup retention: 730 days → 400 days", "older ones may be deleted", "2 people out of"):
            expect(said in plain_text(view), f"the review does not say {said!r}")

    async def ask(self) -> None:
        """The card says in the channel what would be sent, in full."""
        self.paper.act("rita", "presses Ask for approval")
        answer = await self.stage.rita.submit()
        expect(answer.action == "clear", f"the review answered {answer.action}: {self.stage.rita.errors}")
        self.card = await new_card(self.slack)
        parts = self.sketch.message(self.card)
        self.paper.shown("the card in #ops, from the bot", parts)
        expect_same([list(part.rows) for part in parts if isinstance(part, Table)], [CHANGES], "in the card's table")
        expect_same(buttons(self.card), ["approve", "deny", "withdraw"], "as the card's buttons")

    async def refuse(self) -> None:
        """Who has no right to approve is told so privately, and the card does not move."""
        before = card_now(self.slack, self.card)
        for person, why in (
            (self.stage.gus, "Guests cannot do that; ask a full member of this workspace."),
            (self.stage.rita, "You asked for this change, so somebody else has to approve it."),
        ):
            who = f"{person.name}, a guest" if person.member.restricted else person.name
            self.paper.act(who, "clicks Approve, and confirms")
            await person.click(self.card, "approve")
            said = await self._whispered(person)
            self.paper.shown(f"only {person.name} sees", [Line(one["text"]) for one in said])
            expect_same([one["text"] for one in said], [why], f"privately to {person.name}")
        expect_same(card_now(self.slack, self.card), before, "on the card")
        expect(not self.stage.dbs.calls("ConfigureBackupPlan"), "something was sent to DBS")

    async def approve(self) -> None:
        """Two others approve what they see; one is not enough."""
        await self._approve(self.stage.ana)
        first = await self._redrawn("1 of 2: <@U0ANA>")
        self.paper.shown("the card now, in part", self._standing(first))
        expect(not self.stage.dbs.calls("ConfigureBackupPlan"), "something was sent to DBS after one approval")
        await self._approve(self.stage.ben)
        await outcome(self.slack, self.card)
        card = await settled(self.slack, self.card)
        self.paper.shown("the card now, in part", self._standing(card))
        expect("2 of 2: <@U0ANA>, <@U0BEN>" in plain_text(card), "the card does not name both approvals")
        expect_same(buttons(card), [], "as the finished card's buttons")

    async def execute(self) -> None:
        """DBS received it once: signed, with everything that was approved and nothing else."""
        received = self.stage.dbs.calls("ConfigureBackupPlan")
        rows = [(name, MASK if name == SECRET else value) for call in received for name, value in call.params.items()]
        self.paper.shown("DBS received ConfigureBackupPlan", [Table((("Parameter", "Value"), *rows))])
        counted = (len(received), len(self.stage.dbs.effects))
        expect_same(counted, (1, 1), "as the number of calls that DBS received, and carried out")
        token = received[0].params.get("ClientToken", "")
        expect_same(dict(received[0].params), {**SENT, "ClientToken": token}, "at DBS")
        expect(bool(token), "the call carried no ClientToken")
        expect(not received[0].raw_query and not received[0].code, f"DBS answered {received[0].code or 'a query'}")

    async def tell(self) -> None:
        """The thread of the card says what came of it."""
        thread = self.slack.channel(CHANNEL).thread(self.card["ts"])
        for reply in thread:
            self.paper.shown("in the card's thread, from the bot", self.sketch.message(reply))
        expect_same(len(thread), 1, "as the number of replies in the thread")
        for said in (
            "Applied.",
            "RequestId",
            "Read back: all 16 values that DBS shows are as sent.",
            "status: running",
        ):
            expect(said in plain_text(thread[0]), f"the outcome does not say {said!r}")

    async def verify(self) -> None:
        """The history holds together, also beside what was told in Slack, and the password is nowhere in it."""
        self.paper.act("whoever runs the bot", "backup-plan-bot ledger verify --slack")
        code, said = await self._command("ledger", "verify", "--slack")
        self.paper.shown("the command prints", [Line(said)])
        expect_same((code, said), (0, VERIFIED), "from the command")
        expect_same(await self.bot.end(), 0, "as the bot's exit code after SIGTERM")
        kept = b"".join(file.read_bytes() for file in self.stage.folder.iterdir())
        expect(PASSWORD not in self.slack.traffic and PASSWORD.encode() not in kept, "the password got out of DBS")
        expect("Traceback" not in self.bot.log, f"the bot's log has a traceback:\n{self.bot.log}")
        expect_same(self.slack.violations, [], "of what Slack would not have taken")

    async def _whispered(self, person: Person) -> list[dict[str, Any]]:
        return await self.slack.wait_for(lambda: person.ephemerals, 3.0)

    async def _approve(self, person: Person) -> None:
        self.paper.act(person.name, "clicks Approve")
        click = await person.click(self.card, "approve")
        confirm: Mapping[str, Any] = click.confirm or {"title": {"text": "nothing"}, "text": {"text": "nothing"}}
        asked = [Line(text) for text in confirm["text"]["text"].split("\n")]
        self.paper.shown(f"{person.name} is asked, and says yes", [Line(confirm["title"]["text"], "strong"), *asked])
        expect(PLAN in confirm["text"]["text"], "Approve does not ask first")

    async def _redrawn(self, text: str) -> dict[str, Any]:
        await self.slack.wait_for(lambda: text in plain_text(card_now(self.slack, self.card)))
        return card_now(self.slack, self.card)

    def _standing(self, card: dict[str, Any]) -> list[Line]:
        lines = [part for part in self.sketch.message(card) if isinstance(part, Line)]
        starts = ("Approvals", "Waiting", "Applied", "[")
        return [line for line in lines if line.text.startswith(starts)]

    async def _command(self, *arguments: str) -> tuple[int | None, str]:
        environment = self.stage.environment(self.bot.port)
        process = await create_subprocess_exec(
            sys.executable, "-m", "bot", *arguments, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )
        said, problem = await process.communicate()
        return process.returncode, (said + problem).decode().strip()


STEPS = (
    ("A form that knows the plan", Play.open_the_form),
    ("Mistakes are named where they are made", Play.make_mistakes),
    ("The review", Play.review),
    ("The card", Play.ask),
    ("Who may not approve", Play.refuse),
    ("Two approvals", Play.approve),
    ("What DBS received", Play.execute),
    ("The outcome", Play.tell),
    ("The history", Play.verify),
)


async def play(out: TextIO, prepare: Callable[[Stage], None] = lambda _: None) -> int:
    """Play it, print it, and return the exit code: 1 if anything differed, or a signal ended it.

    `prepare` may upset the stage first.
    """
    loop, playing = asyncio.get_running_loop(), asyncio.current_task()
    assert playing is not None  # noqa: S101 - who runs is a task
    # not by way of SIGINT, which is ignored where a shell starts something in the background
    loop.add_signal_handler(signal.SIGTERM, playing.cancel)
    try:
        with tempfile.TemporaryDirectory(prefix="backup-plan-bot-") as folder:
            async with Stage(Path(folder)) as stage:
                prepare(stage)
                return await perform(stage, printer(out))
    except asyncio.CancelledError:
        return 1  # by SIGTERM or Ctrl-C: the bot has ended and the folder is gone
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def perform(stage: Stage, paper: Printer) -> int:
    """Play every step on a stage; return 1 after saying which one differed, and how."""
    began = time.monotonic()
    title = "The bot starts"
    try:
        bot = await stage.start_bot()
        paper.say(
            "The bot is running (python -m bot serve) and speaks HTTP with the playground's Slack and DBS on this "
            "machine. rita, ana and ben are in the user group @dba, out of which the policy asks for 2 approvals; "
            "gus is a guest. They meet in #ops."
        )
        performance = Play(stage, bot, paper)
        for number, (title, step) in enumerate(STEPS, 1):
            paper.chapter(f"{number}. {title}")
            await step(performance)
    except (Differed, ClientBlocked, TimeoutError, LookupError, RuntimeError) as error:
        paper.say(f"Differed at “{title}”: {str(error) or 'what should come did not.'}", bad=True)
        return 1
    paper.say(f"Everything was as it should be: {len(STEPS)} steps in {time.monotonic() - began:.1f} s.")
    return 0


def expect(holds: bool, sentence: str) -> None:
    """Raise Differed with the sentence unless it holds."""
    if not holds:
        raise Differed(f"{sentence}.")


def expect_same(found: object, wanted: object, where: str) -> None:
    """Raise Differed unless what was found is what should be."""
    if found != wanted:
        raise Differed(f"{where}, there is {found!r}, and should be {wanted!r}.")

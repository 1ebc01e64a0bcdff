"""What operators read of the policy file, where it is posted, and what happens when Slack does not take it."""

import asyncio
import io
import json
from datetime import UTC, datetime

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.saying import PolicyNotice
from bot.playground.slack.plain_text import plain_text
from bot.playground.slack.server import FakeSlack
from bot.slack.operators import ATTEMPTS, Operators
from bot.slack.people import SlackPeople

OPS = "C0OPS"
OLD, NEW = "0123456789abcdef", "fedcba9876543210"
BROKEN = PolicyNotice(OLD, OLD, ("POLICY_FILE p: defaults.aprovers: unknown key",))
SENTENCES = {
    BROKEN: f"The policy file cannot be used. The policy that was read before stays in force ({OLD}).",
    PolicyNotice(NEW, OLD): f"A new policy is in force: {OLD} → {NEW}. ",
    PolicyNotice(
        NEW, OLD, mended=True
    ): f"The policy file can be used again and a new policy is in force: {OLD} → {NEW}. ",
    PolicyNotice(OLD, OLD, mended=True): f"The policy file can be used again. It says what it said before ({OLD}).",
}


class QuickClock:
    """Whoever sleeps gives way to others, no more."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def operators(client: AsyncWebClient, slack: FakeSlack, clock: QuickClock) -> Operators:
    return Operators(client, SlackPeople(client), slack.bot_id, clock)


@pytest.mark.parametrize("notice", SENTENCES, ids=str)
async def test_a_notice_says_what_is_in_force_now(operators: Operators, slack: FakeSlack, notice: PolicyNotice) -> None:
    await operators.tell(OPS, notice)
    (posted,) = slack.channel(OPS).messages
    assert posted["text"].startswith(SENTENCES[notice])
    assert SENTENCES[notice] in plain_text(posted).replace("*", "").replace("`", "")
    assert posted["metadata"]["event_type"] == "backup_plan_policy"
    assert posted["metadata"]["event_payload"].items() >= {
        "state": "broken" if notice.problems else "in force", "digest": notice.digest,
    }.items()  # fmt: skip


async def test_req13_what_is_wrong_with_the_file_is_shown_and_not_obeyed(
    operators: Operators, slack: FakeSlack
) -> None:
    problems = ("rules[0].<!channel>: unknown key", "<@U0RITA> `x` <https://a.test|b>", "a\u202eb", "x" * 5000)
    await operators.tell(OPS, PolicyNotice(OLD, OLD, problems + ("one more",) * 30))
    (posted,) = slack.channel(OPS).messages
    bullets = posted["blocks"][1]["elements"][0]["elements"]
    texts = [bullet["elements"][0] for bullet in bullets]
    assert {text["type"] for text in texts} == {"text"}, "rich text knows no markup"
    assert [text["text"] for text in texts[:3]] == [*problems[:2], "a⟨U+202E⟩b"]
    assert texts[-1]["text"] == "and 14 more, which the log has"
    assert "<" not in posted["text"]
    assert len(json.dumps(posted["blocks"])) < 10_000


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"ext_shared": True}, "shared with another organisation"),
        ({"pending_ext_shared": True}, "shared with another organisation"),
        ({"archived": True}, "archived"),
        ({"bot_is_member": False}, "invite it there"),
        ({"private": True, "bot_is_member": False}, "invite it there"),
    ],
    ids=str,
)
async def test_req36_nothing_is_posted_where_others_read_along_or_the_bot_is_not(
    operators: Operators, slack: FakeSlack, log: io.StringIO, flags: dict[str, bool], why: str
) -> None:
    slack.add_channel("C0OUT", **flags)  # type: ignore[arg-type]  # none of these is a name or its members
    await operators.tell("C0OUT", BROKEN)
    await operators.check("C0OUT")
    assert slack.channel("C0OUT").log == []
    assert slack.journal.called("chat.postMessage") == []
    for event in ("operators_not_told", "operators_unreachable"):
        (line,) = (line for line in log.getvalue().splitlines() if event in line)
        assert why in line


async def test_a_channel_that_serves_is_nothing_to_warn_of(
    operators: Operators, slack: FakeSlack, log: io.StringIO
) -> None:
    await operators.check(OPS)
    assert log.getvalue() == ""
    slack.faults.error("conversations.info", "internal_error")
    await operators.check(OPS)
    assert "operators_unreachable" in log.getvalue()


async def test_req19_a_notice_whose_answer_was_lost_is_looked_for_before_it_is_posted_again(
    operators: Operators, slack: FakeSlack
) -> None:
    slack.faults.answer_lost_after_processing("chat.postMessage")
    await operators.tell(OPS, BROKEN)
    assert len(slack.channel(OPS).messages) == 1
    slack.faults.cut("chat.postMessage")
    await operators.tell(OPS, BROKEN)
    assert len(slack.channel(OPS).messages) == 2, "one that is not there is posted"


async def test_req19_notices_come_later_and_in_order_where_slack_asks_to_wait(
    operators: Operators, slack: FakeSlack, clock: QuickClock
) -> None:
    slack.faults.ratelimit("chat.postMessage", retry_after=7)
    slack.faults.error("conversations.info", "internal_error")
    await asyncio.gather(operators.tell(OPS, BROKEN), operators.tell(OPS, PolicyNotice(NEW, OLD, mended=True)))
    first, second = slack.channel(OPS).messages
    assert "cannot be used" in first["text"]
    assert "used again" in second["text"]
    assert 7.0 in clock.slept


@pytest.mark.parametrize(("code", "calls"), [("restricted_action", 1), ("internal_error", ATTEMPTS)])
async def test_what_slack_does_not_take_is_given_up_and_logged(
    operators: Operators, slack: FakeSlack, log: io.StringIO, code: str, calls: int
) -> None:
    slack.faults.error("chat.postMessage", code, times=ATTEMPTS + 1)
    await operators.tell(OPS, BROKEN)
    assert len(slack.journal.called("chat.postMessage")) == calls
    assert f"Slack answered {code}" in log.getvalue()

"""Private answers: to the person who clicked, where they clicked, and never worth an error."""

import io
from typing import Any

import aiohttp
import pytest

from bot.playground.slack.server import FakeSlack
from bot.slack.whisper import Whisper


@pytest.fixture
def whisper(session: aiohttp.ClientSession) -> Whisper:
    return Whisper(session)


def clicked(slack: FakeSlack, **message: str) -> dict[str, Any]:
    """Return what a click of rita's says about where to answer."""
    token = slack.world.tickets.response("U0RITA", "C0OPS")
    return {"response_url": f"{slack.world.url}/response/{token}", "message": message}


async def test_only_the_person_sees_it(whisper: Whisper, slack: FakeSlack) -> None:
    await whisper(clicked(slack, ts="1.0"), "No, <@U0RITA>.")
    assert [one["text"] for one in slack.people["U0RITA"].ephemerals] == ["No, <@U0RITA>."]
    assert slack.channel("C0OPS").messages == []
    (call,) = slack.journal.called("response_url")
    assert call.args == {"response_type": "ephemeral", "replace_original": False, "text": "No, <@U0RITA>."}


async def test_a_click_in_a_thread_is_answered_there_and_one_on_its_first_message_in_the_channel(
    whisper: Whisper, slack: FakeSlack
) -> None:
    await whisper(clicked(slack, ts="2.0", thread_ts="1.0"), "In the thread.")
    await whisper(clicked(slack, ts="1.0", thread_ts="1.0"), "In the channel.")
    assert [call.args.get("thread_ts") for call in slack.journal.called("response_url")] == ["1.0", None]


async def test_req19_where_slack_asks_to_wait_it_is_said_later(whisper: Whisper, slack: FakeSlack) -> None:
    slack.faults.ratelimit("response_url", 0, times=2)
    await whisper(clicked(slack), "Later.")
    assert [one["text"] for one in slack.people["U0RITA"].ephemerals] == ["Later."]


@pytest.mark.parametrize("how", ["cut", "503", "used up", "no url"])
async def test_an_answer_that_cannot_be_given_is_logged_without_its_address(
    whisper: Whisper, slack: FakeSlack, log: io.StringIO, how: str
) -> None:
    body = clicked(slack) if how != "no url" else {}
    if how == "cut":
        slack.faults.cut("response_url")
    elif how == "503":
        slack.faults.http_5xx("response_url")
    elif how == "used up":
        for _ in range(5):
            await whisper(body, "Again.")
    await whisper(body, "Once more.")
    assert "nowhere_to_whisper" in log.getvalue() if how == "no url" else "whisper_not_taken" in log.getvalue()
    assert "/response/" not in log.getvalue()
    assert "Once more." not in [one["text"] for one in slack.people["U0RITA"].ephemerals]

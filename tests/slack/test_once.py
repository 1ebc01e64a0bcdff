"""One payload, one effect, whatever Slack repeats."""

import asyncio

import pytest

from bot.slack.once import REMEMBERED_SECONDS, Once
from bot.slack.payload import Answer, Payload


class Listener:
    """A dispatch that counts, can be held, and fails as told."""

    def __init__(self) -> None:
        self.calls = 0
        self.status = 200
        self.fails = False
        self.errors = False
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, payload: Payload) -> Answer:
        self.calls += 1
        number = self.calls
        await self.go_on.wait()
        if self.fails:
            raise ConnectionError
        if self.errors:
            return Answer(200, '{"response_action": "errors", "errors": {}}', "application/json")
        return Answer(self.status, f"{payload.kind} {number}")


class Seconds:
    def __init__(self) -> None:
        self.value = 0.0

    def __call__(self) -> float:
        return self.value


def click(trigger: str = "1.2", kind: str = "block_actions") -> Payload:
    return Payload(kind, {"type": kind, "trigger_id": trigger, "actions": [{"action_id": "approve"}]})


async def test_a_repeated_payload_gets_the_first_answer() -> None:
    listener = Listener()
    once = Once(listener)
    assert await once(click()) == await once(click()) == Answer(200, "block_actions 1")
    assert listener.calls == 1


async def test_the_order_of_fields_does_not_make_another_payload() -> None:
    listener = Listener()
    once = Once(listener)
    await once(click())
    await once(Payload("block_actions", dict(reversed(click().body.items()))))
    assert listener.calls == 1


async def test_two_clicks_are_two_payloads() -> None:
    listener = Listener()
    once = Once(listener)
    await once(click("1.2"))
    await once(click("1.3"))
    assert listener.calls == 2


async def test_a_repetition_waits_for_the_one_in_progress() -> None:
    listener = Listener()
    once = Once(listener)
    listener.go_on.clear()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(once(click())) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in tasks)
        listener.go_on.set()
    assert {task.result().body for task in tasks} == {"block_actions 1"}
    assert listener.calls == 1


@pytest.mark.parametrize("status", [404, 500])
async def test_what_was_not_acked_is_tried_again(status: int) -> None:
    listener = Listener()
    once = Once(listener)
    listener.status = status
    assert (await once(click())).status == status
    listener.status = 200
    assert (await once(click())).status == 200
    assert listener.calls == 2


async def test_what_raised_is_tried_again() -> None:
    listener = Listener()
    once = Once(listener)
    listener.fails = True
    with pytest.raises(ConnectionError):
        await once(click())
    listener.fails = False
    assert (await once(click())).status == 200


async def test_a_repetition_that_waited_for_a_failure_tries_itself() -> None:
    listener = Listener()
    once = Once(listener)
    listener.go_on.clear()
    first, second, third = (asyncio.create_task(once(click())) for _ in range(3))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.wait([first])
    listener.go_on.set()
    assert await second == await third == Answer(200, "block_actions 2")


async def test_an_answer_is_remembered_for_ten_minutes() -> None:
    listener, seconds = Listener(), Seconds()
    once = Once(listener, now=seconds)
    await once(click())
    seconds.value = REMEMBERED_SECONDS - 1
    await once(click())
    assert listener.calls == 1
    seconds.value = REMEMBERED_SECONDS
    await once(click())
    assert listener.calls == 2


async def test_the_oldest_of_too_many_answers_is_forgotten() -> None:
    listener = Listener()
    once = Once(listener, entries=2)
    for trigger in ("1", "2", "3", "3", "2"):
        await once(click(trigger))
    assert listener.calls == 3
    await once(click("1"))
    assert listener.calls == 4


async def test_typing_the_same_letters_again_gets_a_fresh_answer() -> None:
    listener = Listener()
    once = Once(listener)
    await once(click(kind="block_suggestion"))
    await once(click(kind="block_suggestion"))
    assert listener.calls == 2


async def test_a_form_that_was_to_be_mended_may_be_sent_again_as_it_was() -> None:
    listener = Listener()
    once = Once(listener)
    listener.errors = True
    listener.go_on.clear()
    first, second = (asyncio.create_task(once(click(kind="view_submission"))) for _ in range(2))
    await asyncio.sleep(0.01)
    listener.go_on.set()
    assert await first == await second, "a repetition in between gets the same answer"
    assert listener.calls == 1
    listener.errors = False
    assert (await once(click(kind="view_submission"))).body == "view_submission 2"

"""Replies in the thread: every outcome says what happened, what to do, and the head of the history."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.core.asked import reading_of
from bot.core.change import Change, State
from bot.core.diff import compare_read_back, moved
from bot.core.events import Expired, Refused, Requested, Stale, Stuck
from bot.core.plan import parameter
from bot.core.reading import Reading
from bot.core.saying import ReadBack, Saying
from bot.playground.slack.plain_text import plain_text
from bot.playground.slack.schema import RENDERED_LIMIT, message_problems, rendered_length, table_problems
from bot.slack.outcome import STATUS_ADVICE, read_again_text, saying_blocks, saying_text

ChangeIn = Callable[..., Change]
Request = Callable[..., Requested]
OUTCOMES = [State.APPLIED, State.REFUSED, State.STALE, State.STUCK, State.DENIED, State.WITHDRAWN, State.EXPIRED]
TYPED = "<!channel> `x` *y* https://evil.example \u202e"


def after(change: Change, status: str = "running", message: str = "", **shown: str) -> ReadBack:
    """Read the plan back as it was sent, but for what is `shown` otherwise."""
    before = reading_of(change.request)
    values = {name: text for name, text in change.request.proposed.items() if name != "SourceEndpointPassword"}
    reading = Reading(values | shown, before.database_type, before.backup_method, status, message)
    differs = tuple(name for name in shown if shown[name] != values.get(name))
    return ReadBack(reading, differs)


def told(change: Change, read_back: ReadBack | None = None, *, alone: bool = False) -> str:
    return plain_text({"blocks": saying_blocks(change, Saying("outcome", read_back=read_back), alone=alone)})


def buttons(change: Change) -> list[str]:
    rows = [block["elements"] for block in saying_blocks(change, Saying("outcome")) if block["type"] == "actions"]
    return [element["action_id"] for row in rows for element in row]


@pytest.mark.parametrize("alone", [False, True], ids=["thread", "direct message"])
@pytest.mark.parametrize("simple", [False, True], ids=["with tables", "simple"])
@pytest.mark.parametrize("state", OUTCOMES)
def test_slack_takes_every_outcome_and_it_ends_with_the_head(
    change_in: ChangeIn, state: State, simple: bool, alone: bool
) -> None:
    change = change_in(state)
    saying = Saying("outcome", read_back=after(change, "init", "m" * 500, BackupRetentionPeriod="730"))
    blocks = saying_blocks(change, saying, simple=simple, alone=alone)
    assert message_problems({"text": saying_text(change, saying), "blocks": blocks}) == []
    assert table_problems(blocks) == []
    assert plain_text({"blocks": blocks}).endswith(f"Change c1 · event {change.seq} · history {change.head[:16]}")
    assert blocks[-1]["type"] == "context"


def test_applied_says_what_was_compared_and_what_could_not_be(change_in: ChangeIn) -> None:
    change = change_in("applied")
    assert told(change, after(change)).splitlines()[:5] == [
        "*Applied.* <@U0RITA>: DBS accepted the change.",
        "RequestId R-1",
        "Read back: all 8 values that DBS shows are as sent.",
        "Not shown by DBS, so not compared: Database password.",
        "Plan status: running. Nothing is left to do.",
    ]
    assert buttons(change) == []


def test_req29_what_does_not_read_back_is_listed_with_what_was_sent(change_in: ChangeIn) -> None:
    change = change_in("applied")
    text = told(change, after(change, BackupRetentionPeriod="730"))
    assert "*1 of 8 values do not read back as sent.*" in text
    assert "Parameter | Sent | Read back\nBackup retention | 30 days | 730 days" in text
    assert "Compare the plan in the DBS console" in text


def test_req29_a_plan_that_could_not_be_read_is_to_be_looked_at(change_in: ChangeIn) -> None:
    assert "could not be read back: open it in the DBS console" in told(change_in("applied"), ReadBack(None))


@pytest.mark.parametrize("status", [*STATUS_ADVICE, "brand_new", ""])
def test_req29_every_status_says_what_to_do(change_in: ChangeIn, status: str) -> None:
    change = change_in("applied")
    text = told(change, after(change, status, "Precheck: <!here>"))
    advice = STATUS_ADVICE.get(status, "Look at the plan in the DBS console.")
    assert f"Plan status: {status or '(unknown)'}. {advice}" in text
    assert "DBS says:\nPrecheck: <!here>" in text


def test_a_status_that_may_still_move_is_said_to(change_in: ChangeIn) -> None:
    change = change_in("applied")
    reading = after(change, "init").reading
    assert "It may still move by itself" in told(change, ReadBack(reading, moving=True))
    assert "It may still move by itself" not in told(change, ReadBack(reading))


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (State.REFUSED, ["new_request"]),
        (State.STALE, ["new_request"]),
        (State.STUCK, ["read_again", "new_request"]),
        (State.EXPIRED, ["new_request"]),
        (State.DENIED, []),
        (State.WITHDRAWN, []),
    ],
)
def test_what_can_be_asked_for_again_has_a_button_for_it(change_in: ChangeIn, state: State, shown: list[str]) -> None:
    assert buttons(change_in(state)) == shown


def test_req27_refused_gives_code_message_request_id_and_advice(change_in: ChangeIn) -> None:
    text = told(change_in(Refused(code="Request.Forbidden", message="No.", request_id="R-3", advice="Grant X.")))
    assert "the change was not sent." in text, "it was refused while the plan was read"
    assert "Request.Forbidden: No.\nRequestId R-3\nGrant X. New request opens the form" in text
    assert "DBS refused the change: nothing was applied." in told(change_in("refused"))


def test_req11_stale_says_what_moved(change_in: ChangeIn, requested: Request) -> None:
    now = dict(requested().baseline) | {"BackupStartTime": "03:00"}
    text = told(change_in(Stale(why="plan", sentence="The plan changed.", now=now)))
    assert (
        "nothing was sent.\nThe plan changed.\nParameter | When asked | Now\nStart time | 14:22 UTC | 03:00 UTC" in text
    )


@pytest.mark.parametrize("why", ["plan", "approver", "requester", "policy"])
def test_stale_says_whom_to_ask_and_shows_no_markup_of_others(change_in: ChangeIn, why: str) -> None:
    ours = why in {"approver", "requester"}
    change = change_in(Stale(why=why, sentence="<@U0ANA> may no longer." if ours else TYPED))
    blocks = saying_blocks(change, Saying("outcome"))
    texts = [block["text"] for block in blocks if block["type"] == "section"]
    (sentence,) = [text for text in texts if "may no longer." in text["text"] or "evil" in text["text"]]
    assert sentence["type"] == ("mrkdwn" if ours else "plain_text")
    assert "New request opens the form" in told(change)


def test_expired_says_what_was_missing(change_in: ChangeIn) -> None:
    late = told(change_in("expired"))
    assert "by 2026-05-04 16:00 UTC it had 0 of 2 approvals. Nothing was sent." in late
    unsent = told(change_in(Expired(why="execution", detail="DBS could not be reached.")))
    assert "approved, but could not be sent within 30m. Nothing was sent.\nDBS could not be reached." in unsent


def test_stuck_says_what_is_known_and_what_to_check(change_in: ChangeIn, requested: Request) -> None:
    now = dict(requested().baseline) | {"BackupRetentionPeriod": "99"}
    text = told(change_in(Stuck(sentence="Sent 5 times.", now=now)))
    assert "Sent 5 times." in text
    assert "Parameter | Before | Last read\nBackup retention | 730 days | 99 days" in text
    assert "The bot will not send it again, and the plan is free for new changes." in text


def test_a_direct_message_says_which_plan_and_why_there(change_in: ChangeIn) -> None:
    lines = told(change_in("denied"), alone=True).splitlines()
    assert lines[0] == "Plan orders (dbs1)"
    assert "the card, its thread or its channel is gone" in lines[1]
    assert "orders" not in told(change_in("denied")), "in the thread the card says so"


@pytest.mark.parametrize("simple", [False, True], ids=["with tables", "simple"])
def test_a_difference_too_long_for_a_table_is_still_told(change_in: ChangeIn, requested: Request, simple: bool) -> None:
    objects = "[" + ",".join(f'{{"DBName":"database{n:04}"}}' for n in range(2000)) + "]"
    change = change_in(
        Stale(why="plan", sentence="It moved.", now=dict(requested().baseline) | {"BackupObjects": objects})
    )
    blocks = saying_blocks(change, Saying("outcome"), simple=simple)
    assert message_problems({"blocks": blocks}) == []
    assert rendered_length(blocks) <= RENDERED_LIMIT
    assert "database0000" in plain_text({"blocks": blocks})
    assert "…" in plain_text({"blocks": blocks})


def test_req13_a_note_and_its_notification_obey_nothing(change_in: ChangeIn) -> None:
    saying = Saying("note", text=TYPED)
    change = change_in("sent")
    blocks = saying_blocks(change, saying)
    assert {block["text"]["type"] for block in blocks if block["type"] == "section"} == {"plain_text"}
    assert saying_text(change, saying).startswith("&lt;!channel&gt;")
    assert "\u202e" not in str(blocks) + saying_text(change, saying)


def test_reading_again_says_which_of_the_two_it_is_now(change_in: ChangeIn, requested: Request) -> None:
    change = change_in("stuck")
    before, proposed = dict(change.request.baseline), dict(change.request.proposed)
    assert "as it was proposed: the change was applied" in read(change, proposed)
    assert "as it was before: the change was not applied" in read(change, before)
    assert "neither as before nor as proposed:\nBackup retention: was 730 days, now 99 days" in read(
        change, before | {"BackupRetentionPeriod": "99"}
    )
    only_hidden = change_in("stuck", requested({"BackupRetentionPeriod": "730"}))
    assert "does not tell whether" in read(only_hidden, before), "the password is all that changed"


def read(change: Change, values: dict[str, str]) -> str:
    """Say what is found when the plan has these values now."""
    shown = {name: text for name, text in values.items() if name not in {"DatabaseType", "BackupMethod"}}
    readable = {name: text for name, text in shown.items() if parameter(name).readable}
    reading = Reading(readable, "MySQL", "logical", "running")
    before = moved(change.request.baseline, reading.baseline)
    return read_again_text(change, "running", before, compare_read_back(change.request.proposed, reading))


def test_what_moved_although_nobody_sent_it_is_named(change_in: ChangeIn) -> None:
    """Times, statuses and the restorable window move by themselves."""
    change = change_in("applied")
    kept = {"LogBackupRetentionPeriod": "30", "EndTimestampForRestore": "1", "BackupPlanCreateTime": "1", "Gone": "x"}
    now = {"LogBackupRetentionPeriod": "7", "EndTimestampForRestore": "2", "NewStatus": "x", "New": "<!channel>"}
    change = replace(change, request=change.request.model_copy(update={"details": kept}))
    back = after(change)
    assert back.reading
    reading = replace(back.reading, details=now, values={**back.reading.values, "OSSBucketName": "made-up"})
    text = told(change, replace(back, reading=reading))
    listed = "OSS bucket (none) → made-up; Gone x → (none); LogBackupRetentionPeriod 30 → 7; New (none) → <!channel>."
    assert f"Also changed, though not sent: {listed}" in text
    older = replace(change, request=change.request.model_copy(update={"details": {}}))
    assert "LogBackup" not in told(older, replace(back, reading=reading)), "an older history says nothing of it"
    assert "Also changed" not in told(
        change, replace(back, reading=replace(reading, details=kept, values=back.reading.values))
    )

"""The card in every state and in both drawings: whole, inert, and with the buttons that still count."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.core.change import Change, State
from bot.core.demand import Demand, Matched, Slot
from bot.core.events import Requested
from bot.playground.slack.plain_text import plain_text
from bot.playground.slack.schema import RENDERED_LIMIT, message_problems, rendered_length, table_problems
from bot.slack.card import card_blocks, card_text, metadata

ChangeIn = Callable[..., Change]
Request = Callable[..., Requested]
EVERY_STATE = ["sent", *State]
HIDDEN = "\u202e" * 1000


def text_of(change: Change, *, simple: bool = False) -> str:
    return plain_text({"blocks": card_blocks(change, simple=simple)})


def buttons(change: Change) -> list[str]:
    rows = [block["elements"] for block in card_blocks(change) if block["type"] == "actions"]
    return [element["action_id"] for row in rows for element in row]


def confirmation(change: Change) -> str:
    (actions,) = [block for block in card_blocks(change) if block["type"] == "actions"]
    return str(actions["elements"][0]["confirm"]["text"]["text"])


def problems(change: Change, *, simple: bool) -> list[str]:
    """Return what Slack would say against a card."""
    blocks = card_blocks(change, simple=simple)
    too_long = ["too long"] if rendered_length(blocks) > RENDERED_LIMIT else []
    message = {"text": card_text(change), "metadata": metadata(change, "card"), "blocks": blocks}
    bytes_of_text = len(card_text(change).encode())
    return [*message_problems(message), *table_problems(blocks), *too_long, *(["text"] if bytes_of_text > 4000 else [])]


@pytest.mark.parametrize("simple", [False, True], ids=["with tables", "simple"])
@pytest.mark.parametrize("state", EVERY_STATE)
def test_slack_takes_the_card_in_every_state_however_long_the_words(
    change_in: ChangeIn, requested: Request, state: str, simple: bool
) -> None:
    assert problems(change_in(state), simple=simple) == []
    long = requested({"BackupPlanName": "n" * 3000}, plan_name="😀" * 3000, reason=HIDDEN)
    assert problems(change_in(state, long), simple=simple) == []


@pytest.mark.parametrize("simple", [False, True], ids=["with tables", "simple"])
def test_slack_takes_the_card_however_many_rules_apply(change_in: ChangeIn, requested: Request, simple: bool) -> None:
    slots = [Slot(rule=f"r{n}", who=(f"S0GROUP{n}",), at_least=1, pool=(f"U{n}",)) for n in range(90)]
    groups = " and ".join(f"1 of <!subteam^{slot.who[0]}>" for slot in slots)
    demand = Demand(
        approvals=90, approvers=(), pool=("U0",), policy="", sentence=f"90 people must approve, at least {groups}.",
        slots=tuple(slots), rules=tuple(Matched(name=f"r{n}", reason="Why not?" * 60) for n in range(90)),
        incident=True, on_call=tuple(slot.who[0] for slot in slots),
    )  # fmt: skip
    long = requested({"BackupPlanName": "n" * 3000}, plan_name="😀" * 3000, reason=HIDDEN, demand=demand)
    pending = change_in("pending", long)
    assert problems(pending, simple=simple) == []
    assert text_of(pending).count("…") >= 3


def test_approvals_that_fill_no_place_are_named_and_not_counted(change_in: ChangeIn, requested: Request) -> None:
    places = (
        Slot(rule="r", who=("S0DBA",), at_least=1, pool=("U0ANA", "U0BEN")),
        Slot(rule="r", who=("S0SRE",), at_least=1, pool=("U0SAM",)),
    )
    rules = (Matched(name="r", reason="It takes both."),)
    demand = requested().demand.model_copy(update={"slots": places, "rules": rules})
    text = text_of(change_in("approved", requested(demand=demand)))
    assert "1 of 2: <@U0ANA>, <@U0BEN>" in text
    assert "Waiting for 1 more person from <!subteam^S0SRE>." in text
    assert "It takes both." in text


def test_what_waits_for_its_window_says_so_and_until_when(change_in: ChangeIn, requested: Request) -> None:
    demand = requested().demand.model_copy(update={"windows": (("daily 20:00-21:00 UTC",),)})
    change = change_in("approved", requested(demand=demand))
    assert "Approved: waits until the policy allows it to be carried out," in text_of(change)
    assert f"<!date^{int(change.opens_at.timestamp())}^" in str(card_blocks(change))
    assert buttons(change) == ["deny", "withdraw"]


@pytest.mark.parametrize(
    ("state", "shown"),
    {
        "pending": ["approve", "deny", "withdraw"],
        "approved": ["deny", "withdraw"],
        "executing": ["deny", "withdraw"],
        "sent": [],
        **{str(state): [] for state in State if state not in {State.PENDING, State.APPROVED, State.EXECUTING}},
    }.items(),
)
def test_req21_the_card_has_the_buttons_that_still_count(change_in: ChangeIn, state: str, shown: list[str]) -> None:
    assert buttons(change_in(state)) == shown


def test_metadata_says_which_event_was_the_last_when_it_was_written(change_in: ChangeIn) -> None:
    change = change_in("approved")
    assert metadata(change, "card") == {
        "event_type": "backup_plan_change",
        "event_payload": {"change_id": "c1", "kind": "card", "state": "approved", "seq": 4, "head": change.head},
    }


@pytest.mark.parametrize("simple", [False, True], ids=["with tables", "simple"])
def test_req12_every_changed_value_is_on_the_card_in_full(
    change_in: ChangeIn, requested: Request, simple: bool
) -> None:
    objects = "[" + ",".join(f'{{"DBName":"database{n:03}"}}' for n in range(200)) + "]"
    change = change_in("pending", requested({"BackupObjects": objects}))
    text = text_of(change, simple=simple)
    assert all(f"database{n:03}: whole database" in text for n in range(200))
    assert "approve" in buttons(change)
    assert problems(change, simple=simple) == []


@pytest.mark.parametrize("simple", [False, True], ids=["with tables", "simple"])
def test_req12_what_cannot_be_shown_in_full_cannot_be_approved(
    change_in: ChangeIn, requested: Request, simple: bool
) -> None:
    objects = "[" + ",".join(f'{{"DBName":"database{n:04}"}}' for n in range(700)) + "]"
    change = change_in("pending", requested({"BackupObjects": objects}))
    assert "too long to be shown here in full, so this cannot be approved" in text_of(change, simple=simple)
    assert buttons(change) == ["deny", "withdraw"]
    assert problems(change, simple=simple) == []


def test_the_confirmation_repeats_the_change_or_counts_what_does_not_fit(
    change_in: ChangeIn, requested: Request
) -> None:
    assert confirmation(change_in("pending")) == (
        "Plan orders (dbs1)\n"
        "Backup retention: 730 days → 30 days\n"
        "Database password: unknown → orders-db\n"
        "Backup strategy: unknown → not sent: DBS decides\n"
        "Start by itself: unknown → not sent: DBS decides"
    )
    objects = "[" + ",".join(f'{{"DBName":"database{n:02}"}}' for n in range(40)) + "]"
    several = confirmation(change_in("pending", requested({"BackupObjects": objects, "BackupStartTime": "03:00"})))
    assert several == "Plan orders (dbs1)\n6 changes, all on the card."
    longer = confirmation(change_in("pending", requested({"OSSBucketName": "b" * 100, "CrossRoleName": "r" * 60})))
    assert longer.startswith("Plan orders (dbs1)\nBackup retention: 730 days → 30 days\n")
    assert longer.endswith(" more changes, all on the card.")
    assert len(longer) <= 300
    told = {"SourceEndpointPassword": "orders-db", "BackupStrategyType": "simple", "AutoStartBackup": "true"}
    same = requested({"BackupRetentionPeriod": "730", **told}, known=told)
    assert confirmation(change_in("pending", same)) == "Plan orders (dbs1)\nNo value changes."


def test_what_does_not_change_is_folded_and_counted(change_in: ChangeIn) -> None:
    (folded,) = [block for block in card_blocks(change_in("pending")) if block["type"] == "container"]
    assert (folded["is_collapsible"], folded["default_collapsed"]) == (True, True)
    assert plain_text({"blocks": [folded]}).splitlines()[0] == "7 unchanged"
    assert "Database user: backup" in plain_text({"blocks": [folded]})


@pytest.mark.parametrize("simple", [False, True], ids=["with tables", "simple"])
def test_req14_risks_are_named(change_in: ChangeIn, requested: Request, simple: bool) -> None:
    risky = {"SourceEndpointInstanceID": "rm-2", "BackupStrategyType": "manual", "BackupStorageType": "system"}
    text = text_of(change_in("pending", requested(risky)), simple=simple)
    for risk in (
        "⚠ Backups are kept for 30 days instead of 730",
        "⚠ The source changes: Source instance.",
        "⚠ The place where backups are kept changes",
        "⚠ The strategy becomes manual",
    ):
        assert risk in text


def test_the_card_says_who_approved_and_by_when_the_next_step_must_come(change_in: ChangeIn) -> None:
    pending, approved = text_of(change_in("pending")), text_of(change_in("approved"))
    assert "*Approvals*\n0 of 2\n*Expires*\n2026-05-04 16:00 UTC" in pending
    assert "*Waiting for 2 more.* 2 people out of <!subteam^S0DBA> must approve" in pending
    assert "*Approvals*\n2 of 2: <@U0ANA>, <@U0BEN>\n*To be sent by*\n2026-05-04 12:34 UTC" in approved
    assert "until it is sent it can be denied or withdrawn" in approved
    assert "*Denied: nothing was sent.* By <@U0BEN>.\nNot tonight" in text_of(change_in("denied"))


def test_the_card_leads_back_to_the_message_it_was_asked_for_at(change_in: ChangeIn, requested: Request) -> None:
    asked = requested(thread="1.0", origin="https://example.slack.com/archives/C0OPS/p1?thread_ts=1.0&cid=C0OPS")
    for state in EVERY_STATE:
        blocks = card_blocks(change_in(state, asked))
        assert {"type": "link", "url": asked.origin, "text": "Asked in this message"} in [
            part for block in blocks if block["type"] == "rich_text" for part in block["elements"][0]["elements"]
        ]
        assert message_problems({"blocks": blocks}) == []
        assert "Asked in this message" not in text_of(change_in(state)), "a command has no message"


def test_req13_only_our_own_sentences_are_mrkdwn(change_in: ChangeIn, requested: Request) -> None:
    typed = "<!channel> `x` *y* https://evil.example"
    for state in EVERY_STATE:
        change = change_in(state, requested(plan_name=typed, reason=typed, region=typed))
        assert [text for text in mrkdwn(card_blocks(change)) if "evil" in text] == []
        assert "<!channel>" not in card_text(change)


def mrkdwn(value: Any) -> list[str]:
    """Return every text that Slack reads as mrkdwn."""
    if isinstance(value, dict):
        here = [value["text"]] if value.get("type") == "mrkdwn" else []
        return [*here, *(text for inner in value.values() for text in mrkdwn(inner))]
    return [text for inner in value for text in mrkdwn(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize("simple", [False, True], ids=["with tables", "simple"])
def test_what_is_remembered_is_a_row_of_its_own(change_in: ChangeIn, requested: Request, simple: bool) -> None:
    """It is never among what stays as it is: DBS does not show whether it is so."""
    told = {"SourceEndpointPassword": "orders-db", "BackupStrategyType": "manual", "AutoStartBackup": "true"}
    since = {"known": told, "known_since": "2026-11-12T10:00:00.000Z"}
    same = change_in("pending", requested({"BackupRetentionPeriod": "730", **told}, **since))
    blocks = card_blocks(same, simple=simple)
    folded = [block for block in blocks if block["type"] == "container"]
    assert "manual" not in plain_text({"blocks": folded})
    text = plain_text({"blocks": blocks})
    assert "manual (set by this bot on 12 Nov 2026)" in text
    assert "The strategy stays manual" in text


def test_a_rule_that_the_plan_leaves_by_its_new_name_is_named(change_in: ChangeIn, requested: Request) -> None:
    asked = requested()
    left = Matched(name="production", because="plan dbs-prod-*", left=True)
    demand = asked.demand.model_copy(update={"rules": (left, Matched(name="other"))})
    text = plain_text({"blocks": card_blocks(change_in("pending", requested(demand=demand)))})
    assert "By its new name the plan leaves the rule “production”." in text

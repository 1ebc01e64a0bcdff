"""The step between form and card: what would change, what is risky, who must approve, why and where."""

from collections.abc import Sequence
from datetime import timedelta

from bot.core.diff import Diff
from bot.core.duration import say_duration
from bot.core.events import Demand
from bot.core.policy import Policy
from bot.slack.card import ASKED, reasons
from bot.slack.rows import bulleted, values
from bot.slack.text import Block, View, alert, context, cut, literal, modal, mrkdwn, plain, rich, section

CALLBACK = "review"
DENY = "deny"
REASON = "reason"
CHANNEL = "channel"
LONGEST_REASON = 1000


def review_view(
    draft_id: str,
    plan: str,
    shown: Diff,
    policy: Policy,
    demand: Demand | None,
    obstacles: Sequence[Block],
    channel: str,
    thread: str = "",
) -> View:
    """Return the review; `obstacles` are alerts about what will be refused at submit unless it is mended first.

    `channel` is where it was asked for, and `thread` the message there under which the card would go.
    """
    blocks = [*obstacles, section(plain(f"Change of {plan}"))]
    if shown.changes_nothing:
        blocks.append(section(plain("No value changes: the same configuration would be sent again.")))
    if shown.rows:
        blocks.append(bulleted(shown.rows))
    blocks += [alert("warning", risk.sentence) for risk in shown.risks]
    if number := len(shown.unchanged):
        stay = "1 value stays as it is:" if number == 1 else f"{number} values stay as they are:"
        blocks += [context(plain(stay)), values(shown.unchanged)]
    if demand is not None:
        blocks += [*([context(mrkdwn(f"In <#{channel}>:"))] if channel else [])]
        blocks += [section(mrkdwn(cut(demand.sentence, ASKED))), *reasons(demand)]
    defaults = policy.defaults
    until = _until(demand) if demand is not None else ""
    where = f" Allowed channels: {', '.join(f'<#{one}>' for one in defaults.channels)}." if defaults.channels else ""
    asked = reason_input("Why is this needed?", "The approvers read it; it stays in the history.")
    blocks += [*([context(mrkdwn(until + where))] if until or where else []), asked, channel_input(channel, thread)]
    return modal(
        CALLBACK, "Review the change", blocks, submit="Ask for approval", close="Back", private_metadata=draft_id
    )


def _until(demand: Demand) -> str:
    sent = "it is sent as soon as the policy allows" if demand.windows or demand.freezes else "it is sent at once"
    return f"They have {say_duration(timedelta(seconds=demand.expires_after))}; {sent} after the last approval."


def reason_input(
    label: str = "Why is this needed?", hint: str = "The approvers read it; it stays in the history."
) -> Block:
    """Return the input for a reason."""
    return {
        "type": "input",
        "block_id": REASON,
        "label": plain(label),
        "element": {
            "type": "plain_text_input",
            "action_id": REASON,
            "multiline": True,
            "min_length": 1,
            "max_length": LONGEST_REASON,
        },
        "hint": plain(hint),
        "optional": False,
    }


def channel_input(channel: str, thread: str = "") -> Block:
    """Return the choice of the channel; `channel` is preselected unless it is empty."""
    where = "The card is posted there"
    if thread:
        where += ", into the thread of the message; in another channel it stands by itself"
    select: Block = {
        "type": "conversations_select",
        "action_id": CHANNEL,
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
        "placeholder": plain("Choose a channel"),
    }
    return {
        "type": "input",
        "block_id": CHANNEL,
        "label": plain("Where is it decided?"),
        "element": {**select, "initial_conversation": channel} if channel else select,
        "hint": plain(f"{where}; the bot has to be a member."),
        "optional": False,
        "dispatch_action": True,
    }


def deny_view(change_id: str, plan: str) -> View:
    """Return the step that asks why a change is denied."""
    asked = reason_input("Why not?", "The requester reads it; it stays in the history.")
    said = rich(
        literal("Deny the change of "), literal(plan, bold=True), literal(". It cannot be approved afterwards.")
    )
    return modal(DENY, "Deny the change", [said, asked], submit="Deny", close="Back", private_metadata=change_id)

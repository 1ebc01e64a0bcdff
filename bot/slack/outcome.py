"""Replies in the thread: what came of a change, in words that say what to do next.

What people or DBS wrote is plain text; only sentences of our own, and the people they name, are mrkdwn.
"""

from datetime import timedelta

from bot.core.change import Change
from bot.core.decisions import at_time
from bot.core.diff import Row, compare_read_back, is_shown, moved
from bot.core.duration import say_duration
from bot.core.events import Applied, Denied, Expired, Refused, Stale, Stuck
from bot.core.plan import parameters
from bot.core.reading import Reading
from bot.core.saying import ReadBack, Saying
from bot.core.unsent import also_moved
from bot.core.whom import by_whom
from bot.slack.card import REASON, plan_name, undone
from bot.slack.rows import MOST_TEXT, chunks, table
from bot.slack.text import Block, button, context, escape, mrkdwn, plain, quote, section, shortened

HEAD_DIGITS = 16
NOTE_TEXT = 3000

STATUS_ADVICE = {
    "running": "Nothing is left to do.",
    "wait": "For DBS the plan is not configured yet: look at it in the DBS console in a minute.",
    "init": "The precheck has not passed or the plan has not started: open the plan in the DBS console, mend what the "
    "precheck names, then start it.",
    "check_pass": "The precheck passed and the plan waits: start it in the DBS console (StartBackupPlan).",
    "pause": "No backup is made: resume the plan in the DBS console.",
    "stop": "No backup is made, the plan has failed: open it in the DBS console and mend what its message names.",
    "locked": "No backup is made: have the plan unlocked in the DBS console, usually by paying what is due.",
}
SAME_AGAIN = "New request opens the form with the proposed values for the plan as it is now; it is approved anew."
STALE_ADVICE = {
    "plan": f"Look at what moved. {SAME_AGAIN}",
    "approver": SAME_AGAIN,
    "requester": "Somebody who may ask for changes can take it up: New request opens the form with these values.",
    "policy": SAME_AGAIN,
    "channel": "New request opens the form with these values; choose another channel in its last step.",
}
STUCK_ADVICE = (
    "The bot will not send it again, and the plan is free for new changes. Open the plan in the DBS console: is it as "
    "it was, or as it was proposed? Read again says here what DBS shows now. If it is as it was, New request asks for "
    "the change once more."
)
ALONE = (
    "You are told here because the card, its thread or its channel is gone, closed to the bot, shared outside or no "
    "longer one that the policy allows."
)


def saying_text(change: Change, saying: Saying) -> str:
    """Return a reply in one line, for notifications: mrkdwn, foreign text escaped."""
    if saying.kind == "note":
        return escape(saying.text)[:NOTE_TEXT]
    return f"Backup plan {escape(plan_name(change))}: {change.state}"


def saying_blocks(change: Change, saying: Saying, *, simple: bool = False, alone: bool = False) -> list[Block]:
    """Return a reply; it ends with the head of the history, which nobody can change unnoticed after that.

    `alone`: it goes to the requester, who sees no card above it.
    """
    blocks = [section(plain(f"Plan {plan_name(change)}")), context(plain(ALONE))] if alone else []
    blocks += _note(saying) if saying.kind == "note" else _outcome(change, saying.read_back, simple=simple)
    if alone and change.open:
        # The card would have this button; where there is none, nobody else can free the plan.
        blocks.append({"type": "actions", "elements": [button("Withdraw", "withdraw", change.id)]})
    return [*blocks, _head(change)]


def call_message(change: Change, text: str) -> dict[str, str | list[Block]]:
    """Return a call on people: `text` is mrkdwn of our own, so that those it mentions are notified."""
    return {"text": text, "blocks": [section(mrkdwn(text)), section(plain(f"Plan {plan_name(change)}")), _head(change)]}


def _head(change: Change) -> Block:
    return context(plain(f"Change {change.id} · event {change.seq} · history {change.head[:HEAD_DIGITS]}"))


def _note(saying: Saying) -> list[Block]:
    reading = saying.read_back.reading if saying.read_back else None
    return [*chunks(saying.text), *(_status(reading, moving=False) if reading else [])]


def _outcome(change: Change, read_back: ReadBack | None, *, simple: bool) -> list[Block]:
    by = by_whom(change)
    to = f"<@{change.requester}>"  # Slack lets those know who are named
    match change.outcome:
        case Applied(request_id=request_id):
            said = section(mrkdwn(f"*Applied.* {to}: DBS accepted the change."))
            return [said, context(plain(f"RequestId {request_id}")), *_read_back(change, read_back, simple=simple)]
        case Refused() as refused:
            return _refused(change, refused, to)
        case Stale() as stale:
            return _stale(change, stale, to, simple=simple)
        case Stuck() as stuck:
            return _stuck(change, stuck, to, simple=simple)
        case Denied(reason=reason):
            return [section(mrkdwn(f"*Denied*{by}. {to}: {undone(change)}.")), quote(shortened(reason, REASON))]
        case Expired() as expired:
            return _expired(change, expired, to)
    return [section(mrkdwn(f"*{change.state.capitalize()}*{by}. {undone(change, begin=True)}."))]


def _refused(change: Change, refused: Refused, to: str) -> list[Block]:
    sent = "DBS refused the change: nothing was applied." if change.sent_at else "the change was not sent."
    lines = [f"{refused.code}: {refused.message}"]
    if refused.request_id:
        lines.append(f"RequestId {refused.request_id}")
    advice = refused.advice or "Mend what the message names."
    return [
        section(mrkdwn(f"*Refused.* {to}: {sent}")),
        *chunks("\n".join(lines)),
        section(plain(f"{advice} {SAME_AGAIN}")),
        _buttons(change),
    ]


def _stale(change: Change, stale: Stale, to: str, *, simple: bool) -> list[Block]:
    rows = moved(change.request.baseline, stale.now) if stale.now else ()
    # Of these sentences two name people; the others may quote what people typed.
    names_people = stale.why in {"approver", "requester"}
    return [
        section(mrkdwn(f"*Stale.* {to}: {undone(change)}.")),
        section(mrkdwn(stale.sentence) if names_people else plain(stale.sentence)),
        *_table(rows, ("Parameter", "When asked", "Now"), simple=simple),
        section(plain(STALE_ADVICE[stale.why])),
        _buttons(change),
    ]


def _stuck(change: Change, stuck: Stuck, to: str, *, simple: bool) -> list[Block]:
    rows = moved(change.request.baseline, stuck.now) if stuck.now else ()
    return [
        section(mrkdwn(f"*Stuck.* {to}: whether the change was applied is not known; somebody has to look.")),
        *chunks(stuck.sentence),
        *_table(rows, ("Parameter", "Before", "Last read"), simple=simple),
        section(plain(STUCK_ADVICE)),
        _buttons(change, button("Read again", "read_again", change.id)),
    ]


def _expired(change: Change, expired: Expired, to: str) -> list[Block]:
    request = change.request
    if expired.why == "approval":
        given = f"{change.counted} of {request.demand.approvals} approvals"
        late = f"by {at_time(request.expires_at)} it had {given}."
    else:
        within = say_duration(timedelta(seconds=request.execute_within))
        late = f"it was approved, but could not be sent within {within}."
    return [
        section(mrkdwn(f"*Expired.* {to}: {late} {undone(change, begin=True)}.")),
        *chunks(expired.detail),
        section(plain(SAME_AGAIN)),
        _buttons(change),
    ]


def _buttons(change: Change, *others: Block) -> Block:
    return {"type": "actions", "elements": [*others, button("New request", "new_request", change.id)]}


def _read_back(change: Change, read_back: ReadBack | None, *, simple: bool) -> list[Block]:
    if read_back is None or read_back.reading is None:
        said = "The plan could not be read back: open it in the DBS console and compare it with the card."
        return [section(plain(said))]
    proposed = change.request.proposed
    sent = [parameter for parameter in parameters() if parameter.name in proposed]
    reading = read_back.reading
    readable = [parameter for parameter in sent if is_shown(parameter, reading)]
    hidden = [parameter.label for parameter in sent if not is_shown(parameter, reading)]
    if read_back.differs:
        said = f"*{len(read_back.differs)} of {len(readable)} values do not read back as sent.* What DBS shows counts."
        rows = compare_read_back(proposed, reading)
        check = "Compare the plan in the DBS console; if it stays like this, correct it there or ask for a new change."
        blocks = [
            section(mrkdwn(said)),
            *_table(swapped(rows), ("Parameter", "Sent", "Read back"), simple=simple),
            section(plain(check)),
        ]
    else:
        blocks = [section(plain(f"Read back: all {len(readable)} values that DBS shows are as sent."))]
    if others := also_moved(change.request, reading):
        listed = "; ".join(f"{row.label} {row.now} → {row.proposed}" for row in others)
        blocks += chunks(shortened(f"Also changed, though not sent: {listed}.", NOTE_TEXT))
    if hidden:
        blocks.append(context(plain(f"Not shown by DBS, so not compared: {', '.join(hidden)}.")))
    return [*blocks, *_status(reading, moving=read_back.moving)]


def _status(reading: Reading, *, moving: bool) -> list[Block]:
    """Say how the plan is and what to do about it."""
    advice = STATUS_ADVICE.get(reading.status, "Look at the plan in the DBS console.")
    if moving:
        advice += " It may still move by itself: if it does within a minute, that is said here."
    blocks = [section(plain(f"Plan status: {reading.status or '(unknown)'}. {advice}"))]
    if reading.message:
        blocks += [context(plain("DBS says:")), *chunks(reading.message)]
    return blocks


def swapped(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Return rows with their two values the other way round."""
    return tuple(Row(row.parameter, row.label, row.proposed, row.now) for row in rows)


def _table(rows: tuple[Row, ...], headings: tuple[str, str, str], *, simple: bool) -> list[Block]:
    if not rows:
        return []
    lines = "\n".join(f"{row.label}: {row.now} → {row.proposed}" for row in rows)
    if simple or len(lines) > MOST_TEXT // 2:
        return chunks(shortened(lines, MOST_TEXT))
    return [table(rows, headings)]


def read_again_text(change: Change, status: str, rows_before: tuple[Row, ...], rows_after: tuple[Row, ...]) -> str:
    """Say what the plan of a stuck change looks like now, beside what it was and what it was to become."""
    if not rows_after and not rows_before:
        found = "What DBS shows was to stay as it is, so it does not tell whether the rest of the change was applied."
    elif not rows_after:
        found = "Every value that DBS shows is now as it was proposed: the change was applied."
    elif not rows_before:
        found = "Every value that DBS shows is as it was before: the change was not applied."
    else:
        listed = "\n".join(f"{row.label}: was {row.now}, now {row.proposed}" for row in rows_before)
        found = f"It is neither as before nor as proposed:\n{listed}"
    at = at_time(change.ended_at)
    return f"Read again, after the change was stuck at {at}. Status {status or '(unknown)'}. {found}"

"""Replies in the thread: what came of a change, in words that say what to do next."""

from bot.core.change import Change
from bot.core.decisions import BOT, at_time
from bot.core.diff import Row, compare_read_back, moved
from bot.core.events import Applied, Denied, Expired, Refused, Stale, Stuck
from bot.core.plan import parameter
from bot.core.saying import ReadBack, Saying
from bot.slack.card import plan_name
from bot.slack.rows import MOST_TEXT, chunks, table
from bot.slack.text import Block, button, context, escape, mrkdwn, plain, quote, section

HEAD_DIGITS = 16

STATUS_ADVICE = {
    "wait": "The plan is not configured yet as DBS sees it: read it again in a minute.",
    "init": "The precheck has not passed or the plan has not started: open the plan in the DBS console, mend what the "
    "precheck names, then start it.",
    "check_pass": "The precheck passed and the plan waits: start it in the DBS console (StartBackupPlan).",
    "pause": "The plan is paused: resume it in the DBS console.",
    "stop": "The plan has failed and stopped: see its message in the DBS console.",
    "locked": "The plan is locked: have it unlocked in the DBS console.",
}


def saying_text(change: Change, saying: Saying) -> str:
    """Return a reply in one line, for notifications: mrkdwn, foreign text escaped."""
    if saying.kind == "note":
        return escape(saying.text)[:3000]
    return f"Backup plan {escape(change.request.plan_name or change.request.plan_id)}: {change.state}"[:3000]


def saying_blocks(change: Change, saying: Saying, *, simple: bool = False) -> list[Block]:
    """Return a reply; it ends with the head of the history, which nobody can change unnoticed after that."""
    blocks = chunks(saying.text) if saying.kind == "note" else _outcome(change, saying.read_back, simple=simple)
    small = f"Change {change.id} · event {change.seq} · history {change.head[:HEAD_DIGITS]}"
    return [*blocks, context(plain(small))]


def _outcome(change: Change, read_back: ReadBack | None, *, simple: bool) -> list[Block]:
    by = "" if change.ended_by == BOT else f" by <@{change.ended_by}>"
    match change.outcome:
        case Applied(request_id=request_id):
            said = f"*Applied.* DBS accepted the change of {escape(plan_name(change))}."
            return [
                section(mrkdwn(said)),
                context(plain(f"RequestId {request_id}")),
                *_read_back(change, read_back, simple=simple),
            ]
        case Refused() as refused:
            return _refused(change, refused)
        case Stale() as stale:
            return _stale(change, stale, simple=simple)
        case Stuck() as stuck:
            return _stuck(change, stuck, simple=simple)
        case Denied(reason=reason):
            return [section(mrkdwn(f"*Denied*{by}. Nothing was sent.")), quote(reason)]
        case Expired(why=why, detail=detail):
            missing = "the approvals were not given" if why == "approval" else "it could not be sent"
            ended = f"*Expired.* In the time allowed {missing}. Nothing was sent."
            return [section(mrkdwn(ended)), *chunks(detail), _again(change)]
    return [section(mrkdwn(f"*{change.state.capitalize()}*{by}. Nothing was sent."))]


def _refused(change: Change, refused: Refused) -> list[Block]:
    sent = "DBS refused the change." if change.sent_at else "The change was not sent."
    lines = [f"{refused.code}: {refused.message}"]
    if refused.request_id:
        lines.append(f"RequestId {refused.request_id}")
    advice = refused.advice or "Mend what the message names, then ask again."
    return [section(mrkdwn(f"*Refused.* {sent}")), *chunks("\n".join(lines)), section(plain(advice)), _again(change)]


def _stale(change: Change, stale: Stale, *, simple: bool) -> list[Block]:
    said = f"*Stale.* {stale.sentence} Nothing was sent."
    rows = moved(change.request.baseline, stale.now) if stale.now else ()
    return [section(mrkdwn(said)), *_table(rows, ("Parameter", "When asked", "Now"), simple=simple), _again(change)]


def _stuck(change: Change, stuck: Stuck, *, simple: bool) -> list[Block]:
    rows = moved(change.request.baseline, stuck.now) if stuck.now else ()
    check = (
        "Check the plan in the DBS console: is it as it was, or as it was proposed? The bot will not send this again. "
        "The plan is free for new changes."
    )
    buttons = [button("Read again", "read_again", change.id), *_again(change)["elements"]]
    return [
        section(mrkdwn("*Stuck.* Whether the change was applied is not known.")),
        *chunks(stuck.sentence),
        *_table(rows, ("Parameter", "Before", "Last read"), simple=simple),
        section(plain(check)),
        {"type": "actions", "elements": buttons},
    ]


def _again(change: Change) -> Block:
    return {"type": "actions", "elements": [button("New request", "new_request", change.id)]}


def _read_back(change: Change, read_back: ReadBack | None, *, simple: bool) -> list[Block]:
    if read_back is None or read_back.reading is None:
        return [section(plain("The plan could not be read back: check it in the DBS console."))]
    readable = [name for name in change.request.proposed if parameter(name).readable]
    reading = read_back.reading
    if read_back.differs:
        said = (
            f"*{len(read_back.differs)} of {len(readable)} values do not read back as sent:* check them in the console."
        )
        rows = compare_read_back(change.request.proposed, reading)
        blocks = [section(mrkdwn(said)), *_table(swapped(rows), ("Parameter", "Sent", "Read back"), simple=simple)]
    else:
        blocks = [section(plain(f"Read back: all {len(readable)} values that DBS shows are as sent."))]
    blocks.append(section(plain(f"Plan status: {reading.status or '(unknown)'}")))
    if reading.status != "running":
        blocks.append(section(plain(STATUS_ADVICE.get(reading.status, "Check the plan in the DBS console."))))
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
        return chunks(lines[:MOST_TEXT])
    return [table(rows, headings)]


def read_again_text(change: Change, status: str, rows_before: tuple[Row, ...], rows_after: tuple[Row, ...]) -> str:
    """Say what the plan of a stuck change looks like now, beside what it was and what it was to become."""
    if not rows_after:
        found = "Every value that DBS shows is now as it was proposed."
    elif not rows_before:
        found = "Every value that DBS shows is as it was before."
    else:
        listed = "\n".join(f"{row.label}: was {row.now}, now {row.proposed}" for row in rows_before)
        found = f"It is neither as before nor as proposed:\n{listed}"
    at = at_time(change.ended_at)
    return f"Read again, after the change was stuck at {at}. Status {status or '(unknown)'}. {found}"

"""The card: one message that is always the current truth about a change, drawn from its history."""

from bot.core.change import Change, State
from bot.core.diff import Diff, RowKind
from bot.core.events import Demand, Denied
from bot.core.policy_words import listed
from bot.core.saying import Kind
from bot.core.whom import by_whom
from bot.slack.rows import chunks, diff_of, in_full, sections, table, values
from bot.slack.text import (
    Block,
    bullets,
    button,
    context,
    cut,
    date,
    escape,
    fields,
    header,
    inert,
    link,
    literal,
    mrkdwn,
    plain,
    quote,
    rich,
    section,
    shortened,
)

EVENT_TYPE = "backup_plan_change"
CONFIRM_TEXT = 300
NAME = 200
"""Characters of a plan's name in a headline: longer ones end in "…" there, and are a row in full."""
RISK = 500
"""Characters of a risk: longer only where DBS names an engine, method or status that is no word at all."""
REASON = 1500
"""Characters of a reason, enough for every one without hidden characters: those take eight each to be shown."""

WHY = 1000
"""Characters of what all rules say together; the policy file has the rest."""

ASKED = 1500
"""Characters of what the policy asks for: longer only where many rules of many groups apply."""
WAITS = "Approved: waits until the policy allows it to be carried out,"
UNTIL_SENT = "until it is sent it can be denied or withdrawn"
ENDINGS = {
    State.APPROVED: f"Approved: about to be carried out; {UNTIL_SENT}",
    State.EXECUTING: "Being carried out",
    State.APPLIED: "Applied: DBS accepted it; the thread says what was read back",
    State.REFUSED: "Refused: not applied; the thread says why",
    State.STALE: "Stale: {undone}; the thread says what is no longer as it was",
    State.STUCK: "Stuck: nobody knows whether it was applied; the thread says what to check",
    State.DENIED: "Denied: {undone}",
    State.WITHDRAWN: "Withdrawn: {undone}",
    State.EXPIRED: "Expired: {undone}",
}


def metadata(change: Change, kind: Kind) -> Block:
    """Return what every message about a change carries: what it is, and the head of the history when it was written."""
    payload = {
        "change_id": change.id,
        "kind": kind,
        "state": change.state.value,
        "seq": change.seq,
        "head": change.head,
    }
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def plan_name(change: Change) -> str:
    """Return what people call the plan, and its id: foreign text, inert only where markup is not read."""
    request = change.request
    return f"{shortened(request.plan_name, NAME)} ({request.plan_id})" if request.plan_name else request.plan_id


def undone(change: Change, *, begin: bool = False) -> str:
    """Say that nothing came of a change, as far as that is known; `begin`: as the beginning of a sentence."""
    said = "it was tried, and nothing was done as far as DBS says" if change.sends else "nothing was sent"
    return said[0].upper() + said[1:] if begin else said


def card_text(change: Change) -> str:
    """Return the card in one line, for notifications and screen readers."""
    asked = f"<@{change.requester}> asks to change backup plan {escape(plan_name(change))}"
    if change.state is not State.PENDING:
        return f"{asked}: {change.state}"
    return f"{asked}. On call: {on_call}" if (on_call := _on_call(change)) else asked


def card_blocks(change: Change, *, simple: bool = False) -> list[Block]:
    """Return the card; `simple`: in blocks that every Slack takes, where it refused the others."""
    request = change.request
    shown = diff_of(request)
    blocks = [
        header("Backup plan change"),
        section(plain(f"Plan {plan_name(change)}")),
        fields(
            mrkdwn(f"*Requested by*\n<@{change.requester}>"),
            plain(f"Region\n{shortened(request.region, NAME) or '(unknown)'}"),
            mrkdwn(_approvals(change)),
            mrkdwn(_until(change)),
            *([mrkdwn(f"*On call*\n{on_call}")] if (on_call := _on_call(change)) else []),
        ),
        quote(shortened(request.reason, REASON)),
        *([rich(link(request.origin, "Asked in this message"))] if request.origin else []),
        *_changes(shown, simple=simple),
        *_risks(shown, simple=simple),
        *_standing(change),
    ]
    small = f"Change {change.id} · digest {request.digest[:16]} · DBS {inert(request.host)}"
    blocks.append(context(plain(small)))
    return blocks + _buttons(change, shown)


def _changes(shown: Diff, *, simple: bool) -> list[Block]:
    nothing = section(plain("No value changes: the same configuration is sent again."))
    if not shown.rows:
        changed = [nothing]
    elif not in_full(shown.rows):
        text = (
            f"The {len(shown.rows)} changed values are too long to be shown here in full, so this cannot be approved."
        )
        return [section(plain(text))]
    else:
        changed = [nothing] if shown.changes_nothing else []
        changed += sections(shown.rows) if simple else [table(shown.rows)]
    said = f"{len(shown.unchanged)} values stay as they are"
    if not shown.unchanged or not in_full((*shown.rows, *shown.unchanged)):
        return [*changed, context(plain(f"{said}."))]
    if simple:
        return [*changed, context(plain(f"{said}:")), *sections(shown.unchanged)]
    folded = {
        "type": "container",
        "title": plain(f"{len(shown.unchanged)} unchanged"),
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": [values(shown.unchanged)],
    }
    return [*changed, folded]


def _risks(shown: Diff, *, simple: bool) -> list[Block]:
    lines = [f"⚠ {shortened(risk.sentence, RISK)}" for risk in shown.risks]
    if simple:
        return chunks("\n".join(lines))
    return [bullets([[literal(line)] for line in lines])] if lines else []


def _on_call(change: Change) -> str:
    """Name who is on call for an incident, so that Slack calls them when the card appears; "" for other changes."""
    demand = change.request.demand
    return listed(demand.on_call) if demand.incident else ""


def _approvals(change: Change) -> str:
    needed = change.request.demand.approvals
    names = ", ".join(f"<@{vote.by}>" for vote in change.votes)
    return f"*Approvals*\n{change.counted} of {needed}" + (f": {names}" if names else "")


def _until(change: Change) -> str:
    if change.state is State.PENDING:
        return f"*Expires*\n{date(change.expires_at)}"
    if change.open and not change.sent_at:
        return f"*To be sent by*\n{date(change.expires_at)}"
    return f"*Requested*\n{date(change.requested_at)}"


def _standing(change: Change) -> list[Block]:
    """Say where it stands; what people or DBS wrote stays out of mrkdwn."""
    if change.state is State.PENDING:
        demand = change.request.demand
        more = change.lacking.sentence if len(demand.seats) > 1 else f"{change.missing} more"
        waiting = f"*Waiting for {cut(more, ASKED // 2)}.* {cut(demand.sentence, ASKED)}"
        return [section(mrkdwn(waiting)), *reasons(demand)]
    # Nothing is different for people between the last approval and the send.
    unsent = change.open and not change.sent_at
    state = State.APPROVED if unsent else change.state
    by = f" B{whom[2:]}." if (whom := by_whom(change)) else ""
    ending = (
        f"{WAITS} {date(until)}; {UNTIL_SENT}"
        if (until := change.waits_until)
        else ENDINGS[state].format(undone=undone(change))
    )
    said = section(mrkdwn(f"*{ending}.*{by}"))
    if isinstance(change.outcome, Denied):
        return [said, quote(shortened(change.outcome.reason, REASON))]
    return [said]


def reasons(demand: Demand) -> list[Block]:
    """Say why the rules that apply are there, in their authors' words, and which the plan leaves by a new name."""
    said = " ".join(rule.reason for rule in demand.rules if rule.reason)
    left = ", ".join(f"“{rule.name}”" for rule in demand.rules if rule.left)
    lines = [shortened(said, WHY)] if said else []
    lines += [shortened(f"By its new name the plan leaves the rule {left}.", WHY)] if left else []
    return [context(*map(plain, lines))] if lines else []


def _buttons(change: Change, shown: Diff) -> list[Block]:
    value = f"{change.id}.{change.request.digest}"
    deny = button("Deny", "deny", value, style="danger")
    withdraw = button("Withdraw", "withdraw", value)
    if change.state is State.PENDING and in_full(shown.rows):
        approve = button("Approve", "approve", value, style="primary", confirm=_confirm(change, shown))
        return [{"type": "actions", "elements": [approve, deny, withdraw]}]
    if change.open and not change.sent_at:
        return [{"type": "actions", "elements": [deny, withdraw]}]
    return []


def _confirm(change: Change, shown: Diff) -> Block:
    """Return the question before an approval: the plan and as many changes in full as fit, and how many do not.

    What is known to change comes first.
    """
    changing = [row for row in shown.rows if row.kind is not RowKind.REMEMBERED]
    rows = sorted(changing, key=lambda row: row.kind is not RowKind.CHANGED)
    lines = [f"{row.label}: {row.now} → {row.proposed}" for row in rows]
    text = f"Plan {shortened(plan_name(change), 120)}"
    room = CONFIRM_TEXT - len(f"\n{len(lines)} more changes, all on the card.")
    for done, line in enumerate(lines):
        if len(inert(f"{text}\n{line}")) > room:
            rest = len(lines) - done
            text += f"\n{rest} {'more ' if done else ''}{'change' if rest == 1 else 'changes'}, all on the card."
            break
        text += f"\n{line}"
    return {
        "title": plain("Approve this change?"),
        "text": plain(text if lines else f"{text}\nNo value changes."),
        "confirm": plain("Approve"),
        "deny": plain("Not yet"),
    }

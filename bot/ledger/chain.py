"""Whether a history is what was recorded: signed, each hash following from the one before, the head as told in Slack.

Who writes to the database can recompute every hash, but neither sign it nor change what was told in Slack. What they
can do is take the latest events away: only Slack has those.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from bot.core.change import Change, ImpossibleEvent, apply, begin
from bot.core.events import EVENTS, Event, chain_hash
from bot.errors import LedgerAltered
from bot.ledger.keys import RETIRED, Keys
from bot.ledger.statements import Row, astray, impossible


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the ledger is not what was recorded."""

    change_id: str
    seq: int
    sentence: str

    def __str__(self) -> str:
        """Name the change, the event and what is wrong with it."""
        return f"Change {self.change_id}, event {self.seq}: {self.sentence}"


def by_change(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Sort events into the histories they belong to, each in the order given."""
    histories: dict[str, list[Event]] = {}
    for event in events:
        histories.setdefault(event.change_id, []).append(event)
    return histories


def inspect(history: Iterable[Event], keys: Keys, before: Change | None = None) -> tuple[Change | None, list[Finding]]:
    """Fold one change's history as far as it is sound, and return every place where it is not.

    `before` is what came before it, folded from a history that is sound.
    """
    change = before
    previous = before.history[-1] if before else None
    findings: list[Finding] = []
    for event in history:
        finding = _link(previous, event) or _signed(event, keys)
        if finding is None and not findings:
            try:
                change = begin(event) if change is None else apply(change, event)
            except (ImpossibleEvent, ValidationError, KeyError) as error:
                finding = Finding(event.change_id, event.seq, _senseless(event, error))
        if finding:
            findings.append(finding)
        previous = event
    if change is not None and not findings and (seq := keys.added_later(change)) is not None:
        findings.append(Finding(change.id, seq, RETIRED))
    return change, findings


def fold_checked(
    change_id: str, history: Iterable[Event], head: tuple[int, str] | None, keys: Keys, before: Change | None = None
) -> Change | None:
    """Return the change that a history tells, behind what came `before`; None for an empty one.

    `head` is (seq, hash) of the last event as the projection remembers it, None where it knows no such change. Raises
    LedgerAltered naming the first event that does not hold.
    """
    change, findings = inspect(history, keys, before)
    if findings:
        raise LedgerAltered(change_id, findings[0].seq, findings[0].sentence)
    if head != ((change.seq, change.head) if change else None):
        last, recorded = change.seq if change else 0, head[0] if head else 0
        if last == recorded:
            raise LedgerAltered(change_id, last, "its hash is not the one that was recorded.")
        sentence = f"the events end at {last}, but {recorded or 'none'} of them were recorded."
        raise LedgerAltered(change_id, min(last, recorded) + 1, sentence)
    return change


def verify(events: Iterable[Event], keys: Keys) -> list[Finding]:
    """Return every event that was forged, edited, removed, moved or never could have happened, change by change.

    A tail that was cut off leaves no trace here: see `missing_tail` and `compare_projection`.
    """
    return [finding for history in by_change(events).values() for finding in inspect(history, keys)[1]]


def compare_projection(
    histories: Mapping[str, Sequence[Event]], rows: Iterable[Row], keys: Keys, now: datetime | None = None
) -> list[Finding]:
    """Compare the rows of ALL_CHANGES with sound histories: what the projection says must follow from the events.

    What it keeps beside them, how the card stands and who is at work, must at least be possible at the time `now`.
    """
    findings: list[Finding] = []
    projection = {str(row[0]): row for row in rows}
    for change_id in sorted(projection.keys() | histories.keys()):
        change, broken = inspect(histories.get(change_id, ()), keys)
        if broken:
            continue  # `verify` names these
        row = projection.get(change_id)
        if change is None or row is None:
            sentence = "it is recorded, but has no events." if row else "it has events, but no row in `changes`."
            findings.append(Finding(change_id, change.seq if change else 1, sentence))
            continue
        findings += [
            Finding(change_id, change.seq, f"`changes` says {name} {said!r}, the events say {follows!r}.")
            for name, said, follows in astray(change, row)
        ]
        findings += [
            Finding(change_id, change.seq, f"`changes` says {name} {said!r}, which no bot writes there.")
            for name, said in (impossible(change, row, now) if now else ())
        ]
    return findings


def missing_tail(histories: Mapping[str, Sequence[Event]], heads: Mapping[str, tuple[int, str]]) -> list[Finding]:
    """Compare histories with what was told in Slack: change id → (seq, hash) of the last event told there.

    It finds a tail that was cut, a change that is gone altogether, and a history rewritten with hashes that fit.
    """
    findings = []
    for change_id, (seq, head) in sorted(heads.items()):
        history = histories.get(change_id, ())
        last = history[-1].seq if history else 0
        there = next((event for event in history if event.seq == seq), None)
        if last < seq:
            missing = f"events {last + 1} to {seq} are" if last + 1 < seq else f"event {seq} is"
            findings.append(Finding(change_id, last + 1, f"Slack was told of event {seq}, but {missing} missing."))
        elif there is None or there.hash != head:
            findings.append(Finding(change_id, seq, "it is not the event that Slack was told of: its hash differs."))
    return findings


def _link(previous: Event | None, event: Event) -> Finding | None:
    """Return what is wrong between two events that stand beside each other."""
    expected = previous.seq + 1 if previous else 1
    if event.seq > expected:
        gap = f"events {expected} to {event.seq - 1} are" if expected + 1 < event.seq else f"event {expected} is"
        return Finding(event.change_id, expected, f"{gap} missing.")
    if event.seq < expected:
        return Finding(event.change_id, event.seq, f"it stands after event {expected - 1}.")
    before = previous.hash if previous else ""
    try:
        digest = chain_hash(before, event.change_id, event.seq, event.type, event.actor, event.at, event.data)
    except ValueError:  # a lone surrogate cannot be written as UTF-8, so it was never hashed
        digest = ""
    if digest != event.hash:
        follows = f"does not follow from event {previous.seq}" if previous else "does not fit its content"
        return Finding(event.change_id, event.seq, f"it is not what was recorded: its hash {follows}.")
    return None


def _signed(event: Event, keys: Keys) -> Finding | None:
    complaint = keys.complaint(event)
    return Finding(event.change_id, event.seq, complaint) if complaint else None


def _senseless(event: Event, error: Exception) -> str:
    if event.type not in EVENTS:
        return f"there is no event of type {event.type!r}."
    return f"{error}." if isinstance(error, ImpossibleEvent) else f"its data are not those of {event.type!r}."

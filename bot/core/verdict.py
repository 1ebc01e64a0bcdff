"""What it means for a change under way that the plan, DBS or the record says this or that. Pure: nothing is asked here.

None means that nothing stands against sending.
"""

from bot.core.change import Change
from bot.core.diff import compare_read_back, moved
from bot.core.events import Refused, Stale, Stuck, change_digest
from bot.core.one_plan import is_of_one_plan
from bot.core.reading import Reading
from bot.errors import DbsError, DbsRefused

Outcome = Refused | Stale | Stuck

LOCKED = "locked"
UNSEEN = "DBS does not show what was to change, so only its answer says that it was not done."


def judge_record(change: Change, host: str) -> Outcome | None:
    """Compare what would be sent to `host` with what was approved."""
    request = change.request
    if not is_of_one_plan(request):
        return unsendable(
            change,
            "PlanMismatch",
            "What would be sent is for another plan than the one that was read and judged.",
            "Find out who wrote to the ledger.",
        )
    digest = change_digest(request.proposed, request.secrets, host, request.baseline)
    if request.host == host and {digest} == {request.digest, *(vote.digest for vote in change.votes)}:
        return None
    return unsendable(
        change,
        "DigestMismatch",
        "What would be sent is not what was approved: the record or the DBS endpoint was changed.",
        "Find out who wrote to the ledger or changed the settings.",
    )


def judge_plan(change: Change, reading: Reading) -> Outcome | None:
    """Compare the plan as it is now with what the approvers saw and, after a send, with what it was to become."""
    if change.sent_at:
        return None if _before_or_after(change, reading) else _somebody_else(reading)
    if (done := judge_put_off(change, reading)) is not None:
        return done
    if moved(change.request.baseline, reading.baseline):
        return plan_moved(reading)
    if reading.status == LOCKED:
        return unsendable(
            change,
            "PlanLocked",
            "The plan is locked: DBS takes no change of it.",
            "Have the plan unlocked in the DBS console, usually by paying what is due.",
        )
    return None


def judge_put_off(change: Change, reading: Reading) -> Stuck | None:
    """Say that a send which DBS said it had not carried out may have been: the plan is what was proposed."""
    request = change.request
    if (
        not change.sends
        or not moved(request.baseline, reading.baseline)
        or compare_read_back(request.proposed, reading)
    ):
        return None
    return Stuck(
        sentence="DBS asked to wait when it was sent, and yet the plan is now what was proposed.",
        now=dict(reading.baseline),
    )


def judge_refusal(change: Change, reading: Reading, error: DbsRefused) -> Outcome:
    """Say what a refusal means, given the plan as it was read after it: nothing was done only if it is as it was.

    After an earlier send that went unanswered nobody knows: the first copy may have been carried out, or be on its way
    still. Where DBS shows nothing of what was to change, its word on a first send is all there is, and that is said.
    """
    untouched = not moved(change.request.baseline, reading.baseline)
    shows = bool(compare_read_back(change.request.proposed, reading))
    if len(change.sent_at) > 1:
        said = "An earlier send went unanswered and may have been carried out, or may yet be; a repeat was refused"
        return Stuck(sentence=f"{said}: {error}", now=dict(reading.baseline))
    if not untouched:
        how = "not what it was" if shows else "what was proposed"
        return Stuck(sentence=f"DBS refused it, and yet the plan is now {how}: {error}", now=dict(reading.baseline))
    refused = dbs_refused(error)
    return refused if shows else refused.model_copy(update={"advice": f"{refused.advice} {UNSEEN}".strip()})


def unconfirmed(error: DbsRefused, why: DbsError) -> Stuck:
    """Say that DBS refused it, and that no reading shows whether the plan is as it was."""
    return Stuck(sentence=f"DBS refused it ({error}), and whether the plan is as it was could not be read: {why}")


def unread(error: DbsRefused) -> Stuck:
    """Say that DBS put a send off, and that no reading shows whether the plan is as it was."""
    return Stuck(sentence=f"DBS put off what was sent, and whether the plan is as it was could not be read: {error}")


def plan_moved(reading: Reading) -> Stale:
    """Say that the plan is no longer what the approvers saw."""
    return Stale(
        why="plan", sentence="The plan changed after it was read for this request.", now=dict(reading.baseline)
    )


def dbs_refused(error: DbsRefused) -> Refused:
    """Write DBS's refusal down as it said it."""
    return Refused(code=error.code, message=error.message, request_id=error.request_id, advice=error.advice)


def unsendable(change: Change, code: str, message: str, advice: str) -> Outcome:
    """Say that a change cannot be sent, or not once more."""
    if change.sends:
        return Stuck(sentence=f"It was sent before, and cannot be sent again. {message} {advice}")
    return Refused(code=code, message=message, advice=advice)


def _before_or_after(change: Change, reading: Reading) -> bool:
    """Whether the plan looks as it did when approved, or as it was to become: either may be our own doing."""
    request = change.request
    return not moved(request.baseline, reading.baseline) or not compare_read_back(request.proposed, reading)


def _somebody_else(reading: Reading) -> Stuck:
    return Stuck(
        sentence="It was sent without an answer, and the plan is now neither what it was nor what was approved: "
        "somebody else may have changed it.",
        now=dict(reading.baseline),
    )

"""docs/reliability.md, written from what the runs came to."""

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median

from chaos.crowd import APPROVERS, FEW, RUSH
from chaos.findings import NEEDED
from chaos.run import CHANGES, LEASE, RATES, SWEEP, Result

HEAD = f"""\
# What breaks, and what comes of it

`make chaos` wrote this file. Each run starts real processes of the bot on one ledger, with a Slack and a DBS that keep
to the real protocols on loopback. People ask for {CHANGES} changes, each of a plan of its own and each needing
{NEEDED} approvals. {APPROVERS} people may approve: all of them press Approve twice on every {RUSH}th change, {FEW} of
them, drawn anew, on each of the others. Meanwhile the things below go wrong, at moments that the run's seed decides.
Slack's rate limits are in force, {RATES:.0f} times as high as they are. The lease of an execution is {LEASE:.0f} s here
and the sweep comes every {SWEEP:.0f} s; in production they are 60 s and 5 s.

Afterwards a run is green if every change has one outcome, exactly {NEEDED} different approvers and not the requester
among them, one client token at most, one effect at DBS at most and exactly one where it is called applied, one card
without buttons and one outcome message; if every acknowledged approval is recorded or its clicker was told that it is
not; if `ledger verify --slack` finds every chain whole; and if no process wrote a traceback and Slack refused nothing
that the bot sent.
"""
TIMES = """\
A recovery is the time from the moment a process was killed or paused to the recorded outcome of a change that it was
carrying out and that another process had to go on with, while everything else went wrong too: the next send can be
throttled or lost as well, and then waits. "Killed, nothing else" is the same with ten changes on one killed process
and no other trouble: the lease has to run out, the next sweep finds the change, and it is carried out.
"""


def report(results: Sequence[Result], killed: Mapping[str, Sequence[float]], today: date) -> str:
    """Return the document; `killed` has, store by store, the seconds of `recovery.measure`."""
    stores = list(dict.fromkeys(result.store for result in results))
    columns = [[result for result in results if result.store == store] for store in stores]
    green = sum(not result.wrong for result in results)
    lines = [
        HEAD,
        (
            f"{green} of {len(results)} runs were green on {today}, on {platform.system()} with Python"
            f" {platform.python_version()}. One that is not can be played again:"
            " `make chaos STORE=sqlite SEED=7 SEEDS=1`."
        ),
        "",
        *_table(["", *stores], _summary(columns, [killed[store] for store in stores])),
        "",
        TIMES,
        "## What went wrong, how often",
        "",
        *_table(["fault", *stores], _faults(columns)),
        "",
        "## Run by run",
        "",
        *_table(
            ["store", "seed", "green", "outcomes", "clicks, failed", "recoveries, longest", "took"], _runs(results)
        ),
        "",
    ]
    lines += [f"- {one.store}, seed {one.seed}: {sentence}" for one in results for sentence in one.wrong]
    return "\n".join(lines).rstrip() + "\n"


def _summary(columns: Sequence[Sequence[Result]], killed: Sequence[Sequence[float]]) -> list[list[str]]:
    recoveries = [[seconds for result in column for seconds in result.recoveries] for column in columns]
    return [
        ["processes", *(str(column[0].processes) for column in columns)],
        ["runs, green", *(f"{len(column)}, {sum(not one.wrong for one in column)}" for column in columns)],
        ["faults", *(f"{sum(one.faults.total() for one in column):,}" for column in columns)],
        ["clicks on Approve", *(f"{sum(one.clicks for one in column):,}" for column in columns)],
        ["of these failed, visibly", *(f"{sum(one.failed_clicks for one in column):,}" for column in columns)],
        ["changes", *(f"{sum(one.changes for one in column):,}" for column in columns)],
        ["effects at DBS", *(f"{sum(one.count.effects for one in column):,}" for column in columns)],
        ["duplicates", *(f"{sum(one.count.duplicates for one in column):,}" for column in columns)],
        ["losses", *(f"{sum(one.count.losses for one in column):,}" for column in columns)],
        ["recoveries", *(f"{len(seconds):,}" for seconds in recoveries)],
        ["recovery, p50 / max", *map(_times, recoveries)],
        ["killed, nothing else: p50 / max", *map(_times, killed)],
    ]


def _faults(columns: Sequence[Sequence[Result]]) -> list[list[str]]:
    counts = [sum((result.faults for result in column), Counter[str]()) for column in columns]
    names = sorted({name for count in counts for name in count})
    return [[name, *(f"{count[name]:,}" if name in count else "–" for count in counts)] for name in names]


def _runs(results: Sequence[Result]) -> list[list[str]]:
    return [
        [
            one.store,
            str(one.seed),
            "no" if one.wrong else "yes",
            ", ".join(f"{count} {name}" for name, count in one.outcomes.most_common()),
            f"{one.clicks:,}, {one.failed_clicks}",
            f"{len(one.recoveries)}, {max(one.recoveries):.1f} s" if one.recoveries else "0",
            f"{one.seconds:.0f} s",
        ]
        for one in results
    ]


def _times(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f} s / {max(seconds):.1f} s" if seconds else "–"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]

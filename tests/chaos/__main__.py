"""`make chaos`: run after run on each store, seed after seed, and docs/reliability.md from what they came to."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from chaos.recovery import measure
from chaos.report import report
from chaos.run import Result, run
from chaos.stores import STORES

SEEDS = 20


def main() -> int:
    """Play what was asked for; return 1 if anything was not as it must be."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--store", choices=STORES, help="only this one")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, on each store")
    parser.add_argument("--write", type=Path, help="where the report goes, if all seeds of all stores are played")
    asked = parser.parse_args()
    reported = asked.write if not asked.store and asked.seeds >= SEEDS else None
    results: list[Result] = []
    killed: dict[str, list[float]] = {}
    for name in [asked.store] if asked.store else STORES:
        if reported:
            store = STORES[name]()
            with tempfile.TemporaryDirectory() as folder:
                killed[store.name] = asyncio.run(measure(store, Path(folder)))
        for seed in range(asked.seed, asked.seed + asked.seeds):
            folder = tempfile.mkdtemp(prefix=f"chaos-{name}-{seed}-")
            result = asyncio.run(run(STORES[name](), seed, Path(folder)))
            results.append(result)
            say(result, folder)
    if reported:
        reported.write_text(report(results, killed, datetime.now(UTC).date()), encoding="utf-8")
        sys.stdout.write(f"written: {reported}\n")
    return int(any(result.wrong for result in results))


def say(result: Result, folder: str) -> None:
    """Print a line for a run, and a line for everything that is wrong; the files of a green run go."""
    outcomes = ", ".join(f"{count} {name}" for name, count in result.outcomes.most_common())
    judged = "NOT AS IT MUST BE" if result.wrong else "green"
    sys.stdout.write(
        f"{result.store}, seed {result.seed}: {judged}; {outcomes}; {result.faults.total()} faults, "
        f"{result.clicks} clicks of which {result.failed_clicks} failed, {result.seconds:.0f} s\n"
    )
    for sentence in result.wrong:
        sys.stdout.write(f"  {sentence}\n")
    if result.wrong:
        sys.stdout.write(f"  logs and ledger are kept in {folder}\n")
    else:
        shutil.rmtree(folder)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

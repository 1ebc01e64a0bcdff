"""One run of chaos on each store, a third as long as those of `make chaos`; any other seed: CHAOS_SEED=7."""

import os
from datetime import date
from pathlib import Path

import pytest

from chaos.findings import Count
from chaos.report import report
from chaos.run import Result, run
from chaos.stores import STORES
from chaos.trouble import plan_trouble

pytestmark = pytest.mark.usefixtures("forked")

SEED = int(os.environ.get("CHAOS_SEED", "1"))


@pytest.mark.parametrize("name", STORES)
async def test_whatever_breaks_every_change_has_one_outcome_one_effect_and_one_message(
    name: str, tmp_path: Path
) -> None:
    result = await run(STORES[name](), SEED, tmp_path, changes=20, window=6.0)
    assert result.wrong == [], f"seed {SEED} on {result.store}"
    assert result.changes == 20
    assert {"process killed", "process paused"} < {*result.faults}


def test_the_same_seed_makes_the_same_trouble_and_another_one_another() -> None:
    one, again, other = (plan_trouble(seed, 3, ("server restarted",), window=14, lease=4) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_the_report_says_which_runs_were_not_as_they_must_be() -> None:
    bad = Result("SQLite", 7, processes=2, wrong=["dbs1: there are 2 effects"], count=Count(61, 1, 0))
    written = report([bad, Result("PostgreSQL", 7, processes=3)], {"SQLite": [5.0], "PostgreSQL": []}, date(2026, 1, 2))
    assert "1 of 2 runs were green on 2026-01-02" in written
    assert "| duplicates | 1 | 0 |" in written
    assert "- SQLite, seed 7: dbs1: there are 2 effects\n" in written

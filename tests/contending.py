"""Several processes at once on one ledger, each playing a role of tests/ledger/contender.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
Roles = list[tuple[str, ...]]


def run(ledger: Path | str, roles: Roles) -> list[subprocess.CompletedProcess[str]]:
    """Start one process a role, let all of them go at once, and return what they printed."""
    started = [
        subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-W", "error", ROOT / "tests/ledger/contender.py", role, ledger, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        )
        for role, *arguments in roles
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    done = []
    for process in started:
        out, err = process.communicate(timeout=60)
        done.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return done


def answers(done: list[subprocess.CompletedProcess[str]]) -> list[object]:
    """Return what each printed, all of them without a failure."""
    assert [process.stderr for process in done] == [""] * len(done)
    assert [process.returncode for process in done] == [0] * len(done)
    return [json.loads(process.stdout.splitlines()[-1]) for process in done]

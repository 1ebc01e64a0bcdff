"""What is installed is what was tested, and what is started exists."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINES = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("# ")]
PINS = {canonicalize_name(name): pinned for name, _, pinned in (line.partition("==") for line in LINES)}
PROCESSES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def declared() -> Iterator[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    for line in [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]:
        requirement = Requirement(line)
        if requirement.name != PROJECT["name"]:
            yield requirement


def test_every_line_is_a_name_and_an_exact_version() -> None:
    assert [line for line in LINES if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []
    assert len(PINS) == len(LINES)


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    assert [
        str(needed) for needed in declared() if not needed.specifier.contains(PINS[canonicalize_name(needed.name)])
    ] == []


@pytest.mark.parametrize("name", sorted(PINS))
def test_what_is_pinned_is_installed_and_all_that_it_needs_is_pinned(name: str) -> None:
    assert version(name) == PINS[canonicalize_name(name)]
    for line in requires(name) or []:
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            assert needed.specifier.contains(PINS[canonicalize_name(needed.name)]), line


def test_the_project_does_not_pin_itself() -> None:
    assert canonicalize_name(PROJECT["name"]) not in PINS


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_the_procfile_starts_commands_that_exist(name: str) -> None:
    python, *arguments = PROCESSES[name].split()
    assert python == "python"
    asked = subprocess.run(  # noqa: S603 - our own Procfile
        [sys.executable, *arguments, "--help"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert (asked.returncode, asked.stderr) == (0, "")


def test_the_procfile_has_a_way_to_run_and_a_check_before() -> None:
    assert PROCESSES.keys() == {"web", "worker", "release"}


def test_ci_can_be_run() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)

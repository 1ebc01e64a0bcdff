"""What is installed is what was tested, and what is started exists."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"colorama"}
"""Installed on other systems only."""


@dataclass(frozen=True)
class PinnedFile:
    """A file of pins: name → version, and name → hashes; `strange` is whatever else stands in it."""

    pins: dict[str, str]
    hashes: dict[str, list[str]]
    strange: list[str]

    @classmethod
    def read(cls, path: Path) -> "PinnedFile":
        """Read the form that `pip install --require-hashes` takes."""
        found = cls({}, {}, [])
        lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
        for line in "\n".join(lines).replace("\\\n", " ").splitlines():
            match = re.fullmatch(
                r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)( *;[^#]+?)?((?: +--hash=sha256:[0-9a-f]{64})+)", line
            )
            if match is None:
                found.strange.append(line)
                continue
            name = canonicalize_name(match[1])
            assert name not in found.pins
            found.pins[name], found.hashes[name] = match[2], match[4].split()
        return found


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUN, DEV = (PinnedFile.read(ROOT / name) for name in ("requirements.txt", "requirements-dev.txt"))
PINS = RUN.pins | DEV.pins
PROCESSES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def declared(*extras: str) -> Iterator[Requirement]:
    lines = list(PROJECT["dependencies"])
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    return (needed for needed in map(Requirement, lines) if needed.name != PROJECT["name"])


def test_each_line_is_a_name_a_version_and_its_hashes() -> None:
    """No address: whoever installs it says where from, and the hashes say whether it is the same."""
    for file in (RUN, DEV):
        assert file.strange == []
        assert [name for name, hashes in file.hashes.items() if not hashes] == []


def test_what_runs_the_bot_stands_apart() -> None:
    runs = {canonicalize_name(needed.name): needed for needed in declared("postgres")}
    assert runs.keys() <= RUN.pins.keys()
    assert not RUN.pins.keys() & DEV.pins.keys()
    assert not {"pytest", "ruff", "mypy", "playwright", "hypothesis", "rich", "setuptools"} & RUN.pins.keys()


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    assert [
        str(needed)
        for needed in declared(*PROJECT["optional-dependencies"])
        if not needed.specifier.contains(PINS[canonicalize_name(needed.name)])
    ] == []


@pytest.mark.parametrize("name", sorted(name for name in PINS if name not in ELSEWHERE))
def test_what_is_pinned_is_installed_and_all_that_it_needs_is_pinned(name: str) -> None:
    assert version(name) == PINS[canonicalize_name(name)]
    for line in requires(name) or []:
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            assert name not in RUN.pins or canonicalize_name(needed.name) in RUN.pins, line
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

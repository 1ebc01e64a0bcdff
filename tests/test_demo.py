"""The demo plays the bot's main job with the real process, says so, notices every difference and leaves nothing."""

import io
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.playground.dbs.faults import ignore, lose_answer, refuse
from bot.playground.expected import PLAN
from bot.playground.printing import Plain, columns
from bot.playground.script import STEPS, play
from bot.playground.sketch import Line, Table
from bot.playground.stage import PASSWORD, POLICY, Stage

DEMO = [sys.executable, "-m", "bot", "demo", "--script"]
IN_THE_BACKGROUND = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *DEMO]
"""As a script starts it with `&`: SIGINT is ignored."""


@contextmanager
def nothing_left(folder: Path) -> Iterator[dict[str, str]]:
    """Yield an environment for the demo; afterwards its temporary folder must be empty."""
    temporary = folder / "temporary"
    temporary.mkdir()
    yield {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(temporary), "COLUMNS": "100"}
    assert list(temporary.iterdir()) == []
    assert list(folder.iterdir()) == [temporary]


def no_process_in(group: int) -> bool:
    """Tell whether a process group is empty."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_demo_succeeds_is_plain_when_piped_and_leaves_nothing(tmp_path: Path) -> None:
    with nothing_left(tmp_path) as environment:
        demo = subprocess.Popen(  # noqa: S603 - ourselves
            DEMO, cwd=tmp_path, env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        said, problems = demo.communicate(timeout=60)
    assert (demo.returncode, problems) == (0, b"")
    assert no_process_in(demo.pid)
    text = said.decode()
    assert "\x1b" not in text
    assert PASSWORD not in text
    assert [f"{number}. {title}" for number, (title, _) in enumerate(STEPS, 1)] == re.findall(
        r"^\d\. .*", text, re.MULTILINE
    )
    assert re.search(rf"^Everything was as it should be: {len(STEPS)} steps in [0-9.]+ s\.$", text, re.MULTILINE)
    assert max(len(line) for line in text.splitlines()) <= 100


def test_the_demo_has_colours_and_boxes_on_a_terminal(tmp_path: Path) -> None:
    with nothing_left(tmp_path) as environment:
        ours, theirs = pty.openpty()
        demo = subprocess.Popen(  # noqa: S603 - ourselves
            DEMO, cwd=tmp_path, env={**environment, "TERM": "xterm-256color"}, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        text = b"".join(iter(lambda: read(ours), b"")).decode()
        os.close(ours)
        assert demo.wait() == 0
    assert "\x1b[1;32mana\x1b[0m" in text
    assert "╭─" in text
    assert PASSWORD not in text


def read(terminal: int) -> bytes:
    """Read what was written to a terminal; Linux says by an error that nobody writes any more."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("command", "number"), [(DEMO, signal.SIGTERM), (IN_THE_BACKGROUND, signal.SIGTERM), (DEMO, signal.SIGINT)]
)
def test_a_demo_that_is_told_to_end_leaves_nothing_either(
    tmp_path: Path, command: list[str], number: signal.Signals
) -> None:
    with nothing_left(tmp_path) as environment:
        demo = subprocess.Popen(  # noqa: S603 - ourselves
            command, cwd=tmp_path, env=environment, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            pipesize=4096,  # half of what it prints: it cannot come to its end before we go on reading
        )  # fmt: skip
        assert demo.stdout is not None
        assert any(b"form opens" in line for line in demo.stdout)
        demo.send_signal(number)
        demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert no_process_in(demo.pid)


def no_policy(stage: Stage) -> None:
    """Leave no approvers in the policy."""
    stage.policy_file.write_text("[defaults]\n")


def approved_by_one(stage: Stage) -> None:
    """Have the policy ask for one approval only."""
    stage.policy_file.write_text(POLICY.replace("approvals = 2", "approvals = 1"))


def guest_is_a_member(stage: Stage) -> None:
    """Make the guest an approver like others."""
    stage.gus.member.restricted = False
    stage.slack.world.workspace.groups["S0DBA"].members.append(stage.gus.id)


def asked_twice(stage: Stage) -> None:
    stage.settings |= {"EXECUTION_LEASE": "4s", "DBS_TIMEOUT": "3s"}  # so that nobody waits long for the second time
    stage.dbs.next("ConfigureBackupPlan", lose_answer())


UPSETS: dict[str, tuple[Callable[[Stage], None], str]] = {
    "the policy is broken": (no_policy, "The bot starts"),
    "the engine has other rules": (
        lambda stage: stage.dbs.change(PLAN, DatabaseType="Oracle"),
        "A form that knows the plan",
    ),
    "the plan is another": (lambda stage: stage.dbs.change(PLAN, BackupRetentionPeriod=729), "The review"),
    "one approval is enough": (approved_by_one, "The review"),
    "a guest may approve": (guest_is_a_member, "Who may not approve"),
    "DBS refuses": (lambda stage: stage.dbs.next("ConfigureBackupPlan", refuse("Refused")), "What DBS received"),
    "DBS is asked twice": (asked_twice, "What DBS received"),
    "DBS ignores a value": (
        lambda stage: stage.dbs.next("ConfigureBackupPlan", ignore("BackupRetentionPeriod")),
        "The outcome",
    ),
}


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("upset", UPSETS)
async def test_a_demo_in_which_something_differs_fails_and_names_the_step(upset: str) -> None:
    prepare, step = UPSETS[upset]
    out = io.StringIO()
    assert await play(out, prepare) == 1
    assert f"Differed at “{step}”: " in out.getvalue()


def test_a_table_on_plain_paper_keeps_every_word_within_the_width() -> None:
    rows = [("Parameter", "Now", "Proposed"), ("Objects", "one\ntwo", "a rather long cell that has to be broken")]
    assert list(columns(rows, 40)) == [
        "Parameter   Now   Proposed",
        "---------   ---   ------------",
        "Objects     one   a rather",
        "            two   long cell",
        "                  that has to",
        "                  be broken",
    ]


def test_plain_paper_marks_quotes_and_indents_what_goes_on() -> None:
    out = io.StringIO()
    Plain(out).shown("seen", [Line("why\nso", "quote"), Line("x" * 5), Table((("A", "B"), ("1", "2")))])
    assert out.getvalue().splitlines() == [
        "",
        "  seen",
        "  | > why",
        "  |     so",
        "  | xxxxx",
        "  | A   B",
        "  | -   -",
        "  | 1   2",
    ]

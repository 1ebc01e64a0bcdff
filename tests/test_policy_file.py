"""The policy file while the bot runs: when a change counts, what a broken one leaves in force, and who is told."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from doubles import POLICY, ToldClock, World

from bot.core.policy import Policy, read_policy
from bot.core.saying import PolicyNotice
from bot.errors import ConfigError, LedgerBusy
from bot.policy_file import PolicyFile
from bot.policy_watch import SETTLE, PolicyWatch
from bot.ports import Ledger
from bot.tasks import Tasks

OPERATED = POLICY.replace("approvals = 2", 'operators = "C0OPS"\napprovals = 2')
STRICT = OPERATED.replace("approvals = 2", "approvals = 3")
BROKEN = OPERATED.replace("approvers", "aprovers")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "policy.toml"
    written.write_text(OPERATED, encoding="utf-8")
    return written


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def digest(text: str) -> str:
    return read_policy(text).digest[:16]


def refreshed(file: PolicyFile) -> bool:
    """Look until the file has settled, as the watch does, and say whether anything is different now."""
    changed = file.refresh()
    while file.settling:
        changed |= file.refresh()
    return changed


# The file


def test_a_changed_file_takes_the_place_of_the_old(path: Path) -> None:
    file = PolicyFile(path)
    assert not refreshed(file)
    write(path, STRICT)
    assert refreshed(file)
    assert (file.policy.defaults.approvals, file.problems) == (3, ())
    assert not refreshed(file)


def test_what_is_seen_only_once_does_not_count(path: Path) -> None:
    """Half a file may be a policy, and a laxer one: here the secrets are not written yet."""
    file = PolicyFile(path)
    write(path, STRICT.partition("[secrets")[0])
    assert not file.refresh()
    assert file.settling
    write(path, STRICT)
    assert not file.refresh()
    assert file.policy == read_policy(OPERATED)
    assert file.refresh()
    assert file.policy == read_policy(STRICT)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (BROKEN.encode(), "defaults.aprovers: unknown key"),
        (b"[defaults", "not TOML: "),
        (b"\xff", "cannot be read: it is not UTF-8 text."),
        (b"", "defaults: is missing"),
        (None, "cannot be read: No such file or directory."),
    ],
)
def test_req34_a_broken_or_missing_file_keeps_the_old_policy_and_says_what_is_wrong(
    path: Path, content: bytes | None, problem: str
) -> None:
    file = PolicyFile(path)
    before = file.policy
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert refreshed(file)
    assert file.policy is before
    assert any(said.startswith(f"POLICY_FILE {path}") and problem in said for said in file.problems)
    assert file.health == {"policy": "broken"}, "anybody may ask"
    assert not refreshed(file), "the same trouble is no news"
    write(path, OPERATED)
    assert refreshed(file)
    assert (file.policy, file.problems, file.trouble, file.health) == (before, (), "", {})


def test_another_mistake_is_another_trouble(path: Path) -> None:
    file = PolicyFile(path)
    write(path, BROKEN)
    refreshed(file)
    first = file.trouble
    write(path, BROKEN.replace("approvals", "aprovals"))
    assert refreshed(file)
    assert file.trouble not in {first, ""}


def test_a_comment_changes_nothing_that_counts(path: Path) -> None:
    file = PolicyFile(path)
    write(path, f"# who may do what\n{OPERATED}")
    assert not refreshed(file)


def test_a_swapped_symbolic_link_is_noticed(tmp_path: Path) -> None:
    """A mounted configuration changes like this: the file's own name, and what it links to, stay."""
    for name, text in (("one", OPERATED), ("two", STRICT)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.toml").write_text(text, encoding="utf-8")
    (tmp_path / "..data").symlink_to("one")
    link = tmp_path / "linked.toml"
    link.symlink_to("..data/policy.toml")
    file = PolicyFile(link)
    (tmp_path / "..data_tmp").symlink_to("two")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert refreshed(file)
    assert file.policy.defaults.approvals == 3


def test_an_edit_of_the_same_length_within_one_tick_of_the_clock_is_noticed(path: Path) -> None:
    file, before = PolicyFile(path), path.stat()
    write(path, STRICT)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert refreshed(file)


def test_req34_without_a_first_policy_there_is_nothing_to_go_on_with(path: Path) -> None:
    write(path, BROKEN)
    with pytest.raises(ConfigError, match="unknown key"):
        PolicyFile(path)


# The watch


class Watching:
    """One process that watches the file: whom it told what, and of which policies it looked at groups and channels."""

    def __init__(self, path: Path, ledger: Ledger, clock: ToldClock) -> None:
        self.file = PolicyFile(path)
        self.told: list[tuple[str, PolicyNotice]] = []
        self.warned: list[Policy] = []
        self.tasks = Tasks()
        self.watch = PolicyWatch(
            file=self.file, ledger=ledger, tell=self._tell, warn=self._warn, clock=clock,
            interval=timedelta(seconds=5), tasks=self.tasks,
        )  # fmt: skip

    async def look(self) -> None:
        await self.watch.look()
        await self.tasks.finish(1)

    async def _tell(self, channel: str, notice: PolicyNotice) -> None:
        self.told.append((channel, notice))

    async def _warn(self, policy: Policy) -> None:
        self.warned.append(policy)


async def test_operators_hear_once_that_the_file_broke_and_once_that_it_is_mended_whoever_reads_it_first(
    path: Path, tmp_path: Path
) -> None:
    async with World(tmp_path) as world:
        one, two = (Watching(path, process.ledger, world.clock) for process in (world.process(), world.process()))

        async def both() -> list[tuple[str, PolicyNotice]]:
            await asyncio.gather(one.look(), two.look())
            await one.look()
            told = one.told + two.told
            one.told, two.told = [], []
            return told

        assert await both() == [], "what the ledger begins with is no news"
        write(path, BROKEN)
        ((channel, broken),) = await both()
        assert (channel, broken.digest, broken.was) == ("C0OPS", digest(OPERATED), digest(OPERATED))
        assert broken.problems == one.file.problems == two.file.problems
        write(path, STRICT)
        assert await both() == [("C0OPS", PolicyNotice(digest(STRICT), digest(OPERATED), (), mended=True))]
        assert [one.warned, two.warned] == [[read_policy(STRICT)]] * 2, "each looks at the groups for its own log"
        write(path, OPERATED)
        assert await both() == [("C0OPS", PolicyNotice(digest(OPERATED), digest(STRICT)))]


async def test_what_changed_while_no_process_ran_is_told_by_the_next_one(path: Path, tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await Watching(path, world.ledger, world.clock).look()
        write(path, STRICT)
        for told in ([("C0OPS", PolicyNotice(digest(STRICT), digest(OPERATED)))], []):
            later = Watching(path, world.ledger, world.clock)
            await later.look()
            assert later.told == told


async def test_a_policy_that_names_no_operators_any_more_is_told_to_the_last_ones(path: Path, tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        watching = Watching(path, world.ledger, world.clock)
        await watching.look()
        write(path, POLICY)
        await watching.look()
        write(path, POLICY.replace("approvals = 2", "approvals = 1"))
        await watching.look()
    assert [channel for channel, _ in watching.told] == ["C0OPS"]


async def test_what_a_locked_ledger_kept_from_being_told_is_told_at_the_next_look(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(_topic: str, _now: str) -> str | None:
        raise LedgerBusy("locked")

    async with World(tmp_path) as world:
        watching = Watching(path, world.ledger, world.clock)
        await watching.look()
        write(path, BROKEN)
        with monkeypatch.context() as locked:
            locked.setattr(world.ledger, "noted", busy)
            await watching.look()
        assert (watching.told, watching.file.health != {}) == ([], True)
        await watching.look()
    assert len(watching.told) == 1


async def test_the_file_is_looked_at_once_an_interval_and_once_more_soon_where_it_changed(
    path: Path, tmp_path: Path
) -> None:
    clock, done = ToldClock(), asyncio.Event()
    steps: list[Callable[[], Awaitable[object]]] = []

    async def nothing() -> None: ...

    async def edit() -> None:
        write(path, STRICT)

    async def stop() -> None:
        done.set()

    steps += [nothing, edit, nothing, stop]
    clock.meanwhile.extend(steps)
    async with World(tmp_path) as world:
        watching = Watching(path, world.ledger, clock)
        running = asyncio.create_task(watching.watch.run())
        await done.wait()
        running.cancel()
        await watching.tasks.finish(1)
    assert clock.slept[:4] == [5.0, 5.0, SETTLE, 5.0]
    assert watching.file.policy == read_policy(STRICT)


async def test_whoever_says_that_it_changed_is_believed_at_once(path: Path, tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        watching = Watching(path, world.ledger, world.clock)
        write(path, STRICT)
        watching.watch.hurry()
        watching.watch.hurry()
        await watching.tasks.finish(2)
        assert watching.file.policy == read_policy(STRICT)
        assert world.clock.slept == [SETTLE]

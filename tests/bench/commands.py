"""From `/backup-plan configure <plan>` to `views.open`, and the typeahead, beside a Bolt app that does nothing more."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.processes import REST, Child, child, start_bot
from bench.row import Row, p99
from bench.stock import Server, command, load_on, noop, typed
from bot.playground.acts import listed
from bot.playground.dbs.plans import crowd
from bot.playground.stage import Stage

COMMANDS, LETTERS, PLANS = 20, 120, 10_000
TYPED = ("orders", "dbscrowd09", "shard 07 mysql", "running 0999", "no such plan", "0", "mysql 4999", "xyz")
"""What people type: some find a hundred plans at once, some are looked for in all of them in vain."""

LETTER = (
    "On top of what the other one does, ten thousand plans are looked through, up to 0.7 ms while the machine was at "
    "its slowest; a hundred options are made of them, 0.2 ms, and 14 KiB of JSON of those, 0.2 ms."
)


async def measure(rounds: int) -> list[Row]:
    """Both servers get the same payloads, one after the other, round by round."""
    opened: tuple[list[float], list[float]] = ([], [])
    suggested: tuple[list[float], list[float]] = ([], [])
    with TemporaryDirectory() as folder:
        async with Stage(Path(folder)) as stage, child("load", REST) as load, noop(stage) as nothing:
            stage.dbs.plans |= {plan["BackupPlanId"]: plan for plan in crowd(PLANS)}
            process = await start_bot(stage)
            servers = (Server(process.process.pid, process.port), nothing)
            await stage.rita.command("/backup-plan configure", channel="C0OPS")
            await stage.rita.wait_for_view()
            await listed(stage.rita, "orders", seconds=60)
            letters = [typed(stage, stage.rita, TYPED[number % len(TYPED)]) for number in range(LETTERS)]
            for server in servers:
                await _opening(stage, load, server)
            for _ in range(rounds):
                for which, server in enumerate(servers):
                    opened[which].append(median(await _opening(stage, load, server)))
                    samples = await load_on(load, stage, server, letters)
                    suggested[which].append(p99(took for _, took, _ in samples))
    return [
        Row(
            "`/backup-plan configure X` until `views.open` is sent", "Bolt app that does just that",
            1.3, tuple(opened[0]), tuple(opened[1]), "ms",
        ),
        Row(
            f"Typeahead over {PLANS:,} plans, 99th percentile", "Bolt app that does nothing",
            3.0, tuple(suggested[0]), tuple(suggested[1]), "ms", LETTER,
        ),
    ]  # fmt: skip


async def _opening(stage: Stage, load: Child, server: Server) -> list[float]:
    """Return how many milliseconds it takes each time from the command until Slack has the call."""
    before = len(stage.slack.journal.called("views.open"))
    bodies = [command(stage, stage.rita, "/backup-plan configure dbsmysqlrds01") for _ in range(COMMANDS)]
    samples = await load_on(load, stage, server, bodies, rest=0.006)
    await stage.slack.wait_for(lambda: len(stage.slack.journal.called("views.open")) == before + COMMANDS)
    calls = stage.slack.journal.called("views.open")[before:]
    return [(call.at - sent) * 1000 for call, (sent, _, _) in zip(calls, samples, strict=True)]

"""A click on Approve, from its arrival to the acknowledgement, beside a Bolt app that acknowledges and does nothing."""

from pathlib import Path
from statistics import mean, median, quantiles
from tempfile import TemporaryDirectory

from bench.processes import REST, child, cpu, quiet, start_bot
from bench.row import Row
from bench.stock import Server, asked, click, load_on, noop

from bot.playground.stage import Stage

ALONE, CROWD, LINES = 40, 192, 32
"""Clicks a round: one after the other, in all at 32 at once, and how many at once."""


async def measure(rounds: int) -> list[Row]:
    """Every click is the first approval of a change of its own, and is recorded with synchronous=full."""
    with TemporaryDirectory() as folder:
        async with Stage(Path(folder)) as stage, child("load", REST) as load, noop(stage) as nothing:
            changes = await asked(stage, (ALONE + CROWD) * rounds + ALONE)
            clicks = [click(stage, stage.ana, one.card) for one in changes]
            process = await start_bot(stage)
            bot = Server(process.process.pid, process.port)
            cpus: list[list[float]] = [[], []]
            tails: list[list[float]] = [[], []]
            alls: list[float] = []
            for server in (bot, nothing):
                await load_on(load, stage, server, clicks[:ALONE])
            del clicks[:ALONE]
            for _ in range(rounds):
                alone, crowd = clicks[:ALONE], clicks[ALONE : ALONE + CROWD]
                del clicks[: ALONE + CROWD]
                for which, server in enumerate((bot, nothing)):
                    samples = await load_on(load, stage, server, alone, rest=True)
                    cpus[which].append(median(used for _, _, used in samples))
                    await quiet(server.pid)
                    before = cpu(server.pid)
                    samples = await load_on(load, stage, server, crowd, lines=LINES)
                    tails[which].append(quantiles([took for _, took, _ in samples], n=100)[-1])
                    await quiet(server.pid)
                    if server is bot:
                        alls.append((cpu(server.pid) - before) / CROWD)
    return [
        Row(
            "Approve click, HTTP in to acknowledgement, recorded with synchronous=full: CPU",
            "Bolt app that does nothing, same payload, same server",
            2.0, tuple(cpus[0]), tuple(cpus[1]), "ms of CPU",
            f"With all that follows the answer, the card's new drawing above all, a click takes {mean(alls):.1f} ms.",
        ),
        Row(
            f"the same, {LINES} at once: time, 99th percentile",
            "the same",
            3.0, tuple(tails[0]), tuple(tails[1]), "ms",
        ),
    ]  # fmt: skip

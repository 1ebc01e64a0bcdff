"""A click on Approve, from its arrival to the acknowledgement, beside a Bolt app that acknowledges and does nothing."""

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.processes import REST, child, cpu, quiet, start_metered
from bench.row import Row, p99
from bench.stock import Server, asked, click, load_on, noop
from bot.playground.stage import Stage

ALONE, CROWD, RUSH = 4, 32, 64
"""Clicks a round: one after the other, so many at the same moment, and so many with 32 always under way."""
NOTHING = "a Bolt app that does nothing"


async def measure(rounds: int) -> list[Row]:
    """Every click is the first approval of a change of its own, and is recorded with synchronous=full."""
    alone, waves, rushes, whole = Pairs(), Pairs(), Pairs(), list[float]()
    with TemporaryDirectory() as folder:
        async with Stage(Path(folder)) as stage, child("load", REST) as load, noop(stage) as nothing:
            changes = iter(await asked(stage, (ALONE + CROWD + RUSH) * rounds + ALONE))
            process = await start_metered(stage)
            bot = Server(process.process.pid, process.port)

            def clicks(number: int) -> list[str]:
                return [click(stage, stage.ana, one.card) for one in islice(changes, number)]

            warm = clicks(ALONE)
            for server in (bot, nothing):
                await load_on(load, stage, server, warm)
            for _ in range(rounds):
                one, wave, rush = clicks(ALONE), clicks(CROWD), clicks(RUSH)
                for server in (bot, nothing):
                    samples = await load_on(load, stage, server, one, rest=bot.calm)
                    alone.add(server is bot, median(used for _, _, used in samples))
                    samples = await load_on(load, stage, server, wave, lines=CROWD)
                    waves.add(server is bot, p99(took for _, took, _ in samples))
                    await quiet(server.pid, server.calm)
                    before = cpu(server.pid)
                    samples = await load_on(load, stage, server, rush, lines=CROWD)
                    rushes.add(server is bot, p99(took for _, took, _ in samples))
                    await quiet(server.pid, server.calm)
                    if server is bot:
                        whole.append((cpu(server.pid) - before) / RUSH)
    return [
        Row(
            "Approve click, HTTP in to acknowledgement, recorded with synchronous=full: CPU",
            f"{NOTHING}, same payload, same server", 2.0, *alone.both, "ms of CPU", CPU,
        ),
        Row(f"The same, {CROWD} people at the same moment: 99th percentile", NOTHING, 3.0, *waves.both, "ms", WAVE),
        Row(
            f"The same, {CROWD} always under way, without a pause: 99th percentile", NOTHING, 3.0, *rushes.both, "ms",
            RUSHING.format(whole=median(whole)),
        ),
    ]  # fmt: skip


@dataclass
class Pairs:
    """Figures and references, as they come."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def add(self, ours: bool, figure: float) -> None:
        """Put one of them in."""
        (self.ours if ours else self.theirs).append(figure)

    @property
    def both(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """All of them."""
        return tuple(self.ours), tuple(self.theirs)


CPU = (
    "Most of it is what being sure costs; in ms, by a profile of single clicks of 3.4 in all: the transaction that "
    "records it 1.1, a third of that begin and commit; reading the change before, for who may decide depends on it, "
    "0.7; judging person and policy 0.5; reading the body and checking its shape 0.35 (the other side takes 0.9 for "
    "it); Bolt 0.35; signature, age, whether it came before, and the way there and back 0.4."
)
WAVE = "The ledger has one writer: the last one waits for the transactions of all before it, each with its sync."
RUSHING = (
    "With all that follows the answer, a card's new drawing above all, a click takes {whole:.1f} ms of CPU, and in the "
    "long run nothing of it can be put off. Slack takes fifty drawings a minute; this is some hundred a second."
)

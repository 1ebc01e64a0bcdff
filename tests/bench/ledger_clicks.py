"""A click on Approve with a million changes in the ledger, beside one with a thousand: two real processes in turn."""

from datetime import timedelta
from pathlib import Path
from statistics import median

from pydantic import SecretStr
from signing import KEY_FILE, KEYS

from bench.processes import REST, child, start_metered
from bench.row import Row
from bench.stock import Asked, Server, asked_in, click, load_on
from bot.clock import SystemClock
from bot.ledger.key_file import make_key_file
from bot.ledger.store import open_ledger
from bot.playground.stage import Stage

CLICKS = 10
"""A round: all have their answers before a card is drawn."""

Address = Path | SecretStr


async def measure(where: str, folder: Path, small: Address, big: Address, rounds: int) -> list[Row]:
    """Every click is the first approval of a change of its own; each round comes when all is quiet again."""
    number = CLICKS * (rounds + 1)  # the first ones are for what has to be loaded once
    make_key_file(folder / "ledger.db.key", KEY_FILE)
    async with Stage(folder) as stage, child("load", REST) as load:
        waiting, servers = [], []
        for address in (small, big):
            waiting.append([click(stage, stage.ana, one.card) for one in await _ask(stage, address, number)])
            bot = await start_metered(stage, DATABASE_URL=_url(address))
            servers.append(Server(bot.process.pid, bot.port))
        times: tuple[list[float], list[float]] = ([], [])
        used: tuple[list[float], list[float]] = ([], [])
        for turn in range(rounds + 1):
            for which in (0, 1) if turn % 2 else (1, 0):
                bodies = [waiting[which].pop() for _ in range(CLICKS)]
                samples = await load_on(load, stage, servers[which], bodies)
                times[which].append(median(took for _, took, _ in samples))
                used[which].append(median(cpu for _, _, cpu in samples))
    return [
        Row(
            f"{where}: Approve click, HTTP in to acknowledgement, with 1,000,000 changes", "the same with 1,000",
            1.2, tuple(ours[1:]), tuple(theirs[1:]), unit, note,
        )
        for (theirs, ours), unit, note in (
            (times, "ms", "Five million events; recorded with synchronous=full or fsync on."),
            (used, "ms of CPU", "The bot's part of it."),
        )
    ]  # fmt: skip


async def _ask(stage: Stage, address: Address, number: int) -> list[Asked]:
    """Have so many changes asked for and announced in a ledger."""
    ledger = open_ledger(address, SystemClock(), timedelta(seconds=15), KEYS)
    try:
        return [await asked_in(ledger, stage) for _ in range(number)]
    finally:
        await ledger.close()


def _url(address: Address) -> str:
    return f"sqlite:///{address.absolute()}" if isinstance(address, Path) else address.get_secret_value()

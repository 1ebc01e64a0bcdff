"""How long it takes until somebody else ends what a killed process began, where nothing else goes wrong."""

from pathlib import Path

from bot.playground.acts import ask
from bot.playground.dbs.faults import Gate, hold
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.stage import Stage
from chaos.crowd import WISH
from chaos.findings import ends, histories
from chaos.run import SETTINGS
from chaos.stores import Store

CHANGES = 10
PATIENCE = 30.0


async def measure(store: Store, folder: Path) -> list[float]:
    """Kill a process that waits for DBS with ten changes; return the seconds from then to each recorded outcome."""
    async with store.open(folder) as settings, Stage(folder) as stage:
        stage.settings |= {**SETTINGS, **settings}
        plans = [f"dbskilled{n:03}" for n in range(CHANGES)]
        stage.dbs.plans |= {plan: mysql_on_rds(plan, BackupPlanName=plan) for plan in plans}
        other = await stage.start_bot()
        executor = await stage.start_bot()
        gates = []
        for plan in plans:
            card = await ask(stage.slack, stage.rita, plan, WISH)
            gates.append(Gate())
            stage.dbs.next("ConfigureBackupPlan", hold(gates[-1]), plan_id=plan)
            await stage.ana.click(card, "approve")
        for card in stage.slack.channel("C0OPS").messages:
            await stage.ben.click(card, "approve")
        for gate in gates:
            await gate.reached.wait()
        stage.slack.point_at(other.events_url)
        killed = stage.slack.world.clock()
        await executor.kill()

        def over() -> bool:
            return all(map(ends, histories(store.rows()).values()))

        await stage.slack.wait_for(over, PATIENCE)
        return [ends(history)[0].at - killed for history in histories(store.rows()).values()]
